//! What has to be called so that ECS is as the manifest asks. Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Desired, Observed,
    fields::{FIELDS, Field, Reset},
    observe::LiveService,
};
use crate::{
    api::{EcsServiceStatus, Origin, Reason},
    ecs::{
        Operation,
        canon::{self, ServiceContext},
    },
    reconcile::{Difference, Plan, Step, Verdict, owner::hex, spec, tags},
};

/// The calls that close the difference.
pub fn plan(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Result<Plan, Verdict> {
    let applied = &status.common.applied_fields;
    let what = format!("service {}", desired.name);
    let live = match &observed.service {
        None => return Ok(create(desired, observed, None)),
        Some(service) if service.status == "INACTIVE" => return Ok(create(desired, observed, Some(service))),
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

fn create(desired: &Desired, observed: &Observed, before: Option<&LiveService>) -> Plan {
    let mut input = desired.input.clone();
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
    Plan { steps: vec![Step::new(Operation::CreateService, what, input.into(), Vec::new())], ..Plan::default() }
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
    hex(&hash.finalize()[..16])
}

// === Changing it ===

fn update(desired: &Desired, observed: &Observed, live: &LiveService, status: &EcsServiceStatus, plan: &mut Plan) {
    let failed = live.is_rolled_back(status) && status.own_target.as_deref() == Some(&desired.target());
    let mut input = Map::new();
    let mut because = Vec::new();
    for field in FIELDS {
        if !field.is_compared(desired) {
            let elsewhere = desired.units.get(field.unit).zip(live.units.get(field.unit));
            if elsewhere.is_some_and(|(want, have)| canon::differs(field.unit, want, have)) {
                let (unit, controller) = (field.unit, desired.controller());
                plan.notes.push(format!("{unit} is not as the manifest has it, and only {controller} may change it"));
            }
            continue;
        }
        if field.unit == "desiredCount" && desired.is_contested {
            continue;
        }
        let change = match change(field, desired, observed, live, &status.common.applied_fields) {
            Change::None => continue,
            Change::Note(note) => {
                plan.notes.push(note);
                plan.kept.push(field.unit.to_owned());
                continue;
            }
            Change::Refused(sentence) => {
                plan.refused.push(sentence);
                plan.kept.push(field.unit.to_owned());
                continue;
            }
            Change::Send(_, difference) if failed && field.deploys => {
                plan.notes.push(format!("{difference} is withheld: ECS rolled its deployment back"));
                plan.kept.push(difference.path);
                continue;
            }
            Change::Send(value, difference) => (value, difference),
        };
        because.push(change.1);
        canon::insert_unit(&mut input, field.unit, canon::complete_service_unit(field.unit, &change.0));
    }
    let differing: Vec<String> = because.iter().map(|difference| difference.path.clone()).collect();
    hold_back(live, &mut input, &mut because, &mut plan.withheld);
    // A removal that waits must not be forgotten meanwhile.
    plan.kept.extend(differing.into_iter().filter(|path| because.iter().all(|difference| difference.path != *path)));
    if because.is_empty() {
        return;
    }
    if because.iter().any(|difference| difference.path == "capacityProviderStrategy") {
        // ECS refuses the change otherwise, although it says that none is needed.
        input.insert("forceNewDeployment".into(), json!(true));
    }
    input.insert("cluster".into(), json!(desired.cluster));
    input.insert("service".into(), json!(desired.name));
    let what = format!("service {}", desired.name);
    plan.steps.push(Step::new(Operation::UpdateService, what, input.into(), because));
}

enum Change {
    None,
    Send(Value, Difference),
    Note(String),
    Refused(String),
}

fn change(field: &Field, desired: &Desired, observed: &Observed, live: &LiveService, applied: &[String]) -> Change {
    let unit = field.unit;
    let have = live.units.get(unit);
    let shown = have.cloned().unwrap_or_default();
    let was_applied = applied.iter().any(|path| path == unit);
    let asked = wanted(unit, desired, observed);
    let is_set = asked.is_some();
    let (want, value) = match (asked, field.reset) {
        (Some(asked), _) => asked,
        (None, _) if !was_applied => return Change::None,
        (None, Reset::Released) => return Change::None,
        (None, Reset::Stays) => return stays(unit, &shown),
        (None, Reset::Replace) => return replaced_if_there(unit, &shown),
        (None, Reset::To(_)) if goes_with_its_strategy(unit, desired) => return Change::None,
        (None, Reset::To(reset)) => {
            let context =
                ServiceContext { shifts_traffic: shifts_traffic(desired, live), ..ServiceContext::of(&live.json) };
            let value = reset(&context);
            let Ok(want) = canon::service_unit(unit, Some(&value), &context) else { return Change::None };
            (want, value)
        }
    };
    let differs = match canon::compare(unit, &want, have) {
        canon::Verdict::Different => true,
        canon::Verdict::Same => unpins(unit, &want, have, applied),
        // ECS does not show it: only an edit is a reason to send it again…
        canon::Verdict::Unknown if is_set => {
            !applied.contains(&spec::unseen_path(unit, &want)) && (have.is_none() || !was_applied)
        }
        // …and only something that was sent is a reason to take it back.
        canon::Verdict::Unknown => spec::is_unseen(applied, unit),
    };
    if !differs {
        return Change::None;
    }
    if !field.in_place {
        return cannot_change(unit, desired, &want, &shown);
    }
    Change::Send(value, Difference::new(unit, shown, want))
}

/// The blocks of LINEAR and CANARY are dropped by ECS with their strategy, and refused without it.
fn goes_with_its_strategy(unit: &str, desired: &Desired) -> bool {
    let strategy = desired.units.get("deploymentConfiguration.strategy").and_then(Value::as_str).unwrap_or("ROLLING");
    (unit == "deploymentConfiguration.linearConfiguration" && strategy != "LINEAR")
        || (unit == "deploymentConfiguration.canaryConfiguration" && strategy != "CANARY")
}

/// Whether traffic will be shifted: by the strategy that is asked for, else by the one that is there.
fn shifts_traffic(desired: &Desired, live: &LiveService) -> bool {
    let asked = desired.units.get("deploymentConfiguration.strategy").and_then(Value::as_str);
    asked.map_or_else(|| ServiceContext::of(&live.json).shifts_traffic, |strategy| strategy != "ROLLING")
}

/// ECS may show `LATEST` as a number, so the two count as the same; but where a number was asked for until now, it is
/// that one, and the service has to be taken off it.
fn unpins(unit: &str, want: &Value, have: Option<&Value>, applied: &[String]) -> bool {
    unit == "platformVersion" && want == "LATEST" && have != Some(want) && spec::is_unseen(applied, unit)
}

/// What the manifest asks of a unit: in canonical form, and as it is sent.
fn wanted(unit: &str, desired: &Desired, observed: &Observed) -> Option<(Value, Value)> {
    if let (true, Some(resolved)) = (unit == "taskDefinition", &observed.resolved) {
        return Some((json!(resolved), json!(resolved)));
    }
    let want = desired.units.get(unit)?.clone();
    let mut parts = unit.split('.');
    let first = desired.input.get(parts.next()?)?;
    let value = parts.try_fold(first, |at, name| at.get(name))?;
    Some((want, value.clone()))
}

fn stays(unit: &str, shown: &Value) -> Change {
    if shown.is_null() || unit == "launchType" || unit == "taskDefinition" || unit == "schedulingStrategy" {
        return Change::None;
    }
    Change::Note(format!("{unit} was removed from the manifest; ECS can't unset it, so it stays as it is"))
}

fn replaced_if_there(unit: &str, shown: &Value) -> Change {
    if *shown == json!({}) || shown.is_null() {
        return Change::None;
    }
    Change::Refused(format!(
        "spec.{unit} was removed, and ECS can't take it from a service; put it back, or delete this object and create another \
         (that also deletes the service's Application Auto Scaling target and policies)"
    ))
}

fn cannot_change(unit: &str, desired: &Desired, want: &Value, shown: &Value) -> Change {
    // On the way from a strategy back to the launch type, ECS shows the launch type only afterwards.
    let moves = unit == "launchType" && shown.is_null();
    // ECS shows the service-linked role where none was given.
    if moves || (unit == "role" && desired.input.get("role").is_none()) {
        return Change::None;
    }
    Change::Refused(format!(
        "spec.{unit} is {want} and the service has {shown}; ECS can't change it in place: put {shown} back, or delete this \
         object and create another (that also deletes the service's Application Auto Scaling target and policies)"
    ))
}

/// What must not go into the same call, or not now.
fn hold_back(
    live: &LiveService,
    input: &mut Map<String, Value>,
    because: &mut Vec<Difference>,
    withheld: &mut Vec<String>,
) {
    let differs = |because: &[Difference], unit: &str| because.iter().any(|difference| difference.path == unit);
    let raises = because
        .iter()
        .any(|difference| difference.path == "desiredCount" && difference.want.as_i64() > Some(live.desired_count));
    let moving =
        live.deployments.iter().skip(1).any(|old| live.primary().is_some_and(|new| new.capacity != old.capacity));
    if raises && (differs(because, "capacityProviderStrategy") || moving) {
        leave_out(&["desiredCount"], input, because);
        withheld.push(
            "desiredCount is raised once the old deployment is gone: ECS would place the increase on its capacity too"
                .into(),
        );
    }
    let controller = ["deploymentController", "deploymentConfiguration.strategy"];
    if live.is_deploying() && controller.iter().any(|unit| differs(because, unit)) {
        leave_out(&controller, input, because);
        withheld.push("deployment strategy and controller are changed once the running deployment is over".into());
    }
    let strategy = "deploymentConfiguration.strategy";
    if differs(because, strategy) && differs(because, "loadBalancers") && input_strategy(input) != Some("ROLLING") {
        leave_out(
            &[strategy, "deploymentConfiguration.linearConfiguration", "deploymentConfiguration.canaryConfiguration"],
            input,
            because,
        );
        withheld.push(
            "the deployment strategy is changed once the load balancers have their advanced configuration".into(),
        );
    }
}

fn input_strategy(input: &Map<String, Value>) -> Option<&str> {
    input.get("deploymentConfiguration")?.get("strategy")?.as_str()
}

fn leave_out(units: &[&str], input: &mut Map<String, Value>, because: &mut Vec<Difference>) {
    because.retain(|difference| !units.contains(&difference.path.as_str()));
    for unit in units {
        match unit.split_once('.') {
            None => {
                input.remove(*unit);
            }
            Some((block, member)) => {
                let emptied = input.get_mut(block).and_then(Value::as_object_mut).is_some_and(|block| {
                    block.remove(member);
                    block.is_empty()
                });
                if emptied {
                    input.remove(block);
                }
            }
        }
    }
}

/// How long a change that waits for a deployment waits at most before it is looked at again.
pub const WITHHELD: Duration = Duration::from_secs(30);
