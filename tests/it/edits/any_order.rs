//! A folder of manifests, in whatever order it is applied.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use futures::future::join_all;
use serde_json::{Map, Value, json};

use super::{folders, key, objects};
use crate::support::{Scene, wire::LiveEcs};

/// AWS's own Python client lists everything that is in the account and prints it.
const READ_ECS: &str = r#"
import boto3, json, sys
ecs = boto3.client("ecs", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id=sys.argv[2],
                   aws_secret_access_key="test")
found = {"EcsCluster": {}, "EcsTaskDefinition": {}, "EcsService": {}}
clusters = ecs.list_clusters()["clusterArns"]
for cluster in ecs.describe_clusters(clusters=clusters, include=["TAGS", "SETTINGS", "CONFIGURATIONS"])["clusters"]:
    found["EcsCluster"][cluster["clusterName"]] = cluster
    for arn in ecs.list_services(cluster=cluster["clusterArn"])["serviceArns"]:
        service = ecs.describe_services(cluster=cluster["clusterArn"], services=[arn], include=["TAGS"])["services"][0]
        # ECS shows some fields there.
        service.update({name: value for name, value in service["deployments"][0].items() if name.endswith(("Configuration", "Configurations")) and name not in service})
        found["EcsService"][service["serviceName"]] = service
for arn in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]:
    answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    family = answer["taskDefinition"]["family"]
    assert family not in found["EcsTaskDefinition"], family + " was registered twice"
    found["EcsTaskDefinition"][family] = dict(answer["taskDefinition"], tags=answer.get("tags", []))
print(json.dumps(found, default=str))
"#;

/// What isn't ECS's in a spec, or is compared on its own; and what ECS never shows.
const APART: &[&str] = &[
    "clusterRef",
    "taskDefinitionRef",
    "deletionPolicy",
    "adoptionPolicy",
    "managementPolicy",
    "revisionHistoryLimit",
    "gatewayConnectors",
    "monitoring",
];

/// The documents of a folder, in the order of its files.
fn documents(folder: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |file: &PathBuf| serde_saphyr::from_multiple::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap();
    files.iter().flat_map(read).collect()
}

/// Live ECS by kind and name, as a client sees it that isn't ours.
fn read_ecs(scene: &Scene) -> Value {
    let LiveEcs { account, .. } = scene.ecs();
    // Through the proxy: MiniStack alone doesn't show all that it was given.
    let output =
        Command::new(&scene.bed.python).args(["-c", READ_ECS, &scene.proxy.url(), &account]).env_clear().output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything that a manifest says and ECS doesn't show, at any depth. What ECS shows beyond that is its own.
fn missing(path: &str, want: &Value, have: &Value, found: &mut Vec<String>) {
    match (want, have) {
        (Value::Object(want), Value::Object(have)) => {
            for (name, want) in want {
                missing(&format!("{path}.{name}"), want, have.get(name).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(want), Value::Array(have)) => {
            for item in want {
                let fits = |candidate: &&Value| {
                    let mut found = Vec::new();
                    missing(path, item, candidate, &mut found);
                    found.is_empty()
                };
                if !have.iter().any(|candidate| fits(&candidate)) {
                    found.push(format!("{path}: {item} is not in {}", json!(have)));
                }
            }
        }
        (Value::Array(want), Value::Null) if want.is_empty() => {}
        _ if same(path, want, have) => {}
        _ => found.push(format!("{path}: {want} and ECS shows {have}")),
    }
}

/// The few values that ECS shows otherwise than they were given, spelled out for what the manifests contain.
fn same(path: &str, want: &Value, have: &Value) -> bool {
    let quantity = path.ends_with(".cpu") || path.ends_with(".memory");
    let written = want.as_str().map_or_else(|| want.to_string(), str::to_owned);
    let shown = have.as_str().map_or_else(|| have.to_string(), str::to_owned);
    let plain = match written.as_str() {
        "0.5 vCPU" => "512",
        ".25 vCPU" => "256",
        "1 GB" => "1024",
        other => other,
    };
    want == have || (quantity && plain == shown)
}

/// Holds every manifest against live ECS.
fn equal(scene: &Scene, documents: &[Value]) -> Value {
    let live = read_ecs(scene);
    let mut wrong = Vec::new();
    let text =
        |object: &Value, place: &str| object.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name_in_ecs = |object: &Value| {
        let names = ["/spec/serviceName", "/spec/clusterName", "/spec/family", "/metadata/name"];
        names.into_iter().map(|place| text(object, place)).find(|name| !name.is_empty()).unwrap()
    };
    let referred = |kind: &str, name: &str| {
        let is = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        name_in_ecs(documents.iter().find(is).unwrap())
    };
    for object in documents {
        let (kind, name) = (text(object, "/kind"), name_in_ecs(object));
        let have = &live[&kind][&name];
        let spec = object["spec"].as_object().unwrap();
        let ecs: Map<String, Value> = spec
            .iter()
            .filter(|(name, _)| !APART.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        missing(&format!("{kind} {name}"), &Value::Object(ecs), have, &mut wrong);
        for (field, shown, of) in
            [("clusterRef", "clusterArn", "EcsCluster"), ("taskDefinitionRef", "taskDefinition", "EcsTaskDefinition")]
        {
            let Some(reference) = spec.get(field) else { continue };
            let name = referred(of, reference["name"].as_str().unwrap());
            let shown = text(have, &format!("/{shown}"));
            if !shown.contains(&format!("/{name}")) {
                wrong.push(format!("{kind} {name}: {field} and ECS shows {shown}"));
            }
        }
    }
    let counts = |kind: &str| live[kind].as_object().unwrap().len();
    let made: usize = ["EcsCluster", "EcsTaskDefinition", "EcsService"].map(counts).iter().sum();
    assert_eq!(made, documents.len(), "ECS has something else than the manifests: {live:#}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    live
}

/// What differs from run to run, and is nothing that a user asked for.
fn settle(value: &mut Value, scene: &Scene) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !(name.ends_with("At") || ["id", "deployments", "events", "taskSets"].contains(&name.as_str()))
            });
            members.values_mut().for_each(|member| settle(member, scene));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| settle(item, scene));
            items.sort_by_key(Value::to_string);
        }
        Value::String(text) => {
            *text = text.replace(&scene.namespace, "NAMESPACE").replace(&scene.account, "ACCOUNT");
        }
        _ => {}
    }
}

async fn end(folder: &Path, order: &str) -> Value {
    let scene = Scene::start("order").await;
    let mut documents = documents(folder);
    match order {
        "reverse" => documents.reverse(),
        _ => {}
    }
    if order == "at once" {
        scene.kubectl(&["apply", "-f", &folder.display().to_string()]);
    } else {
        for document in &documents {
            scene.apply(&document.to_string()).await;
        }
    }
    for object in objects(&scene) {
        scene.ready(&key(&object)).await;
    }
    let mut live = equal(&scene, &documents);
    settle(&mut live, &scene);
    live
}

/// Nobody orders the files of a folder by what refers to what, and kubectl, Flux and Argo CD apply them as they
/// come. Whatever the order, ECS must end the same, and as the manifests say.
#[tokio::test]
async fn a_folder_ends_the_same_in_any_order() {
    for folder in folders() {
        let orders = ["in order", "reverse", "at once"];
        let ends = join_all(orders.map(|order| end(&folder, order))).await;
        assert_eq!(ends[0], ends[1], "{} in order and in reverse", folder.display());
        assert_eq!(ends[0], ends[2], "{} in order and at once", folder.display());
    }
}
