//! Deleting a task definition: revisions that we registered become INACTIVE; nothing is ever deleted.

use std::time::Duration;

use kube::ResourceExt;
use serde_json::json;
use tokio::time::Instant;

use super::observe::{Revision, active_revisions, deregistered_now, held, revision, with_unlisted};
use crate::{
    api::{
        EcsTaskDefinition, EcsTaskDefinitionStatus, Managed, Reason,
        reference::{names_task_definition, refers_to_task_definition},
    },
    ecs::{Class, Ecs, Operation},
    reconcile::{Context, Deletion, Refusal, Step, Story, Subject, Verdict, owner::Stake, spec},
};

/// How many revisions one pass deregisters: ECS takes one a second.
const AT_ONCE: usize = 10;
/// How many revisions one pass looks at: ECS describes them one by one. What it finds to be no concern of ours is held, and
/// the next pass goes on from there.
const LOOKS: usize = 50;
/// So many revisions may have been registered in the moment that ECS's lists lag behind.
const UNLISTED: i64 = 3;
/// When a deletion goes on.
const GOES_ON: Duration = Duration::from_secs(5);
/// A service may cease to refer to the task definition without a sign of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Deregisters what is ours once no service of the namespace refers to it any more.
pub async fn delete(
    cx: &Context,
    object: &EcsTaskDefinition,
    status: &EcsTaskDefinitionStatus,
    story: &mut Story,
) -> Result<Deletion, Refusal> {
    let name = object.name_any();
    let waits = cx.stores.still_refer(object.namespace().as_deref(), |service| {
        refers_to_task_definition(service, object) || names_task_definition(service, object)
    });
    if let Some(message) = waits {
        return Ok(Deletion::Waiting(Verdict::waiting(Reason::Deleting, message, LOOK_AGAIN)));
    }
    let region = spec::region(object.spec.region.as_deref(), status.common.region.as_deref(), &cx.settings)?;
    let family = object.spec.family.clone().unwrap_or_else(|| name.clone());
    let stake = Stake::of(object, None, &status.common, &cx.settings);
    let policies = object.policies();
    let ecs = cx.live.regions().ecs(&region);
    let goes_on = || {
        let message = format!("The revisions of family {family} are deregistered: ECS takes one a second.");
        Ok(Deletion::Waiting(Verdict::waiting(Reason::Deleting, message, GOES_ON)))
    };
    // Registering shares ECS's bucket and goes first. What can't go on now need not be listed.
    if !ecs.has_room(Operation::DeregisterTaskDefinition) || !ecs.has_room(Operation::ListTaskDefinitions) {
        return goes_on();
    }
    let listed = active_revisions(&ecs, &family)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading family {family}"), error))?;
    let mut all = with_unlisted(cx, &region, &family, &listed);
    // What the process before this one registered just now may be missing in the list.
    let bound = status.task_definition_arn.as_ref();
    for arn in bound.map(|bound| just_before(bound)).unwrap_or_default().into_iter().chain(bound.cloned()) {
        if !all.contains(&arn) {
            all.insert(0, arn);
        }
    }
    let (mut looks, mut deregistered) = (0, 0);
    for arn in &all {
        let goes = |found: &Revision| {
            found.is_active && stake.claim(&found.tags).origin().is_some_and(|origin| policies.deletes(origin))
        };
        if held(cx, &region, arn).is_some_and(|held| !goes(&held)) {
            continue;
        }
        if looks == LOOKS || deregistered == AT_ONCE || !ecs.has_room(Operation::DeregisterTaskDefinition) {
            return goes_on();
        }
        looks += 1;
        let Some(found) = revision(cx, &region, arn, Some(Instant::now())).await? else { continue };
        if status.task_definition_arn.is_none() && stake.claim(&found.tags).origin().is_some() {
            // The first registration, which may have got no answer.
            cx.doubt.settle(&Subject::of(object));
        }
        let what = format!("{family}:{}", found.number);
        if goes(&found) {
            deregistered += usize::from(deregister(&ecs, arn, what, story).await?);
            deregistered_now(cx, &region, arn);
        } else if found.is_active && bound == Some(arn) {
            match stake.claim(&found.tags).origin() {
                Some(_) => story.left_behind(&what, "it was adopted, and deletionPolicy is not Delete"),
                None => story.left_to_others(&what),
            }
        }
    }
    Ok(Deletion::Done)
}

/// The revisions just before `bound`: registered moments ago, they may be missing in ECS's list.
fn just_before(bound: &str) -> Vec<String> {
    let Some((family, number)) = bound.rsplit_once(':') else { return Vec::new() };
    let Ok(number) = number.parse::<i64>() else { return Vec::new() };
    ((number - UNLISTED).max(1)..number).map(|number| format!("{family}:{number}")).collect()
}

/// Whether it was there to be deregistered.
async fn deregister(ecs: &Ecs, arn: &str, what: String, story: &mut Story) -> Result<bool, Refusal> {
    let step = Step::new(Operation::DeregisterTaskDefinition, what, json!({ "taskDefinition": arn }), Vec::new());
    match ecs.call(step.operation, &step.input).await {
        Ok(_) => {
            story.did(&step);
            Ok(true)
        }
        Err(error) if error.class == Class::Absent => Ok(false),
        Err(error) => Err(Refusal::Ecs(step.what, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is deleted a moment after it was registered is not listed yet, and would be left for ever.
    #[test]
    fn revisions_that_the_list_may_not_show_yet_are_looked_at() {
        let arn = |number: i64| format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{number}");
        assert_eq!(just_before(&arn(3)), [arn(1), arn(2)]);
        assert_eq!(just_before(&arn(500)), [arn(497), arn(498), arn(499)]);
        assert!(just_before(&arn(1)).is_empty());
    }
}
