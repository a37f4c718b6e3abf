//! What Live reads and what it keeps of an answer.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use super::{Group, Target};
use crate::ecs::{
    client::{Ecs, Operation},
    error::{Class, EcsError},
    event::is_harmless,
};

/// How many of the newest stopped tasks are kept, and what of them.
const STOPPED_TASKS: usize = 10;
const OF_STOPPED_TASKS: &[&str] = &[
    "taskArn",
    "taskDefinitionArn",
    "startedBy",
    "lastStatus",
    "stopCode",
    "stoppedReason",
    "stoppedAt",
    "executionStoppedAt",
    "stoppingAt",
    "containers",
];

/// How the reason of a task begins that ECS stopped because fewer were wanted. A rollback stops all that ran of what failed,
/// after the failures: they would fill all the places.
const NOT_WANTED: &str = "Scaling activity initiated by";

/// When a task stopped. One that is still being stopped, or whose network is still taken down, has failed as well.
const STOP_TIMES: [&str; 3] = ["stoppedAt", "executionStoppedAt", "stoppingAt"];

/// How many of the newest service events are kept.
const EVENTS: usize = 5;

impl Target {
    /// The operation that reads it.
    pub(in crate::ecs) const fn operation(self) -> Operation {
        match self {
            Self::Cluster => Operation::DescribeClusters,
            Self::Service => Operation::DescribeServices,
            Self::TaskDefinition => Operation::DescribeTaskDefinition,
            Self::ServiceRevision => Operation::DescribeServiceRevisions,
            Self::ServiceDeployment => Operation::DescribeServiceDeployments,
            Self::StoppedTasks => Operation::ListTasks,
        }
    }

    /// How many names one call takes.
    pub(super) const fn batch(self) -> usize {
        match self {
            Self::Cluster => 100,
            Self::Service => 10,
            Self::TaskDefinition | Self::StoppedTasks => 1,
            Self::ServiceRevision | Self::ServiceDeployment => 20,
        }
    }
}

/// One call for all of `names`; the answer in the order of `names`, `None` where ECS has no such object.
pub(super) async fn describe(ecs: &Ecs, group: &Group, names: &[&str]) -> Result<Vec<Option<Value>>, EcsError> {
    let found = match group.target {
        Target::Cluster => {
            let input = json!({
                "clusters": names,
                "include": ["SETTINGS", "CONFIGURATIONS", "TAGS", "ATTACHMENTS"],
            });
            list(call(ecs, Operation::DescribeClusters, input).await?, "clusters")
        }
        Target::Service => {
            let input = json!({ "cluster": &*group.parent, "services": names, "include": ["TAGS"] });
            match call(ecs, Operation::DescribeServices, input).await {
                Ok(answer) => list(answer, "services"),
                // Without the cluster there are no services.
                Err(error) if error.class == Class::Absent => Vec::new(),
                Err(error) => return Err(error),
            }
        }
        Target::TaskDefinition => {
            let mut found = Vec::new();
            for name in names {
                let input = json!({ "taskDefinition": name, "include": ["TAGS"] });
                match call(ecs, Operation::DescribeTaskDefinition, input).await {
                    Ok(answer) => found.extend(task_definition(answer)),
                    Err(error) if error.class == Class::Absent => {}
                    Err(error) => return Err(error),
                }
            }
            found
        }
        Target::ServiceRevision => {
            let input = json!({ "serviceRevisionArns": names });
            list(call(ecs, Operation::DescribeServiceRevisions, input).await?, "serviceRevisions")
        }
        Target::ServiceDeployment => {
            let input = json!({ "serviceDeploymentArns": names });
            match call(ecs, Operation::DescribeServiceDeployments, input).await {
                Ok(answer) => list(answer, "serviceDeployments"),
                // Deployments go with their service.
                Err(error) if error.class == Class::Absent => Vec::new(),
                Err(error) => return Err(error),
            }
        }
        Target::StoppedTasks => {
            let mut found = Vec::new();
            for name in names {
                found.extend(stopped_tasks(ecs, &group.parent, name).await?);
            }
            found
        }
    };
    let mut found: Vec<Option<Value>> = found.into_iter().map(Some).collect();
    Ok(names
        .iter()
        .map(|name| {
            found
                .iter_mut()
                .find(|value| value.as_ref().is_some_and(|value| is_called(group.target, value, name)))
                .and_then(Option::take)
        })
        .collect())
}

