//! Deleting a task definition: revisions that we registered become INACTIVE; nothing is ever deleted.

use std::time::Duration;

use kube::ResourceExt;
use serde_json::json;
use tokio::time::Instant;

use super::observe::{active_revisions, revision};
use crate::{
    api::{EcsTaskDefinition, EcsTaskDefinitionStatus, Managed, Reason},
    ecs::{Class, Operation},
    reconcile::{
        Context, Deletion, Refusal, Step, Story, Subject, Verdict,
        owner::{Claim, Stake},
        spec,
    },
};

/// How many revisions one pass deregisters: ECS takes one a second.
const AT_ONCE: usize = 10;
/// A service may cease to refer to the task definition without a sign of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Deregisters what is ours once no service of the namespace refers to it any more.
pub async fn delete(
    cx: &Context,
    object: &EcsTaskDefinition,
    status: &EcsTaskDefinitionStatus,
    story: &mut Story,
) -> Result<Deletion, Refusal> {
    let namespace = object.namespace().unwrap_or_default();
    let name = object.name_any();
    if let Some(message) = our_services(cx, &namespace, &name) {
        return Ok(Deletion::Waiting(Verdict::waiting(Reason::Deleting, message, LOOK_AGAIN)));
    }
    let region = spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), &cx.settings)?;
    let family = object.spec.family.clone().unwrap_or_else(|| name.clone());
    let stake = Stake::of(object, None, &status.common, &cx.settings);
    let policies = object.policies();
    let ecs = cx.live.regions().ecs(&region);
    let all = active_revisions(&ecs, &family)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading family {family}"), error))?;
    let mut deregistered = 0;
    for (index, arn) in all.iter().enumerate() {
        if deregistered == AT_ONCE {
            let message = format!("{} revisions of family {family} are still to be looked at.", all.len() - index);
            return Ok(Deletion::Waiting(Verdict::waiting(Reason::Deleting, message, Duration::from_secs(1))));
        }
        let Some(found) = revision(cx, &region, arn, Some(Instant::now())).await? else { continue };
        let Claim::Ours(origin) = stake.claim(&found.tags) else { continue };
        if status.task_definition_arn.is_none() {
            // The first registration, which may have got no answer.
            cx.doubt.settle(&Subject::of(object));
        }
        if !policies.deletes(origin) {
            continue;
        }
        let step = Step::new(
            Operation::DeregisterTaskDefinition,
            format!("{family}:{}", found.number),
            json!({ "taskDefinition": arn }),
            Vec::new(),
        );
        match ecs.call(step.operation, &step.input).await {
            Ok(_) => {
                deregistered += 1;
                story.did(&step);
            }
            Err(error) if error.class == Class::Absent => {}
            Err(error) => return Err(Refusal::Ecs(step.what, error)),
        }
    }
    Ok(Deletion::Done)
}

fn our_services(cx: &Context, namespace: &str, name: &str) -> Option<String> {
    let mut waits: Vec<String> = cx
        .stores
        .services
        .state()
        .iter()
        .filter(|service| service.namespace().as_deref() == Some(namespace))
        .filter(|service| service.spec.task_definition_ref.as_ref().is_some_and(|reference| reference.name == name))
        .map(|service| service.name_any())
        .collect();
    waits.sort_unstable();
    (!waits.is_empty()).then(|| format!("Waits for EcsService {}, which still refers to it.", waits.join(", ")))
}
