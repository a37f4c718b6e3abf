//! The CustomResourceDefinitions as they are installed: kube's derive, tidied.

use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::{EcsCluster, EcsService, EcsTaskDefinition};

/// The three CRDs as JSON, in the order they are printed.
pub fn all() -> serde_json::Result<Vec<Value>> {
    Ok(vec![tidy::<EcsCluster>()?, tidy::<EcsTaskDefinition>()?, tidy::<EcsService>()?])
}

fn tidy<K: CustomResourceExt>() -> serde_json::Result<Value> {
    let mut crd = serde_json::to_value(K::crd())?;
    // An empty list here makes every client-side apply say "configured".
    crd.as_object_mut().map(|crd| crd.remove("status"));
    if let Some(versions) = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for version in versions {
            if let Some(version) = version.as_object_mut() {
                version.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
            }
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                tidy_schema(schema);
                complete_status(schema);
                name_the_name(schema);
            }
        }
    }
    Ok(crd)
}

/// What the derive says and the API must not: `nullable` (nulls would be stored), null among enum values, whole
/// numbers written as floats, number formats that the API server doesn't know, line ends of the source within
/// descriptions. Lists that say nothing of how they merge are atomic, and say so.
fn tidy_schema(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("nullable").is_some_and(Value::is_boolean) {
                object.remove("nullable");
            }
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            for bound in ["minimum", "maximum"] {
                if let Some(whole) = object.get(bound).and_then(whole_number) {
                    object.insert(bound.into(), whole.into());
                }
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split("\n\n").map(|lines| lines.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            if object.get("type").is_some_and(|kind| kind == "array") {
                object.entry("x-kubernetes-list-type").or_insert_with(|| "atomic".into());
            }
            object.values_mut().for_each(tidy_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy_schema),
        _ => {}
    }
}

#[allow(clippy::cast_possible_truncation)] // guarded: no fraction, and inside the range
fn whole_number(value: &Value) -> Option<i64> {
    value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9.1e15).map(|number| number as i64)
}

/// An object that no operator has seen says so: kstatus takes an object without a status for ready.
fn complete_status(schema: &mut Value) {
    let Some(status) = schema.pointer_mut("/properties/status").and_then(Value::as_object_mut) else { return };
    status.insert(
        "default".into(),
        json!({
            "observedGeneration": -1,
            "conditions": [{
                "type": "Ready", "status": "Unknown", "reason": "Pending", "observedGeneration": -1,
                "message": "The operator has not looked at this object yet.",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            }],
        }),
    );
    if let Some(Value::Object(properties)) = status.get_mut("properties") {
        properties.insert("conditions".into(), conditions());
    }
}

/// A rule may speak of `metadata.name` only where the schema names it; without the field the API server would say
/// `<nil>`.
fn name_the_name(schema: &mut Value) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let name = json!({ "type": "string", "description": "Name of the object, at most 128 characters." });
        properties.insert("metadata".into(), json!({ "type": "object", "properties": { "name": name } }));
    }
}

/// The list of conditions with the bounds that Kubernetes gives `metav1.Condition`.
fn conditions() -> Value {
    let text = |description: &str, max: u32| json!({ "type": "string", "description": description, "maxLength": max });
    let mut properties = Map::new();
    properties.insert("type".into(), text("Type of the condition, in CamelCase.", 316));
    properties.insert(
        "status".into(),
        json!({ "type": "string", "description": "Whether it holds.", "enum": ["True", "False", "Unknown"] }),
    );
    properties.insert(
        "observedGeneration".into(),
        json!({
            "type": "integer", "format": "int64", "minimum": -1, "maximum": 9_007_199_254_740_991_i64,
            "description": "The generation of the spec that the condition speaks of.",
        }),
    );
    properties.insert(
        "lastTransitionTime".into(),
        json!({ "type": "string", "format": "date-time", "description": "When its status changed last." }),
    );
    properties.insert("reason".into(), text("Why, in one word. Part of the API.", 1024));
    properties.insert("message".into(), text("Why, in a sentence for people.", 32768));
    json!({
        "type": "array",
        "description": "What is true of the object. `Ready` is always there; `Reconciling` and `Stalled` only while true.",
        "maxItems": 20,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One thing that is true or not of the object.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": properties,
        },
    })
}

/// A CRD as it is printed and kept in `crds/`: one YAML document.
pub fn yaml(crd: &Value) -> Result<String, serde_saphyr::ser::Error> {
    Ok(format!("---\n{}", serde_saphyr::to_string(crd)?))
}
