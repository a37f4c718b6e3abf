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
        (counts.tasks > 0, "Tasks", "Tasks are active"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    #[test]
    fn services_hold_a_cluster_until_they_are_inactive_and_then_tasks_do() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        ecs.web(&json!({ "launchType": "FARGATE" }));
        ecs.pass(600);
        let delete = json!({ "cluster": "default" });
        assert_eq!(ecs.refusal("DeleteCluster", &delete).code, "ClusterContainsServicesException");
        let run = json!({
            "taskDefinition": "web", "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        });
        let task = ecs.answer("RunTask", &run)["tasks"][0]["taskArn"].clone();
        ecs.answer("DeleteService", &json!({ "service": "web", "force": true }));
        assert_eq!(ecs.answer("ListServices", &json!({}))["serviceArns"], json!([]));
        let held = ecs.refusal("DeleteCluster", &delete);
        assert_eq!(held.code, "ClusterContainsServicesException", "DRAINING services are not listed, and hold it");
        ecs.pass(600);
        let held = ecs.refusal("DeleteCluster", &delete);
        assert_eq!(held.message, "The Cluster cannot be deleted while Tasks are active.");
        ecs.answer("StopTask", &json!({ "task": task }));
        ecs.pass(600);
        assert_eq!(ecs.answer("DeleteCluster", &delete)["cluster"]["status"], "INACTIVE");
    }

    #[test]
    fn what_runs_is_counted() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        ecs.web(&json!({ "launchType": "FARGATE" }));
        ecs.pass(600);
        let shown = ecs.answer("DescribeClusters", &json!({ "include": ["STATISTICS"] }))["clusters"][0].clone();
        assert_eq!((&shown["activeServicesCount"], &shown["runningTasksCount"]), (&json!(1), &json!(2)));
        let statistics = shown["statistics"].as_array().unwrap();
        assert!(statistics.contains(&json!({ "name": "runningFargateTasksCount", "value": "2" })));
        assert!(statistics.contains(&json!({ "name": "activeEC2ServiceCount", "value": "0" })));
    }

    #[test]
    fn a_capacity_provider_in_use_cannot_be_taken_from_its_cluster() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }));
        ecs.pass(60);
        let spot = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
        ecs.web(&json!({ "capacityProviderStrategy": spot }));
        ecs.pass(600);
        let put = |providers: Value| json!({ "cluster": "default", "capacityProviders": providers, "defaultCapacityProviderStrategy": [] });
        let held = ecs.refusal("PutClusterCapacityProviders", &put(json!(["FARGATE"])));
        assert_eq!(held.code, "ResourceInUseException");
        let left = ecs.answer("PutClusterCapacityProviders", &put(json!(["FARGATE_SPOT"])));
        assert_eq!(left["cluster"]["capacityProviders"], json!(["FARGATE_SPOT"]));
    }
}
