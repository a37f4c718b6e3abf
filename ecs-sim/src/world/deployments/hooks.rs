//! Lifecycle hooks: functions that are asked, and pauses that somebody ends (ECS developer guide, "Lifecycle hooks for
//! Amazon ECS service deployments").

use std::time::Duration;

use super::{Rollout, Stage, begin::soon, rollback::Cause};
use crate::{
    clock::Time,
    world::{Cx, outside::Answer, services::Service},
};

/// A function that answers IN_PROGRESS is asked again after so long, unless it says otherwise by `callBackDelay` (ECS
/// developer guide, "Lambda hooks for Amazon ECS service deployments"), which nobody needs here. How long a function
/// takes for its first answer is ours.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// How a hook stands (`status` of `lifecycleHookDetails`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named as the wire names them
pub enum RunStatus {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

impl RunStatus {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Self::AwaitingAction | Self::InProgress)
    }
}

/// One call of a hook.
#[derive(Clone, Debug)]
pub struct Run {
    /// `hookId`: another one at each call.
    pub id: String,
    /// The function; none for a PAUSE.
    pub function: Option<String>,
    /// The stage that waits for it.
    pub stage: Stage,
    /// `status`.
    pub status: RunStatus,
    /// `expiresAt`.
    pub expires: Time,
    /// Whether the deployment goes on when it expires, or else is rolled back.
    pub timeout_continues: bool,
    /// When its function is asked next.
    asked: Time,
    /// Whether somebody chose to roll back.
    rolls_back: bool,
}

/// What the hooks of a stage come to.
pub(super) enum State {
    Waiting,
    Passed,
    Failed(Cause),
}

/// Calls the hooks of the stage that begins. On the way back only functions are called, at the shifts of traffic.
pub(super) fn call(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) {
    let Some(deployment) = service.deployments.get(rollout.deployment) else { return };
    let hooks: Vec<_> = deployment
        .configuration
        .hooks
        .iter()
        .filter(|hook| hook.stages.contains(&rollout.stage))
        .filter(|hook| !rollout.rolling_back || hook.function.is_some())
        .map(|hook| (hook.function.clone(), hook.timeout, hook.timeout_continues))
        .collect();
    for (function, timeout, timeout_continues) in hooks {
        let status = if function.is_some() { RunStatus::InProgress } else { RunStatus::AwaitingAction };
        let run = Run {
            id: cx.hex(32),
            function,
            stage: rollout.stage,
            status,
            expires: cx.now + Duration::from_mins(timeout.into()),
            timeout_continues,
            asked: soon(cx, 2_000..6_000),
            rolls_back: false,
        };
        if let Some(deployment) = service.deployments.get_mut(rollout.deployment) {
            deployment.hooks.push(run);
            deployment.updated = cx.now;
        }
    }
}

/// Takes the answers that are there.
pub(super) fn poll(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) -> State {
    let Some(deployment) = service.deployments.get_mut(rollout.deployment) else { return State::Passed };
    let mut waiting = false;
    for run in deployment.hooks.iter_mut().filter(|run| run.status.is_open()) {
        if let Some(function) = &run.function
            && run.asked <= cx.now
        {
            match cx.region.outside.functions.get(function).copied().unwrap_or(Answer::Succeeded) {
                Answer::Succeeded => run.status = RunStatus::Succeeded,
                Answer::Failed => run.status = RunStatus::Failed,
                Answer::InProgress => run.asked = cx.now + ASK_AGAIN,
            }
        }
        if run.status.is_open() && run.expires <= cx.now {
            run.status = RunStatus::TimedOut;
        }
        waiting |= run.status.is_open();
    }
    let of_stage = || deployment.hooks.iter().filter(|run| run.stage == rollout.stage);
    let failure = of_stage().find_map(|run| match run.status {
        _ if run.rolls_back => Some(Cause::HookEnded(run.stage, "were answered with ROLLBACK")),
        RunStatus::Failed => Some(Cause::Hook(run.stage)),
        RunStatus::TimedOut if !run.timeout_continues => Some(Cause::HookEnded(run.stage, "timed out")),
        _ => None,
    });
    match failure {
        // A rollback is not rolled back.
        Some(cause) if !rollout.rolling_back => State::Failed(cause),
        _ if waiting => State::Waiting,
        _ => State::Passed,
    }
}

/// Nobody waits for an answer any more.
pub(super) fn close(service: &mut Service, place: usize) {
    let runs = service.deployments.get_mut(place).map(|one| &mut one.hooks);
    for run in runs.into_iter().flatten().filter(|run| run.status.is_open()) {
        run.status = RunStatus::Failed;
    }
}

/// When an answer is due.
pub(super) fn next(service: &Service, rollout: &Rollout) -> Option<Time> {
    let runs = service.deployments.get(rollout.deployment)?.hooks.iter().filter(|run| run.status.is_open());
    runs.map(|run| if run.function.is_some() { run.asked.min(run.expires) } else { run.expires }).min()
}

/// Ends the hook that waits for somebody, with their choice. Whether there is one of that id.
pub(super) fn answer(service: &mut Service, place: usize, id: &str, rolls_back: bool) -> bool {
    let runs = service.deployments.get_mut(place).map(|one| &mut one.hooks);
    let run = runs.into_iter().flatten().find(|run| run.id == id && run.status == RunStatus::AwaitingAction);
    let Some(run) = run else { return false };
    run.status = if rolls_back { RunStatus::Failed } else { RunStatus::Succeeded };
    run.rolls_back = rolls_back;
    true
}
