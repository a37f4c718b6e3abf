//! Each field of a cluster: edited, removed, put back.

use std::collections::BTreeSet;

use ecs_operator::ecs::canon;
use serde_json::{Value, json};

use super::table::{Removed, Row, walk};
use crate::support::Scene;

fn rows() -> Vec<Row> {
    use Removed::{Noted, Reset};
    let row = |field, base: Value, a, b, removed| Row { field, base, a, b, removed };
    let strategy = |provider: &str| json!([{ "capacityProvider": provider, "weight": 1 }]);
    let both = || json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"] });
    let insights = |value: &str| json!([{ "name": "containerInsights", "value": value }]);
    let key = |number| json!({ "kmsKeyId": format!("arn:aws:kms:eu-west-1:111122223333:key/{number}") });
    let group = json!({ "logging": "OVERRIDE", "logConfiguration": { "cloudWatchLogGroupName": "/exec" } });
    vec![
        row("capacityProviders", json!({}), json!(["FARGATE"]), json!(["FARGATE_SPOT", "FARGATE"]), Reset),
        row("defaultCapacityProviderStrategy", both(), strategy("FARGATE"), strategy("FARGATE_SPOT"), Reset),
        row("settings", json!({}), insights("enhanced"), insights("enabled"), Reset),
        row("configuration.executeCommandConfiguration", json!({}), json!({ "logging": "NONE" }), group, Reset),
        row("configuration.managedStorageConfiguration", json!({}), key(1), key(2), Noted),
        row(
            "serviceConnectDefaults",
            json!({}),
            json!({ "namespace": "internal" }),
            json!({ "namespace": "external" }),
            Reset,
        ),
        row("tags", json!({}), json!([{ "key": "Team", "value": "a" }]), json!([{ "key": "Team", "value": "b" }]), Reset),
    ]
}

/// As for services. A capacity provider call that left out the other list would take the providers away from
/// every service.
#[tokio::test]
async fn each_field_of_a_cluster_costs_one_call_with_that_field() {
    let scene = Scene::start("cluster-fields").await;
    let rows = rows();
    let table: BTreeSet<&str> = rows.iter().map(|row| row.field).filter(|field| *field != "tags").collect();
    assert_eq!(table, canon::cluster_units().collect(), "each field has a row here");
    insta::assert_snapshot!(walk(&scene, "EcsCluster", &rows).await);
}
