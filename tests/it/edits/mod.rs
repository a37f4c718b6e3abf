//! One call for each change, whoever made it, and none where nothing changed.

mod any_order;
mod cluster_fields;
mod drift;
mod quiet;
mod refused;
mod service_fields;
mod table;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Call, SOON, Scene};

/// Whether a call is about the object of this name.
pub fn concerns(call: &Call, name: &str) -> bool {
    let is = |member: &str| call.body[member] == name;
    let among = |member: &str| call.body[member].as_array().is_some_and(|all| all.iter().any(|item| item == name));
    let tagged = call.body["resourceArn"].as_str().is_some_and(|arn| arn.rsplit('/').next() == Some(name));
    let cluster = is("cluster") && call.body["service"].is_null() && call.body["services"].is_null();
    is("service")
        || is("serviceName")
        || is("clusterName")
        || cluster
        || among("services")
        || among("clusters")
        || tagged
}

/// Waits until ECS has been read so many times more for each of these objects.
pub async fn reads(scene: &Scene, names: &[String], times: usize) {
    let from = next(scene);
    let enough = |calls: &[Call]| {
        names.iter().all(|name| {
            let read = |call: &&Call| call.seq >= from && !call.is_write() && call.answered && concerns(call, name);
            calls.iter().filter(read).count() >= times
        })
    };
    scene.proxy.wait(SOON, enough).await;
}

/// The place that the next call will have.
pub fn next(scene: &Scene) -> u64 {
    scene.proxy.calls().last().map_or(0, |call| call.seq + 1)
}

/// Folders of manifests: what newcomers see first, and one with each field in an unusual form.
pub fn folders() -> [PathBuf; 2] {
    ["examples", "tests/it/manifests"].map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

/// All objects of our kinds in the namespace.
pub fn objects(scene: &Scene) -> Vec<Value> {
    let list: Value = serde_json::from_str(&scene.kubectl(&["get", "ecs", "-o", "json"])).expect("JSON");
    list["items"].as_array().expect("a list").clone()
}

/// `EcsService/web`
pub fn key(object: &Value) -> String {
    let text = |place: &str| object.pointer(place).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("/kind"), text("/metadata/name"))
}
