//! The stages of a deployment, one after the other (ECS developer guide, "Lifecycle stages for Amazon ECS service
//! deployments").

use std::{collections::BTreeSet, time::Duration};

use super::{
    DeploymentStatus as S, Phase, Rollout, Stage, Work,
    begin::soon,
    hooks::{self, State},
    rollback::{self, Cause, set_stage},
    scheduler, traffic,
};
use crate::{
    clock::Time,
    world::{
        Cx,
        services::{Service, Strategy, percent_up},
    },
};

/// ServiceDeployment SUCCESSFUL comes so long before the rollout state COMPLETED (observed by tools).
const BEFORE_COMPLETED: Duration = Duration::from_secs(38);
/// No stage may take longer; a rolling deployment has no such limit.
const LONGEST_STAGE: Duration = Duration::from_hours(24);

/// Moves the deployment on as far as it can go now.
pub(super) fn progress(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let mut moved = end_stops(cx, service);
    let Some(rollout) = service.rollout else { return moved };
    match rollout.phase {
        Phase::Requested(at) if at <= cx.now => {
            if let Some(deployment) = service.deployments.get_mut(rollout.deployment) {
                deployment.listed = true;
            }
            let phase = Phase::Pending(soon(cx, 1_000..3_000));
            service.rollout = Some(Rollout { phase, ..rollout });
            moved = true;
        }
        Phase::Pending(at) if at <= cx.now && service.stopping.is_empty() => {
            start(cx, service, rollout);
            moved = true;
        }
        Phase::RollbackRequested(at) if at <= cx.now => {
            rollback::give_up(cx, service, &Cause::User);
            moved = true;
        }
        Phase::NoCandidate(at) if at <= cx.now => {
            rollback::has_no_candidate(cx, service);
            moved = true;
        }
        Phase::Stages => moved |= pass(cx, service, &rollout),
        _ => {}
    }
    moved
}

/// Whether the rollout waits for tasks that may never be healthy. Hooks and bakes have ends of their own.
fn can_time_out(rollout: &Rollout) -> bool {
    rollout.traffic && rollout.work == Work::Tasks && rollout.stage == Stage::ScaleUp && !rollout.rolling_back
}

/// When something is due in it next.
pub(super) fn next(service: &Service) -> Option<Time> {
    let rollout = service.rollout.as_ref()?;
    match rollout.phase {
        Phase::Requested(at) | Phase::Pending(at) | Phase::RollbackRequested(at) | Phase::NoCandidate(at) => Some(at),
        Phase::Stages => {
            let work = match rollout.work {
                Work::Until(at) => Some(at),
                Work::Hooks => hooks::next(service, rollout),
                Work::Tasks => {
                    let settled = rollout.settled.map(|since| since + rollout.settle);
                    // The later of the two also while the earlier is still to come: both are asked for in turn.
                    let success = settled.map(|at| at - BEFORE_COMPLETED);
                    let ended = service.deployments.get(rollout.deployment).is_some_and(|one| one.status.is_final());
                    if ended { settled } else { success }
                }
            };
            let timeout = can_time_out(rollout).then(|| rollout.since + LONGEST_STAGE);
            work.into_iter().chain(timeout).min()
        }
    }
}

fn end_stops(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let due: Vec<usize> = service.stopping.iter().filter(|(_, at)| *at <= cx.now).map(|(place, _)| *place).collect();
    service.stopping.retain(|(_, at)| *at > cx.now);
    for place in &due {
        service.move_deployment(cx.now, *place, S::Stopped, None);
    }
    !due.is_empty()
}

/// PENDING → IN_PROGRESS.
fn start(cx: &mut Cx<'_>, service: &mut Service, rollout: Rollout) {
    let place = rollout.deployment;
    service.move_deployment(cx.now, place, S::InProgress, None);
    if let Some(deployment) = service.deployments.get_mut(place) {
        let watched = deployment.configuration.alarms.as_ref().filter(|alarms| alarms.enable);
        let watched: BTreeSet<String> = watched.into_iter().flat_map(|alarms| alarms.names.iter().cloned()).collect();
        deployment.ignored_alarms = watched.intersection(&cx.region.outside.alarms).cloned().collect();
    }
    // There is something to reconcile only with more than one revision (DeploymentLifecycleHook, `lifecycleStages`).
    let reconciles = service.deployments.get(place).is_some_and(|one| one.sources.len() > 1);
    let first = if reconciles { Stage::ReconcileService } else { Stage::PreScaleUp };
    enter(cx, service, Rollout { phase: Phase::Stages, ..rollout }, first);
}

