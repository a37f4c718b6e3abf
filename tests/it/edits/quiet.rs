//! A quiet hour is free.

use std::time::Duration;

use serde_json::{Value, json};

use super::{folders, key, objects, reads};
use crate::support::Scene;

/// What a write by anybody changes.
fn fingerprints(objects: &[Value]) -> Vec<Value> {
    let fingerprint = |object: &Value| {
        json!({ "object": key(object), "generation": object["metadata"]["generation"], "spec": object["spec"],
                "resourceVersion": object["metadata"]["resourceVersion"] })
    };
    objects.iter().map(fingerprint).collect()
}

/// Who applies a folder every few minutes, as Flux does, and leaves ECS alone, must cause no write at all: not to
/// ECS, where it would deploy, not to the API server, where it would wake every watcher; and `kubectl diff` must
/// stay empty, or the folder in Git is no longer the truth.
#[tokio::test]
async fn what_is_applied_again_and_left_alone_costs_no_write() {
    let scene = Scene::start("quiet").await;
    let [examples, unusual] = folders().map(|folder| folder.display().to_string());
    let kubectl = |verb: &str| scene.kubectl(&[verb, "-f", &examples, "-f", &unusual]);
    kubectl("apply");
    let applied = objects(&scene);
    for object in &applied {
        scene.ready(&key(object)).await;
    }
    // By then the Events of the creation are written too.
    let name_in_ecs = |object: &Value| {
        let name = ["/spec/serviceName", "/spec/clusterName", "/metadata/name"].map(|place| object.pointer(place));
        name.into_iter().flatten().find_map(Value::as_str).unwrap_or_default().to_owned()
    };
    let swept = applied.iter().filter(|object| object["kind"] != "EcsTaskDefinition");
    let names: Vec<String> = swept.map(name_in_ecs).collect();
    reads(&scene, &names, 3).await;
    let (before, audit) = (fingerprints(&objects(&scene)), scene.audit());
    scene.proxy.clear();

    kubectl("apply");
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(scene.proxy.log(), "", "writes to ECS");
    assert_eq!(scene.audit().0[audit.0.len()..], [], "writes to the API server");
    assert_eq!(fingerprints(&objects(&scene)), before);
    assert_eq!(kubectl("diff"), "");
    let sweeps = scene.proxy.count("DescribeServices");
    assert!(sweeps >= 20, "it looked {sweeps} times only");
}
