//! What is in the world and outside of ECS, behind ECS's back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Call, Endpoint, Refusal};
use crate::{
    Caller,
    front::Front,
    world::{
        Cx, Region,
        instances::{self, Registration},
        outside::Answer,
        tasks::{Stop, StopCode, fate::Fate},
    },
};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        path: "truth",
        about: "what is really so of a service: ?cluster=…&service=…",
        answer: truth,
    },
    Endpoint {
        method: "POST",
        path: "instances",
        about: "registers a container instance: {cluster, cpu, memory, availabilityZone, instanceType, attributes: \
                {name: value}, capacityProvider, external}, all with defaults",
        answer: register_instance,
    },
    Endpoint {
        method: "DELETE",
        path: "instances",
        about: "terminates the machine of a container instance: {cluster, containerInstance}",
        answer: terminate_instance,
    },
    Endpoint {
        method: "POST",
        path: "kill",
        about: "ends a task: {cluster, task, stopCode: SpotInterruption | TerminationNotice | InfrastructureHealth | \
                TaskFailedToStart | …, reason}; before it is RUNNING that is a start that failed",
        answer: kill,
    },
    Endpoint {
        method: "POST",
        path: "launches",
        about: "what becomes of the next tasks of a service: {cluster, service, count, as: an image such as fail/oom}; \
                instead of as, {failsToStart: the reason for which they never run, in ECS's words}",
        answer: launches,
    },
    Endpoint {
        method: "POST",
        path: "image",
        about: "what becomes of tasks with an image: {image, as: an image such as fail/crash:3, slow/60 or, to undo \
                it, null}; instead of as, {failsToStart: the reason for which they never run, in ECS's words}",
        answer: image,
    },
    Endpoint {
        method: "POST",
        path: "capacity",
        about: "lets nothing be launched by {provider: FARGATE | FARGATE_SPOT | …} for a {reason: as in service \
                events}; without a reason it has capacity again",
        answer: capacity,
    },
    Endpoint {
        method: "POST",
        path: "alarm",
        about: "a CloudWatch alarm: {name, on: true}",
        answer: |front, call| switch(front, call, "name", "on", |region| &mut region.outside.alarms),
    },
    Endpoint {
        method: "POST",
        path: "hook",
        about: "what a Lambda function answers to lifecycle hooks: {function: ARN, answer: succeeded | failed | \
                inProgress}",
        answer: hook,
    },
    Endpoint {
        method: "POST",
        path: "role",
        about: "whether an IAM role is not there: {role: name or ARN, missing: true}",
        answer: |front, call| switch(front, call, "role", "missing", |region| &mut region.outside.missing_roles),
    },
    Endpoint {
        method: "POST",
        path: "network",
        about: "whether a listener, listener rule or target group is not there: {arn, missing: true}",
        answer: |front, call| switch(front, call, "arn", "missing", |region| &mut region.outside.missing_networking),
    },
    Endpoint {
        method: "POST",
        path: "listener",
        about: "whether no listener sends traffic to a target group yet: {targetGroup: ARN, missing: true}",
        answer: |front, call| {
            switch(front, call, "targetGroup", "missing", |region| &mut region.outside.target_groups_without_listener)
        },
    },
    Endpoint {
        method: "GET",
        path: "weights",
        about: "the weights of target groups, by listener rule",
        answer: |front, call| tamper(front, call, |region| json!(region.outside.weights)),
    },
];

/// Does something to a region as it is now; all services take notice.
fn tamper<T>(front: &Front, call: &Call<'_>, change: impl FnOnce(&mut Region) -> T) -> Result<T, Refusal> {
    let caller = call.caller()?;
    Ok(front.simulator().world().tamper(&caller, change))
}

/// The same, where it takes a moment and a caller.
fn act<T>(front: &Front, call: &Call<'_>, act: impl FnOnce(&mut Cx<'_>) -> T) -> Result<T, Refusal> {
    let caller = call.caller()?;
    let now = front.simulator().clock().now();
    tamper(front, call, |region| act(&mut Cx { caller: &caller, now, region }))
}

/// Puts a name into a set or takes it out.
fn switch(
    front: &Front,
    call: &Call<'_>,
    name: &str,
    on: &str,
    set: fn(&mut Region) -> &mut BTreeSet<String>,
) -> Result<Value, Refusal> {
    let (name, on): (String, bool) = (call.required(name)?, call.required(on)?);
    tamper(front, call, |region| if on { set(region).insert(name) } else { set(region).remove(&name) })?;
    Ok(json!({}))
}

