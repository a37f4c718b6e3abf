//! Values that a CRD's schema allows: made from the schema itself, so that a new field is covered by itself.
//! CEL rules are not obeyed: what is tested with these values must hold without them.

use proptest::{collection, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Map, Value, json};

/// How much of a schema a value uses.
#[derive(Clone, Copy)]
pub struct Density {
    /// The share of optional properties that are there.
    pub properties: f64,
    /// The least number of items in a list that may be shorter.
    pub items: usize,
}

/// Every property at once, and every list with something in it.
pub const FULL: Density = Density { properties: 1.0, items: 1 };
/// Some of everything.
pub const MIXED: Density = Density { properties: 0.5, items: 0 };

/// The schema of a kind's spec.
pub fn spec(kind: &str) -> Value {
    let crds = ecs_operator::api::crd::all().unwrap();
    let crd = crds.into_iter().find(|crd| crd["spec"]["names"]["kind"] == kind).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap().clone()
}

/// Any value that the schema allows.
pub fn value(schema: &Value, density: Density) -> BoxedStrategy<Value> {
    if schema["x-kubernetes-int-or-string"] == true {
        return prop_oneof![integer(&json!({ "minimum": 1, "maximum": 200_000 })), text(schema)].boxed();
    }
    if let Some(values) = schema["enum"].as_array() {
        return prop::sample::select(values.clone()).boxed();
    }
    match schema["type"].as_str() {
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("integer") => integer(schema),
        Some("number") => number(schema),
        Some("string") => text(schema),
        Some("array") => list(schema, density),
        Some("object") if schema["x-kubernetes-preserve-unknown-fields"] == true => document(),
        Some("object") if schema.get("additionalProperties").is_some() => {
            let values = value(&schema["additionalProperties"], density);
            collection::btree_map("[a-zA-Z][a-zA-Z0-9.-]{0,8}", values, density.items..=2)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
                .boxed()
        }
        Some("object") => object(schema, density),
        other => panic!("a schema of type {other:?}: {schema}"),
    }
}

/// One value of the schema, other than `old`; none where there is no other.
pub fn other_than(old: &Value, schema: &Value, runner: &mut TestRunner) -> Option<Value> {
    let strategy = value(schema, FULL);
    (0..50).map(|_| strategy.new_tree(runner).unwrap().current()).find(|new| new != old)
}

fn object(schema: &Value, density: Density) -> BoxedStrategy<Value> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let members: Vec<_> = properties
        .iter()
        .map(|(name, schema)| {
            // The SDK refuses a union without a member; those in the specs are the objects that can have but one.
            let always = required.contains(&name.as_str()) || properties.len() == 1 || density.properties >= 1.0;
            let value = value(schema, density);
            let value = if always {
                value.prop_map(Some).boxed()
            } else {
                prop::option::weighted(density.properties, value).boxed()
            };
            let name = name.clone();
            value.prop_map(move |value| (name.clone(), value))
        })
        .collect();
    members
        .prop_map(|members| {
            members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>().into()
        })
        .boxed()
}

fn list(schema: &Value, density: Density) -> BoxedStrategy<Value> {
    let most = bound(schema, "maxItems", 3).min(3);
    let least = bound(schema, "minItems", 0).max(density.items).min(most);
    let keys: Vec<String> = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    collection::vec(value(&schema["items"], density), least..=most)
        .prop_map(move |mut items| {
            let mut seen = std::collections::BTreeSet::new();
            items.retain(|item| {
                keys.is_empty() || seen.insert(keys.iter().map(|key| item[key].to_string()).collect::<Vec<_>>())
            });
            Value::Array(items)
        })
        .boxed()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bound(schema: &Value, name: &str, default: usize) -> usize {
    schema[name].as_u64().map_or(default, |bound| bound as usize)
}

/// Whole numbers: the bounds, those that ECS likes as defaults, and any.
fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minimum"].as_i64().unwrap_or(-10);
    let most = schema["maximum"].as_i64().unwrap_or(2_147_483_647);
    let liked = [0, 1, 3, 5, 6, 10, 15, 20, 30, 50, 60, 80, 100, 200, 256, 300, 1024, 1440];
    let mut liked: Vec<i64> = liked.into_iter().filter(|number| (least..=most).contains(number)).collect();
    liked.extend([least, most]);
    prop_oneof![2 => prop::sample::select(liked), 1 => least..=most].prop_map(Value::from).boxed()
}

fn number(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minimum"].as_f64().unwrap_or(0.0);
    let most = schema["maximum"].as_f64().unwrap_or(100.0);
    let tenths = |number: f64| (number * 10.0).round() / 10.0;
    prop_oneof![Just(least), Just(most), Just(5.0), Just(10.0), (least..=most).prop_map(tenths)]
        .prop_map(Value::from)
        .boxed()
}

fn text(schema: &Value) -> BoxedStrategy<Value> {
    let (least, most) = (bound(schema, "minLength", 0), bound(schema, "maxLength", 2048));
    let strategy = match schema["pattern"].as_str() {
        // Anchors are implied.
        Some(pattern) => {
            let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
            let pattern = pattern.strip_suffix('$').unwrap_or(pattern).replace("$|^", "|");
            let fits = move |text: &String| (least..=most).contains(&text.chars().count());
            proptest::string::string_regex(&pattern).unwrap().prop_filter("length", fits).boxed()
        }
        None => {
            let most = most.min(least + 9);
            proptest::string::string_regex(&format!("[a-zA-Z0-9/:._ -]{{{least},{most}}}")).unwrap().boxed()
        }
    };
    strategy.prop_map(Value::from).boxed()
}

/// Any JSON object.
fn document() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-5..5_i64).prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
    ];
    let any = leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    collection::btree_map("[a-z]{1,3}", any, 1..3)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
        .boxed()
}

// === Places ===

/// One place in a value: how to get there, the place's name with `[]` for any index, and its schema.
#[derive(Clone, Debug)]
pub struct Place {
    /// As in RFC 6901.
    pub pointer: String,
    /// Such as `containerDefinitions[].image`.
    pub path: String,
    /// What may stand there.
    pub schema: Value,
    /// Whether it may be left out: an optional property, no item of a list.
    pub optional: bool,
}

/// Every place below the root of a value, containers of values included.
pub fn places(value: &Value, schema: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    below(value, schema, "", "", &mut found);
    found
}

fn below(value: &Value, schema: &Value, pointer: &str, path: &str, found: &mut Vec<Place>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    let mut visit = |value: &Value, schema: &Value, step: &str, path: String, optional: bool| {
        let pointer = format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"));
        found.push(Place { pointer: pointer.clone(), path: path.clone(), schema: schema.clone(), optional });
        below(value, schema, &pointer, &path, found);
    };
    match value {
        Value::Object(members) if schema.get("additionalProperties").is_some() => {
            for (name, member) in members {
                visit(member, &schema["additionalProperties"], name, format!("{path}{{}}"), true);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let required =
                    schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name.as_str()));
                // A union must have its member.
                let only = schema["properties"].as_object().is_some_and(|all| all.len() == 1);
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                visit(member, &schema["properties"][name], name, path, !required && !only);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, &schema["items"], &index.to_string(), format!("{path}[]"), false);
            }
        }
        _ => {}
    }
}