/// Begins a stage with its hooks.
fn enter(cx: &mut Cx<'_>, service: &mut Service, rollout: Rollout, stage: Stage) {
    set_stage(service, rollout.deployment, stage);
    let rollout = Rollout { stage, since: cx.now, work: Work::Hooks, ..rollout };
    hooks::call(cx, service, &rollout);
    service.rollout = Some(rollout);
}

fn pass(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) -> bool {
    if let Some(name) = alarm(cx, service, rollout) {
        if let Some(deployment) = service.deployments.get_mut(rollout.deployment) {
            deployment.triggered_alarms.push(name.clone());
        }
        rollback::give_up(cx, service, &Cause::Alarm(name));
        return true;
    }
    if can_time_out(rollout) && rollout.since + LONGEST_STAGE <= cx.now {
        rollback::give_up(cx, service, &Cause::TimedOut(rollout.stage));
        return true;
    }
    match rollout.work {
        Work::Hooks => match hooks::poll(cx, service, rollout) {
            State::Waiting => false,
            State::Passed => {
                begin_work(cx, service, rollout);
                true
            }
            State::Failed(cause) => {
                rollback::give_up(cx, service, &cause);
                true
            }
        },
        Work::Until(at) if at <= cx.now => {
            advance(cx, service, *rollout);
            true
        }
        Work::Until(_) => false,
        Work::Tasks if rollout.stage == Stage::CleanUp => clean_up(cx, service, rollout),
        Work::Tasks => {
            let done = is_scaled_up(service, rollout);
            if done {
                advance(cx, service, *rollout);
            }
            done
        }
    }
}

/// An alarm that goes off while the deployment is in progress, other than those that were in ALARM at its start.
fn alarm(cx: &Cx<'_>, service: &Service, rollout: &Rollout) -> Option<String> {
    let deployment = service.deployments.get(rollout.deployment).filter(|one| one.status == S::InProgress)?;
    let alarms = deployment.configuration.alarms.as_ref().filter(|alarms| alarms.enable)?;
    let off = |name: &&String| cx.region.outside.alarms.contains(*name) && !deployment.ignored_alarms.contains(*name);
    alarms.names.iter().find(off).cloned()
}

fn begin_work(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) {
    let work = match rollout.stage {
        Stage::ReconcileService => {
            if rollout.traffic {
                drop_bystanders(cx, service, rollout);
            }
            Work::Until(soon(cx, 1_000..3_000))
        }
        Stage::ScaleUp | Stage::CleanUp => Work::Tasks,
        Stage::PreScaleUp
        | Stage::PostScaleUp
        | Stage::PostTestTrafficShift
        | Stage::PreProductionTrafficShift
        | Stage::PostProductionTrafficShift => Work::Until(cx.now),
        Stage::TestTrafficShift | Stage::ProductionTrafficShift => match traffic::shift(cx, service, rollout) {
            Ok(until) => Work::Until(until),
            Err(missing) => {
                rollback::give_up(cx, service, &Cause::Networking(missing));
                return;
            }
        },
        Stage::BakeTime => Work::Until(cx.now + bake(cx, service, rollout)),
    };
    if let Some(rollout) = &mut service.rollout {
        rollout.work = work;
    }
}

/// RECONCILE_SERVICE: of the other revisions, those without production traffic go first.
fn drop_bystanders(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) {
    let others = scheduler::others(service);
    if others.len() < 2 {
        return;
    }
    let serving = others.iter().rev().find(|one| service.revision(**one).is_some_and(|one| one.succeeded)).copied();
    for number in others.into_iter().filter(|number| Some(*number) != serving && *number != rollout.target) {
        let carries = service.revision(number).is_some_and(|one| one.production > 0.0);
        if !carries {
            scheduler::set_wants(cx, service, number, 0);
        }
    }
}

