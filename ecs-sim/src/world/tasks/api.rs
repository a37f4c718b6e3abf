//! ListTasks, DescribeTasks, StopTask, GetTaskProtection and UpdateTaskProtection.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{Stop, StopCode, Task, TaskStatus, place::LaunchType, run, show};
use crate::world::{
    ApiError, Cx, Operation, Region, arn, clusters, input, object, page,
    region::Actor,
    services::{Service, change, find, in_cluster, with_token},
};

/// The operations of this module.
pub(in crate::world) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "RunTask" => run::run,
        "StopTask" => stop,
        "ListTasks" => list,
        "DescribeTasks" => describe,
        "GetTaskProtection" => protection,
        "UpdateTaskProtection" => protect,
        _ => return None,
    })
}

/// All tasks of a cluster: of its services, and the others.
pub(in crate::world) fn in_cluster_of<'a>(region: &'a Region, cluster: &str) -> impl Iterator<Item = &'a Task> {
    let alone = region.tasks.values().filter({
        let cluster = cluster.to_owned();
        move |task| task.cluster == cluster
    });
    in_cluster(region, cluster).flat_map(Service::all_tasks).chain(alone)
}

/// A task, to change what has no consequences, such as tags.
pub(in crate::world) fn find_mut<'a>(region: &'a mut Region, cluster: &str, id: &str) -> Option<&'a mut Task> {
    let key = owner(region, cluster, id)?;
    match region.services.get_mut(&key) {
        Some(service) => service.task_mut(id),
        None => region.tasks.get_mut(id),
    }
}

/// ListTasks API reference.
fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let service = input::text(call, "serviceName")?;
    let started_by = input::text(call, "startedBy")?;
    let family = input::text(call, "family")?;
    let instance = input::text(call, "containerInstance")?.map(arn::name);
    let launch_type = input::text(call, "launchType")?.map(LaunchType::read).transpose()?;
    if started_by.is_some() && (service.is_some() || family.is_some() || instance.is_some()) {
        return Err(ApiError::invalid("startedBy cannot be combined with other filters."));
    }
    let wanted = match input::text(call, "desiredStatus")? {
        None | Some("RUNNING") => Some(true),
        Some("STOPPED") => Some(false),
        // ECS never sets a desired status of PENDING.
        Some("PENDING") => None,
        Some(other) => return Err(ApiError::invalid(format!("Invalid desired status {other}."))),
    };
    let matches = |task: &&Task| {
        wanted == Some(task.is_wanted())
            && started_by.is_none_or(|by| task.started_by.as_deref() == Some(by))
            && family.is_none_or(|family| task.shape.family == family)
            && instance.is_none_or(|instance| task.place.instance.as_deref() == Some(instance))
            && launch_type.is_none_or(|wanted| task.place.launch_type == wanted)
    };
    let arn_of = |task: &Task| arn::task(cx.caller, &cluster, &task.id);
    let arns: Vec<String> = match service {
        Some(named) => find(cx, &cluster, named)?.all_tasks().filter(matches).map(arn_of).collect(),
        None => in_cluster_of(cx.region, &cluster).filter(matches).map(arn_of).collect(),
    };
    let (arns, token) = page::of(arns, call, 100, 100)?;
    Ok(with_token(json!({ "taskArns": arns }), token))
}

/// The tasks that a call names, where they are there.
fn named<'a>(region: &'a Region, cluster: &str, names: &[&str]) -> BTreeMap<String, &'a Task> {
    let mut asked: Vec<&str> = names.iter().map(|name| arn::name(name)).collect();
    asked.sort_unstable();
    let all = in_cluster_of(region, cluster).filter(|task| asked.binary_search(&task.id.as_str()).is_ok());
    all.map(|task| (task.id.clone(), task)).collect()
}

fn missing(cx: &Cx<'_>, cluster: &str, name: &str) -> Value {
    json!({ "arn": arn::task(cx.caller, cluster, arn::name(name)), "reason": "MISSING" })
}

/// DescribeTasks API reference.
fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let names = input::texts(call, "tasks")?;
    if names.is_empty() {
        return Err(ApiError::invalid("Tasks cannot be empty."));
    }
    if names.len() > 100 {
        return Err(ApiError::invalid("tasks can have at most 100 items."));
    }
    let with_tags = input::includes(call, "TAGS")?;
    let there = named(cx.region, &cluster, &names);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match there.get(arn::name(name)) {
            Some(task) => tasks.push(show::task(cx, task, with_tags)),
            None => failures.push(missing(cx, &cluster, name)),
        }
    }
    Ok(object([("tasks", tasks.into()), ("failures", failures.into())]))
}

