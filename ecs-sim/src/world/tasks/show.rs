//! Tasks as DescribeTasks shows them.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::{Task, TaskStatus, place::LaunchType};
use crate::world::{Cx, arn, services::show::PLATFORM, tags};

/// The digest that an image's tag stands for.
pub(in crate::world) fn digest(image: &str) -> String {
    let part = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, image).hash(&mut hasher);
        hasher.finish()
    };
    format!("sha256:{:016x}{:016x}{:016x}{:016x}", part(0), part(1), part(2), part(3))
}

/// One task.
pub(in crate::world) fn task(cx: &Cx<'_>, task: &Task, with_tags: bool) -> Value {
    let desired = if task.is_wanted() { TaskStatus::Running } else { TaskStatus::Stopped };
    let mut shown = task.extra.clone();
    shown
        .entry("overrides")
        .or_insert_with(|| json!({ "containerOverrides": [], "inferenceAcceleratorOverrides": [] }));
    for (name, value) in [
        ("taskArn", json!(arn::task(cx.caller, &task.cluster, &task.id))),
        ("clusterArn", json!(arn::cluster(cx.caller, &task.cluster))),
        ("taskDefinitionArn", json!(task.shape.task_definition)),
        ("group", json!(task.group)),
        ("lastStatus", json!(task.status.wire())),
        ("desiredStatus", json!(desired.wire())),
        ("launchType", json!(task.place.launch_type.wire())),
        ("availabilityZone", json!(task.place.zone)),
        ("cpu", json!(task.shape.cpu.to_string())),
        ("memory", json!(task.shape.memory.to_string())),
        ("healthStatus", json!(task.health.wire())),
        ("version", json!(task.version)),
        ("createdAt", json!(task.times.created.seconds())),
        ("containers", containers(cx, task)),
        ("attachments", attachments(task)),
        ("tags", if with_tags { tags::shown(&task.tags) } else { json!([]) }),
    ] {
        shown.insert(name.to_owned(), value);
    }
    show_place(cx, task, &mut shown);
    for (name, at) in [
        ("connectivityAt", task.times.connectivity),
        ("pullStartedAt", task.times.pull_started),
        ("pullStoppedAt", task.times.pull_stopped),
        ("startedAt", task.times.started),
        ("stoppingAt", task.times.stopping),
        ("executionStoppedAt", task.times.execution_stopped),
        ("stoppedAt", task.times.stopped),
    ] {
        if let Some(at) = at {
            shown.insert(name.to_owned(), json!(at.seconds()));
        }
    }
    if let Some(stop) = &task.stop {
        shown.insert("stopCode".to_owned(), json!(stop.code.wire()));
        shown.insert("stoppedReason".to_owned(), json!(stop.reason));
    }
    Value::Object(shown)
}

fn show_place(cx: &Cx<'_>, task: &Task, shown: &mut Map<String, Value>) {
    if let Some(by) = &task.started_by {
        shown.insert("startedBy".to_owned(), json!(by));
    }
    if let Some(provider) = &task.place.provider {
        shown.insert("capacityProviderName".to_owned(), json!(provider));
    }
    if let Some(instance) = &task.place.instance {
        shown.insert(
            "containerInstanceArn".to_owned(),
            json!(arn::container_instance(cx.caller, &task.cluster, instance)),
        );
    }
    if task.place.launch_type == LaunchType::Fargate {
        shown.insert("platformVersion".to_owned(), json!(PLATFORM));
        shown.insert("platformFamily".to_owned(), json!(task.shape.platform_family));
        shown.insert("ephemeralStorage".to_owned(), json!({ "sizeInGiB": 20 }));
    }
    if task.times.connectivity.is_some() {
        shown.insert("connectivity".to_owned(), json!("CONNECTED"));
    }
}

fn containers(cx: &Cx<'_>, task: &Task) -> Value {
    let of_task = arn::task(cx.caller, &task.cluster, &task.id);
    let runs = task.times.pull_stopped.is_some();
    let status = match task.status {
        TaskStatus::Deprovisioning | TaskStatus::Stopped => "STOPPED",
        TaskStatus::Running | TaskStatus::Activating | TaskStatus::Deactivating | TaskStatus::Stopping => "RUNNING",
        TaskStatus::Provisioning | TaskStatus::Pending => "PENDING",
    };
    let shown = task.shape.containers.iter().enumerate().map(|(place, one)| {
        let mut shown = json!({
            "containerArn": arn::ecs(cx.caller, &format!("container/{}/{}/{place}", task.cluster, task.id)),
            "taskArn": of_task,
            "name": one.name,
            "image": one.image,
            "imageDigest": digest(&one.image),
            "runtimeId": format!("{}-{place}", task.id),
            "lastStatus": status,
            "healthStatus": if one.health.is_some() { task.health.wire() } else { "UNKNOWN" },
            "networkBindings": [],
            "networkInterfaces": [],
            "cpu": "0",
        });
        let own = task.end.as_ref().filter(|end| end.container == place);
        match own {
            Some(end) => {
                if let Some(exit) = end.exit {
                    shown["exitCode"] = json!(exit);
                }
                if let Some(reason) = &end.reason {
                    shown["reason"] = json!(reason);
                }
            }
            // The others are told to end, which most programs do as the signal says.
            None if status == "STOPPED" && runs => shown["exitCode"] = json!(143),
            None => {}
        }
        shown
    });
    shown.collect()
}

fn attachments(task: &Task) -> Value {
    if !task.shape.awsvpc {
        return json!([]);
    }
    let status = match task.status {
        TaskStatus::Provisioning => "ATTACHING",
        TaskStatus::Deprovisioning => "DETACHING",
        TaskStatus::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let id = &task.id;
    json!([{
        "id": format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]),
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [{ "name": "networkInterfaceId", "value": format!("eni-{}", &id[..17]) }],
    }])
}
