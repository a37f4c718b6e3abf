//! How a deployment that ended badly is told: from where to where, why, and what to do. Pure.

use std::fmt::Write as _;

use super::{
    complaint::complaint,
    detail::Detail,
    diagnosis::{self, Trouble},
    live_service::{LiveDeployment, LiveService},
    verdict::{diagnosed, revision, sentence},
};
use crate::{
    api::{EcsServiceStatus, Reason, deployment_status::PastDeployment},
    reconcile::{Plan, Verdict},
};

const AGAIN: &str = "ask for another try with the annotation ecs-operator.dev/restartedAt";

/// A deployment of ours that failed, or that ECS rolls back.
pub struct Ending<'a> {
    /// The service that shows it.
    pub service: &'a LiveService,
    /// Its PRIMARY deployment.
    pub primary: &'a LiveDeployment,
    /// The detail of our deployment.
    pub own: Option<&'a Detail>,
    /// What is known of it.
    pub status: &'a EcsServiceStatus,
    /// What is withheld because of it.
    pub plan: &'a Plan,
}

/// Why it ended, as far as the remedy depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// What was deployed does not run.
    Manifest,
    /// What was deployed had run before.
    Restart,
    /// There is no place for the tasks.
    Capacity,
    /// An alarm was set off.
    Alarm,
    /// Somebody stopped it, or answered a hook so.
    Stopped,
    /// A hook failed.
    Hook,
    /// Nobody answered a hook.
    Unanswered,
}

