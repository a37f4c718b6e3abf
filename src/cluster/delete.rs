//! Deleting a cluster: only ours, only when it is empty, and it says what it waits for.

use std::time::Duration;

use kube::ResourceExt;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::observe::{absorb, live_cluster};
use crate::{
    api::{
        EcsCluster, EcsClusterStatus, Managed, Reason,
        reference::{names_cluster, refers_to_cluster},
    },
    ecs::{Class, Ecs, Key, Operation, Pace, arn},
    reconcile::{
        Context, Deletion, Refusal, Step, Story, Subject, Verdict,
        owner::{Claim, Stake},
        spec,
    },
};

/// A service may cease to refer to the cluster without a sign of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How many of the things in a cluster its condition names.
const NAMED: usize = 5;

/// One look and at most one call.
pub async fn delete(
    cx: &Context,
    object: &EcsCluster,
    status: &EcsClusterStatus,
    story: &mut Story,
) -> Result<Deletion, Refusal> {
    let region = spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), &cx.settings)?;
    let name = object.spec.cluster_name.clone().unwrap_or_else(|| object.name_any());
    let what = format!("cluster {name}");
    let key = Key::cluster(&region, &name);
    let seen = cx
        .live
        .get(&key, Some(Instant::now()))
        .await
        .map_err(|error| Refusal::Ecs(format!("reading {what}"), error))?;
    let Some(cluster) = live_cluster(&seen) else { return Ok(Deletion::Done) };
    let stake = Stake::of(object, None, &status.common, &cx.settings);
    let Claim::Ours(origin) = stake.claim(&cluster.tags) else {
        story.left_to_others(&what);
        return Ok(Deletion::Done);
    };
    cx.doubt.settle(&Subject::of(object));
    if !object.policies().deletes(origin) {
        story.left_behind(&what, "it was adopted, and deletionPolicy is not Delete");
        return Ok(Deletion::Done);
    }
    cx.interests.set(&cx.live, &Subject::of(object), vec![(key.clone(), Pace::Rolling)]);
    let waits = cx.stores.still_refer(object.namespace().as_deref(), |service| {
        refers_to_cluster(service, object) || names_cluster(service, object)
    });
    if let Some(waits) = waits {
        return Ok(Deletion::Waiting(Verdict::waiting(Reason::Deleting, waits, LOOK_AGAIN)));
    }
    if matches!(cluster.status.as_str(), "PROVISIONING" | "DEPROVISIONING") {
        return Ok(Deletion::Waiting(Verdict::progressing(
            Reason::Deleting,
            format!("{what} is {} in ECS.", cluster.status),
        )));
    }
    let ecs = cx.live.regions().ecs(&region);
    let inside = contents(&ecs, &name).await?;
    if !inside.is_empty() {
        return Ok(blocked(&what, &inside));
    }
    let step = Step::new(Operation::DeleteCluster, what.clone(), json!({ "cluster": name }), Vec::new());
    match ecs.call(step.operation, &step.input).await {
        Ok(answer) => {
            story.did(&step);
            let status = answer.pointer("/cluster/status").and_then(Value::as_str).map(str::to_owned);
            absorb(cx, &key, &step, answer, &[]);
            if status.as_deref() == Some("INACTIVE") {
                return Ok(Deletion::Done);
            }
            Ok(Deletion::Waiting(Verdict::progressing(Reason::Deleting, format!("{what} is being deleted by ECS."))))
        }
        Err(error) if error.class == Class::Absent => Ok(Deletion::Done),
        // DRAINING services count and are not listed.
        Err(error) if error.code.starts_with("ClusterContains") => Ok(blocked(&what, &[error.message])),
        Err(error) => Err(Refusal::Ecs(step.what, error)),
    }
}

fn blocked(what: &str, inside: &[String]) -> Deletion {
    let more = inside.len().saturating_sub(NAMED);
    let mut named = inside[..inside.len().min(NAMED)].join(", ");
    if more > 0 {
        named = format!("{named} and {more} more");
    }
    Deletion::Waiting(Verdict::waiting(
        Reason::DeletionBlocked,
        format!(
            "{what} is not empty; it is deleted once these are gone: {named}. To leave it in ECS, set spec.deletionPolicy to Retain"
        ),
        Duration::from_secs(15),
    ))
}

/// What ECS lists in the cluster, by name.
async fn contents(ecs: &Ecs, cluster: &str) -> Result<Vec<String>, Refusal> {
    let lists = [
        (Operation::ListServices, "serviceArns", "service"),
        (Operation::ListTasks, "taskArns", "task"),
        (Operation::ListContainerInstances, "containerInstanceArns", "container instance"),
    ];
    let mut found = Vec::new();
    for (operation, list, kind) in lists {
        let input = Map::from_iter([("cluster".to_owned(), json!(cluster)), ("maxResults".to_owned(), json!(100))]);
        let answer = match ecs.call(operation, &input).await {
            Ok(answer) => answer,
            Err(error) if error.class == Class::Absent => continue,
            Err(error) => return Err(Refusal::Ecs(format!("listing what is in cluster {cluster}"), error)),
        };
        let arns = answer.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        found.extend(arns.iter().filter_map(Value::as_str).map(|arn| format!("{kind} {}", arn::named(arn))));
    }
    Ok(found)
}
