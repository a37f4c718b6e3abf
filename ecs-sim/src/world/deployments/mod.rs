//! Service deployments and revisions, and the engine that carries them out (ECS developer guide, "Amazon ECS service
//! deployments").
//!
//! A service is an actor: `settle` does all that is due at a moment, in a fixed order, until nothing moves any more,
//! and `next` tells when something is due again. So it makes no difference how often anybody looks.

mod api;
mod begin;
mod daemon;
mod failures;
mod hooks;
mod rollback;
mod scheduler;
mod show;
mod stages;
mod traffic;

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

pub(super) use self::{
    api::operation,
    begin::{abandon, begin, rescale},
    scheduler::{start_tasks, stop_tasks, surplus},
    show::{arn, revision_arn},
};
use super::{
    Cx,
    services::{Configuration, Controller, EntryStatus, RolloutState, Service, ServiceStatus},
    tasks::{Outcome, Task, TaskStatus},
};
use crate::clock::Time;

/// A service in a steady state says so about every six hours.
const STEADY_AGAIN: Duration = Duration::from_hours(6);

/// `lifecycleStage` of a service deployment, in order. A rolling deployment passes those that shift no traffic; the first
/// one is only for deployments that begin with more than one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // named as the wire names them
pub enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    /// Those at which hooks can be.
    pub const WITH_HOOKS: [Self; 8] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::PreProductionTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
    ];

    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }
}

/// `status` of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named as the wire names them
pub enum DeploymentStatus {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl DeploymentStatus {
    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }

    /// What can follow (ECS developer guide, "View service deployment history": deployment states).
    fn can_become(self, next: Self) -> bool {
        use DeploymentStatus as S;
        match self {
            S::Pending => matches!(next, S::InProgress | S::RollbackRequested | S::StopRequested | S::Stopped),
            S::InProgress => matches!(
                next,
                S::Successful | S::StopRequested | S::RollbackRequested | S::RollbackInProgress | S::Stopped
            ),
            S::RollbackRequested => matches!(next, S::RollbackInProgress | S::Successful | S::Stopped),
            S::RollbackInProgress => matches!(next, S::RollbackSuccessful | S::RollbackFailed),
            S::StopRequested => next == S::Stopped,
            S::Successful | S::Stopped | S::RollbackSuccessful | S::RollbackFailed => false,
        }
    }
}

/// `rollback` of a service deployment.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// Why.
    pub reason: String,
    /// Since when.
    pub started: Time,
    /// The number of the revision that is gone back to; none where there is none.
    pub to: Option<u64>,
}

/// One service deployment.
#[derive(Clone, Debug)]
pub struct ServiceDeployment {
    /// The random end of its ARN.
    pub id: String,
    /// The number of the revision that it deploys.
    pub target: u64,
    /// The numbers of those that it replaces.
    pub sources: Vec<u64>,
    /// `status`.
    pub status: DeploymentStatus,
    /// `statusReason`.
    pub reason: Option<String>,
    /// `lifecycleStage`.
    pub stage: Option<Stage>,
    /// `createdAt`.
    pub created: Time,
    /// `startedAt`.
    pub started: Option<Time>,
    /// `finishedAt`.
    pub finished: Option<Time>,
    /// `stoppedAt`.
    pub stopped: Option<Time>,
    /// `updatedAt`.
    pub updated: Time,
    /// `deploymentConfiguration` as it was at the beginning.
    pub configuration: Configuration,
    /// The hooks that were called.
    pub hooks: Vec<hooks::Run>,
    /// `rollback`.
    pub rollback: Option<Rollback>,
    /// `failureCount` of the circuit breaker.
    pub failures: u32,
    /// Whether the circuit breaker tripped.
    pub tripped: bool,
    /// The alarms that were in ALARM at the beginning, which do not count.
    pub ignored_alarms: BTreeSet<String>,
    /// `triggeredAlarmNames`.
    pub triggered_alarms: Vec<String>,
    /// Whether it can be listed and described yet: not at once after the call that made it.
    pub listed: bool,
    /// What its source and target revisions were when it ended.
    pub(super) frozen: Option<(Value, Value)>,
}

/// Where the engine stands with the newest service deployment.
#[derive(Clone, Copy, Debug)]
pub struct Rollout {
    /// Its place among the service's deployments.
    pub deployment: usize,
    /// The number of the revision that is to serve: in a rollback, the former one.
    pub target: u64,
    /// Whether it goes back.
    pub rolling_back: bool,
    /// Whether it has the old tasks run until traffic is shifted, or replaces them bit by bit.
    traffic: bool,
    phase: Phase,
    stage: Stage,
    work: Work,
    /// When the stage began.
    since: Time,
    /// Of a linear deployment.
    step: u32,
    /// Launches of the target that failed.
    failures: u32,
    /// Since when the target alone is wanted, and healthy.
    settled: Option<Time>,
    /// How long that has to last.
    settle: Duration,
}

/// What a rollout waits for outside of its stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The scheduler's first look.
    Requested(Time),
    /// Its turn.
    Pending(Time),
    /// Nothing: it passes its stages.
    Stages,
    /// The rollback that somebody asked for.
    RollbackRequested(Time),
    /// The end of a rollback that has nowhere to go.
    NoCandidate(Time),
}

/// What a stage is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Its hooks.
    Hooks,
    /// Something that takes a while, or a bake.
    Until(Time),
    /// Tasks.
    Tasks,
}

impl Rollout {
    /// Whether tasks of the target may be launched.
    fn launches(&self) -> bool {
        matches!(self.phase, Phase::Stages | Phase::RollbackRequested(_)) && self.stage >= Stage::ScaleUp
    }
}

