//! The service scheduler: how many tasks of which revision are launched and stopped (ECS developer guide, "Amazon ECS
//! services" and "Deploy Amazon ECS services by replacing tasks").

use std::{cmp::Reverse, sync::Arc, time::Duration};

use serde_json::Value;

use super::{Phase, Stage, daemon, failures};
use crate::world::{
    Cx,
    instances::InstanceStatus,
    services::{Controller, RolloutState, Service, count, percent_down, percent_up, tasks_in_words},
    task_sets,
    tasks::{Launch, Stop, StopCode, TaskStatus, place},
};

/// How long the service does not repeat what holds it up. The figure is ours.
const HELD_UP: Duration = Duration::from_mins(30);

/// Launches and stops what is to be launched and stopped now. Whether it did anything.
pub(super) fn run(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    if service.controller != Controller::Ecs {
        return replace_unhealthy(cx, service, None) | task_sets::schedule(cx, service);
    }
    if service.daemon {
        return replace_unhealthy(cx, service, Some(0)) | daemon::run(cx, service);
    }
    let moved = leave_instances(cx, service);
    match &service.rollout {
        Some(rollout) if rollout.traffic => moved | shift_traffic(cx, service) | replace_unhealthy(cx, service, None),
        _ => {
            let upper = percent_down(service.configuration.maximum, service.desired);
            moved | replace_bit_by_bit(cx, service, upper) | replace_unhealthy(cx, service, Some(upper))
        }
    }
}

/// Tasks leave an instance that is DRAINING as soon as the minimum allows it (ECS developer guide, "Draining Amazon ECS
/// container instances").
fn leave_instances(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let mut any = false;
    for task in service.tasks.iter_mut().filter(|task| task.is_wanted()) {
        let instance = task.place.instance.as_ref().and_then(|id| cx.region.instances.get(&task.cluster, id));
        let drains = instance.is_some_and(|one| one.status == InstanceStatus::Draining);
        task.leaving = drains || task.unhealthy.is_some();
        any |= drains;
    }
    if !any {
        return false;
    }
    let lower = percent_up(service.configuration.minimum, service.desired);
    let healthy = count(service.tasks.iter().filter(|task| task.ready));
    let spare = healthy.saturating_sub(lower) as usize;
    let leaving = service.tasks.iter().filter(|task| task.leaving && task.ready && !task.is_protected(cx.now));
    let ids: Vec<String> = leaving.take(spare).map(|task| task.id.clone()).collect();
    let reason = "Task stopped because its container instance is being drained.".to_owned();
    stop_tasks(cx, service, &ids, &Stop { code: StopCode::ServiceSchedulerInitiated, reason })
}

/// An unhealthy task is stopped when another one runs in its place, or before, where there is no room for both
/// (DeploymentConfiguration API reference, `maximumPercent`).
fn replace_unhealthy(cx: &mut Cx<'_>, service: &mut Service, upper: Option<u32>) -> bool {
    let mut total = count(service.tasks.iter().filter(|task| task.is_wanted()));
    let mut stops: Vec<(String, String)> = Vec::new();
    for task in service.tasks.iter().filter(|task| task.is_wanted()) {
        let Some(reason) = &task.unhealthy else { continue };
        let (number, wants) = (task.revision, wants(service, task.revision));
        let running = count(service.wanted(number).filter(|other| other.status == TaskStatus::Running));
        let no_room = service.count_wanted(number) < wants && upper.is_some_and(|upper| total >= upper);
        if running >= wants || no_room || is_failed(service, number) {
            total -= 1;
            stops.push((task.id.clone(), reason.clone()));
        }
    }
    let replaced = stops.len();
    for (id, reason) in stops {
        stop_tasks(cx, service, &[id], &Stop { code: StopCode::ServiceSchedulerInitiated, reason });
    }
    if replaced > 0 {
        service.say(cx, &format!("[Amazon ECS replaced {replaced} tasks due to an unhealthy status.]"));
    }
    replaced > 0
}

/// The numbers of the revisions other than the PRIMARY's that are listed, the oldest first.
pub(super) fn others(service: &Service) -> Vec<u64> {
    let listed = service.revisions.iter().filter(|one| one.entry.is_some() && one.number != service.primary);
    listed.map(|one| one.number).collect()
}

fn wants(service: &Service, number: u64) -> u32 {
    service.revision(number).and_then(|one| one.entry.as_ref()).map_or(0, |entry| entry.wants)
}

pub(super) fn is_failed(service: &Service, number: u64) -> bool {
    let entry = service.revision(number).and_then(|one| one.entry.as_ref());
    entry.is_none_or(|entry| entry.rollout == RolloutState::Failed)
}

