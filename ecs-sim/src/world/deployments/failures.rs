//! Tasks that fail: what is counted, when ECS tries again, and when it gives a deployment up (ECS developer guide, "How
//! the Amazon ECS deployment circuit breaker detects failures" and "Service throttle logic").

use std::time::Duration;

use super::{
    DeploymentStatus,
    begin::soon,
    rollback::{self, Cause},
};
use crate::world::{Cx, services::Service, tasks::place::Refused};

/// How a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not be launched, or ended before it was RUNNING.
    NotStarted,
    /// It ran, and its health checks failed.
    Unhealthy,
}

/// ECS waits longer and longer between launches that fail, up to 27 minutes ("Service throttle logic"). That it begins
/// with 15 seconds and doubles the wait is ours.
const LONGEST_WAIT: u64 = 27 * 60;
/// How long the service does not repeat why it can't place tasks, and that its role is gone. The figure is ours.
const REPEATED: Duration = Duration::from_mins(15);
/// How often placement is tried again where there is no room. The figure is ours, as nobody published ECS's.
const PLACEMENT_RETRY: u64 = 30;
/// So many launches in a row that fail, for each task wanted, make ECS say that it slows down. The figure is ours, as
/// nobody published ECS's; so is how long it does not repeat it.
const INCONSISTENT: u32 = 4;

/// A task of the revision is RUNNING.
pub(super) fn is_running(service: &mut Service, number: u64) {
    if let Some(revision) = service.revision_mut(number) {
        revision.failures = 0;
        if let Some(entry) = &mut revision.entry {
            entry.failed_tasks = 0;
        }
    }
}

/// A task of the revision is healthy.
pub(super) fn is_ready(service: &mut Service, number: u64) {
    let Some(rollout) = service.rollout.as_mut().filter(|rollout| rollout.target == number) else { return };
    let (place, rolling_back) = (rollout.deployment, rollout.rolling_back);
    let Some(deployment) = service.deployments.get_mut(place) else { return };
    if deployment.configuration.breaker.reset_on_healthy_task {
        rollout.failures = 0;
        if !rolling_back {
            deployment.failures = 0;
        }
    }
}

/// A task of the revision failed.
pub(super) fn failed(cx: &mut Cx<'_>, service: &mut Service, number: u64, kind: Kind) {
    let desired = service.desired.max(1);
    let Some(revision) = service.revision_mut(number) else { return };
    revision.failures += 1;
    if let Some(entry) = &mut revision.entry {
        entry.failed_tasks += 1;
    }
    let waves = revision.failures.div_ceil(desired);
    if kind == Kind::NotStarted {
        let wait = 15_u64.saturating_mul(1 << waves.min(10).saturating_sub(1)).min(LONGEST_WAIT);
        revision.retry_at = Some(soon(cx, wait * 1000..wait * 1250));
        if waves >= INCONSISTENT {
            let pause = Duration::from_hours(6);
            service.say_now_and_then(cx, "inconsistent", pause, "is unable to consistently start tasks successfully.");
        }
    }
    count(cx, service, number);
}

/// Counts a failure for the circuit breaker.
fn count(cx: &mut Cx<'_>, service: &mut Service, number: u64) {
    let desired = service.desired;
    let Some(rollout) = service.rollout.as_mut().filter(|rollout| rollout.target == number) else { return };
    let Some(deployment) = service.deployments.get_mut(rollout.deployment) else { return };
    let threshold = deployment.configuration.breaker.threshold.failures(desired);
    rollout.failures += 1;
    let (trips, rolling_back) = (rollout.failures >= threshold, rollout.rolling_back);
    if !rolling_back {
        deployment.failures = rollout.failures;
    }
    if !trips || !deployment.configuration.breaker.enable {
        return;
    }
    match (deployment.status, rolling_back) {
        (DeploymentStatus::InProgress, false) => {
            deployment.tripped = true;
            rollback::give_up(cx, service, &Cause::Breaker);
        }
        (DeploymentStatus::RollbackInProgress, true) => rollback::fails_too(cx, service),
        _ => {}
    }
}

/// A service does not keep an unhealthy task, though it may keep it until another one has taken its place.
pub(super) fn is_unhealthy(cx: &mut Cx<'_>, service: &mut Service, place: usize, reason: String) {
    let task = &mut service.tasks[place];
    let (id, number) = (task.id.clone(), task.revision);
    task.unhealthy = Some(reason);
    task.leaving = true;
    if let Some(target) = task.balanced.targets.first() {
        let port = task.shape.containers.iter().find_map(|one| one.ports.first()).copied().unwrap_or(0);
        let words = format!(
            "(task {id}) (port {port}) is unhealthy in (target-group {target}) due to (reason Health checks failed \
             with these codes: [503])"
        );
        service.say(cx, &words);
    }
    failed(cx, service, number, Kind::Unhealthy);
}

/// Targets can't be deregistered while the role that would do it is gone.
pub(super) fn drain_is_blocked(cx: &mut Cx<'_>, service: &mut Service, place: usize) {
    let task = &service.tasks[place];
    let target = task.balanced.targets.first().cloned().unwrap_or_default();
    let role = task.balanced.role.clone().unwrap_or_default();
    let words = format!(
        "failed to deregister targets in (target-group {target}) with (error User is not authorized to perform: \
         sts:AssumeRole on resource: {role})"
    );
    service.say_now_and_then(cx, "drain", REPEATED, &words);
}

/// A task could not be placed.
pub(super) fn not_placed(cx: &mut Cx<'_>, service: &mut Service, number: u64, why: &Refused) {
    match why {
        Refused::Capacity(reason) => {
            let words = format!("was unable to place a task. Reason: {reason}");
            service.say_now_and_then(cx, "capacity", REPEATED, &words);
            failed(cx, service, number, Kind::NotStarted);
        }
        Refused::NoInstance(words) => {
            service.say_now_and_then(cx, "placement", REPEATED, words);
            let at = soon(cx, PLACEMENT_RETRY * 1000..PLACEMENT_RETRY * 1250);
            if let Some(revision) = service.revision_mut(number) {
                revision.retry_at = Some(at);
            }
        }
    }
}
