//! DeleteCluster.

use serde_json::{Value, json};

use super::{ATTACHING, ClusterStatus, Life, describe, find, not_found};
use crate::world::{ApiError, Cx, input};

pub(super) fn delete(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let named = input::required_text(call, "cluster")?;
    let cluster = find(cx, Some(named))?;
    let name = cluster.name.clone();
    if matches!(cluster.status(cx.now), ClusterStatus::Deprovisioning | ClusterStatus::Inactive) {
        return Ok(json!({ "cluster": describe::written(cx, cluster, false) }));
    }
    cluster.check_not_busy(cx.now)?;
    check_empty(cx, &name)?;
    let now = cx.now;
    let cluster = cx.region.clusters.get_mut(&name).ok_or_else(not_found)?;
    // What was attached is detached first, as long as it takes.
    let attached = !cluster.capacity_providers.is_empty() || cluster.namespace.is_some();
    let gone = if attached { now + ATTACHING.1 } else { now };
    cluster.life = Life::Deleted(gone);
    if attached {
        cluster.attached = Some(gone);
    }
    let cluster = find(cx, Some(&name))?;
    Ok(json!({ "cluster": describe::written(cx, cluster, false) }))
}

fn check_empty(cx: &Cx<'_>, name: &str) -> Result<(), ApiError> {
    let counts = super::counts(cx.region, name);
    let managed = cx.region.capacity_providers.values();
    let holds_provider = managed.filter(|one| !one.is_inactive(cx.now)).any(|one| one.cluster.as_deref() == Some(name));
    let holds = [
        (counts.instances > 0, "ContainerInstances", "Container Instances are active"),
        (counts.services() > 0, "Services", "Services are active"),
        (counts.tasks() > 0, "Tasks", "Tasks are active"),
        (holds_provider, "CapacityProvider", "Capacity Providers are active"),
    ];
    match holds.into_iter().find(|(holds, ..)| *holds) {
        Some((_, what, why)) => Err(ApiError::refused(
            &format!("ClusterContains{what}Exception"),
            format!("The Cluster cannot be deleted while {why}."),
        )),
        None => Ok(()),
    }
}
