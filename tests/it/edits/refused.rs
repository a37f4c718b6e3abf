//! What ECS can't change in place.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{concerns, reads};
use crate::support::{Scene, condition};

fn manifest(name: &str, spec: Value) -> String {
    json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService", "metadata": { "name": name }, "spec": spec })
        .to_string()
}

/// An edit that ECS would refuse must say which field it is and what to do, and must neither be tried for ever nor
/// be forgotten: the object is not what its manifest says.
#[tokio::test]
async fn what_ecs_cannot_change_is_refused_by_name_and_not_called() {
    let scene = Scene::start("refused").await;
    let ecs = scene.ecs();
    ecs.call("CreateCluster", json!({ "clusterName": "main" })).await;
    let container = json!({ "name": "web", "image": "nginx", "memory": 128 });
    ecs.call("RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": [container] })).await;
    let balancer = json!([{ "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/a/1",
                            "containerName": "web", "containerPort": 80 }]);
    let base = json!({ "cluster": "main", "taskDefinition": "web:1" });
    // The field, how the service is in ECS, and what the manifest of the one who takes it over asks.
    let rows = [
        ("launchType", json!({ "launchType": "EC2" }), json!({ "launchType": "EXTERNAL" })),
        ("schedulingStrategy", json!({ "schedulingStrategy": "DAEMON" }), json!({ "schedulingStrategy": "REPLICA" })),
        (
            "role",
            json!({ "role": "arn:aws:iam::111122223333:role/a", "loadBalancers": balancer }),
            json!({ "role": "arn:aws:iam::111122223333:role/b", "loadBalancers": balancer }),
        ),
    ];
    let merged = |more: &Value| {
        let mut all = base.clone();
        super::table::merge(&mut all, more.clone());
        all
    };
    for (field, live, asked) in &rows {
        let name = field.to_lowercase();
        let mut service = merged(live);
        service["serviceName"] = name.clone().into();
        ecs.call("CreateService", service).await;
        let mut spec = merged(asked);
        spec["adoptionPolicy"] = "IfExists".into();
        scene.apply(&manifest(&name, spec)).await;
    }
    let refused = async |field: &str| {
        let object = scene.reason(&format!("EcsService/{}", field.to_lowercase()), "ReplaceRequired").await;
        condition(&object, "Stalled").unwrap()["message"].as_str().unwrap().to_owned()
    };
    let messages = join_all(rows.iter().map(|(field, ..)| refused(field))).await;
    let names: Vec<String> = rows.iter().map(|(field, ..)| field.to_lowercase()).collect();
    reads(&scene, &names, 3).await;
    // A look at the object for another reason must not make it ready.
    for name in &names {
        scene.kubectl(&["annotate", &format!("ecssvc/{name}"), "looked=again"]);
    }
    reads(&scene, &names, 2).await;
    join_all(rows.iter().map(|(field, ..)| refused(field))).await;
    for ((field, ..), message) in rows.iter().zip(&messages) {
        assert!(message.contains(&format!("spec.{field}")), "{message}");
        let name = field.to_lowercase();
        let calls = scene.proxy.calls();
        let updates = calls.iter().filter(|call| call.operation == "UpdateService" && concerns(call, &name));
        assert_eq!(updates.count(), 0, "{field}");
    }
    insta::assert_snapshot!(messages.join("\n"));
}
