//! Pruning: our own old revisions are deregistered, never deleted, and never one that is in use as far as can be known.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    Desired, Observed,
    observe::{Revision, active_revisions, deregistered_now, revision, with_unlisted},
};
use crate::{
    api::Origin,
    ecs::{Class, Ecs, EcsError, Key, Operation, Target, arn},
    reconcile::{Context, Refusal, Step, Story, owner::Claim},
};

/// How many revisions one pass deregisters at most: registering shares ECS's bucket and goes first.
const AT_ONCE: usize = 5;

/// How many of them at a time: ECS describes them one by one.
const LOOKS_AT_ONCE: usize = 4;

/// How many revisions beyond those that are kept are looked at in one pass.
const LOOKED_AT: usize = 20;

/// When pruning goes on that other work made wait, and when it is tried again after a failure that may pass.
const GOES_ON: Duration = Duration::from_secs(10);
const TRIED_AGAIN: Duration = Duration::from_mins(1);

/// What pruning leaves.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Revisions in use. A service that leaves one wakes its task definition.
    InUse,
    /// It gave way to other work.
    More,
}

/// Prunes after a new revision, after an edit, in a process that starts, and as long as something was left. Answers in what
/// time it goes on.
pub async fn prune(
    cx: &Context,
    desired: &Desired,
    observed: &Observed,
    applied: &[Step],
    story: &mut Story,
) -> Option<Duration> {
    let current = observed.current.as_ref()?;
    if applied.iter().any(|step| step.operation == Operation::RegisterTaskDefinition) {
        cx.leftovers.again(&desired.subject);
    }
    if !cx.leftovers.are_due(&desired.subject, desired.generation) {
        return None;
    }
    // There can't be more of them than were ever registered.
    let few = usize::try_from(current.number).is_ok_and(|number| number <= desired.revisions_kept);
    let left = if few { Ok(Left::Nothing) } else { prune_behind(cx, desired, &current.arn, story).await };
    match left {
        Ok(Left::Nothing) => {
            cx.leftovers.done(&desired.subject, desired.generation);
            None
        }
        Ok(Left::InUse) => None,
        Ok(Left::More) => Some(GOES_ON),
        Err(error) => {
            tracing::warn!(family = desired.family, %error, "old revisions could not be pruned; tried again later");
            let may_pass =
                matches!(&error, Refusal::Ecs(_, error) if matches!(error.class, Class::Throttled | Class::Transient));
            may_pass.then_some(TRIED_AGAIN)
        }
    }
}

async fn prune_behind(cx: &Context, desired: &Desired, current: &str, story: &mut Story) -> Result<Left, Refusal> {
    let ecs = cx.live.regions().ecs(&desired.region);
    let failed = |error: EcsError| Refusal::Ecs(format!("pruning family {}", desired.family), error);
    if !ecs.has_room(Operation::ListTaskDefinitions) {
        return Ok(Left::More);
    }
    let listed = active_revisions(&ecs, &desired.family).await.map_err(failed)?;
    let all = with_unlisted(cx, &desired.region, &desired.family, &listed);
    if all.len() <= desired.revisions_kept {
        return Ok(Left::Nothing);
    }
    let looks = all.into_iter().take(desired.revisions_kept + LOOKED_AT);
    let listed = &listed;
    let looks = looks.map(|arn| async move {
        // What is held of one that is not listed may be long past.
        let since = (!listed.contains(&arn)).then(Instant::now);
        revision(cx, &desired.region, &arn, since).await
    });
    let found: Vec<Option<Revision>> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    // What was deregistered a moment ago may still be listed.
    let is_ours = |revision: &Revision| {
        revision.is_active && matches!(desired.stake.claim(&revision.tags), Claim::Ours(Origin::Created))
    };
    let ours = found.into_iter().flatten().filter(is_ours).map(|revision| revision.arn);
    let old: Vec<String> = ours.skip(desired.revisions_kept).filter(|arn| arn != current).collect();
    let named = named(cx);
    let free: Vec<&String> = old.iter().filter(|arn| !named.contains(&name(arn))).collect();
    if free.is_empty() {
        return Ok(if old.is_empty() { Left::Nothing } else { Left::InUse });
    }
    let run = run(cx, desired).await.map_err(failed)?;
    let mut deregistered = 0;
    for arn in free.into_iter().filter(|arn| !run.contains(&name(arn))) {
        if deregistered == AT_ONCE || !ecs.has_room(Operation::DeregisterTaskDefinition) {
            return Ok(Left::More);
        }
        // Whose it is may have changed since it was held.
        if !revision(cx, &desired.region, arn, Some(Instant::now())).await?.is_some_and(|found| is_ours(&found)) {
            continue;
        }
        let step = Step::new(
            Operation::DeregisterTaskDefinition,
            format!("{}, as revisionHistoryLimit keeps {}", name(arn), desired.revisions_kept),
            json!({ "taskDefinition": arn }),
            Vec::new(),
        );
        ecs.call(step.operation, &step.input).await.map_err(|error| {
            if error.class == Class::Transient {
                // It may have taken effect.
                cx.live.distrust(&Key::task_definition(&desired.region, arn));
            }
            failed(error)
        })?;
        deregistered_now(cx, &desired.region, arn);
        story.did(&step);
        deregistered += 1;
    }
    Ok(if deregistered == old.len() { Left::Nothing } else { Left::InUse })
}

/// Every revision, as `family:revision`, that a service of ours names or runs, or a service that Live holds deploys or may
/// go back to.
fn named(cx: &Context) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for service in cx.stores.services.state() {
        // One that waits is still to be made with what it names.
        used.extend(service.spec.task_definition.as_deref().map(name));
        let Some(status) = &service.status else { continue };
        used.extend(status.task_definition_arn.as_deref().map(name));
        used.extend(status.resolved_task_definition.as_ref().map(|resolved| name(&resolved.arn)));
    }
    for (_, seen) in cx.live.held(Target::Service) {
        let Some(service) = seen.json() else { continue };
        let deployments = service.get("deployments").and_then(Value::as_array).cloned().unwrap_or_default();
        let all = std::iter::once(&service).chain(&deployments);
        used.extend(all.filter_map(|one| one.get("taskDefinition")?.as_str().map(name)));
    }
    used
}

/// Every revision of the family that a running task has in a cluster that we know.
async fn run(cx: &Context, desired: &Desired) -> Result<BTreeSet<String>, EcsError> {
    let in_region = |key: &Key| *key.group.region == *desired.region;
    let services = cx.live.held(Target::Service).into_iter().map(|(key, _)| key);
    let mut clusters: BTreeSet<_> = services.filter(in_region).map(|key| key.group.parent).collect();
    let held = cx.live.held(Target::Cluster).into_iter().map(|(key, _)| key);
    clusters.extend(held.filter(in_region).map(|key| key.name));
    let ecs = cx.live.regions().ecs(&desired.region);
    let mut used = BTreeSet::new();
    for cluster in clusters {
        used.extend(run_by_tasks(&ecs, &cluster, &desired.family).await?);
    }
    Ok(used)
}

/// `family:revision` of an ARN.
fn name(arn: &str) -> String {
    arn::named(arn).to_owned()
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