/// Sets what `desiredCount` of a deployment shows.
pub(super) fn set_wants(cx: &Cx<'_>, service: &mut Service, number: u64, wants: u32) {
    let now = cx.now;
    if let Some(entry) = service.entry_mut(number)
        && entry.wants != wants
    {
        entry.wants = wants;
        entry.updated_at = now;
    }
}

/// ROLLING: never fewer healthy tasks than the minimum, never more tasks than the maximum.
fn replace_bit_by_bit(cx: &mut Cx<'_>, service: &mut Service, upper: u32) -> bool {
    let (desired, primary) = (service.desired, service.primary);
    let lower = percent_up(service.configuration.minimum, desired);
    let launches = !is_failed(service, primary) && service.rollout.as_ref().is_none_or(super::Rollout::launches);
    let others = others(service);
    if launches {
        set_wants(cx, service, primary, desired);
    }
    // Where a deployment was given up for good, the others stand in for what it lacks.
    let needed = if launches {
        lower
    } else if service.rollout.is_none() {
        desired
    } else {
        u32::MAX
    };
    let mut spare = needed.saturating_sub(service.count_ready(primary).min(desired));
    for number in &others {
        let keeps = wants(service, *number).min(spare).min(desired);
        spare -= keeps;
        set_wants(cx, service, *number, keeps);
    }
    let mut moved = false;
    for number in others.iter().rev() {
        let keeps = wants(service, *number);
        moved |= stop_surplus(cx, service, *number, keeps);
    }
    moved |= stop_surplus(cx, service, primary, desired);
    let total = count(service.tasks.iter().filter(|task| task.is_wanted()));
    let mut room = upper.saturating_sub(total);
    let missing = desired.saturating_sub(service.count_wanted(primary));
    if launches && missing > 0 {
        let count = missing.min(room);
        room -= count;
        moved |= start_tasks(cx, service, primary, count);
        if count == 0 && upper <= lower && !moved {
            service.say_now_and_then(cx, "configuration", HELD_UP, HELD_UP_BY_CONFIGURATION);
        }
    }
    for number in others {
        if !is_failed(service, number) {
            let missing = wants(service, number).saturating_sub(service.count_wanted(number)).min(room);
            room -= missing;
            moved |= start_tasks(cx, service, number, missing);
        }
    }
    moved
}

const HELD_UP_BY_CONFIGURATION: &str = "was unable to stop or start tasks during a deployment because of the service \
    deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";

/// BLUE_GREEN, LINEAR and CANARY: old and new have all their tasks until the old ones are cleaned up.
fn shift_traffic(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let Some(rollout) = &service.rollout else { return false };
    let (launches, cleans_up) = (rollout.launches(), rollout.phase == Phase::Stages && rollout.stage == Stage::CleanUp);
    let (primary, desired) = (service.primary, service.desired);
    set_wants(cx, service, primary, if launches { desired } else { 0 });
    let mut moved = false;
    for number in others(service) {
        let failed = is_failed(service, number);
        let keeps = match wants(service, number) {
            _ if cleans_up => 0,
            wants if failed => wants.min(desired),
            0 => 0,
            _ => desired,
        };
        set_wants(cx, service, number, keeps);
        moved |= stop_surplus(cx, service, number, keeps);
        if !failed {
            let missing = keeps.saturating_sub(service.count_wanted(number));
            moved |= start_tasks(cx, service, number, missing);
        }
    }
    moved |= stop_surplus(cx, service, primary, if launches { desired } else { 0 });
    if launches {
        let missing = desired.saturating_sub(service.count_wanted(primary));
        moved |= start_tasks(cx, service, primary, missing);
    }
    moved
}

/// Stops the tasks of a revision that are more than `keeps`.
fn stop_surplus(cx: &mut Cx<'_>, service: &mut Service, number: u64, keeps: u32) -> bool {
    let (ids, protected) = surplus(cx, service, number, keeps);
    if protected > 0 {
        let words = format!(
            "was unable to reach steady state because (taskSet ecs-svc/{number}) was unable to scale in due to (reason \
             {protected} tasks under protection)"
        );
        service.say_now_and_then(cx, "protection", HELD_UP, &words);
    }
    let reason = format!("Scaling activity initiated by (deployment ecs-svc/{})", service.primary);
    stop_tasks(cx, service, &ids, &Stop { code: StopCode::ServiceSchedulerInitiated, reason })
}

