//! The canonical units of a cluster: the members of CreateCluster, those of `configuration` one by one.

use std::sync::LazyLock;

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use serde_json::{Value, json};

use super::{
    Level::{Default, Set},
    Rule, Units, find, level, nest, rule,
};
use crate::ecs::shapes::{ShapeError, sdk_from_json, sdk_to_json};

/// What a CreateCluster-shaped spec asks: the units that it sets and no others.
pub fn desired_cluster(input: &Value) -> Result<Units, ShapeError> {
    units(input, |set| set)
}

/// What DescribeClusters shows (asked for SETTINGS and CONFIGURATIONS): every unit, absent ones as what ECS does
/// without them.
pub fn observed_cluster(cluster: &Value) -> Result<Units, ShapeError> {
    units(cluster, |_| true)
}

/// One unit in canonical form; `None` is what ECS does without it. An unknown unit is `null`.
pub fn cluster_unit(unit: &str, value: Option<&Value>) -> Result<Value, ShapeError> {
    let mut tree = through_sdk(&value.map_or_else(|| json!({}), |value| nest(unit, value)))?;
    level(&mut tree, &CLUSTER_RULES);
    Ok(find(&tree, unit).cloned().unwrap_or_else(|| without(unit)))
}

/// The names of all units, in the order of the table.
pub fn cluster_units() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|(unit, _)| *unit)
}

fn units(input: &Value, wanted: impl Fn(bool) -> bool) -> Result<Units, ShapeError> {
    let read = through_sdk(input)?;
    let mut tree = read.clone();
    level(&mut tree, &CLUSTER_RULES);
    Ok(cluster_units()
        .filter(|unit| wanted(find(&read, unit).is_some()))
        .map(|unit| (unit.to_owned(), find(&tree, unit).cloned().unwrap_or_else(|| without(unit))))
        .collect())
}

fn through_sdk(input: &Value) -> Result<Value, ShapeError> {
    sdk_to_json(&sdk_from_json(input, CreateClusterInput::deserialize)?)
}

/// What ECS does without a unit.
fn without(unit: &str) -> Value {
    UNITS.iter().find(|(name, _)| *name == unit).map_or(Value::Null, |(_, without)| without())
}

type Without = fn() -> Value;

/// Every unit, and what ECS does without it; `null` where that can't be known from the cluster alone.
/// `clusterName` (identity) and `tags` (compared key by key) are no units.
const UNITS: &[(&str, Without)] = &[
    ("capacityProviders", || json!([])),
    ("defaultCapacityProviderStrategy", || json!([])),
    // The account's settings.
    ("settings", || Value::Null),
    ("configuration.executeCommandConfiguration", || json!({})),
    ("configuration.managedStorageConfiguration", || json!({})),
    ("serviceConnectDefaults", || json!({})),
];

/// What ECS echoes otherwise than it was sent, place by place.
#[rustfmt::skip]
pub static CLUSTER_RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| vec![
    rule("capacityProviders", Set(&[]), "echoed sorted"),
    rule("defaultCapacityProviderStrategy", Set(&["capacityProvider"]), "shares do not depend on the order: a set"),
    rule("defaultCapacityProviderStrategy[].base", Default(json!(0)), "filled in"),
    rule("defaultCapacityProviderStrategy[].weight", Default(json!(0)), "filled in"),
    rule("settings", Set(&["name"]), "named: a set"),
    rule("configuration.executeCommandConfiguration.logging", Default(json!("DEFAULT")), "ECS's default"),
    rule("configuration.executeCommandConfiguration.logConfiguration.cloudWatchEncryptionEnabled", Default(json!(false)), "false unless sent"),
    rule("configuration.executeCommandConfiguration.logConfiguration.s3EncryptionEnabled", Default(json!(false)), "false unless sent"),
    rule("serviceConnectDefaults.namespace", Default(json!("")), "an empty name removes the default"),
]);