async fn call(ecs: &Ecs, operation: Operation, input: Value) -> Result<Value, EcsError> {
    let input: Map<String, Value> = match input {
        Value::Object(input) => input,
        _ => Map::new(),
    };
    ecs.call(operation, &input).await
}

fn list(mut answer: Value, key: &str) -> Vec<Value> {
    match answer.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// The newest stopped tasks of a service that were not just scaled in; ECS shows them for about an hour.
async fn stopped_tasks(ecs: &Ecs, cluster: &str, service: &str) -> Result<Option<Value>, EcsError> {
    let input = json!({ "cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED" });
    let arns = match call(ecs, Operation::ListTasks, input).await {
        Ok(answer) => list(answer, "taskArns"),
        Err(error) if error.class == Class::Absent => return Ok(None),
        Err(error) => return Err(error),
    };
    if arns.is_empty() {
        return Ok(Some(json!({ "serviceName": service, "tasks": [] })));
    }
    let answer = call(ecs, Operation::DescribeTasks, json!({ "cluster": cluster, "tasks": arns })).await?;
    let mut tasks = list(answer, "tasks");
    tasks.retain(|task| !is_no_longer_wanted(task));
    let stopped = |task: &Value| STOP_TIMES.iter().find_map(|name| task.get(name)?.as_f64()).unwrap_or_default();
    tasks.sort_by(|one, other| stopped(other).total_cmp(&stopped(one)));
    tasks.truncate(STOPPED_TASKS);
    Ok(Some(json!({ "serviceName": service, "tasks": tasks })))
}

fn is_no_longer_wanted(task: &Value) -> bool {
    task.get("stoppedReason").and_then(Value::as_str).is_some_and(|reason| reason.starts_with(NOT_WANTED))
}

/// The revision with its tags, which stand beside it in the answer.
fn task_definition(mut answer: Value) -> Option<Value> {
    let tags = answer.get_mut("tags").map_or_else(|| json!([]), Value::take);
    let mut revision = answer.get_mut("taskDefinition").map(Value::take)?;
    revision.as_object_mut()?.insert("tags".into(), tags);
    Some(revision)
}

fn is_called(target: Target, value: &Value, name: &str) -> bool {
    let is = |key: &str| value.get(key).and_then(Value::as_str) == Some(name);
    match target {
        Target::Cluster => is("clusterName") || is("clusterArn"),
        Target::Service => is("serviceName") || is("serviceArn"),
        // Asked by ARN, by `family:revision` or by family: one name a call, so the answer is the answer.
        Target::TaskDefinition => true,
        Target::ServiceRevision => is("serviceRevisionArn"),
        Target::ServiceDeployment => is("serviceDeploymentArn"),
        Target::StoppedTasks => is("serviceName"),
    }
}

/// What is kept and compared: no statistics, no update times, no events of a healthy service.
pub(super) fn project(target: Target, mut value: Value) -> Value {
    let Some(object) = value.as_object_mut() else { return value };
    match target {
        Target::Cluster => {
            // Attachments come and go; of those that failed somebody has to hear.
            if let Some(Value::Array(attachments)) = object.get_mut("attachments") {
                let failed =
                    |one: &Value| one.get("status").and_then(Value::as_str).is_some_and(|one| one.contains("FAILED"));
                attachments.retain(failed);
                if attachments.is_empty() {
                    object.remove("attachments");
                }
            }
            for volatile in [
                "statistics",
                "registeredContainerInstancesCount",
                "runningTasksCount",
                "pendingTasksCount",
                "activeServicesCount",
            ] {
                object.remove(volatile);
            }
        }
        Target::Service => {
            if let Some(Value::Array(events)) = object.get_mut("events") {
                events.retain(|event| !event.get("message").and_then(Value::as_str).is_some_and(is_harmless));
                events.truncate(EVENTS);
            }
            if let Some(Value::Array(deployments)) = object.get_mut("deployments") {
                for deployment in deployments.iter_mut().filter_map(Value::as_object_mut) {
                    deployment.remove("updatedAt");
                }
            }
        }
        Target::TaskDefinition => {
            object.remove("requiresAttributes");
            object.remove("compatibilities");
        }
        Target::ServiceRevision => {
            // Digests of images and what ECS resolved: longer than all else, and not compared.
            object.remove("containerImages");
            object.remove("resolvedConfiguration");
        }
        Target::ServiceDeployment => {
            object.remove("updatedAt");
        }
        Target::StoppedTasks => {
            for task in object.get_mut("tasks").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(task) = task.as_object_mut() {
                    task.retain(|name, _| OF_STOPPED_TASKS.contains(&name.as_str()));
                }
            }
        }
    }
    value
}

