//! Clusters: what is sent and what ECS echoes.

use ecs_operator::ecs::canon::{Verdict, cluster_unit, cluster_units, compare, desired_cluster, observed_cluster};
use serde_json::json;

#[test]
fn an_echoed_cluster_is_the_cluster_that_was_asked_for() {
    let desired = desired_cluster(&json!({
        "clusterName": "production",
        "capacityProviders": ["FARGATE_SPOT", "FARGATE"],
        "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1, "base": 2 }, { "capacityProvider": "FARGATE_SPOT", "weight": 4 }],
        "settings": [{ "name": "containerInsights", "value": "enhanced" }],
        "configuration": { "executeCommandConfiguration": { "logging": "DEFAULT" } },
        "serviceConnectDefaults": { "namespace": "internal" },
        "tags": [{ "key": "a", "value": "b" }],
    }))
    .unwrap();
    assert_eq!(desired.len(), 5, "only what is set: {desired:?}");
    let observed = observed_cluster(&json!({
        "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/production", "clusterName": "production", "status": "ACTIVE",
        "registeredContainerInstancesCount": 0, "activeServicesCount": 3, "statistics": [], "attachments": [],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT", "weight": 4, "base": 0 }, { "capacityProvider": "FARGATE", "weight": 1, "base": 2 }],
        "settings": [{ "name": "other", "value": "x" }, { "name": "containerInsights", "value": "enhanced" }],
        "serviceConnectDefaults": { "namespace": "internal" },
    }))
    .unwrap();
    assert_eq!(observed.keys().collect::<Vec<_>>().len(), cluster_units().count(), "everything is observed");
    for (unit, value) in &desired {
        assert_eq!(compare(unit, value, observed.get(unit)), Verdict::Same, "{unit}");
    }
}

#[test]
fn a_namespace_given_by_name_and_shown_by_arn_cannot_be_judged() {
    let unit = "serviceConnectDefaults";
    let by_name = cluster_unit(unit, Some(&json!({ "namespace": "internal" }))).unwrap();
    let arn = |id: &str| {
        cluster_unit(
            unit,
            Some(&json!({ "namespace": format!("arn:aws:servicediscovery:eu-west-1:1:namespace/{id}") })),
        )
        .unwrap()
    };
    assert_eq!(compare(unit, &by_name, Some(&arn("ns-1"))), Verdict::Unknown);
    assert_eq!(compare(unit, &arn("ns-1"), Some(&arn("ns-1"))), Verdict::Same);
    assert_eq!(compare(unit, &arn("ns-1"), Some(&arn("ns-2"))), Verdict::Different);
    let none = cluster_unit(unit, None).unwrap();
    assert_eq!(compare(unit, &by_name, Some(&none)), Verdict::Different);
    assert_eq!(
        cluster_unit(unit, Some(&json!({ "namespace": "" }))).unwrap(),
        none,
        "the reset value is no default at all"
    );
}

#[test]
fn what_a_cluster_does_without_a_unit() {
    for (unit, reset) in [
        ("capacityProviders", json!([])),
        ("defaultCapacityProviderStrategy", json!([])),
        ("configuration.executeCommandConfiguration", json!({ "logging": "DEFAULT" })),
        (
            "configuration.executeCommandConfiguration",
            json!({ "logConfiguration": { "cloudWatchEncryptionEnabled": false, "s3EncryptionEnabled": false } }),
        ),
        ("serviceConnectDefaults", json!({ "namespace": "" })),
    ] {
        assert_eq!(cluster_unit(unit, Some(&reset)).unwrap(), cluster_unit(unit, None).unwrap(), "{unit}");
    }
}