/// The key of the service that has a task of that id; an empty one where the task stands alone.
fn owner(region: &Region, cluster: &str, id: &str) -> Option<String> {
    if region.tasks.get(id).is_some_and(|task| task.cluster == cluster) {
        return Some(String::new());
    }
    let service = in_cluster(region, cluster).find(|service| service.all_tasks().any(|task| task.id == id))?;
    Some(Service::key(&service.cluster, &service.name))
}

/// Does something to a task, and then all that follows from it. None where there is no such task.
pub(in crate::world) fn change_task<T>(
    cx: &mut Cx<'_>,
    cluster: &str,
    id: &str,
    act: impl FnOnce(&mut Cx<'_>, &mut Task) -> T,
) -> Option<T> {
    let key = owner(cx.region, cluster, id)?;
    if !key.is_empty() {
        return change(cx, &key, |cx, service| {
            let task = service.task_mut(id)?;
            Some(act(cx, task))
        })?;
    }
    let mut task = cx.region.tasks.remove(id)?;
    let due = task.next();
    let answer = act(cx, &mut task);
    cx.region.reschedule(Actor::Task(id.to_owned()), due, task.next());
    cx.region.tasks.insert(id.to_owned(), task);
    Some(answer)
}

/// StopTask API reference.
fn stop(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let id = arn::name(input::required_text(call, "task")?);
    let reason = input::text(call, "reason")?.unwrap_or("Task stopped by user").to_owned();
    let shown = change_task(cx, &cluster, id, |cx, task| {
        let region = &mut *cx.region;
        let stop = Stop { code: StopCode::UserInitiated, reason };
        task.begin_stop(cx.now, stop, &region.outside, &mut region.random);
        task.tags.clear();
        show::task(cx, task, false)
    });
    let shown = shown.ok_or_else(|| ApiError::invalid("The referenced task was not found."))?;
    Ok(json!({ "task": shown }))
}

/// The tasks of a protection call, and the longest list it takes.
fn protected<'a>(cx: &Cx<'_>, call: &'a Value, most: usize) -> Result<(String, Vec<&'a str>), ApiError> {
    let cluster = clusters::find(cx, input::text(call, "cluster")?)?.name.clone();
    let names = input::texts(call, "tasks")?;
    if names.len() > most {
        return Err(ApiError::invalid(format!("tasks can have at most {most} items.")));
    }
    Ok((cluster, names))
}

fn shown_protection(cx: &Cx<'_>, task: &Task) -> Value {
    let until = task.protected_until.filter(|until| *until > cx.now);
    let mut shown =
        json!({ "taskArn": arn::task(cx.caller, &task.cluster, &task.id), "protectionEnabled": until.is_some() });
    if let Some(until) = until {
        shown["expirationDate"] = json!(until.seconds());
    }
    shown
}

/// GetTaskProtection API reference.
fn protection(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let (cluster, names) = protected(cx, call, 100)?;
    let all: Vec<&Task> = if names.is_empty() {
        in_cluster(cx.region, &cluster).flat_map(|service| &service.tasks).filter(|task| task.is_wanted()).collect()
    } else {
        named(cx.region, &cluster, &names).into_values().collect()
    };
    let shown: Vec<Value> = all.iter().map(|task| shown_protection(cx, task)).collect();
    let is_missing = |name: &&&str| all.iter().all(|task| task.id != arn::name(name));
    let failures: Vec<Value> = names.iter().filter(is_missing).map(|name| missing(cx, &cluster, name)).collect();
    Ok(json!({ "protectedTasks": shown, "failures": failures }))
}

/// UpdateTaskProtection API reference.
fn protect(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let (cluster, names) = protected(cx, call, 10)?;
    let enabled = input::boolean(call, "protectionEnabled")?
        .ok_or_else(|| ApiError::invalid("protectionEnabled cannot be null."))?;
    let minutes = input::integer(call, "expiresInMinutes")?.unwrap_or(120);
    let minutes = u64::try_from(minutes).ok().filter(|minutes| (1..=2880).contains(minutes));
    let minutes = minutes.ok_or_else(|| ApiError::invalid("expiresInMinutes must be between 1 and 2880."))?;
    let until = enabled.then(|| cx.now + Duration::from_mins(minutes));
    let (mut shown, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let changed = change_task(cx, &cluster, arn::name(name), |cx, task| {
            if task.revision == 0 || !task.is_wanted() || task.status > TaskStatus::Running {
                return Err(json!({
                    "arn": arn::task(cx.caller, &task.cluster, &task.id),
                    "reason": "TASK_NOT_VALID",
                }));
            }
            task.protected_until = until;
            Ok(shown_protection(cx, task))
        });
        match changed {
            None => failures.push(missing(cx, &cluster, name)),
            Some(Ok(protection)) => shown.push(protection),
            Some(Err(failure)) => failures.push(failure),
        }
    }
    Ok(json!({ "protectedTasks": shown, "failures": failures }))
}