/// The hash of what only writes change: no counts, no progress, no events.
pub(super) fn identity(target: Target, value: Option<&Value>) -> u64 {
    let mut value = value.cloned();
    if let (Target::Service, Some(service)) = (target, value.as_mut().and_then(Value::as_object_mut)) {
        let progress = [
            "runningCount",
            "pendingCount",
            "events",
            "taskSets",
            "currentServiceRevisions",
            "currentServiceDeployment",
        ];
        for progress in progress {
            service.remove(progress);
        }
        for deployment in service.get_mut("deployments").and_then(Value::as_array_mut).into_iter().flatten() {
            *deployment = deployment.get("id").cloned().unwrap_or_default();
        }
    }
    let mut hasher = DefaultHasher::new();
    value.map(|value| value.to_string()).hash(&mut hasher);
    hasher.finish()
}

/// Whether a service is shown as it was before the deployment that is PRIMARY in `held`: an older one is in its place, and it
/// is not there at all.
pub(super) fn is_before(held: &Value, shown: &Value) -> bool {
    let primary = |service| deployments(service).find(|one| one["status"] == "PRIMARY");
    let (Some(ours), Some(theirs)) = (primary(held), primary(shown)) else { return false };
    let began = (theirs["createdAt"].as_f64(), ours["createdAt"].as_f64());
    matches!(began, (Some(theirs), Some(ours)) if theirs < ours)
        && deployments(shown).all(|one| one["id"] != ours["id"])
}

fn deployments(service: &Value) -> impl Iterator<Item = &Value> {
    service.get("deployments").and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quiet service that emits "steady state" all day must not wake anybody.
    #[test]
    fn what_a_healthy_service_emits_makes_no_difference() {
        let service = |message: &str, updated: i64| {
            project(
                Target::Service,
                json!({
                    "serviceName": "web",
                    "events": [{ "id": "1", "message": message }],
                    "deployments": [{ "id": "ecs-svc/1", "updatedAt": updated }],
                }),
            )
        };
        assert_eq!(
            service("(service web) has reached a steady state.", 1),
            service("(service web) registered 1 targets in x", 2)
        );
        assert_ne!(
            service("(service web) has reached a steady state.", 1),
            service(
                "(service web) was unable to place a task because no container instance met all of its requirements.",
                1
            )
        );
    }

    /// A task that is being stopped has no `stoppedAt` yet, and counts all the same.
    #[test]
    fn what_tells_when_a_task_stopped_is_kept() {
        let task =
            json!({ "taskArn": "t", "lastStatus": "STOPPING", "stoppingAt": 1, "executionStoppedAt": 2, "cpu": "256" });
        let kept = project(Target::StoppedTasks, json!({ "serviceName": "web", "tasks": [task] }));
        let task = json!({ "taskArn": "t", "lastStatus": "STOPPING", "stoppingAt": 1, "executionStoppedAt": 2 });
        assert_eq!(kept["tasks"], json!([task]));
    }
}
