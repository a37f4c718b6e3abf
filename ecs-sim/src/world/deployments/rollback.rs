//! Deployments that are given up, and the way back (ECS developer guide, "Amazon ECS deployment failure detection").
//!
//! What is said of the circuit breaker, of the way back and of a rollback without a candidate is as observed by tools,
//! and of hooks and networking the beginning of the reason is as in the guide's "Troubleshooting Amazon ECS blue/green
//! deployments". All other words are ours, as nobody published ECS's: of alarms, of what somebody asked for, of hooks
//! and stages that take too long, and of a rollback that fails. How long an end takes is ours, too.

use super::{DeploymentStatus as S, Phase, Rollback, Rollout, Stage, Work, begin::soon, hooks};
use crate::world::{
    Cx,
    services::{EntryStatus, RolloutState, Service},
};

/// Why a deployment is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The circuit breaker tripped.
    Breaker,
    /// An alarm went off.
    Alarm(String),
    /// A hook at that stage failed.
    Hook(Stage),
    /// A hook at that stage had no end in time, or somebody chose the way back there.
    HookEnded(Stage, &'static str),
    /// Somebody stopped it.
    User,
    /// A listener rule or target group is not there.
    Networking(String),
    /// A stage took 24 hours.
    TimedOut(Stage),
}

impl Cause {
    /// After "Service deployment rolled back because".
    fn words(&self) -> String {
        match self {
            Self::Breaker => "the circuit breaker threshold was exceeded.".to_owned(),
            Self::Alarm(name) => format!("the alarm {name} was triggered."),
            Self::Hook(stage) => format!("{} lifecycle hook(s) failed.", stage.wire()),
            Self::HookEnded(stage, how) => format!("{} lifecycle hook(s) {how}.", stage.wire()),
            Self::User => "a rollback was requested.".to_owned(),
            Self::Networking(what) => format!("of invalid networking configuration: {what} was not found."),
            Self::TimedOut(stage) => format!("{} did not end within 24 hours.", stage.wire()),
        }
    }

    /// In the event, after "deployment failed:".
    fn event(&self) -> Option<String> {
        match self {
            Self::Breaker => Some("tasks failed to start.".to_owned()),
            Self::Alarm(name) => Some(format!("alarm detected ({name}).")),
            Self::Hook(_) | Self::HookEnded(..) => Some("lifecycle hook failed.".to_owned()),
            Self::Networking(_) => Some("invalid networking configuration.".to_owned()),
            Self::TimedOut(_) => Some("lifecycle stage timed out.".to_owned()),
            Self::User => None,
        }
    }

    /// Before the reasons of both rollout states.
    fn feature(&self) -> &'static str {
        match self {
            Self::Breaker => "ECS deployment circuit breaker",
            Self::Alarm(_) => "ECS deployment alarms",
            _ => "ECS deployment",
        }
    }

    fn rolls_back(&self, configuration: &super::Configuration) -> bool {
        match self {
            Self::Breaker => configuration.breaker.rollback,
            Self::Alarm(_) => configuration.alarms.as_ref().is_some_and(|alarms| alarms.rollback),
            _ => true,
        }
    }
}

