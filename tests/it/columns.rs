//! What `kubectl get` shows: the columns, in a terminal of 80.

use serde_json::{Value, json};

use crate::support::{Scene, raw::Raw};

/// Realistic and long: a name of 23 letters, the longest status and reason, counts of four digits.
const NAME: &str = "checkout-service-worker";

fn status(more: Value) -> Value {
    let mut status = json!({
        "observedGeneration": 1,
        "region": "ap-southeast-2",
        "conditions": [
            { "type": "Ready", "status": "Unknown", "reason": "DeploymentFailed", "observedGeneration": 1,
              "lastTransitionTime": "2026-01-01T00:00:00Z", "message": "3 tasks failed to start." },
        ],
    });
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "status": status })
}

/// `kubectl get` that breaks its lines can't be read; what it shows first is what people look for.
#[tokio::test]
async fn the_columns_fit_a_terminal() {
    let raw = Raw::new().await;
    let mut scene = Scene::new("columns").await;
    let container = json!({ "name": "web", "image": "nginx", "memory": 128 });
    let arn = "arn:aws:ecs:ap-southeast-2:111122223333:task-definition/checkout-service-worker:12345";
    for (plural, kind, spec, of_kind, header, wide) in [
        (
            "ecsclusters",
            "EcsCluster",
            json!({}),
            json!({}),
            "NAME READY STATUS AGE",
            "NAME READY STATUS AGE REGION MESSAGE",
        ),
        (
            "ecstaskdefinitions",
            "EcsTaskDefinition",
            json!({ "containerDefinitions": [container] }),
            json!({ "revision": 12345, "taskDefinitionArn": arn }),
            "NAME READY STATUS REVISION AGE",
            "NAME READY STATUS REVISION AGE ARN REGION MESSAGE",
        ),
        (
            "ecsservices",
            "EcsService",
            json!({ "cluster": "production", "taskDefinition": "web:1" }),
            json!({ "desiredCount": 1200, "runningCount": 1199, "pendingCount": 1, "cluster": "production",
                    "taskDefinition": "checkout-service-worker:12345",
                    "deployment": { "id": "ecs-svc/1", "rolloutState": "IN_PROGRESS", "runningCount": 1199 } }),
            "NAME READY STATUS DESIRED UPDATED AGE",
            "NAME READY STATUS DESIRED UPDATED AGE TASKDEF RUNNING PENDING CLUSTER ROLLOUT STAGE TRAFFIC REGION MESSAGE",
        ),
    ] {
        let path = format!("/apis/ecs-operator.dev/v1alpha1/namespaces/{}/{plural}", scene.namespace);
        let object = json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": { "name": NAME }, "spec": spec });
        raw.post(&path, &object).await.unwrap();
        let unseen = scene.kubectl(&["get", plural]);
        assert!(unseen.contains("Unknown") && unseen.contains("Pending"), "nobody has looked yet:\n{unseen}");
        raw.patch(&format!("{path}/{NAME}/status"), &status(of_kind)).await.unwrap();
        let narrow = scene.kubectl(&["get", plural]);
        let words: Vec<&str> = narrow.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(words.join(" "), header);
        for line in narrow.lines() {
            // The age of an object that lives grows to four letters ("365d").
            let width = line.trim_end().rfind(' ').unwrap() + 1 + 4;
            assert!(width <= 80, "{width} columns:\n{narrow}");
        }
        let all = scene.kubectl(&["get", plural, "-o", "wide"]);
        let words: Vec<&str> = all.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(words.join(" "), wide);
        let shown = ["ap-southeast-2", "3 tasks failed to start."];
        assert!(shown.iter().all(|text| all.contains(text)), "a column shows nothing:\n{all}");
    }
    // The names that people type.
    for name in ["ecscl", "ecstd", "ecssvc", "ecs"] {
        assert!(scene.kubectl(&["get", name]).contains(NAME), "{name}");
    }
    // These statuses are for the width of the columns, no operator's.
    scene.statuses.finish();
    // Found by what they refer to, as a controller or a script asks.
    let selector = "spec.clusterRef.name=production,spec.taskDefinitionRef.name!=web";
    scene.kubectl(&["get", "ecssvc", "--field-selector", selector]);
}
