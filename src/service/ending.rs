//! How a deployment that ended badly is told: from where to where, why, and what to do. Pure.

use std::fmt::Write as _;

use super::{
    Desired, acts,
    complaint::complaint,
    detail::{DeploymentState, Detail},
    diagnosis::{self, Trouble},
    live_service::{LiveDeployment, LiveService},
    verdict::{diagnosed, revision, says},
};
use crate::{
    api::{EcsServiceStatus, Reason, deployment_status::PastDeployment},
    ecs::arn,
    reconcile::{Plan, Verdict},
};

const AGAIN: &str = "set the annotation ecs-operator.dev/restartedAt to a new value, such as the time";

/// A deployment of ours that failed, or that ECS rolls back.
pub struct Ending<'a> {
    /// What is asked for.
    pub desired: &'a Desired,
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
        let has_failed = self.own.is_some_and(|own| own.state == DeploymentState::RollbackFailed);
        let verb = match () {
            () if is_back && (self.service.is_failed() || has_failed) => "failed to roll back",
            () if !is_back || self.service.is_deploying() => "is rolling back",
            () => "rolled back",
        };
        let (why, cause) = self.why();
        let message = format!("ECS {verb} {}. {why} {}", self.way(is_back), self.remedy(cause));
        Verdict::stalled(Reason::RolledBack, message)
    }

    /// What to say where ECS goes back and the manifest was corrected meanwhile: there is nothing left to do but to wait.
    pub fn going_back(&self, next: Option<&str>) -> Verdict {
        let is_back = self.service.is_on_an_older_deployment(self.status);
        let other = next.map(arn::named).filter(|next| self.revision() != Some(*next));
        let restarts = acts::asks_to_restart(self.desired, self.status);
        let then = match (other, self.revision()) {
            (Some(other), _) => format!("{other} is deployed"),
            (None, Some(same)) if restarts => format!("{same} is deployed again, as restartedAt asks,"),
            _ => "The corrected manifest is deployed".to_owned(),
        };
        let message = format!("ECS is rolling back {}. {then} once that is over.", self.way(is_back));
        Verdict::progressing(Reason::Deploying, message)
    }

    /// What to say where nothing was gone back to.
    pub fn failed(&self) -> Verdict {
        let (why, cause) = self.why();
        let message = format!(
            "Deployment {} of {} failed and nothing was rolled back. {why} {} {}",
            self.primary.id,
            revision(self.primary),
            self.serving(),
            self.remedy(cause)
        );
        Verdict::stalled(Reason::DeploymentFailed, message)
    }

    /// What to say where somebody has deployed something else since it ended badly.
    pub fn replaced(&self) -> Verdict {
        let reason = self.past().and_then(|past| past.outcome.bad_end()).unwrap_or(Reason::RolledBack);
        let verb = if reason == Reason::DeploymentFailed { "failed" } else { "was rolled back by ECS" };
        let (why, cause) = self.why();
        let message = format!(
            "{} ({}) {verb}, and somebody else has deployed {} ({}) since. {why} {}",
            self.revision().unwrap_or("The new revision"),
            self.status.own_deployment.as_deref().unwrap_or_default(),
            revision(self.primary),
            self.primary.id,
            self.remedy(cause)
        );
        Verdict::stalled(reason, message)
    }

    /// What still serves. How many tasks of it is told by `Available`, which comes and goes with them.
    fn serving(&self) -> String {
        let running = self.service.deployments.iter().filter(|deployment| deployment.running_count > 0);
        let told: Vec<String> = running.map(|one| format!("{} ({}) goes on running.", revision(one), one.id)).collect();
        if told.is_empty() { "No tasks run.".to_owned() } else { told.join(" ") }
    }

    /// The revision that our deployment ran.
    fn revision(&self) -> Option<&str> {
        let own = self.service.deployments.iter().find(|shown| self.status.own_deployment.as_ref() == Some(&shown.id));
        own.map(revision).or_else(|| self.past().and_then(|past| past.task_definition.as_deref()))
    }

    fn past(&self) -> Option<&PastDeployment> {
        let own = self.status.own_deployment.as_ref()?;
        self.status.deployments.iter().find(|past| past.id == *own)
    }

    /// From which deployment to which; where both run the same, what else was rolled back.
    fn way(&self, is_back: bool) -> String {
        let id = self.status.own_deployment.as_deref().unwrap_or("of this generation");
        let from = self.revision();
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
        let mut text = reason.map_or_else(|| "ECS gives no reason.".to_owned(), says);
        if let Some(nowhere) = self.went_nowhere().filter(|nowhere| reason != Some(*nowhere)) {
            let _ = write!(text, " {}", says(nowhere));
        }
        let mut cause = reason.and_then(cause_of);
        if let Some(tasks) = diagnosed(&self.status.task_failures) {
            let _ = write!(text, " {tasks}");
        } else if let Some(complaint) = self.complaint().filter(|_| cause.is_none()) {
            // What to do about it is the remedy: the complaint is of the past.
            let _ = write!(text, " ECS had said: \"{}\".", complaint.normalized().trim_end_matches('.'));
            cause = complaint.kind.is_about_capacity().then_some(Cause::Capacity);
        }
        (text, cause.unwrap_or_else(|| self.of_tasks()))
    }

    /// Why ECS could not go back, although it speaks of a rollback.
    fn went_nowhere(&self) -> Option<&str> {
        let told = self.status.deployment.as_ref().filter(|told| told.id == self.primary.id)?;
        let word = told.state.as_deref().unwrap_or_default();
        told.state_reason.as_deref().filter(|_| DeploymentState::read(word) == DeploymentState::RollbackFailed)
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
        let withheld: Vec<&str> = match self.plan.rolled_back.as_slice() {
            [] => vec![self.revision().unwrap_or("The same")],
            paths => paths.iter().map(|path| self.withheld(path)).collect(),
        };
        let what = match withheld.as_slice() {
            [first @ .., last] if !first.is_empty() => {
                format!("{} and {last} are not deployed again by themselves", first.join(", "))
            }
            one => format!("{} is not deployed again by itself", one.concat()),
        };
        // Tasks that were looked into gave their advice: it is not repeated in general words.
        let is_advised = cause == Cause::Manifest && !self.status.task_failures.is_empty();
        let to_do = if is_advised { format!("for another try, {AGAIN}") } else { cause.remedy(&self.manifest()) };
        format!("{what}: {to_do}.")
    }

    fn withheld<'p>(&'p self, path: &'p str) -> &'p str {
        if path == TASK_DEFINITION { self.revision().unwrap_or(path) } else { path }
    }

    /// What to correct.
    fn manifest(&self) -> String {
        let of_revision = self.desired.definition.as_ref().and_then(|object| object.metadata.name.as_deref());
        let of_revision =
            of_revision.map_or_else(|| format!("spec.{TASK_DEFINITION}"), |name| format!("EcsTaskDefinition '{name}'"));
        let places = self.plan.rolled_back.iter();
        let places: Vec<String> = places
            .map(|path| if path == TASK_DEFINITION { of_revision.clone() } else { format!("spec.{path}") })
            .collect();
        if places.is_empty() { of_revision } else { places.join(" or ") }
    }
}

const TASK_DEFINITION: &str = "taskDefinition";

impl Cause {
    /// What to do, as the rest of a sentence. `manifest` is what to correct.
    fn remedy(self, manifest: &str) -> String {
        match self {
            Self::Manifest => format!("correct {manifest}, or {AGAIN}"),
            Self::Restart => format!(
                "it ran before, so see what else changed, such as a tag that was moved or a secret, then {AGAIN}"
            ),
            Self::Capacity => format!("once there is capacity, {AGAIN}"),
            Self::Alarm => format!("see what set the alarm off, then correct {manifest}, or {AGAIN}"),
            Self::Stopped => format!("it was stopped on purpose; deploy something else, or {AGAIN}"),
            Self::Hook => format!("see in the hook's log why it failed, then correct {manifest}, or {AGAIN}"),
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