fn bake(cx: &mut Cx<'_>, service: &Service, rollout: &Rollout) -> Duration {
    let Some(deployment) = service.deployments.get(rollout.deployment) else { return Duration::ZERO };
    let configuration = &deployment.configuration;
    let watches = configuration.alarms.as_ref().is_some_and(|alarms| alarms.enable);
    if configuration.bake == 0 && watches && configuration.strategy == Strategy::Rolling {
        // Without a bake time of its own, alarms are watched for some minutes more.
        return Duration::from_millis(cx.region.random.u64(120_000..300_000));
    }
    Duration::from_mins(configuration.bake.into())
}

/// What comes after a stage.
fn advance(cx: &mut Cx<'_>, service: &mut Service, rollout: Rollout) {
    let next = match (rollout.stage, rollout.rolling_back) {
        (stage, true) => after_on_the_way_back(service, &rollout, stage),
        (Stage::PostScaleUp, _) if !rollout.traffic => Stage::BakeTime,
        (Stage::ProductionTrafficShift, _) if !traffic::is_complete(service, &rollout) => {
            Stage::PreProductionTrafficShift
        }
        (stage, _) => after(stage),
    };
    let step = rollout.step + u32::from(rollout.stage == Stage::ProductionTrafficShift);
    enter(cx, service, Rollout { step, settled: None, ..rollout }, next);
}

fn after(stage: Stage) -> Stage {
    match stage {
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
        Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        Stage::PostProductionTrafficShift => Stage::BakeTime,
        Stage::BakeTime | Stage::CleanUp => Stage::CleanUp,
    }
}

/// A rollback shifts back what was shifted, at once, and cleans up.
fn after_on_the_way_back(service: &Service, rollout: &Rollout, stage: Stage) -> Stage {
    match stage {
        Stage::ScaleUp if rollout.traffic && traffic::is_tested_elsewhere(service, rollout) => Stage::TestTrafficShift,
        Stage::ScaleUp | Stage::TestTrafficShift if rollout.traffic && !traffic::is_complete(service, rollout) => {
            Stage::ProductionTrafficShift
        }
        _ => Stage::CleanUp,
    }
}

/// Whether the target has as many healthy tasks as it is to have: of a rolling deployment, and no old one is wanted.
fn is_scaled_up(service: &Service, rollout: &Rollout) -> bool {
    let early = service.deployments.get(rollout.deployment).and_then(|one| one.configuration.early);
    let early = early.filter(|early| early.enable && !rollout.rolling_back);
    let needed = early.map_or(service.desired, |early| percent_up(early.healthy_percent, service.desired));
    let ready = service.count_ready(rollout.target) >= needed;
    ready && (rollout.traffic || early.is_some_and(|early| early.deferred) || is_alone(service, rollout.target))
}

/// Whether no task of another revision is wanted.
fn is_alone(service: &Service, target: u64) -> bool {
    service.tasks.iter().all(|task| task.revision == target || !task.is_wanted())
}

/// CLEAN_UP: the old tasks end, and after a while without a change the deployment has succeeded; COMPLETED follows when
/// the last of them is gone.
fn clean_up(cx: &mut Cx<'_>, service: &mut Service, rollout: &Rollout) -> bool {
    let place = rollout.deployment;
    let is_over = service.deployments.get(place).is_some_and(|one| one.status.is_final());
    let holds = is_scaled_up(service, rollout) && (!rollout.traffic || is_alone(service, rollout.target));
    let settled = if holds { rollout.settled.or(Some(cx.now)) } else { None };
    if settled != rollout.settled
        && let Some(rollout) = &mut service.rollout
    {
        rollout.settled = settled;
        return true;
    }
    let Some(since) = settled else { return false };
    if !is_over {
        let succeeds = since + rollout.settle - BEFORE_COMPLETED <= cx.now;
        if succeeds {
            rollback::succeed(cx, service, place, rollout.target, rollout.rolling_back);
        }
        return succeeds;
    }
    let all = service.count_ready(rollout.target) >= service.desired;
    let completes = all && since + rollout.settle <= cx.now && !service.has_others(rollout.target);
    if completes {
        rollback::complete(cx, service);
    }
    completes
}
