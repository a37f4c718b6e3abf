//! Which deployment is ours, and how a rollback is told: by the identity of deployments, never by what they contain.
//!
//! A rollback makes no new deployment. The last good one becomes PRIMARY again under its old id, and the service shows
//! its old revision, network and load balancers again. Ids have no order. Pure.

use serde_json::Value;

use super::{
    Desired, Observed, acts,
    complaint::complaint,
    detail::is_told_to_have_failed,
    fields::FIELDS,
    live_service::{LiveDeployment, LiveService},
    plan,
    report::{remember, scaled_out},
};
use crate::{
    api::{EcsServiceStatus, deployment_status::PastDeployment},
    ecs::{arn, canon},
    reconcile::{Plan, doubt::Untold},
};

/// How many deployments before ours are remembered.
const KNOWN: usize = 10;

/// A call of ours was answered with the PRIMARY deployment `id`; `before` are those there were before it, the PRIMARY one
/// first. Where the call started none (a mere change of the count, say), nothing becomes ours: not even what ECS rolled
/// back to.
pub fn started(status: &mut EcsServiceStatus, id: &str, before: &[LiveDeployment], target: String) {
    if before.iter().all(|known| known.id != id) {
        becomes_ours(status, id, before, target);
    }
}

/// From now on `id` is the deployment that Ready needs. What was before it is remembered, whoever made it: ECS may go back
/// to any of them, and most likely to the newest.
pub fn becomes_ours(status: &mut EcsServiceStatus, id: &str, before: &[LiveDeployment], target: String) {
    if status.own_deployment.as_deref() == Some(id) {
        return;
    }
    status.own_target = Some(target);
    let own = status.own_deployment.replace(id.to_owned());
    let older = std::mem::take(&mut status.known_deployments);
    let live = before.iter().map(|deployment| deployment.id.clone());
    for known in own.into_iter().chain(live).chain(older) {
        let is_new = known != id && !status.known_deployments.contains(&known);
        if is_new && status.known_deployments.len() < KNOWN {
            status.known_deployments.push(known);
        }
    }
    status.task_failures.clear();
}

/// A deployment that no call of ours made becomes ours where nothing managed differs: the first look at an adopted
/// service, an answer that was lost, or a deployment forced from the console. One known before ours is a rollback as long
/// as the manifest asks for what was rolled back; once it asks for what ECS went back to, that is what it asks for.
pub fn take_over(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus, primary: &LiveDeployment) {
    let target = observed.target(desired);
    let is_ours = status.own_deployment.as_ref() == Some(&primary.id);
    let is_rollback = !is_new(status, &primary.id) && status.own_target.as_ref() == Some(&target);
    let is_as_asked = |plan: Plan| plan.is_settled() && plan.rolled_back.is_empty();
    if !is_ours && !is_rollback && plan::plan(desired, observed, status).is_ok_and(is_as_asked) {
        let shown = observed.service.as_ref().map(|service| service.deployments.as_slice());
        becomes_ours(status, &primary.id, shown.unwrap_or_default(), target);
    }
}

/// ECS went back to a deployment from before ours, and the manifest still asks for ours.
pub fn is_rolled_back(
    desired: &Desired,
    observed: &Observed,
    service: &LiveService,
    status: &EcsServiceStatus,
) -> bool {
    service.is_on_an_older_deployment(status) && asks_for_ours(desired, observed, status)
}

