//! Pruning: our own old revisions are deregistered, never deleted, and never one that is in use as far as can be known.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    Desired, Observed,
    observe::{Revision, active_revisions, revision},
};
use crate::{
    api::Origin,
    ecs::{Class, Ecs, EcsError, Operation, Target},
    reconcile::{Context, Refusal, Step, Story, owner::Claim},
};

/// How many revisions one pass deregisters at most: registering shares ECS's bucket and goes first.
const AT_ONCE: usize = 5;

/// How many of them at a time: ECS describes them one by one.
const LOOKS_AT_ONCE: usize = 4;

/// How many revisions beyond those that are kept are looked at in one pass.
const LOOKED_AT: usize = 20;

/// Prunes after a new revision. What fails is told in the log and tried again after the next one.
pub async fn prune(cx: &Context, desired: &Desired, observed: &Observed, applied: &[Step], story: &mut Story) {
    let Some(current) = &observed.current else { return };
    if applied.iter().all(|step| step.operation != Operation::RegisterTaskDefinition) {
        return;
    }
    if let Err(error) = prune_behind(cx, desired, &current.arn, story).await {
        tracing::warn!(family = desired.family, %error, "old revisions could not be pruned; tried again after the next one");
    }
}

async fn prune_behind(cx: &Context, desired: &Desired, current: &str, story: &mut Story) -> Result<(), Refusal> {
    let ecs = cx.live.regions().ecs(&desired.region);
    let failed = |error: EcsError| Refusal::Ecs(format!("pruning family {}", desired.family), error);
    let all = active_revisions(&ecs, &desired.family).await.map_err(failed)?;
    if all.len() <= desired.revisions_kept {
        return Ok(());
    }
    // Whose a revision is may have changed since it was held.
    let now = Instant::now();
    let looks = all.into_iter().take(desired.revisions_kept + LOOKED_AT);
    let looks = looks.map(|arn| async move { revision(cx, &desired.region, &arn, Some(now)).await });
    let found: Vec<Option<Revision>> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    let is_ours = |revision: &Revision| matches!(desired.stake.claim(&revision.tags), Claim::Ours(Origin::Created));
    let ours = found.into_iter().flatten().filter(is_ours).map(|revision| revision.arn);
    let old: Vec<String> = ours.skip(desired.revisions_kept).filter(|arn| arn != current).collect();
    if old.is_empty() {
        return Ok(());
    }
    let used = in_use(cx, desired).await.map_err(failed)?;
    for arn in old.into_iter().filter(|arn| !used.contains(&name(arn))).take(AT_ONCE) {
        if !ecs.has_room(Operation::DeregisterTaskDefinition) {
            break;
        }
        let step = Step::new(
            Operation::DeregisterTaskDefinition,
            format!("{}, beyond the {} revisions that are kept", name(&arn), desired.revisions_kept),
            json!({ "taskDefinition": arn }),
            Vec::new(),
        );
        ecs.call(step.operation, &step.input).await.map_err(failed)?;
        story.did(&step);
    }
    Ok(())
}

/// Every revision, as `family:revision`, that a service of ours names or runs, a service that Live holds deploys or may
/// go back to, or a running task of the family in a cluster that we know has.
async fn in_use(cx: &Context, desired: &Desired) -> Result<BTreeSet<String>, EcsError> {
    let mut used = BTreeSet::new();
    for service in cx.stores.services.state() {
        // One that waits is still to be made with what it names.
        used.extend(service.spec.task_definition.as_deref().map(name));
        let Some(status) = &service.status else { continue };
        used.extend(status.task_definition_arn.as_deref().map(name));
        used.extend(status.resolved_task_definition.as_ref().map(|resolved| name(&resolved.arn)));
    }
    let mut clusters = BTreeSet::new();
    for (key, seen) in cx.live.held(Target::Service) {
        if *key.group.region == *desired.region {
            clusters.insert(key.group.parent.clone());
        }
        let Some(service) = seen.json() else { continue };
        let deployments = service.get("deployments").and_then(Value::as_array).cloned().unwrap_or_default();
        let all = std::iter::once(&service).chain(&deployments);
        used.extend(all.filter_map(|one| one.get("taskDefinition")?.as_str().map(name)));
    }
    let held = cx.live.held(Target::Cluster).into_iter().map(|(key, _)| key);
    clusters.extend(held.filter(|key| *key.group.region == *desired.region).map(|key| key.name));
    let ecs = cx.live.regions().ecs(&desired.region);
    for cluster in clusters {
        used.extend(run_by_tasks(&ecs, &cluster, &desired.family).await?);
    }
    Ok(used)
}

/// `family:revision` of an ARN.
fn name(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// The revisions of a family that the tasks of a cluster run, page by page: a page is as many as one call describes.
async fn run_by_tasks(ecs: &Ecs, cluster: &str, family: &str) -> Result<BTreeSet<String>, EcsError> {
    let mut run = BTreeSet::new();
    let mut input = Map::from_iter([("cluster".to_owned(), json!(cluster)), ("family".to_owned(), json!(family))]);
    loop {
        let page = match ecs.call(Operation::ListTasks, &input).await {
            Ok(page) => page,
            // A cluster that is gone runs nothing.
            Err(error) if error.class == Class::Absent => return Ok(run),
            Err(error) => return Err(error),
        };
        let tasks = page.get("taskArns").and_then(Value::as_array).cloned().unwrap_or_default();
        if !tasks.is_empty() {
            let look = Map::from_iter([("cluster".to_owned(), json!(cluster)), ("tasks".to_owned(), tasks.into())]);
            let answer = ecs.call(Operation::DescribeTasks, &look).await?;
            let tasks = answer.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
            run.extend(tasks.iter().filter_map(|task| task.get("taskDefinitionArn")?.as_str().map(name)));
        }
        match page.get("nextToken").filter(|token| token.is_string()) {
            Some(token) => input.insert("nextToken".into(), token.clone()),
            None => return Ok(run),
        };
    }
}
