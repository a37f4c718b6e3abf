//! Each field of a cluster: edited, removed, put back.

use std::collections::BTreeSet;

use ecs_operator::ecs::canon;
use serde_json::{Value, json};

use super::table::{Removed, Row, walk};
use crate::support::Scene;

fn rows() -> Vec<Row> {
    use Removed::{Noted, Reset};
    let row = |field, base: Value, a, b, removed| Row { field, base, a, b, removed };
    // A spec must have something in it.
    let none = || json!({ "deletionPolicy": "Delete" });
    let strategy = |provider: &str| json!([{ "capacityProvider": provider, "weight": 1 }]);
    let both = || json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"] });
    let insights = |value: &str| json!([{ "name": "containerInsights", "value": value }]);
    let key = |number| json!({ "kmsKeyId": format!("arn:aws:kms:eu-west-1:111122223333:key/{number}") });
    // The block has two members: an edit of one must not take the other away.
    let logging = json!({ "configuration": { "executeCommandConfiguration": { "logging": "NONE" } } });
    let group = json!({ "logging": "OVERRIDE", "logConfiguration": { "cloudWatchLogGroupName": "/exec" } });
    vec![
        row("capacityProviders", none(), json!(["FARGATE"]), json!(["FARGATE_SPOT", "FARGATE"]), Reset),
        row("defaultCapacityProviderStrategy", both(), strategy("FARGATE"), strategy("FARGATE_SPOT"), Reset),
        // An account of MiniStack has "enabled", to which a removal goes back.
        row("settings", none(), insights("disabled"), insights("enhanced"), Reset),
        row("configuration.executeCommandConfiguration", none(), json!({ "logging": "NONE" }), group, Reset),
        row("configuration.managedStorageConfiguration", logging, key(1), key(2), Noted),
        row(
            "serviceConnectDefaults",
            none(),
            json!({ "namespace": "internal" }),
            json!({ "namespace": "external" }),
            Reset,
        ),
        row("tags", none(), json!([{ "key": "Team", "value": "a" }]), json!([{ "key": "Team", "value": "b" }]), Reset),
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
