//! What every kind reads from its spec in the same way.

use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Settings, Verdict};
use crate::{
    api::{CommonStatus, RECONCILE_AT, Reason},
    ecs::canon,
};

/// The region of an object: the spec's, else the one it is bound to, else the operator's default.
pub fn region(spec: Option<&str>, bound: Option<&str>, settings: &Settings) -> Result<String, Verdict> {
    spec.or(bound).or(settings.default_region.as_deref()).map(str::to_owned).ok_or_else(|| {
        Verdict::refused(
            Reason::InvalidParameter,
            "spec.region: no region; set it here, or give the operator a default with --region or AWS_REGION",
        )
    })
}

/// The new value of the annotation `reconcileAt`, by which a fresh look is asked for; `None` where it is known.
pub fn asked_to_look(object: &impl ResourceExt, common: &CommonStatus) -> Option<String> {
    let asked = object.annotations().get(RECONCILE_AT).filter(|value| value.len() <= 255);
    asked.filter(|asked| common.reconciled_at.as_ref() != Some(asked)).cloned()
}

/// The members of a spec that are ECS's, as the JSON of the wire; `apart` names the others.
pub fn mirror_zone(spec: &impl Serialize, apart: &[&str]) -> Result<Map<String, Value>, Verdict> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(mut members)) => {
            members.retain(|name, _| !apart.contains(&name.as_str()));
            Ok(members)
        }
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(Verdict::refused(Reason::InvalidParameter, format!("spec can't be read: {error}"))),
    }
}

/// How a value that ECS doesn't show is remembered in `status.appliedFields`: only so can an edit be told from none.
pub fn unseen_path(unit: &str, value: &Value) -> String {
    let mut hash = canon::hash(value);
    hash.truncate(8);
    format!("{unit}#{hash}")
}

/// The unit of such a path in `status.appliedFields`; `None` for any other. Keys of tags may have a `#` as well.
pub fn unseen_unit(path: &str) -> Option<&str> {
    path.split_once('#').map(|(unit, _)| unit).filter(|unit| !unit.starts_with("tags["))
}

/// Whether a value of this unit was sent and ECS doesn't show it.
pub fn is_unseen(applied: &[String], unit: &str) -> bool {
    applied.iter().any(|path| unseen_unit(path) == Some(unit))
}

/// The parts of an ARN that the status keeps: `arn:aws:ecs:<region>:<account>:…`.
pub fn account(arn: &str) -> Option<String> {
    arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}
