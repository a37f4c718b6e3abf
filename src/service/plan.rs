//! What has to be called so that ECS is as the manifest asks. Pure.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Desired, Observed, acts,
    call::Call,
    change::{Change, change},
    fields::{EMPTY_IS_NONE, FIELDS, Field},
    live_service::LiveService,
    ours::is_given_up,
};
use crate::{
    api::{EcsServiceStatus, Origin, Reason},
    ecs::{Operation, canon},
    reconcile::{Plan, Step, Verdict, spec, tags},
};

/// The calls that close the difference.
pub fn plan(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Result<Plan, Verdict> {
    let applied = &status.common.applied_fields;
    let what = format!("service {}", desired.name);
    let live = match &observed.service {
        None => return create(desired, observed, None),
        Some(service) if service.status == "INACTIVE" => return create(desired, observed, Some(service)),
        Some(service) => service,
    };
    let origin = desired.stake.settle(&desired.stake.claim(&live.tags), &what)?;
    if live.json.get("resourceManagementType").is_some_and(|by| by == "ECS") {
        return Err(Verdict::stalled(
            Reason::AlreadyExists,
            format!("{what} is an Express Mode service, which ECS manages itself; choose another name"),
        ));
    }
    if live.status != "ACTIVE" {
        let message = format!("{what} of that name is {} in ECS; it is made anew once that is over.", live.status);
        return Err(Verdict::progressing(Reason::Deploying, message));
    }
    let mut plan = Plan::default();
    update(desired, observed, live, status, &mut plan);
    let want = desired.stake.wanted_tags(origin);
    plan.steps.extend(tags::steps(&what, &live.arn, &want, &live.tags, applied));
    Ok(plan)
}

// === Making it ===

fn create(desired: &Desired, observed: &Observed, before: Option<&LiveService>) -> Result<Plan, Verdict> {
    if let Some(leaving) = &desired.leaving {
        return Err(Verdict::waiting_for_change(Reason::RefNotReady, leaving.clone()));
    }
    let mut input = desired.input.clone();
    input.retain(|unit, value| !EMPTY_IS_NONE.contains(&unit.as_str()) || *value != json!([]));
    input.insert("serviceName".into(), json!(desired.name));
    if let Some(resolved) = &observed.resolved {
        input.insert("taskDefinition".into(), json!(resolved));
    }
    if !desired.is_daemon() && desired.controller() != "EXTERNAL" {
        input.entry("desiredCount").or_insert_with(|| json!(1));
    }
    let token = client_token(desired, &input, before);
    input.insert("clientToken".into(), json!(token));
    let all = desired.stake.wanted_tags(Origin::Created);
    input.insert("tags".into(), tags::to_json(&all));
    let what = format!("service {} in cluster {}", desired.name, desired.cluster);
    Ok(Plan { steps: vec![Step::new(Operation::CreateService, what, input.into(), Vec::new())], ..Plan::default() })
}

/// 32 characters that are the same for the same call only: of the object, of what is asked without tags, and of the
/// service of that name that was there before. A token of the object alone would turn into an error for ever once
/// the manifest is edited after an answer was lost.
fn client_token(desired: &Desired, input: &Map<String, Value>, before: Option<&LiveService>) -> String {
    let mut hash = Sha256::new();
    hash.update(desired.uid.as_bytes());
    hash.update(Value::Object(input.clone()).to_string());
    if let Some(created) = before.and_then(|before| before.json.get("createdAt")) {
        hash.update(created.to_string());
    }
    hex::encode(&hash.finalize()[..16])
}

// === Changing it ===

fn update(desired: &Desired, observed: &Observed, live: &LiveService, status: &EcsServiceStatus, plan: &mut Plan) {
    // What ended badly is not deployed again until it changes, or a restart is asked for.
    let failed = is_given_up(desired, observed, live, status);
    let mut call = Call::default();
    let changes =
        FIELDS.iter().map(|field| (field, change(field, desired, observed, live, &status.common.applied_fields)));
    let changes: Vec<(&Field, Change)> = changes.collect();
    let unplaced = changes.iter().find(|(field, change)| is_unplaced(field, change)).map(|(field, _)| field.unit);
    let mut waiting = Vec::new();
    for (field, change) in changes {
        match change {
            Change::Send(_, difference) if unplaced.is_some_and(|unit| goes_with(unit, field)) => {
                plan.kept.extend(unsent(&difference.path, &status.common.applied_fields));
                waiting.push(difference.to_string());
            }
            change => take(field, change, failed, &status.common.applied_fields, &mut call, plan),
        }
    }
    if failed {
        // What ECS does not show went back with the rest: to be sent again with the next deployment.
        let unseen = canon::UNSEEN.iter().filter(|unit| desired.units.contains_key(**unit));
        plan.kept.extend(unseen.filter(|unit| !live.units.contains_key(**unit)).map(|unit| format!("{unit}#")));
    }
    match unplaced {
        None => acts::restart(&mut call, desired, live, status),
        Some(_) if acts::asks_to_restart(desired, status) => waiting.push("the restart".to_owned()),
        Some(_) => {}
    }
    if let (Some((_, sentence)), false) = (plan.refused.first_mut(), waiting.is_empty()) {
        // What was meant for elsewhere must not be deployed here.
        let _ = write!(sentence, ". Not sent meanwhile: {}", waiting.join(", "));
    }
    let differing = call.units();
    call.hold_back(live, live.is_on_an_older_deployment(status) && live.is_deploying(), &mut plan.withheld);
    // A removal that waits must not be forgotten meanwhile.
    let left_out = differing.into_iter().filter(|unit| unit != acts::RESTART && !call.has(unit));
    plan.kept.extend(left_out.flat_map(|unit| unsent(&unit, &status.common.applied_fields)));
    // A hook does not wait for an edit that ECS may refuse.
    acts::steps(desired, observed, live, status, plan);
    plan.steps.extend(call.into_step(desired));
}

/// Puts what becomes of a field into the call or the plan.
fn take(field: &Field, change: Change, failed: bool, applied: &[String], call: &mut Call, plan: &mut Plan) {
    match change {
        Change::None => {}
        Change::Note(note) => {
            plan.notes.push(note);
            plan.kept.push(field.unit.to_owned());
        }
        Change::Refused { reason, sentence, kept } => {
            plan.refused.push((reason, sentence));
            plan.kept.push(kept);
        }
        Change::Send(_, difference) if failed && field.deploys => {
            plan.notes.push(format!("{difference} is withheld: its deployment failed or was rolled back"));
            plan.kept.extend(unsent(&difference.path, applied));
            plan.rolled_back.push(difference.path);
        }
        Change::Send(value, difference) => call.add(&value, difference),
    }
}

/// What `status.appliedFields` goes on saying of a unit that is not sent yet: what was sent of it last, too.
fn unsent(unit: &str, applied: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = applied.iter().filter(|path| spec::unseen_unit(path) == Some(unit)).cloned().collect();
    if kept.is_empty() && canon::UNSEEN.contains(&unit) {
        kept.push(format!("{unit}#"));
    }
    kept.push(unit.to_owned());
    kept
}

/// Fields that decide where tasks run, and as what.
const PLACING: [&str; 3] = ["schedulingStrategy", "launchType", "networkConfiguration"];

/// Whether it is refused that tasks run elsewhere.
fn is_unplaced(field: &Field, change: &Change) -> bool {
    PLACING.contains(&field.unit) && matches!(change, Change::Refused { reason: Reason::ReplaceRequired, .. })
}

/// Whether a change may be made for a change of `unit` that is refused: half of a move must not be deployed.
fn goes_with(unit: &str, field: &Field) -> bool {
    field.deploys || unit == "schedulingStrategy"
}

/// How long a change that waits for a deployment waits at most before it is looked at again.
pub const WITHHELD: Duration = Duration::from_secs(30);
