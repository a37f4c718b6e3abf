//! The beginning of a deployment, and what it does to one that is under way.

use std::{collections::BTreeSet, time::Duration};

use super::{DeploymentStatus, Phase, Rollout, ServiceDeployment, Stage, Work, hooks};
use crate::world::{
    Cx,
    services::{RolloutState, Service, Strategy, percent_up},
};

/// Why a service deployment is STOPPED that a newer one replaced; the words are ours, as nobody published ECS's.
const SUPERSEDED: &str = "Service deployment stopped because a newer service deployment was requested.";
/// The same where the service is deleted; the words are ours, too.
const DELETED: &str = "Service deployment stopped because the service is deleted.";

/// Begins to deploy a revision, which becomes PRIMARY at once.
pub(in crate::world) fn begin(cx: &mut Cx<'_>, service: &mut Service, number: u64) {
    if let Some(present) = service.rollout.take() {
        supersede(cx, service, &present);
    }
    let others = service.revisions.iter().filter(|one| one.number != number && one.entry.is_some());
    let sources: Vec<u64> = others.map(|one| one.number).collect();
    service.make_primary(cx.now, number, format!("ECS deployment ecs-svc/{number} in progress."));
    service.deployments.push(ServiceDeployment {
        id: id(cx),
        target: number,
        sources,
        status: DeploymentStatus::Pending,
        reason: None,
        stage: None,
        created: cx.now,
        started: None,
        finished: None,
        stopped: None,
        updated: cx.now,
        configuration: service.configuration.clone(),
        hooks: Vec::new(),
        rollback: None,
        failures: 0,
        tripped: false,
        ignored_alarms: BTreeSet::new(),
        triggered_alarms: Vec::new(),
        listed: false,
        frozen: None,
    });
    let rollout = Rollout {
        deployment: service.deployments.len() - 1,
        target: number,
        rolling_back: false,
        traffic: service.configuration.strategy != Strategy::Rolling,
        // A list that still ends with the deployment before was observed by tools; for how long is ours.
        phase: Phase::Requested(soon(cx, 1_000..4_000)),
        stage: Stage::ReconcileService,
        work: Work::Hooks,
        since: cx.now,
        step: 0,
        failures: 0,
        settled: None,
        // From steady to COMPLETED: 60 to 90 seconds, even without a task (observed by tools).
        settle: Duration::from_millis(cx.region.random.u64(60_000..90_000)),
    };
    service.rollout = Some(rollout);
}

/// A moment from now, in milliseconds.
pub(super) fn soon(cx: &mut Cx<'_>, millis: std::ops::Range<u64>) -> crate::clock::Time {
    cx.now + Duration::from_millis(cx.region.random.u64(millis))
}

fn id(cx: &mut Cx<'_>) -> String {
    std::iter::repeat_with(|| cx.region.random.alphanumeric()).take(20).collect()
}

/// The present deployment gives way to another one: what it has that is healthy stays until it is replaced.
fn supersede(cx: &mut Cx<'_>, service: &mut Service, present: &Rollout) {
    let status = service.deployments.get(present.deployment).map(|one| one.status);
    let ready = service.count_ready(present.target);
    if let Some(entry) = service.entry_mut(present.target)
        && entry.rollout != RolloutState::Completed
    {
        entry.wants = entry.wants.min(ready);
    }
    end_deployment(cx, service, present.deployment, status, SUPERSEDED);
}

fn end_deployment(
    cx: &mut Cx<'_>,
    service: &mut Service,
    place: usize,
    status: Option<DeploymentStatus>,
    reason: &str,
) {
    use DeploymentStatus as S;
    hooks::close(service, place);
    match status {
        Some(S::InProgress) => {
            service.move_deployment(cx.now, place, S::StopRequested, Some(reason));
            // Nobody published how long STOP_REQUESTED lasts: the figures are ours.
            let at = soon(cx, 5_000..12_000);
            service.stopping.push((place, at));
        }
        Some(S::Pending | S::RollbackRequested) => service.move_deployment(cx.now, place, S::Stopped, Some(reason)),
        Some(S::RollbackInProgress) => service.move_deployment(cx.now, place, S::RollbackFailed, Some(reason)),
        _ => {}
    }
}

/// Ends all that is under way, because the service is deleted.
pub(in crate::world) fn abandon(cx: &mut Cx<'_>, service: &mut Service) {
    for (place, _) in std::mem::take(&mut service.stopping) {
        service.move_deployment(cx.now, place, DeploymentStatus::Stopped, None);
    }
    if let Some(present) = service.rollout.take() {
        let status = service.deployments.get(present.deployment).map(|one| one.status);
        end_deployment(cx, service, present.deployment, status, DELETED);
        for (place, _) in std::mem::take(&mut service.stopping) {
            service.move_deployment(cx.now, place, DeploymentStatus::Stopped, None);
        }
    }
    for entry in service.revisions.iter_mut().filter_map(|one| one.entry.as_mut()) {
        entry.wants = 0;
    }
    service.steady = None;
}

/// A change of the desired count reaches all revisions that have tasks, in proportion; it makes no deployment (What's
/// New, November 2025: "Amazon ECS improves service availability during rolling deployments").
pub(in crate::world) fn rescale(service: &mut Service, from: u32, to: u32) {
    for revision in &mut service.revisions {
        if let Some(entry) = revision.entry.as_mut().filter(|entry| entry.rollout != RolloutState::Failed) {
            entry.wants = (entry.wants * 100).checked_div(from).map_or(0, |share| percent_up(share, to).min(to));
        }
    }
}
