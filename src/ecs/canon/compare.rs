//! Comparing canonical units where equality is not the whole answer: values that ECS completes or resolves.

use serde_json::{Map, Value};

use super::text_at;
use crate::ecs::arn;

/// What comparing a desired unit with the observed one tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Live is as desired.
    Same,
    /// Live is otherwise.
    Different,
    /// What ECS shows does not tell: it isn't shown at all, or a name was resolved to an id. Sending again is the
    /// only way to be sure, and only an edit is a reason to.
    Unknown,
}

/// Whether a unit certainly differs.
pub fn differs(unit: &str, desired: &Value, observed: &Value) -> bool {
    compare(unit, desired, Some(observed)) == Verdict::Different
}

/// Compares a unit of a desired service or cluster with the observed one, both in canonical form.
pub fn compare(unit: &str, desired: &Value, observed: Option<&Value>) -> Verdict {
    let Some(observed) = observed else { return Verdict::Unknown };
    let same = match unit {
        // The newest version, as a number or not; on instances there is none.
        "platformVersion" => desired == observed || desired.is_null() || desired == "LATEST",
        // Of a daemon, or not managed.
        "desiredCount" => desired == observed || desired.is_null(),
        "cluster" => texts(desired, observed, same_name),
        "taskDefinition" => texts(desired, observed, same_revision),
        "serviceConnectConfiguration" => with_computed(desired, observed) == *observed,
        "settings" => contains(observed, desired),
        "serviceConnectDefaults" if is_resolved(desired, observed) => return Verdict::Unknown,
        _ => desired == observed,
    };
    if same { Verdict::Same } else { Verdict::Different }
}

fn texts(desired: &Value, observed: &Value, same: fn(&str, &str) -> bool) -> bool {
    match (desired.as_str(), observed.as_str()) {
        (Some(desired), Some(observed)) => same(desired, observed),
        _ => desired == observed,
    }
}

/// A name is the name in an ARN; two ARNs must be the same.
fn same_name(desired: &str, observed: &str) -> bool {
    let arns = is_arn(desired) && is_arn(observed);
    if arns { desired == observed } else { arn::named(desired) == arn::named(observed) }
}

/// `family:revision` is the end of an ARN. A family alone is the same as any of its revisions: which one it stands
/// for is settled when the spec changes.
fn same_revision(desired: &str, observed: &str) -> bool {
    if is_arn(desired) && is_arn(observed) {
        return desired == observed;
    }
    let (desired, observed) = (arn::named(desired), arn::named(observed));
    if desired.contains(':') { desired == observed } else { Some(desired) == observed.split(':').next() }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// A namespace that was given by name and is shown by its ARN, which holds an id and not the name.
fn is_resolved(desired: &Value, observed: &Value) -> bool {
    let (desired, observed) = (text_at(desired, "namespace"), text_at(observed, "namespace"));
    desired.is_some_and(|name| !is_arn(name)) && observed.is_some_and(is_arn)
}

/// Every named item that is desired is there; others are the account's.
fn contains(observed: &Value, desired: &Value) -> bool {
    match (observed.as_array(), desired.as_array()) {
        (Some(observed), Some(desired)) => desired.iter().all(|item| observed.contains(item)),
        _ => observed == desired,
    }
}

/// The desired Service Connect block with what ECS computes where it was not asked: the namespace (the cluster's
/// default) and the aliases' DNS names (discovery name and namespace).
fn with_computed(desired: &Value, observed: &Value) -> Value {
    let mut desired = desired.clone();
    if let (Some(block), Some(_)) = (desired.as_object_mut(), observed.as_object())
        && !block.is_empty()
    {
        adopt(block, observed, "namespace");
        for service in list(block, "services") {
            let Some(shown) = named(observed, "services", "portName", service.get("portName")) else { continue };
            for alias in service.as_object_mut().into_iter().flat_map(|service| list(service, "clientAliases")) {
                let Some(shown) = named(shown, "clientAliases", "port", alias.get("port")) else { continue };
                if let Some(alias) = alias.as_object_mut() {
                    adopt(alias, shown, "dnsName");
                }
            }
        }
    }
    desired
}

fn adopt(members: &mut Map<String, Value>, shown: &Value, name: &str) {
    if let (None, Some(value)) = (members.get(name), shown.get(name)) {
        members.insert(name.to_owned(), value.clone());
    }
}

fn list<'a>(members: &'a mut Map<String, Value>, name: &str) -> impl Iterator<Item = &'a mut Value> {
    members.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn named<'a>(block: &'a Value, list: &str, key: &str, value: Option<&Value>) -> Option<&'a Value> {
    block.get(list)?.as_array()?.iter().find(|item| item.get(key) == value)
}
