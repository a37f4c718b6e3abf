//! DAEMON: one task on each container instance (ECS developer guide, "Amazon ECS service scheduler strategies").

use super::{
    failures,
    scheduler::{self, is_failed, launch, others, set_wants, stop_tasks},
};
use crate::world::{
    Cx,
    services::{Service, count, percent_up, tasks_in_words},
    tasks::{Stop, StopCode, TaskStatus, place},
};

/// Keeps one task of the PRIMARY on each instance: an old one goes first, as far as the minimum allows, and the new one
/// follows when it is gone.
pub(super) fn run(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let primary = service.primary;
    let launches = !is_failed(service, primary) && service.rollout.as_ref().is_none_or(super::Rollout::launches);
    let instances = place::instances_for(cx, service, primary);
    service.desired = u32::try_from(instances.len()).unwrap_or(u32::MAX);
    if launches {
        set_wants(cx, service, primary, service.desired);
        for number in others(service) {
            let left = service.count_wanted(number);
            set_wants(cx, service, number, left);
        }
    }
    let mut moved = stop_on_lost_instances(cx, service, &instances);
    if !launches {
        return moved;
    }
    let lower = percent_up(service.configuration.minimum, service.desired);
    let healthy = count(service.tasks.iter().filter(|task| task.ready));
    let mut spare = healthy.saturating_sub(lower);
    let waits = service.revision(primary).is_some_and(|one| one.retry_at.is_some_and(|at| at > cx.now));
    let (mut old, mut bare) = (Vec::new(), Vec::new());
    for instance in &instances {
        let there: Vec<_> = service
            .tasks
            .iter()
            .filter(|task| task.status < TaskStatus::Stopped && task.place.instance.as_deref() == Some(instance))
            .collect();
        if there.iter().any(|task| task.revision == primary && task.is_wanted()) {
            continue;
        }
        if let Some(task) = there.iter().find(|task| task.is_wanted()) {
            if !task.ready || spare > 0 {
                spare -= u32::from(task.ready);
                old.push(task.id.clone());
            }
        } else if there.is_empty() && !waits {
            bare.push(instance.as_str());
        }
    }
    let reason = format!("Scaling activity initiated by (deployment ecs-svc/{primary})");
    moved |= stop_tasks(cx, service, &old, &Stop { code: StopCode::ServiceSchedulerInitiated, reason });
    moved | start_on(cx, service, &bare)
}

/// Launches a task of the PRIMARY on each of these instances. One without room keeps no other from having its own, and
/// is tried again as any placement is. Whether anything was launched, or tried in vain.
fn start_on(cx: &mut Cx<'_>, service: &mut Service, instances: &[&str]) -> bool {
    let primary = service.primary;
    let (mut started, mut refused) = (Vec::new(), None);
    for instance in instances {
        match place::choose(cx, service, primary, Some(instance)) {
            Ok(place) => started.extend(launch(cx, service, primary, place)),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    if !started.is_empty() {
        let list = tasks_in_words(started.iter().map(String::as_str));
        service.say(cx, &format!("has started {} tasks: {list}.", started.len()));
    }
    if let Some(why) = refused {
        failures::not_placed(cx, service, primary, &why);
    }
    !instances.is_empty()
}

fn stop_on_lost_instances(cx: &mut Cx<'_>, service: &mut Service, instances: &[String]) -> bool {
    let lost = service.tasks.iter().filter(|task| {
        task.is_wanted() && task.place.instance.as_ref().is_some_and(|instance| !instances.contains(instance))
    });
    let ids: Vec<String> = lost.map(|task| task.id.clone()).collect();
    let reason = "Container instance is not available.".to_owned();
    scheduler::stop_tasks(cx, service, &ids, &Stop { code: StopCode::ServiceSchedulerInitiated, reason })
}
