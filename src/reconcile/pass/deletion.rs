//! The other end of a pass: an object that is to go.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};
use tokio::time::Instant;

use super::{
    super::{
        kind::{Deletion, Kind, Refusal},
        observe_only,
        verdict::Verdict,
    },
    Pass,
};
use crate::{
    api::{DeletionPolicy, Managed, ManagementPolicy, PAUSED, PREVENT_DELETION, Reason, status::STALLED},
    runtime::objects,
};

/// How often a deletion looks for what may be made at this moment.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl<K: Kind> Pass<'_, K> {
    /// One step of a deletion; done once the finalizer is gone, and so is our part in the object.
    pub(super) async fn delete(&mut self) -> Result<Deletion, Refusal> {
        if !self.is_held {
            return Ok(Deletion::Done);
        }
        let policies = self.object.policies();
        let retained = policies.deletion == Some(DeletionPolicy::Retain);
        let released = policies.management == ManagementPolicy::Observe
            || retained
            || objects::crd_is_terminating::<K::Object>(&self.cx.client).await?;
        if retained && K::Object::common(&mut self.status).account_id.is_some() {
            self.story.left_behind("what it manages", "deletionPolicy is Retain");
        }
        if !released {
            if observe_only::is_paused(&self.object) {
                return Ok(Deletion::Waiting(Verdict::refused(
                    Reason::Paused,
                    format!(
                        "Deletion was asked for and waits: the annotation {PAUSED} is there. AWS is untouched. Remove the annotation to go on."
                    ),
                )));
            }
            let held = self.object.annotations().get(PREVENT_DELETION).is_some_and(|value| value != "false");
            if held {
                return Ok(Deletion::Waiting(Verdict::refused(
                    Reason::DeletionBlocked,
                    format!(
                        "Deletion was asked for and is held back by the annotation {PREVENT_DELETION}; AWS is untouched. Remove \
                         the annotation to go on."
                    ),
                )));
            }
            self.cx.accounts.check(&self.cx.live, K::Object::common(&mut self.status)).await?;
            let deletion = K::delete(self.cx, &self.object, &self.status, &mut self.story).await?;
            if let Deletion::Waiting(_) = deletion {
                return Ok(deletion);
            }
            if let Some(unsure) = self.unsure() {
                return Ok(Deletion::Waiting(unsure));
            }
        }
        objects::remove_finalizer(&self.cx.client, &self.object, K::FINALIZER).await?;
        tracing::info!(object = %self.subject, retained = released, "let go");
        Ok(Deletion::Done)
    }

    /// What is not there may be made at this moment: by a call that got no answer, or by one of a process that died. Where
    /// ECS has refused to make it, it was not.
    fn unsure(&mut self) -> Option<Verdict> {
        // The deletion itself is a generation of its own.
        let edited = self.object.meta().generation.map(|generation| generation - 1);
        let common = K::Object::common(&mut self.status);
        let is_of_the_manifest = |refusal: &Condition| refusal.observed_generation >= edited;
        let mut refusals = common.conditions.iter().filter(|condition| condition.type_ == STALLED);
        let is_refused = refusals.any(is_of_the_manifest);
        let never_seen = common.account_id.is_none() && !is_refused;
        // What was made just before the operator started, ECS shows in a moment: also what had been refused before.
        let made_lately = self.cx.doubt.left(&self.subject, true, Instant::now());
        let left = self.cx.doubt.left_to_be_sure(&self.subject, never_seen, Instant::now()).or(made_lately)?;
        let message = "ECS may be making what it does not show yet: a call got no answer, or the operator was stopped meanwhile. The \
                       object is let go once that is sure.";
        Some(Verdict::waiting(Reason::Deleting, message, left.min(LOOK_AGAIN)))
    }
}
