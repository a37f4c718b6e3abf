//! What holds of every property of the CRDs' specs: it has a description, and nothing in it is without a bound,
//! because the API server counts what a CEL rule may cost by the bounds.

use ecs_operator::api::crd;
use serde_json::Value;

#[test]
fn clusters_are_bounded_and_described() {
    assert_sound("EcsCluster");
}

#[test]
fn task_definitions_are_bounded_and_described() {
    assert_sound("EcsTaskDefinition");
}

#[test]
fn services_are_bounded_and_described() {
    assert_sound("EcsService");
}

fn assert_sound(kind: &str) {
    let crds = crd::all().unwrap();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == kind).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut found = Vec::new();
    property("spec", spec, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let bytes = crd.to_string().len();
    assert!(bytes < 200_000, "{kind} has {bytes} bytes, and must stay below 200 kB");
}

fn property(path: &str, schema: &Value, found: &mut Vec<String>) {
    match schema["description"].as_str().map(|text| text.chars().count()) {
        None => found.push(format!("{path}: no description")),
        Some(letters) if letters > 260 => found.push(format!("{path}: a description of {letters} letters")),
        Some(_) => {}
    }
    bounds(path, schema, found);
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        property(&format!("{path}.{name}"), below, found);
    }
    let items = &schema["items"];
    bounds(&format!("{path}[]"), items, found);
    for (name, below) in items["properties"].as_object().into_iter().flatten() {
        property(&format!("{path}[].{name}"), below, found);
    }
}

fn bounds(path: &str, schema: &Value, found: &mut Vec<String>) {
    let mut need = |bounds: &[&str]| {
        let missing = bounds.iter().filter(|bound| schema[**bound].is_null());
        found.extend(missing.map(|bound| format!("{path}: no {bound}")));
    };
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
    match schema["type"].as_str() {
        Some("string") if schema["enum"].is_null() => need(&["maxLength"]),
        Some("integer" | "number") if schema["enum"].is_null() => need(&["minimum", "maximum"]),
        Some("array") => need(&["maxItems"]),
        Some("object") if schema["properties"].is_null() && !open => {
            need(&["maxProperties"]);
            bounds(&format!("{path}{{}}"), &schema["additionalProperties"], found);
        }
        None if schema["x-kubernetes-int-or-string"] == true => need(&["maxLength", "minimum", "maximum"]),
        _ => {}
    }
}
