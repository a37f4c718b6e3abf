//! What becomes of one field of a live service: sent, reset, left, or refused. Pure.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    Desired, Observed,
    fields::{Field, Reset},
    live_service::LiveService,
};
use crate::{
    api::Reason,
    ecs::{
        arn,
        canon::{self, ServiceContext, Units},
    },
    reconcile::{Difference, spec},
};

/// What becomes of one field.
pub enum Change {
    /// It is as it should be, or not ours.
    None,
    /// It is sent this value.
    Send(Value, Difference),
    /// It stays as it is, and this is said.
    Note(String),
    /// It can't be changed in place.
    Refused {
        /// The word for it.
        reason: Reason,
        /// Field, value and what to do.
        sentence: String,
        /// What `status.appliedFields` goes on saying of it.
        kept: String,
    },
}

fn replacement(unit: &str, sentence: String) -> Change {
    Change::Refused { reason: Reason::ReplaceRequired, sentence, kept: unit.to_owned() }
}

/// What the manifest, or its having been there, asks of a field of a live service.
pub fn change(field: &Field, desired: &Desired, observed: &Observed, live: &LiveService, applied: &[String]) -> Change {
    let unit = field.unit;
    if !field.is_compared(desired) {
        return edit_of_the_controllers(unit, desired, live, applied);
    }
    if unit == "desiredCount" && desired.is_contested {
        return Change::None;
    }
    let have = live.units.get(unit);
    let shown = have.cloned().unwrap_or_default();
    let was_applied = applied.iter().any(|path| path == unit);
    let asked = wanted(unit, desired, observed);
    let is_set = asked.is_some();
    let (want, value) = match (asked, field.reset) {
        (Some(asked), _) => asked,
        (None, _) if unit == "schedulingStrategy" && shown == "DAEMON" => {
            // Absent is one of the two.
            return cannot_change(unit, desired, live, applied, &json!("REPLICA"));
        }
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
        return cannot_change(unit, desired, live, applied, &want);
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
    let shown = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
    Change::Note(format!(
        "{unit} was removed from the manifest; ECS can't unset it, so it stays {shown}. Write a value to choose one"
    ))
}

fn replaced_if_there(unit: &str, shown: &Value) -> Change {
    if *shown == json!({}) || shown.is_null() {
        return Change::None;
    }
    replacement(
        unit,
        format!("spec.{unit} was removed, and ECS can't take it from a service; put it back, or {REPLACE}"),
    )
}

fn cannot_change(unit: &str, desired: &Desired, live: &LiveService, applied: &[String], want: &Value) -> Change {
    let shown = live.units.get(unit).cloned().unwrap_or_default();
    // ECS shows the service-linked role where none was given.
    if unit == "role" && desired.input.get("role").is_none() {
        return Change::None;
    }
    if unit == "launchType" && shown.is_null() {
        return back_to_launch_type(desired, live, applied, want);
    }
    let is =
        if desired.units.contains_key(unit) { format!("is {want}") } else { format!("is absent, which means {want},") };
    replacement(
        unit,
        format!(
            "spec.{unit} {is} and the service has {shown}; ECS can't change it in place: to keep the service, delete this \
             object with deletionPolicy: Retain and apply it again with {shown}; to replace it, {REPLACE}"
        ),
    )
}

/// How a service is replaced.
const REPLACE: &str = "delete this object with deletionPolicy: Delete and apply it again (that also deletes the service's \
                       Application Auto Scaling target and policies)";

/// A service on capacity providers shows no launch type. It goes back to the one it was made with where its strategy is
/// emptied, and shows that only afterwards.
fn back_to_launch_type(desired: &Desired, live: &LiveService, applied: &[String], want: &Value) -> Change {
    let strategy = "capacityProviderStrategy";
    let is_empty = |units: &Units| units.get(strategy).is_none_or(|shown| *shown == json!([]) || *shown == json!({}));
    let is_removed = !desired.units.contains_key(strategy) && applied.iter().any(|path| path == strategy);
    let is_emptied = desired.units.contains_key(strategy) && is_empty(&desired.units);
    if is_empty(&live.units) || is_removed || is_emptied {
        return Change::None;
    }
    replacement(
        "launchType",
        format!(
            "spec.launchType is {want} and the service runs on capacity providers; set spec.capacityProviderStrategy to [] beside \
             it to move the service back to the launch type that it was made with, or put the strategy that it runs on in the place \
             of spec.launchType"
        ),
    )
}

/// A field that CodeDeploy changes by itself: not ours to put back, and an edit of it is not ours to make. Whether the
/// manifest was edited is told by what was applied last.
fn edit_of_the_controllers(unit: &str, desired: &Desired, live: &LiveService, applied: &[String]) -> Change {
    let Some(have) = live.units.get(unit) else { return Change::None };
    let Some(want) = desired.units.get(unit) else {
        let context = ServiceContext::of(&live.json);
        let is_default = canon::service_unit(unit, None, &context).is_ok_and(|default| default == *have);
        let was_applied = applied.iter().any(|path| path == unit);
        if desired.controller() != "CODE_DEPLOY" || is_default || !was_applied {
            return Change::None;
        }
        return Change::Note(format!(
            "{unit} was removed from the manifest; under deploymentController CODE_DEPLOY only CodeDeploy may change it, so it \
             stays as it is"
        ));
    };
    let record = applied.iter().find(|path| spec::unseen_unit(path) == Some(unit));
    if !canon::differs(unit, want, have) || record == Some(&spec::unseen_path(unit, want)) {
        return Change::None;
    }
    let or_back = if record.is_some() { ", or put the old value back" } else { "" };
    let definition = desired.definition.as_ref().filter(|_| unit == "taskDefinition");
    let sentence = match definition {
        Some(object) => format!(
            "EcsTaskDefinition '{}' is {} and the service runs {}; under deploymentController CODE_DEPLOY only CodeDeploy may \
             change that: deploy it through CodeDeploy{or_back}",
            object.name_any(),
            revision(want),
            revision(have),
        ),
        None => format!(
            "spec.{}, and under deploymentController CODE_DEPLOY only CodeDeploy may change it: deploy through CodeDeploy and \
             write what it deployed into the manifest{or_back}",
            Difference::new(unit, have.clone(), want.clone())
        ),
    };
    Change::Refused {
        reason: Reason::CodeDeployOwned,
        sentence,
        // Without a record of its own the manifest would pass for applied by the next look.
        kept: record.cloned().unwrap_or_else(|| format!("{unit}#")),
    }
}

/// `family:revision` of an ARN.
fn revision(arn: &Value) -> &str {
    let arn = arn.as_str().unwrap_or_default();
    arn::named(arn)
}
