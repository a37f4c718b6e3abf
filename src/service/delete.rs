//! Deleting a service: scaled to zero, deleted, and held until ECS shows it INACTIVE.

use std::time::Duration;

use kube::ResourceExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{detail::time, live_service::LiveService, observe::absorb_service, references::References};
use crate::{
    api::{CLUSTER_ARN, EcsService, EcsServiceStatus, Managed, Reason},
    ecs::{Class, Ecs, Key, Operation, Pace, arn},
    reconcile::{
        Context, Deletion, Refusal, Step, Story, Subject, Verdict,
        owner::{Claim, Stake},
        spec,
    },
    runtime::{backoff::Delays, controller::Next},
};

/// When a deletion is asked for again that ECS refuses for the sake of a running deployment.
const ONCE_OVER: Delays = Delays { first: Duration::from_secs(10), longest: Duration::from_mins(1) };

/// One look and the calls that can be made now.
pub async fn delete(
    cx: &Context,
    object: &EcsService,
    status: &EcsServiceStatus,
    story: &mut Story,
) -> Result<Deletion, Refusal> {
    let Some((region, cluster)) = place(cx, object, status)? else {
        // Never bound, and there is no cluster that it could have been made in.
        return Ok(Deletion::Done);
    };
    let name = object.spec.service_name.clone().unwrap_or_else(|| object.name_any());
    let key = Key::service(&region, &cluster, &name);
    let seen = cx
        .live
        .get(&key, Some(Instant::now()))
        .await
        .map_err(|error| Refusal::Ecs(format!("reading service {name}"), error))?;
    let Some(service) = seen.json().and_then(LiveService::read) else { return Ok(Deletion::Done) };
    let stake = Stake::of(object, None, &status.common, &cx.settings);
    if service.status == "INACTIVE" {
        return Ok(Deletion::Done);
    }
    let what = format!("service {name} in cluster {cluster}");
    let Claim::Ours(origin) = stake.claim(&service.tags) else {
        story.left_to_others(&what);
        return Ok(Deletion::Done);
    };
    cx.doubt.settle(&Subject::of(object));
    if !object.policies().deletes(origin) {
        story.left_behind(&what, "it was adopted, and deletionPolicy is not Delete");
        return Ok(Deletion::Done);
    }
    cx.interests.set(&cx.live, &Subject::of(object), vec![(key.clone(), Pace::Rolling)]);
    if service.status == "ACTIVE" && service.desired_count == 0 && is_between_deployments(&service) {
        let tasks = service.running_count + service.pending_count;
        let event = newest_event(&service, object);
        let message = format!(
            "Service {name} is scaled to 0; it is deleted once its deployment is over: {tasks} tasks are left.{event}"
        );
        return Ok(Deletion::Waiting(once_over(message)));
    }
    if service.status == "ACTIVE" {
        for step in steps(&name, &cluster, &service) {
            if let Some(gone) = apply(cx, &cx.live.regions().ecs(&region), &key, step, story).await? {
                return Ok(gone);
            }
        }
    }
    Ok(Deletion::Waiting(draining(&name, &service, object)))
}

/// Everything a deletion needs stands in the status, or in the annotation that came with the finalizer; an object that
/// has neither is looked for where it points.
fn place(cx: &Context, object: &EcsService, status: &EcsServiceStatus) -> Result<Option<(String, String)>, Refusal> {
    let annotated = object.annotations().get(CLUSTER_ARN);
    let bound = status.cluster_arn.as_ref().or(annotated);
    let bound = bound.and_then(|arn| Some((arn.split(':').nth(3)?, arn::named(arn))));
    if let Some((region, cluster)) = bound {
        return Ok(Some((region.to_owned(), cluster.to_owned())));
    }
    if let Some(reference) = &object.spec.cluster_ref {
        let references = References::of(cx, object);
        if references.cluster.is_none() {
            return Ok(None);
        }
        let place = references.cluster(&reference.name)?;
        return Ok(Some((place.region, place.name)));
    }
    let Some(text) = object.spec.cluster.as_deref() else { return Ok(None) };
    let of_arn = text.starts_with("arn:").then(|| text.split(':').nth(3)).flatten().map(str::to_owned);
    let region = match of_arn {
        Some(region) => region,
        None => spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), &cx.settings)?,
    };
    Ok(Some((region, arn::named(text).to_owned())))
}

fn steps(name: &str, cluster: &str, service: &LiveService) -> Vec<Step> {
    let daemon = service.json.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON");
    let mut steps = Vec::new();
    if !daemon && service.desired_count > 0 {
        steps.push(Step::new(
            Operation::UpdateService,
            format!("service {name}: scaled to 0 before it is deleted"),
            json!({ "cluster": cluster, "service": name, "desiredCount": 0 }),
            Vec::new(),
        ));
    }
    steps.push(Step::new(
        Operation::DeleteService,
        format!("service {name} in cluster {cluster}"),
        json!({ "cluster": cluster, "service": name }),
        Vec::new(),
    ));
    steps
}

/// A service that goes from one deployment to another, which ECS refuses to delete. Without tasks that may last for ever,
/// and then only the call itself tells.
fn is_between_deployments(service: &LiveService) -> bool {
    service.deployments.len() > 1 && service.running_count + service.pending_count > 0
}

/// `Some` where nothing is left to do now.
async fn apply(cx: &Context, ecs: &Ecs, key: &Key, step: Step, story: &mut Story) -> Result<Option<Deletion>, Refusal> {
    match ecs.call(step.operation, &step.input).await {
        Ok(mut answer) => {
            story.did(&step);
            let service = answer.get_mut("service").map(Value::take).unwrap_or_default();
            let inactive = service.get("status").is_some_and(|status| status == "INACTIVE");
            absorb_service(cx, key, service, None);
            if inactive && step.operation == Operation::DeleteService {
                cx.live.forget(key);
                return Ok(Some(Deletion::Done));
            }
            Ok(None)
        }
        // Gone, or on its way: go on.
        Err(error) if error.class == Class::Absent => Ok(Some(Deletion::Done)),
        Err(error) if error.code == "ServiceNotActiveException" => Ok(None),
        Err(error) if error.message.contains("while deployments are active") => {
            let message = "ECS deletes the service once its deployments, or its task sets, are gone; it is scaled to 0 meanwhile.";
            Ok(Some(Deletion::Waiting(once_over(message.to_owned()))))
        }
        Err(error) => Err(Refusal::Ecs(step.what, error)),
    }
}

fn once_over(message: String) -> Verdict {
    Verdict { next: Next::Backoff(ONCE_OVER), ..Verdict::waiting(Reason::Deleting, message, ONCE_OVER.first) }
}

/// What ECS said last of a service since it is to go.
fn newest_event(service: &LiveService, object: &EcsService) -> String {
    let asked = object.metadata.deletion_timestamp.as_ref().map(|asked| asked.0);
    let event = service.json.pointer("/events/0").filter(|event| time(event.get("createdAt")) >= asked);
    let message = event.and_then(|event| event.get("message")?.as_str());
    message.map_or_else(String::new, |message| format!(" The newest event of ECS: {message}"))
}

fn draining(name: &str, service: &LiveService, object: &EcsService) -> Verdict {
    let event = newest_event(service, object);
    let tasks = match service.running_count {
        0 => "no task runs any more, and ECS lets go of it in a moment".to_owned(),
        1 => "1 task still runs".to_owned(),
        count => format!("{count} tasks still run"),
    };
    Verdict::progressing(Reason::Deleting, format!("Service {name} drains in ECS: {tasks}.{event}"))
}