/// Gives the deployment up that is in progress: back to the last one that completed, where that is wanted, or else
/// everything stays as it is.
pub(super) fn give_up(cx: &mut Cx<'_>, service: &mut Service, cause: &Cause) {
    let Some(rollout) = service.rollout.take() else { return };
    let (place, failed) = (rollout.deployment, rollout.target);
    hooks::close(service, place);
    let ready = service.count_ready(failed);
    let event = cause.event();
    let reason = format!("{}: {}", cause.feature(), event.as_deref().unwrap_or("stopped."));
    mark_failed(cx, service, failed, reason);
    if let Some(event) = event {
        service.say(cx, &format!("(deployment ecs-svc/{failed}) deployment failed: {event}"));
    }
    let Some(deployment) = service.deployments.get(place) else { return };
    if !cause.rolls_back(&deployment.configuration) {
        let words = format!("Service deployment stopped because {}", cause.words());
        service.move_deployment(cx.now, place, S::StopRequested, Some(&words));
        let at = soon(cx, 5_000..10_000);
        service.stopping.push((place, at));
        return;
    }
    let to = candidate(service, failed);
    let words = format!("Service deployment rolled back because {}", cause.words());
    service.move_deployment(cx.now, place, S::RollbackInProgress, Some(&words));
    if let Some(deployment) = service.deployments.get_mut(place) {
        deployment.rollback = Some(Rollback { reason: words, started: cx.now, to });
    }
    let Some(to) = to else {
        let phase = Phase::NoCandidate(soon(cx, 3_000..8_000));
        service.rollout = Some(Rollout { phase, ..rollout });
        return;
    };
    service.say(cx, &format!("rolling back to deployment ecs-svc/{to}."));
    if let Some(entry) = service.entry_mut(failed) {
        entry.wants = entry.wants.min(ready);
    }
    if let Some(revision) = service.revision_mut(to) {
        revision.failures = 0;
        revision.retry_at = None;
    }
    service.make_primary(cx.now, to, format!("{}: rolling back to deploymentId ecs-svc/{to}.", cause.feature()));
    service.rollout = Some(Rollout {
        target: to,
        rolling_back: true,
        phase: Phase::Stages,
        stage: Stage::ScaleUp,
        work: Work::Tasks,
        since: cx.now,
        step: 0,
        failures: 0,
        settled: None,
        ..rollout
    });
    set_stage(service, place, Stage::ScaleUp);
}

/// The revision of the last deployment that succeeded.
fn candidate(service: &Service, failed: u64) -> Option<u64> {
    service.revisions.iter().rev().find(|one| one.succeeded && one.number != failed).map(|one| one.number)
}

fn mark_failed(cx: &Cx<'_>, service: &mut Service, number: u64, reason: String) {
    let now = cx.now;
    if let Some(entry) = service.entry_mut(number) {
        entry.rollout = RolloutState::Failed;
        entry.reason = reason;
        entry.updated_at = now;
    }
}

pub(super) fn set_stage(service: &mut Service, place: usize, stage: Stage) {
    if let Some(deployment) = service.deployments.get_mut(place) {
        deployment.stage = Some(stage);
    }
}

/// There is nothing to go back to: the failed deployment stays PRIMARY.
pub(super) fn has_no_candidate(cx: &mut Cx<'_>, service: &mut Service) {
    let Some(rollout) = service.rollout.take() else { return };
    let words = "No rollback candidate was found to run the rollback.";
    service.move_deployment(cx.now, rollout.deployment, S::RollbackFailed, Some(words));
}

/// The tasks of the revision that was gone back to fail as well.
pub(super) fn fails_too(cx: &mut Cx<'_>, service: &mut Service) {
    let Some(rollout) = service.rollout.take() else { return };
    mark_failed(cx, service, rollout.target, "ECS deployment circuit breaker: tasks failed to start.".to_owned());
    let event = format!("(deployment ecs-svc/{}) deployment failed: tasks failed to start.", rollout.target);
    service.say(cx, &event);
    let words = "Rollback failed because the circuit breaker threshold was exceeded.";
    service.move_deployment(cx.now, rollout.deployment, S::RollbackFailed, Some(words));
}

/// The target serves, alone: its deployment is COMPLETED, and the others are not listed any more.
pub(super) fn complete(cx: &mut Cx<'_>, service: &mut Service) {
    let Some(rollout) = service.rollout.take() else { return };
    let target = rollout.target;
    for revision in &mut service.revisions {
        revision.retry_at = None;
        if revision.number != target {
            revision.entry = None;
        }
    }
    if let Some(entry) = service.entry_mut(target) {
        entry.status = EntryStatus::Primary;
        entry.rollout = RolloutState::Completed;
        entry.reason = format!("ECS deployment ecs-svc/{target} completed.");
        entry.updated_at = cx.now;
    }
    service.say(cx, &format!("(deployment ecs-svc/{target}) deployment completed."));
}

/// From now on the target is what a failed deployment goes back to.
pub(super) fn succeed(cx: &mut Cx<'_>, service: &mut Service, place: usize, target: u64, rolling_back: bool) {
    for revision in &mut service.revisions {
        revision.succeeded = revision.number == target;
        revision.production = if revision.succeeded { 100.0 } else { 0.0 };
    }
    let status = if rolling_back { S::RollbackSuccessful } else { S::Successful };
    service.move_deployment(cx.now, place, status, None);
}