fn asks_for_ours(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> bool {
    status.own_target.as_ref() == Some(&observed.target(desired))
}

/// Our deployment ended badly, and what runs since is neither it nor what ECS went back to: somebody else has deployed.
pub fn is_replaced(service: &LiveService, status: &EcsServiceStatus) -> bool {
    is_told_to_have_failed(status) && has_new_primary(service, status)
}

/// What runs is neither ours nor from before ours.
pub fn has_new_primary(service: &LiveService, status: &EcsServiceStatus) -> bool {
    service.primary().is_some_and(|primary| is_new(status, &primary.id))
}

/// Whether a deployment of ours may have failed unseen, so that ECS's history has to tell: the status tells of none; or
/// somebody else has deployed since, and what became of ours is not known; or, where a call is untold, something was
/// deployed that the status does not tell of. `target` is what the manifest asks to deploy.
pub fn may_have_failed_unseen(service: &LiveService, status: &EcsServiceStatus, target: &str, untold: Untold) -> bool {
    if service.status != "ACTIVE" {
        return false;
    }
    let Some(own) = &status.own_deployment else { return true };
    let has_failed = |one: &LiveDeployment| one.rollout_state.as_deref() == Some("FAILED");
    let goes_on = service.deployments.iter().any(|one| one.id == *own && !has_failed(one));
    let is_told = status.deployments.iter().any(|past| past.id == *own);
    has_new_primary(service, status) && !goes_on && !is_told
        || untold != Untold::Nothing && status.own_target.as_deref() != Some(target)
}

/// The manifest still asks for what ended badly, whatever runs now: it is not deployed again by itself.
pub fn is_given_up(desired: &Desired, observed: &Observed, service: &LiveService, status: &EcsServiceStatus) -> bool {
    let is_over = service.is_on_an_older_deployment(status) || is_replaced(service, status);
    is_over && asks_for_ours(desired, observed, status)
}

/// Neither ours nor from before ours.
pub fn is_new(status: &EcsServiceStatus, id: &str) -> bool {
    status.own_deployment.as_deref() != Some(id) && !status.known_deployments.iter().any(|known| known == id)
}

/// The newest deployment in ECS's history where it ended badly, read where the status knows none.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How it ended.
    pub past: PastDeployment,
    /// The service as it would be with that deployment's revision.
    pub service: LiveService,
}

impl Attempt {
    /// `service` as ECS shows it, with what the revision has instead.
    pub fn new(mut past: PastDeployment, service: &Value, revision: &Value) -> Option<Self> {
        let ran = revision.get("taskDefinition").and_then(Value::as_str).map(arn::named);
        past.task_definition = ran.map(str::to_owned);
        let mut json = service.clone();
        let members = json.as_object_mut()?;
        members.remove("deployments");
        for unit in FIELDS.iter().filter(|field| field.deploys).map(|field| field.unit) {
            let shown = revision.get(unit).cloned().filter(|shown| !shown.is_null());
            match shown {
                Some(shown) => members.insert(unit.to_owned(), shown),
                None => members.remove(unit),
            };
        }
        Some(Self { past, service: LiveService::read(json)? })
    }

    /// Whether it deployed what the manifest asks.
    fn is_of(&self, desired: &Desired) -> bool {
        FIELDS.iter().filter(|field| field.deploys).all(|field| {
            let asked = desired.units.get(field.unit).zip(self.service.units.get(field.unit));
            asked.is_none_or(|(want, have)| !canon::differs(field.unit, want, have))
        })
    }
}

/// A status that was lost, or that a process could not write any more, would deploy what just failed once more: ECS's own
/// history tells that it did. It also tells that ours failed before somebody else deployed. Nor does a status that an edit
/// outlived prove that all tasks ran which the edit asked for, or one from before a call that this process made.
pub fn recall(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus) {
    let may_ask_for_more = match observed.untold {
        Untold::Nothing => false,
        // Of an edit it is known that it was to be sent; a correction of drift is rare, and a dip more likely.
        Untold::OfTheProcessBefore => desired.is_edited,
        Untold::Ours => true,
    };
    if may_ask_for_more {
        scaled_out(status);
    }
    let (Some(attempt), Some(service)) = (&observed.attempt, &observed.service) else { return };
    let (began, ended) = (attempt.past.start_time.as_ref().map(|began| began.0), attempt.past.completion_time.0);
    if status.own_deployment.as_ref() != Some(&attempt.past.id) {
        let is_known = status.own_deployment.is_some() && !is_new(status, &attempt.past.id);
        // ECS's history may lag behind what the service shows.
        let runs_since = service.primary().and_then(|primary| primary.created);
        let has_newer = runs_since.zip(began).is_some_and(|(newer, began)| newer > began);
        if is_known || has_newer || !attempt.is_of(desired) {
            return;
        }
        becomes_ours(status, &attempt.past.id, &service.deployments, observed.target(desired));
        // The restart that the manifest asks for is part of what failed.
        acts::restarted(desired, status);
    }
    let complained = began.and_then(|began| complaint(service, Some(began), Some(ended)));
    let complaint = complained.map(|trouble| trouble.normalized().to_owned());
    remember(status, PastDeployment { complaint, ..attempt.past.clone() });
}
