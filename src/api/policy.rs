//! Policies: what the operator may do to what it finds in AWS.

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema of a plain enum with its values alone. The texts of the type and its variants would otherwise stand in
/// the CRD instead of the text of the field that has the type.
pub(super) fn values_only(schema: &mut Schema) {
    let named = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let described = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let variants = described.flat_map(|variant| {
        variant.get("const").into_iter().chain(variant.get("enum").and_then(Value::as_array).into_iter().flatten())
    });
    let values: Vec<Value> = named.chain(variants).cloned().collect();
    *schema = json_schema!({ "type": "string", "enum": values });
}

/// What becomes of the AWS object when the Kubernetes object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, transform = values_only)]
pub enum DeletionPolicy {
    /// Delete it in AWS.
    Delete,
    /// Leave it in AWS.
    Retain,
}

/// What to do where the AWS object exists already and isn't ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, transform = values_only)]
pub enum AdoptionPolicy {
    /// Report a conflict.
    #[default]
    Never,
    /// Take it over.
    IfExists,
}

/// Whether differences are corrected or only shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, transform = values_only)]
pub enum ManagementPolicy {
    /// Correct them.
    #[default]
    Enforce,
    /// Show them in `status.plan` and change nothing.
    Observe,
}
