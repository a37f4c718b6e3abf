//! What has to be called so that ECS is as the manifest asks. Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Desired,
    observe::{LiveCluster, Observed},
};
use crate::{
    api::{Origin, RECONCILE_AT, Reason},
    ecs::{
        Operation,
        canon::{self, Units},
    },
    reconcile::{Difference, Plan, Step, Verdict, spec, tags},
};

/// The units that PutClusterCapacityProviders replaces together; all others are UpdateCluster's.
pub const CAPACITY: [&str; 2] = ["capacityProviders", "defaultCapacityProviderStrategy"];

/// The calls that close the difference.
pub fn plan(desired: &Desired, observed: &Observed, applied: &[String]) -> Result<Plan, Verdict> {
    let what = format!("cluster {}", desired.name);
    let Some(cluster) = &observed.cluster else {
        return Ok(Plan { steps: vec![create(desired, &what)], ..Plan::default() });
    };
    let origin = desired.stake.settle(&desired.stake.claim(&cluster.tags), &what)?;
    if !matches!(cluster.status.as_str(), "ACTIVE" | "FAILED") {
        return Err(Verdict::progressing(Reason::Deploying, format!("The cluster is {} in ECS.", cluster.status)));
    }
    let observed_units = canon::observed_cluster(&cluster.json)
        .map_err(|error| Verdict::retrying(format!("ECS's answer can't be read: {error}")))?;
    let insights = observed.account_insights.as_deref().unwrap_or("disabled");
    let mut plan = Plan::default();
    let differences = differences(&desired.units, &observed_units, applied, insights, &mut plan);
    let (mut capacity, other): (Vec<_>, Vec<_>) =
        differences.into_iter().partition(|difference| CAPACITY.contains(&difference.path.as_str()));
    if capacity.is_empty() && desired.is_asked_again && desired.has_failed(cluster) {
        capacity.push(Difference::new(
            format!("metadata.annotations[{RECONCILE_AT}]"),
            Value::Null,
            json!("tried again"),
        ));
    }
    if cluster.status == "FAILED" {
        // Only other capacity providers can cure it. What else is to be changed or reset stays to be done.
        if capacity.is_empty() && desired.stake.observes() {
            plan.refused.push((Reason::DeploymentFailed, failed(&what, cluster)));
            return Ok(plan);
        }
        if capacity.is_empty() {
            return Err(Verdict::refused(Reason::DeploymentFailed, failed(&what, cluster)));
        }
    } else if !other.is_empty() {
        let mut input = Map::from_iter([("cluster".to_owned(), json!(desired.name))]);
        for difference in &other {
            put(&mut input, &difference.path, desired, insights);
        }
        whole_configuration(&mut input, desired, cluster);
        plan.steps.push(Step::new(Operation::UpdateCluster, what.clone(), input.into(), other));
    }
    if !capacity.is_empty() {
        if cluster.is_busy {
            return Err(Verdict::waiting(
                Reason::Deploying,
                format!("ECS still carries out a change of {what}; the next one waits for it"),
                Duration::from_secs(10),
            ));
        }
        plan.steps.push(capacity_step(desired, cluster, &what, capacity));
    }
    let want = desired.stake.wanted_tags(origin);
    plan.steps.extend(tags::steps(&what, &cluster.arn, &want, &cluster.tags, applied));
    Ok(plan)
}

/// What to say of a cluster whose capacity providers ECS could not attach or detach.
pub fn failed(what: &str, cluster: &LiveCluster) -> String {
    let why = cluster.failure.as_deref().unwrap_or("ECS gives no reason");
    format!(
        "ECS could not attach or detach the capacity providers of {what}, which is {}: {why}. Correct spec.capacityProviders, or \
         what they name and then set the annotation {RECONCILE_AT} to a new value to have it tried again",
        cluster.status
    )
}