/// The tasks of a revision that are more than `keeps`: those first that are not healthy, then the newest; and how many
/// more of them are protected.
pub(in crate::world) fn surplus(cx: &Cx<'_>, service: &Service, number: u64, keeps: u32) -> (Vec<String>, usize) {
    let surplus = service.count_wanted(number).saturating_sub(keeps) as usize;
    if surplus == 0 {
        return (Vec::new(), 0);
    }
    let mut all: Vec<(bool, Reverse<usize>, &str)> = Vec::new();
    for (place, task) in service.tasks.iter().enumerate() {
        if task.revision == number && task.is_wanted() && !task.leaving && !task.is_protected(cx.now) {
            all.push((task.ready, Reverse(place), &task.id));
        }
    }
    all.sort_unstable();
    let protected = surplus.saturating_sub(all.len());
    (all.into_iter().take(surplus).map(|(_, _, id)| id.to_owned()).collect(), protected)
}

/// Tells tasks to stop. Whether there were any.
pub(in crate::world) fn stop_tasks(cx: &mut Cx<'_>, service: &mut Service, ids: &[String], stop: &Stop) -> bool {
    let (mut running, mut draining, mut pending) = (Vec::new(), 0, 0);
    for task in service.tasks.iter_mut().filter(|task| ids.contains(&task.id)) {
        if task.is_pending() {
            pending += 1;
        } else {
            running.push(task.id.clone());
            draining += usize::from(!task.balanced.targets.is_empty());
        }
        let region = &mut *cx.region;
        task.begin_stop(cx.now, stop.clone(), &region.outside, &mut region.random);
    }
    if draining > 0 {
        service.say(cx, &format!("has begun draining connections on {draining} tasks."));
    }
    if !running.is_empty() {
        let list = tasks_in_words(running.iter().map(String::as_str));
        service.say(cx, &format!("has stopped {} running tasks: {list}.", running.len()));
    }
    if pending > 0 {
        service.say(cx, &format!("stopped {pending} pending tasks."));
    }
    !running.is_empty() || pending > 0
}

/// Launches tasks of a revision. Whether any was launched, or tried in vain.
pub(in crate::world) fn start_tasks(cx: &mut Cx<'_>, service: &mut Service, number: u64, count: u32) -> bool {
    if count == 0 || service.revision(number).is_none_or(|one| one.retry_at.is_some_and(|at| at > cx.now)) {
        return false;
    }
    let mut started = Vec::new();
    let mut refused = None;
    for _ in 0..count {
        match place::choose(cx, service, number, None) {
            Ok(place) => started.extend(launch(cx, service, number, place)),
            Err(why) => {
                refused = Some(why);
                break;
            }
        }
    }
    if let Some(revision) = service.revision_mut(number) {
        revision.retry_at = None;
    }
    if !started.is_empty() {
        let list = tasks_in_words(started.iter().map(String::as_str));
        service.say(cx, &format!("has started {} tasks: {list}.", started.len()));
    }
    if let Some(why) = refused {
        failures::not_placed(cx, service, number, &why);
    }
    true
}

/// Launches one task in a place.
pub(super) fn launch(cx: &mut Cx<'_>, service: &mut Service, number: u64, place: place::Place) -> Option<String> {
    let key = Service::key(&service.cluster, &service.name);
    let fate = cx.region.outside.next_launches.get_mut(&key).filter(|(left, _)| *left > 0).map(|(left, fate)| {
        *left -= 1;
        *fate
    });
    let revision = service.revision(number)?;
    let (shape, balanced) = (Arc::clone(&revision.shape), Arc::clone(&revision.balanced));
    let grace = service.members.get("healthCheckGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(0);
    let launch = Launch {
        cluster: &service.cluster,
        group: format!("service:{}", service.name),
        started_by: Some(format!("ecs-svc/{number}")),
        revision: number,
        shape: &shape,
        place,
        balanced,
        grace,
        fate,
    };
    let mut task = launch.task(cx);
    match service.members.get("propagateTags").and_then(Value::as_str) {
        Some("SERVICE") => task.tags.clone_from(&service.tags),
        Some("TASK_DEFINITION") => {
            let definition = cx.region.task_definitions.find(cx.caller, &shape.task_definition);
            task.tags = definition.map(|one| one.tags.clone()).unwrap_or_default();
        }
        _ => {}
    }
    if service.members.get("enableECSManagedTags") == Some(&Value::Bool(true)) {
        task.tags.insert("aws:ecs:clusterName".to_owned(), service.cluster.clone());
        task.tags.insert("aws:ecs:serviceName".to_owned(), service.name.clone());
    }
    let execute = service.members.get("enableExecuteCommand").cloned().unwrap_or(Value::Bool(false));
    task.extra.insert("enableExecuteCommand".to_owned(), execute);
    let id = task.id.clone();
    service.tasks.push(task);
    Some(id)
}
