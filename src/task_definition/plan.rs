//! What has to be called so that a revision has the manifest's content. Pure.

use serde_json::json;

use super::{Desired, Observed};
use crate::{
    api::{Origin, tags as own},
    ecs::{Operation, canon},
    reconcile::{
        Difference, Plan, Step, Verdict, differences,
        tags::{self, Tags},
    },
};

/// The calls that close the difference.
pub fn plan(desired: &Desired, observed: &Observed, applied: &[String]) -> Result<Plan, Verdict> {
    let what = format!("family {}", desired.family);
    if let Some(claim) = &observed.foreign {
        desired.stake.settle(claim, &what)?;
    }
    let Some(current) = &observed.current else {
        let mut input = desired.input.clone();
        input.insert("tags".into(), tags::to_json(&wanted_tags(desired, Origin::Created)));
        let step = Step::new(
            Operation::RegisterTaskDefinition,
            format!("a new revision of {what}"),
            input.into(),
            because(desired, observed),
        );
        return Ok(Plan { steps: vec![step], ..Plan::default() });
    };
    let what = format!("{}:{}", desired.family, current.number);
    let origin = desired.stake.settle(&desired.stake.claim(&current.tags), &what)?;
    let steps = tags::steps(&what, &current.arn, &wanted_tags(desired, origin), &current.tags, applied);
    Ok(Plan { steps, ..Plan::default() })
}

/// What the new revision has otherwise than the one before it.
fn because(desired: &Desired, observed: &Observed) -> Vec<Difference> {
    let Some(before) = &observed.before else { return Vec::new() };
    if !before.is_active && before.has_content_of(desired) {
        return vec![Difference::new("status", json!("INACTIVE"), json!("ACTIVE"))];
    }
    canon::task_definition(&before.json).map(|have| differences("", &have, &desired.canonical)).unwrap_or_default()
}

fn wanted_tags(desired: &Desired, origin: Origin) -> Tags {
    let mut all = desired.stake.wanted_tags(origin);
    if !desired.stake.observes() {
        all.insert(own::HASH.into(), desired.hash.clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{
        api::{AdoptionPolicy, CommonStatus, EcsTaskDefinition, EcsTaskDefinitionSpec, Reason},
        reconcile::{
            Settings, Subject,
            owner::{Claim, Stake},
        },
        task_definition::observe::Revision,
    };

    fn desired() -> Desired {
        let input = json!({ "family": "web", "containerDefinitions": [{ "name": "app", "image": "nginx:1" }] });
        let canonical = canon::task_definition(&input).unwrap();
        Desired {
            family: "web".into(),
            region: "eu-west-1".into(),
            input: input.as_object().unwrap().clone(),
            hash: format!("v{}:{}", canon::VERSION, canon::hash(&canonical)),
            canonical,
            stake: stake(AdoptionPolicy::Never),
            subject: Subject { kind: "EcsTaskDefinition".into(), namespace: "shop".into(), name: "web".into() },
            generation: Some(1),
            revisions_kept: 5,
        }
    }

    fn stake(adoption: AdoptionPolicy) -> Stake {
        let spec: EcsTaskDefinitionSpec = serde_json::from_value(json!({ "containerDefinitions": [] })).unwrap();
        let spec = EcsTaskDefinitionSpec { adoption_policy: Some(adoption), ..spec };
        let settings = Settings { installation: "i".into(), default_region: None };
        Stake::of(&EcsTaskDefinition::new("web", spec), None, &CommonStatus::default(), &settings)
    }

    fn revision(desired: &Desired, hash: Option<&str>) -> Revision {
        let mut tags = desired.stake.wanted_tags(Origin::Created);
        if let Some(hash) = hash {
            tags.insert(own::HASH.into(), hash.into());
        }
        let json = json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:3", "revision": 3, "status": "ACTIVE",
            "containerDefinitions": [{ "name": "app", "image": "nginx:1", "cpu": 0, "essential": true, "mountPoints": [] }],
        });
        Revision { arn: "arn:aws:ecs:eu-west-1:1:task-definition/web:3".into(), number: 3, is_active: true, tags, json }
    }

    fn observed(current: Option<Revision>, foreign: Option<Claim>) -> Observed {
        Observed { current, before: None, foreign, at: Instant::now(), is_answer: false }
    }

    /// An upgrade of the operator must not register the world anew, nor deploy every service.
    #[tokio::test]
    async fn another_canon_version_renews_the_tag_and_registers_nothing() {
        let desired = desired();
        let old = revision(&desired, Some("v0:feed"));
        assert!(old.has_content_of(&desired));
        let plan = plan(&desired, &observed(Some(old), None), &[]).unwrap();
        assert_eq!(plan.steps.iter().map(|step| step.operation).collect::<Vec<_>>(), [Operation::TagResource]);
    }

    #[tokio::test]
    async fn the_same_content_makes_no_call() {
        let desired = desired();
        let current = revision(&desired, Some(&desired.hash));
        assert!(plan(&desired, &observed(Some(current), None), &[]).unwrap().is_empty());
    }

    /// Somebody's family is never extended without the user's word.
    #[tokio::test]
    async fn a_foreign_family_is_a_conflict() {
        let verdict = plan(&desired(), &observed(None, Some(Claim::Unowned)), &[]).unwrap_err();
        assert_eq!(verdict.reason, Reason::AlreadyExists);
        let adopting = Desired { stake: stake(AdoptionPolicy::IfExists), ..desired() };
        let plan = plan(&adopting, &observed(None, Some(Claim::Unowned)), &[]).unwrap();
        assert_eq!(plan.steps[0].operation, Operation::RegisterTaskDefinition);
    }
}