fn create(desired: &Desired, what: &str) -> Step {
    let mut input = desired.input.clone();
    input.insert("clusterName".into(), json!(desired.name));
    let all = desired.stake.wanted_tags(Origin::Created);
    input.insert("tags".into(), tags::to_json(&all));
    Step::new(Operation::CreateCluster, what.to_owned(), input.into(), Vec::new())
}

/// What is set and differs, and what was set, is no more, and is not yet as ECS does without it.
fn differences(
    desired: &Units,
    observed: &Units,
    applied: &[String],
    insights: &str,
    plan: &mut Plan,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for unit in canon::cluster_units() {
        let have = observed.get(unit).cloned().unwrap_or_default();
        let want = match desired.get(unit) {
            Some(want) => want.clone(),
            None if applied.iter().any(|path| path == unit) => {
                let Some(value) = reset(unit, insights) else {
                    if have != json!({}) {
                        plan.notes.push(format!(
                            "{unit} was removed from the manifest; ECS can't unset it, so it stays as it is"
                        ));
                        plan.kept.push(unit.to_owned());
                    }
                    continue;
                };
                let Ok(value) = canon::cluster_unit(unit, Some(&value)) else { continue };
                value
            }
            None => continue,
        };
        let differs = match canon::compare(unit, &want, Some(&have)) {
            canon::Verdict::Same => false,
            canon::Verdict::Different => true,
            // ECS does not show it: only an edit is a reason to send it again.
            canon::Verdict::Unknown => !applied.contains(&spec::unseen_path(unit, &want)),
        };
        if differs {
            found.push(Difference::new(unit, have, want));
        }
    }
    found
}

/// What is sent for a unit that was removed from the manifest; `None` where ECS knows no way back. A setting can't be
/// unset: it goes back to `insights`, what the account does.
fn reset(unit: &str, insights: &str) -> Option<Value> {
    match unit {
        "capacityProviders" | "defaultCapacityProviderStrategy" => Some(json!([])),
        "settings" => Some(json!([{ "name": "containerInsights", "value": insights }])),
        "configuration.executeCommandConfiguration" => Some(json!({ "logging": "DEFAULT" })),
        "serviceConnectDefaults" => Some(json!({ "namespace": "" })),
        _ => None,
    }
}

/// Puts a differing unit into UpdateCluster's input: as the manifest has it, or its reset value.
fn put(input: &mut Map<String, Value>, unit: &str, desired: &Desired, insights: &str) {
    let written = unit
        .split('.')
        .try_fold(&Value::Null, |at, name| if at.is_null() { desired.input.get(name) } else { at.get(name) });
    if let Some(value) = written.cloned().or_else(|| reset(unit, insights)) {
        canon::insert_unit(input, unit, value);
    }
}