impl Service {
    /// Whether a service deployment is on its way. When it is over, COMPLETED may still be to come.
    pub fn is_deploying(&self) -> bool {
        let newest = self.rollout.as_ref().and_then(|rollout| self.deployments.get(rollout.deployment));
        newest.is_some_and(|newest| !newest.status.is_final())
    }

    /// Moves a service deployment to another status, where that can follow.
    fn move_deployment(&mut self, now: Time, place: usize, status: DeploymentStatus, reason: Option<&str>) {
        let ends = status.is_final();
        let frozen = if ends { self.deployments.get(place).map(|one| show::sides(self, one)) } else { None };
        let Some(deployment) = self.deployments.get_mut(place) else { return };
        debug_assert!(deployment.status.can_become(status), "{:?} to {status:?}", deployment.status);
        deployment.status = status;
        deployment.updated = now;
        if let Some(reason) = reason {
            deployment.reason = Some(reason.to_owned());
        }
        match status {
            DeploymentStatus::InProgress => deployment.started = Some(now),
            DeploymentStatus::Stopped => deployment.stopped = Some(now),
            _ => {}
        }
        if ends {
            deployment.finished = Some(now);
            deployment.frozen = frozen;
            deployment.listed = true;
        }
    }
}

/// Does all that is due.
pub(super) fn settle(cx: &mut Cx<'_>, service: &mut Service) {
    // Each round does something that was due, so this ends; the bound only keeps a mistake from hanging a test.
    for _ in 0..100_000 {
        let mut moved = step_tasks(cx, service);
        if service.status == ServiceStatus::Active {
            moved |= stages::progress(cx, service);
            moved |= scheduler::run(cx, service);
            moved |= is_steady_again(cx, service);
            if service.counts(Some(service.primary)).0 >= service.desired {
                service.all_ran = Some((service.primary, service.desired));
            }
        } else if service.status == ServiceStatus::Draining {
            moved |= super::services::drain(cx, service);
        }
        if !moved {
            return;
        }
    }
    debug_assert!(false, "the service {} never settles", service.name);
}

/// When something is due next.
pub(super) fn next(now: Time, service: &Service) -> Option<Time> {
    let tasks = service.tasks.iter().chain(service.ended.front()).filter_map(Task::next);
    let protections = service.tasks.iter().filter_map(|task| task.protected_until.filter(|until| *until > now));
    let retries = service.revisions.iter().filter(|one| one.entry.is_some() || service.controller != Controller::Ecs);
    let retries = retries.filter_map(|one| one.retry_at);
    let stops = service.stopping.iter().map(|(_, at)| *at);
    let first = tasks
        .chain(protections)
        .chain(retries)
        .chain(stops)
        .chain(service.steady)
        .chain(service.ends)
        .chain(stages::next(service));
    first.filter(|at| *at > now).min()
}

/// Takes the steps of all tasks that are due, in order.
fn step_tasks(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let (mut registered, mut deregistered, mut ended, mut moved) = (0, 0, false, false);
    for place in 0..service.tasks.len() {
        while service.tasks[place].next().is_some_and(|at| at <= cx.now) {
            moved = true;
            let region = &mut *cx.region;
            let task = &mut service.tasks[place];
            let number = task.revision;
            match task.step(cx.now, &region.outside, &mut region.random) {
                Outcome::Moved | Outcome::Died => {}
                Outcome::Registered => registered += 1,
                Outcome::Deregistered => deregistered += 1,
                Outcome::Running => failures::is_running(service, number),
                Outcome::Ready => failures::is_ready(service, number),
                Outcome::NotStarted => failures::failed(cx, service, number, failures::Kind::NotStarted),
                Outcome::Unhealthy(reason) => failures::is_unhealthy(cx, service, place, reason),
                Outcome::DrainBlocked => failures::drain_is_blocked(cx, service, place),
                // Nothing more happens to a STOPPED task but that it is forgotten.
                Outcome::Stopped | Outcome::Forgotten => {
                    super::tasks::give_back(cx, &service.tasks[place]);
                    ended = true;
                    break;
                }
            }
        }
    }
    for (count, what) in [(registered, "registered"), (deregistered, "deregistered")] {
        if count > 0 {
            let groups = service.revision(service.primary).map(|one| one.balanced.targets.join(") (target-group "));
            service.say(cx, &format!("{what} {count} targets in (target-group {}).", groups.unwrap_or_default()));
        }
    }
    if ended {
        let stopped = |task: &mut Task| task.status == TaskStatus::Stopped;
        service.ended.extend(service.tasks.extract_if(.., stopped));
    }
    while service.ended.front().is_some_and(|task| task.next().is_none_or(|at| at <= cx.now)) {
        service.ended.pop_front();
    }
    moved
}

/// Says once, and every six hours, that all is as it should be.
fn is_steady_again(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    if !is_steady(service) {
        service.steady = None;
        return false;
    }
    if service.steady.is_some_and(|at| at > cx.now) {
        return false;
    }
    service.steady = Some(cx.now + STEADY_AGAIN);
    service.say(cx, "has reached a steady state.");
    true
}

fn is_steady(service: &Service) -> bool {
    if service.controller != Controller::Ecs {
        return super::task_sets::are_steady(service);
    }
    let Some(revision) = service.revision(service.primary) else { return false };
    let completed = revision
        .entry
        .as_ref()
        .is_some_and(|entry| entry.status == EntryStatus::Primary && entry.rollout == RolloutState::Completed);
    completed
        && service.rollout.is_none()
        && service.count_ready(service.primary) == service.desired
        && service.count_wanted(service.primary) == service.desired
}