/// The cluster of a call.
fn cluster(call: &Call<'_>) -> Result<String, Refusal> {
    Ok(call.member("cluster")?.unwrap_or_else(|| "default".into()))
}

/// What becomes of a task whose image is the member `as`, or that never runs for the reason `failsToStart`.
fn fate(call: &Call<'_>) -> Result<Option<Fate>, Refusal> {
    match (call.member::<String>("as")?, call.member("failsToStart")?) {
        (Some(_), Some(_)) => Err(Refusal(400, "as and failsToStart contradict each other".into())),
        (image, None) => Ok(image.map(|image| Fate::of_image(&image))),
        (None, Some(reason)) => Ok(Some(Fate::fails_to_start(reason))),
    }
}

fn there(was: bool, what: &str) -> Result<Value, Refusal> {
    if was { Ok(json!({})) } else { Err(Refusal(404, format!("there is no such {what}"))) }
}

fn truth(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (caller, cluster, service): (Caller, String, String) =
        (call.caller()?, cluster(call)?, call.required("service")?);
    let truth = front.simulator().world().truth(&caller, &cluster, &service);
    let truth = truth.ok_or_else(|| Refusal(404, format!("there is no service {service} in {cluster}")))?;
    Ok(json!({
        "status": truth.status.wire(), "primary": truth.primary, "taskDefinition": truth.task_definition,
        "deployed": truth.deployed, "underWay": truth.under_way, "rolledBack": truth.rolled_back,
        "failed": truth.failed, "desired": truth.desired, "running": truth.running, "pending": truth.pending,
        "healthy": truth.healthy, "asked": truth.asked, "rolledOut": truth.rolled_out, "strays": truth.strays,
    }))
}

fn register_instance(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let registration: Registration = call.read()?;
    let arn = act(front, call, |cx| instances::register(cx.region, cx.caller, cx.now, &registration))??;
    Ok(json!({ "containerInstanceArn": arn }))
}

fn terminate_instance(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (cluster, instance): (_, String) = (cluster(call)?, call.required("containerInstance")?);
    there(act(front, call, |cx| instances::terminate(cx, &cluster, &instance))?, "container instance")
}

const STOP_CODES: [StopCode; 7] = [
    StopCode::TaskFailedToStart,
    StopCode::EssentialContainerExited,
    StopCode::UserInitiated,
    StopCode::ServiceSchedulerInitiated,
    StopCode::SpotInterruption,
    StopCode::TerminationNotice,
    StopCode::InfrastructureHealth,
];

fn kill(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (caller, cluster, task): (Caller, String, String) = (call.caller()?, cluster(call)?, call.required("task")?);
    let (code, reason): (Option<String>, Option<String>) = (call.member("stopCode")?, call.member("reason")?);
    let code = code.as_deref().unwrap_or(StopCode::TerminationNotice.wire());
    let known = STOP_CODES.into_iter().find(|one| one.wire() == code);
    let stop = Stop {
        code: known.ok_or_else(|| Refusal(400, format!("there is no stop code {code}")))?,
        reason: reason.unwrap_or_else(|| "Task stopped by the simulation's control".into()),
    };
    there(front.simulator().world().end_task(&caller, &cluster, &task, stop), "task")
}

fn launches(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (cluster, service, count): (String, String, u32) =
        (cluster(call)?, call.required("service")?, call.required("count")?);
    let fate = fate(call)?.ok_or_else(|| Refusal(400, "as and failsToStart are missing".into()))?;
    tamper(front, call, |region| region.outside.next_launches.insert(format!("{cluster}/{service}"), (count, fate)))?;
    Ok(json!({}))
}

fn image(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (image, fate): (String, _) = (call.required("image")?, fate(call)?);
    tamper(front, call, |region| put(&mut region.outside.images, image, fate))?;
    Ok(json!({}))
}

fn capacity(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (provider, reason): (String, Option<String>) = (call.required("provider")?, call.member("reason")?);
    tamper(front, call, |region| put(&mut region.outside.exhausted, provider, reason))?;
    Ok(json!({}))
}

fn hook(front: &Front, call: &Call<'_>) -> Result<Value, Refusal> {
    let (function, answer): (String, String) = (call.required("function")?, call.required("answer")?);
    let answer = match answer.as_str() {
        "succeeded" => Answer::Succeeded,
        "failed" => Answer::Failed,
        "inProgress" => Answer::InProgress,
        other => return Err(Refusal(400, format!("a function does not answer {other}"))),
    };
    tamper(front, call, |region| region.outside.functions.insert(function, answer))?;
    Ok(json!({}))
}

/// Writes an entry, or takes it away.
fn put<T>(map: &mut BTreeMap<String, T>, key: String, value: Option<T>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}