/// `configuration` is replaced whole: the members that don't differ go along, as the manifest or else ECS has them.
fn whole_configuration(input: &mut Map<String, Value>, desired: &Desired, cluster: &LiveCluster) {
    let Some(Value::Object(sent)) = input.get_mut("configuration") else { return };
    for source in [desired.input.get("configuration"), cluster.json.get("configuration")] {
        for (name, value) in source.and_then(Value::as_object).into_iter().flatten() {
            sent.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Both lists are replaced together: the one that is not managed goes back as it is.
fn capacity_step(desired: &Desired, cluster: &LiveCluster, what: &str, because: Vec<Difference>) -> Step {
    let mut input = Map::from_iter([("cluster".to_owned(), json!(desired.name))]);
    for unit in CAPACITY {
        let changed = because.iter().any(|difference| difference.path == unit);
        let value = if changed { desired.input.get(unit) } else { cluster.json.get(unit) };
        input.insert(unit.into(), value.cloned().unwrap_or_else(|| json!([])));
    }
    Step::new(
        Operation::PutClusterCapacityProviders,
        format!("the capacity providers of {what}"),
        input.into(),
        because,
    )
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{
        api::{EcsCluster, EcsClusterStatus},
        cluster::{observe, status, validate::validate},
        reconcile::{Settings, State},
    };

    fn desired(providers: &Value) -> Desired {
        let object: EcsCluster = serde_json::from_value(json!({
            "apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsCluster",
            "metadata": { "name": "main", "namespace": "shop" }, "spec": { "capacityProviders": providers },
        }))
        .unwrap();
        let settings = Settings { installation: "i".into(), default_region: Some("eu-west-1".into()) };
        validate(&object, &EcsClusterStatus::default(), &settings).unwrap()
    }

    fn observed(patch: &Value) -> Observed {
        let mut cluster = json!({
            "clusterName": "main", "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/main", "status": "ACTIVE",
            "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": [],
            "attachmentsStatus": "UPDATE_FAILED",
            "attachments": [{ "type": "as_policy", "status": "FAILED", "details": [
                { "name": "capacityProviderName", "value": "mine" }, { "name": "reason", "value": "no such plan" },
            ] }],
            "tags": [
                { "key": "ecs-operator.dev/owner", "value": "i/EcsCluster/shop/main" },
                { "key": "ecs-operator.dev/origin", "value": "created" },
            ],
        });
        for (name, value) in patch.as_object().unwrap() {
            cluster[name] = value.clone();
        }
        let cluster = observe::read(cluster);
        Observed { cluster, account_insights: None, at: Instant::now(), is_answer: false }
    }

    /// A cluster that can't place a task is not ready, whatever its status says.
    #[tokio::test]
    async fn capacity_providers_that_could_not_be_attached_are_a_failure() {
        let (desired, seen) = (desired(&json!(["mine"])), observed(&json!({})));
        assert!(plan(&desired, &seen, &[]).unwrap().is_settled());
        let verdict = status::verdict(&desired, &seen);
        assert_eq!((verdict.state, verdict.reason), (State::Stalled, Reason::DeploymentFailed));
        assert!(verdict.message.contains("reason no such plan"), "{}", verdict.message);
    }

    /// The correction is the way out, and must not wait for itself.
    #[tokio::test]
    async fn a_failed_cluster_gets_its_corrected_capacity_providers_and_no_more() {
        let failed = observed(&json!({ "status": "FAILED" }));
        let same = plan(&desired(&json!(["mine"])), &failed, &["settings".to_owned()]).unwrap_err();
        assert_eq!((same.state, same.reason), (State::Stalled, Reason::DeploymentFailed));
        let corrected = plan(&desired(&json!(["FARGATE"])), &failed, &[]).unwrap();
        assert_eq!(corrected.steps[0].operation, Operation::PutClusterCapacityProviders);
    }

    /// What a capacity provider names may have been corrected, which ECS does not look at by itself.
    #[tokio::test]
    async fn what_could_not_be_attached_is_tried_again_when_that_is_asked_for() {
        let asked = Desired { is_asked_again: true, ..desired(&json!(["mine"])) };
        let again = plan(&asked, &observed(&json!({})), &[]).unwrap();
        assert_eq!(again.steps.len(), 1);
        assert_eq!(again.steps[0].input["capacityProviders"], json!(["mine"]));
        let attached = observed(&json!({ "attachmentsStatus": "UPDATE_COMPLETE" }));
        assert!(plan(&asked, &attached, &[]).unwrap().is_empty());
    }

    /// Capacity providers that somebody else attached are not the manifest's failure.
    #[tokio::test]
    async fn attachments_that_the_manifest_does_not_manage_are_a_note() {
        let (mut desired, seen) = (desired(&json!(["mine"])), observed(&json!({})));
        desired.units.remove("capacityProviders");
        assert!(plan(&desired, &seen, &[]).unwrap().is_empty());
        let verdict = status::verdict(&desired, &seen);
        assert_eq!(verdict.state, State::Ready);
        assert!(verdict.message.contains("no such plan"), "{}", verdict.message);
    }
}