impl Ending<'_> {
    /// What to say where ECS goes back, or has.
    pub fn rolled_back(&self) -> Verdict {
        let is_back = self.service.is_on_an_older_deployment(self.status);
        let verb = match () {
            () if !is_back || self.service.is_deploying() => "is rolling back",
            () if self.service.is_failed() => "failed to roll back",
            () => "rolled back",
        };
        let (why, cause) = self.why();
        let message = format!("ECS {verb} {}: {why} {}", self.way(is_back), self.remedy(cause));
        Verdict::stalled(Reason::RolledBack, message)
    }

    /// What to say where nothing was gone back to.
    pub fn failed(&self) -> Verdict {
        let (why, cause) = self.why();
        let message = format!(
            "Deployment {} of {} failed and nothing was rolled back: {why} {}.",
            self.primary.id,
            revision(self.primary),
            capitalized(&cause.remedy())
        );
        Verdict::stalled(Reason::DeploymentFailed, message)
    }

    fn past(&self) -> Option<&PastDeployment> {
        let own = self.status.own_deployment.as_ref()?;
        self.status.deployments.iter().find(|past| past.id == *own)
    }

    /// From which deployment to which; where both run the same, what else was rolled back.
    fn way(&self, is_back: bool) -> String {
        let id = self.status.own_deployment.as_deref().unwrap_or("of this generation");
        let own = self.service.deployments.iter().find(|shown| shown.id == id);
        let from = own.map(revision).or_else(|| self.past().and_then(|past| past.task_definition.as_deref()));
        let back = self.own.and_then(|own| own.goes_back_to.as_deref()).filter(|_| !is_back);
        let target = self.service.deployments.iter().find(|shown| back == Some(shown.id.as_str()));
        let target = if is_back { Some(self.primary) } else { target };
        let to = target.map(|target| (target.id.as_str(), revision(target)));
        match (from, to, back) {
            (Some(from), Some((to, same)), _) if from == same => self.change(is_back).map_or_else(
                || format!("from {id} to {to}, both of {same}"),
                |change| format!("{change} of {same}, from {id} to {to}"),
            ),
            (from, Some((to, old)), _) => format!("from {} ({id}) to {old} ({to})", from.unwrap_or("the new revision")),
            (from, None, Some(to)) => format!("from {} ({id}) to {to}", from.unwrap_or("the new revision")),
            (from, None, None) => format!("from {} ({id})", from.unwrap_or("the new revision")),
        }
    }

    /// What a deployment of the same revision had changed, once ECS shows what there was before.
    fn change(&self, is_back: bool) -> Option<String> {
        let is_unseen = self.plan.kept.iter().any(|path| path.ends_with('#'));
        match self.plan.rolled_back.as_slice() {
            _ if !is_back => None,
            [] if is_unseen => None,
            [] => Some("the restart".to_owned()),
            paths => Some(format!("the change of {}", paths.join(", "))),
        }
    }

    /// ECS's reason, what the stopped tasks or its complaints say beside it, and what that comes down to.
    fn why(&self) -> (String, Cause) {
        let past = self.past();
        let told = past.and_then(|past| past.message.as_deref());
        let shown = self.own.and_then(|own| own.rollback_reason.as_deref().or(own.reason.as_deref()));
        let reason =
            told.or(shown).or(self.primary.rollout_state_reason.as_deref().filter(|_| self.service.is_failed()));
        let mut text = sentence(reason.unwrap_or("ECS gives no reason"));
        let mut cause = reason.and_then(cause_of);
        if let Some(tasks) = diagnosed(&self.status.task_failures) {
            let _ = write!(text, " {tasks}");
        } else if let Some(complaint) = self.complaint().filter(|_| cause.is_none()) {
            let _ = write!(text, " {}", sentence(&complaint.to_string()));
            cause = complaint.kind.is_about_capacity().then_some(Cause::Capacity);
        }
        (text, cause.unwrap_or_else(|| self.of_tasks()))
    }

    /// What ECS complained of while our deployment was under way.
    fn complaint(&self) -> Option<Trouble> {
        match self.past() {
            Some(past) => diagnosis::trouble(past.complaint.as_deref()?),
            None => complaint(self.service, self.primary.created, None),
        }
    }

    /// Tasks that don't run although nothing was changed for them.
    fn of_tasks(&self) -> Cause {
        let is_back = self.service.is_on_an_older_deployment(self.status);
        let is_same = self.past().and_then(|past| past.task_definition.as_deref()) == Some(revision(self.primary));
        let is_restart = is_back && is_same && self.change(is_back).is_some() && self.plan.rolled_back.is_empty();
        if is_restart { Cause::Restart } else { Cause::Manifest }
    }

    fn remedy(&self, cause: Cause) -> String {
        let what = match self.plan.rolled_back.as_slice() {
            [] => "The same is not deployed again".to_owned(),
            [one] => format!("{one} is withheld"),
            [first @ .., last] => format!("{} and {last} are withheld", first.join(", ")),
        };
        format!("{what}: {}.", cause.remedy())
    }
}

impl Cause {
    /// What to do, as the rest of a sentence.
    fn remedy(self) -> String {
        match self {
            Self::Manifest => format!("correct the manifest, or {AGAIN}"),
            Self::Restart => format!(
                "it ran before, so see what else changed, such as a tag that was moved or a secret, then {AGAIN}"
            ),
            Self::Capacity => format!("once there is capacity, {AGAIN}"),
            Self::Alarm => format!("see what set the alarm off, then correct the manifest, or {AGAIN}"),
            Self::Stopped => format!("it was stopped on purpose; deploy something else, or {AGAIN}"),
            Self::Hook => format!("see in the hook's log why it failed, then correct the manifest, or {AGAIN}"),
            Self::Unanswered => format!("{AGAIN}, and answer the hook in time"),
        }
    }
}

/// What ECS's reason says beside that tasks failed.
fn cause_of(reason: &str) -> Option<Cause> {
    let reason = reason.to_lowercase();
    let says = |word: &str| reason.contains(word);
    match () {
        () if says("circuit breaker") => None,
        () if says("alarm") => Some(Cause::Alarm),
        () if says("hook") && says("answered") => Some(Cause::Stopped),
        () if says("hook") && says("timed out") => Some(Cause::Unanswered),
        () if says("hook") => Some(Cause::Hook),
        () if says("requested") || says("deployment: stopped") => Some(Cause::Stopped),
        () => None,
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
