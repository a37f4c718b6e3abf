//! The canonical form: desired and observed brought to one form, so that equal meaning is equal JSON.
//!
//! ECS echoes objects back changed: defaults filled in, lists reordered, empty lists added, `1 vCPU` as `1024`. Each
//! such change is one row of a table here ([`Rule`]), with its reason; what depends on another member is a small
//! function beside the table. Both sides first pass the SDK's own type of the input, so that they have the same
//! members, spelling and number types.
//!
//! Tags are in no canonical form: AWS and others put their own on an object, and they are compared key by key.
//!
//! Pure: no client, no clock.

mod cluster;
mod compare;
mod complete;
mod quantity;
mod service;
mod task_definition;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

pub use self::{
    cluster::{CLUSTER_RULES, cluster_unit, cluster_units, desired_cluster, observed_cluster},
    compare::{Verdict, compare, differs},
    complete::complete_service_unit,
    quantity::quantity,
    service::{
        SERVICE_RULES, ServiceContext, UNSEEN, desired_service, none_of, observed_service, service_unit, service_units,
    },
    task_definition::{TASK_DEFINITION_RULES, task_definition},
};
use crate::ecs::arn;

/// Version of the canonical form, part of the hash tag `v<VERSION>:<hash>`. Any change to a rule of task definitions
/// raises it, so that hashes of another version are never compared.
pub const VERSION: u32 = 1;

/// Canonical values at the grain at which ECS merges, by their path: a top-level field, or a member of a block that
/// ECS merges, such as `deploymentConfiguration.maximumPercent`.
pub type Units = BTreeMap<String, Value>;

/// 16 bytes of SHA-256 over the canonical JSON with its keys sorted, as 32 hex digits.
pub fn hash(canonical: &Value) -> String {
    hex::encode(&Sha256::digest(sorted_text(canonical))[..16])
}

/// One way in which ECS echoes something other than what was sent, and what is done about it on both sides.
#[derive(Debug)]
pub struct Rule {
    /// The place, such as `containerDefinitions[].portMappings[].protocol`.
    pub path: &'static str,
    /// What is done there.
    pub level: Level,
    /// Why, in a line.
    pub why: &'static str,
}

/// What is done with the value at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Level {
    /// This value means the same as none: dropped.
    Default(Value),
    /// None means this value: written out. For members without which their block would look empty.
    Fill(Value),
    /// The order of this list means nothing: sorted by these members, then by all.
    Set(&'static [&'static str]),
    /// A role, by name or by ARN: its name alone.
    RoleName,
    /// JSON that ECS passes on: kept as it is, empty lists and all; only text that holds JSON is read.
    Document,
}

const fn rule(path: &'static str, level: Level, why: &'static str) -> Rule {
    Rule { path, level, why }
}

/// Levels a whole tree by a table. Everywhere, `null`, `[]` and `{}` mean the same as absence and go: ECS fills
/// them in at some places and drops them at others.
fn level(tree: &mut Value, rules: &[Rule]) {
    level_at(tree, &mut String::new(), rules);
}

/// Levels what is at `path` and below; false where it then says nothing that its absence would not.
fn level_at(value: &mut Value, path: &mut String, rules: &[Rule]) -> bool {
    let here: Vec<&Level> = rules.iter().filter(|rule| rule.path == path.as_str()).map(|rule| &rule.level).collect();
    if here.contains(&&Level::Document) {
        document(value);
        return !is_nothing(value);
    }
    match value {
        Value::Object(members) => {
            fill(members, path, rules);
            members.retain(|name, member| {
                let parent = path.len();
                if parent > 0 {
                    path.push('.');
                }
                path.push_str(name);
                let keep = level_at(member, path, rules);
                path.truncate(parent);
                keep
            });
        }
        Value::Array(items) => {
            path.push_str("[]");
            items.retain_mut(|item| level_at(item, path, rules));
            path.truncate(path.len() - 2);
        }
        _ => {}
    }
    for level in &here {
        match (level, &mut *value) {
            (Level::Set(keys), Value::Array(items)) => sort(items, keys),
            (Level::RoleName, Value::String(role)) if !role.ends_with('/') => *role = arn::named(role).to_owned(),
            _ => {}
        }
    }
    !is_nothing(value) && !here.iter().any(|level| matches!(level, Level::Default(default) if same(default, value)))
}

/// Writes out the members of the object at `path` whose absence would make it look empty.
fn fill(members: &mut Map<String, Value>, path: &str, rules: &[Rule]) {
    for rule in rules {
        if let (Level::Fill(value), Some((parent, name))) = (&rule.level, rule.path.rsplit_once('.'))
            && parent == path
            && members.get(name).is_none_or(is_nothing)
        {
            members.insert(name.to_owned(), value.clone());
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Equal, where `10` and `10.0` are.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        #[allow(clippy::float_cmp)] // both are as written, nothing is computed
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn sort(items: &mut [Value], keys: &[&str]) {
    items.sort_by_cached_key(|item| {
        let named: Vec<String> = keys.iter().map(|key| item.get(key).map(sorted_text).unwrap_or_default()).collect();
        (named, sorted_text(item))
    });
}

/// A document that ECS passes on: text that holds an object or a list is that object or list, and `1.0` is `1`.
fn document(value: &mut Value) {
    if let Value::String(text) = value
        && let Ok(read @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
    {
        *value = read;
    }
    whole_numbers(value);
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.to_string().strip_suffix(".0").and_then(|digits| digits.parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// JSON text with sorted keys, whatever order the map in memory keeps.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            let members =
                names.iter().map(|name| format!("{}:{}", Value::from(name.as_str()), sorted_text(&members[*name])));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted_text).collect::<Vec<_>>().join(",")),
        leaf => leaf.to_string(),
    }
}

// === Units ===

/// The value at a unit's path.
fn find<'a>(tree: &'a Value, unit: &str) -> Option<&'a Value> {
    unit.split('.').try_fold(tree, |value, name| value.get(name))
}

/// A tree with nothing but one unit in it.
fn nest(unit: &str, value: &Value) -> Value {
    let mut tree = Map::new();
    insert_unit(&mut tree, unit, value.clone());
    Value::Object(tree)
}

/// Puts a unit's value at its place in an input: `deploymentConfiguration.maximumPercent` into that block.
pub fn insert_unit(input: &mut Map<String, Value>, unit: &str, value: Value) {
    match unit.split_once('.') {
        None => {
            input.insert(unit.to_owned(), value);
        }
        Some((block, member)) => {
            if let Value::Object(block) = input.entry(block).or_insert_with(|| Value::Object(Map::new())) {
                insert_unit(block, member, value);
            }
        }
    }
}

/// The items of a list in an object, none where there is no such list.
fn each<'a>(tree: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    tree.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn text_at<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    tree.get(name).and_then(Value::as_str)
}

fn remove(tree: &mut Value, name: &str) {
    if let Some(members) = tree.as_object_mut() {
        members.remove(name);
    }
}
