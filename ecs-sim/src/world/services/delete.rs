//! DeleteService: ACTIVE → DRAINING → INACTIVE.

use std::time::Duration;

use serde_json::{Value, json};

use super::{EntryStatus, INACTIVE_VISIBLE, Service, ServiceStatus, change, find};
use crate::world::{
    ApiError, Cx, clusters, deployments, input,
    tasks::{Stop, StopCode},
};

/// DeleteService API reference.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let service = find(cx, &cluster, input::required_text(call, "service")?)?;
    let force = input::boolean(call, "force")?.unwrap_or(false);
    let key = Service::key(&cluster, &service.name);
    match service.status {
        ServiceStatus::Inactive => {
            return Err(ApiError::refused("ServiceNotFoundException", "Service not found."));
        }
        ServiceStatus::Draining => return Ok(json!({ "service": service.shown(cx.caller, true) })),
        ServiceStatus::Active if force || service.daemon => {}
        ServiceStatus::Active => {
            if service.desired > 0 {
                return Err(ApiError::invalid("The service cannot be stopped while it is scaled above 0."));
            }
            if service.revisions.iter().any(|one| one.entry.as_ref().is_some_and(has_not_ended)) && service.has_tasks()
            {
                return Err(ApiError::invalid("The service cannot be stopped while deployments are active."));
            }
        }
    }
    let answer = change(cx, &key, |cx, service| {
        service.status = ServiceStatus::Draining;
        service.desired = 0;
        deployments::abandon(cx, service);
        service.ends = Some(cx.now + Duration::from_millis(cx.region.random.u64(5_000..15_000)));
        json!({ "service": service.shown(cx.caller, true) })
    });
    answer.ok_or_else(|| ApiError::refused("ServiceNotFoundException", "Service not found."))
}

fn has_not_ended(entry: &super::Entry) -> bool {
    entry.status != EntryStatus::Primary
}

/// Ends the tasks of a DRAINING service, and the service once they are gone.
pub(in crate::world) fn drain(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    let Some(number) = service.tasks.iter().find(|task| task.is_wanted()).map(|task| task.revision) else {
        return end(cx, service);
    };
    let reason = format!("Scaling activity initiated by (deployment ecs-svc/{number})");
    let stop = Stop { code: StopCode::ServiceSchedulerInitiated, reason };
    let ids: Vec<String> = service.tasks.iter().filter(|task| task.is_wanted()).map(|task| task.id.clone()).collect();
    deployments::stop_tasks(cx, service, &ids, &stop);
    true
}

fn end(cx: &mut Cx<'_>, service: &mut Service) -> bool {
    if service.has_tasks() || service.ends.is_some_and(|at| at > cx.now) {
        return false;
    }
    service.status = ServiceStatus::Inactive;
    service.ends = Some(cx.now + INACTIVE_VISIBLE);
    service.task_sets.clear();
    for revision in &mut service.revisions {
        revision.entry = None;
    }
    true
}
