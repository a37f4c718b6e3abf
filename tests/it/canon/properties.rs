//! What holds of the canonical form for everything that users can write, generated from the CRDs.

use std::collections::BTreeSet;

use ecs_operator::ecs::{
    canon::{
        self, Level, Units, Verdict, compare, desired_cluster, desired_service, insert_unit, observed_service,
        service_unit, task_definition,
    },
    shapes::inputs::{Input, members_of},
};
use fastrand::Rng;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use super::echo;
use crate::generate::{self, FULL, MIXED, Place, places};

/// The part of a kind's spec that is an input of ECS, without what is no part of the canonical form.
fn mirrored(kind: &str, operation: Input) -> Value {
    let mut schema = generate::spec(kind);
    let members = members_of(operation);
    // Roles as IAM has them: the schema allows any text.
    for role in ["taskRoleArn", "executionRoleArn", "role"] {
        if let Some(schema) = schema["properties"].get_mut(role) {
            schema["pattern"] = json!("^(arn:aws:iam::[0-9]{12}:role/([a-z]{1,3}/)?)?[A-Za-z0-9_+=,.@-]{1,12}$");
        }
    }
    let aside = ["tags", "family", "serviceName", "clusterName", "clientToken"];
    schema["properties"]
        .as_object_mut()
        .unwrap()
        .retain(|name, _| members.contains(name) && !aside.contains(&name.as_str()));
    schema
}

fn task_definitions() -> Value {
    mirrored("EcsTaskDefinition", Input::RegisterTaskDefinition)
}

fn services() -> Value {
    mirrored("EcsService", Input::CreateService)
}

fn clusters() -> Value {
    mirrored("EcsCluster", Input::CreateCluster)
}

fn few() -> ProptestConfig {
    ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn task_definitions_are_canonical_once_and_as_echoed() {
    let strategy = (generate::value(&task_definitions(), MIXED), any::<u64>());
    TestRunner::new(few())
        .run(&strategy, |(sent, seed)| {
            let canonical = ok(task_definition(&sent))?;
            prop_assert_eq!(&ok(task_definition(&canonical))?, &canonical, "canonical of canonical");
            let echoed = echo::task_definition(&sent, &mut Rng::with_seed(seed));
            prop_assert_eq!(ok(task_definition(&echoed))?, canonical, "the echo {}", echoed);
            Ok(())
        })
        .unwrap();
}

#[test]
fn services_are_canonical_once_and_as_echoed() {
    let strategy = (generate::value(&services(), MIXED), any::<u64>());
    TestRunner::new(few())
        .run(&strategy, |(sent, seed)| {
            let units = ok(desired_service(&sent))?;
            prop_assert_eq!(ok(desired_service(&input(&units)))?, without_null(&units), "canonical of canonical");
            let context = canon::ServiceContext::of(&sent);
            for (unit, value) in &units {
                prop_assert_eq!(&ok(service_unit(unit, Some(value), &context))?, value, "{} alone", unit);
            }
            let echoed = echo::service(&sent, &mut Rng::with_seed(seed));
            let observed = ok(observed_service(&echoed))?;
            for (unit, value) in &units {
                let verdict = compare(unit, value, observed.get(unit));
                prop_assert_eq!(verdict, Verdict::Same, "{}: {} and {:?}", unit, value, observed.get(unit));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn clusters_are_canonical_once() {
    TestRunner::new(few())
        .run(&generate::value(&clusters(), MIXED), |sent| {
            let units = ok(desired_cluster(&sent))?;
            prop_assert_eq!(ok(desired_cluster(&input(&units)))?, without_null(&units));
            Ok(())
        })
        .unwrap();
}

fn ok<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(error.to_string()))
}

fn input(units: &Units) -> Value {
    let mut input = Map::new();
    for (unit, value) in units {
        insert_unit(&mut input, unit, value.clone());
    }
    Value::Object(input)
}

fn without_null(units: &Units) -> Units {
    units.clone().into_iter().filter(|(_, value)| !value.is_null()).collect()
}

#[test]
fn no_change_of_a_task_definition_is_lost() {
    let canonical = |json: &Value| task_definition(json).unwrap();
    let defaults = echo::task_definition_defaults();
    every_change_is_seen(&task_definitions(), echo::TASK_DEFINITION_SETS, &defaults, canonical, |change| {
        let mode = change.before["networkMode"].as_str();
        let compatible = |name: &str| {
            change.before["requiresCompatibilities"].as_array().is_some_and(|all| all.contains(&json!(name)))
        };
        match change.path {
            // Written otherwise.
            "cpu" => change.by(|value| echo::quantity(value, "vcpu")),
            "memory" => change.by(|value| echo::quantity(value, "gb")),
            // Roles are compared by name.
            "taskRoleArn" | "executionRoleArn" => {
                change.by(|role| role.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().into())
            }
            // 0 and the container's port are what ECS does, the latter where there is one network.
            "containerDefinitions[].portMappings[].hostPort" => {
                let port = change.sibling("containerPort");
                let own = |value: &Value| {
                    *value == 0 || value.is_null() || (matches!(mode, Some("awsvpc" | "host")) && *value == port)
                };
                own(&change.old) && own(&change.new)
            }
            // What ECS does without.
            "networkMode" => {
                change.removed(&json!("bridge")) && !compatible("FARGATE") && !compatible("MANAGED_INSTANCES")
            }
            "runtimePlatform.operatingSystemFamily" => change.removed(&json!("LINUX")),
            "runtimePlatform.cpuArchitecture" => change.removed(&json!("X86_64")) && compatible("FARGATE"),
            // A text that isn't there is an empty one to the SDK, beside a sharing strategy.
            "containerDefinitions[].resourceRequirements[].value" => change.removed(&json!("")),
            // No policy, and one that is off; in a partial block its members still count.
            "containerDefinitions[].restartPolicy.enabled" => change.removed(&json!(false)),
            _ => false,
        }
    });
}

#[test]
fn no_change_of_a_service_is_lost() {
    let canonical = |json: &Value| json!(desired_service(json).unwrap());
    every_change_is_seen(&services(), echo::SERVICE_SETS, &echo::service_defaults(), canonical, |change| {
        match change.path {
            // Service Connect that is off is none, whatever else is said.
            path if path.starts_with("serviceConnectConfiguration.")
                && path != "serviceConnectConfiguration.enabled" =>
            {
                let off = change.before["serviceConnectConfiguration"]["enabled"] == false;
                off || match path {
                    "serviceConnectConfiguration.services[].discoveryName" => {
                        change.removed(&change.sibling("portName"))
                    }
                    "serviceConnectConfiguration.containerConfigurations[].logLevel" => change.removed(&json!("info")),
                    _ => false,
                }
            }
            // A daemon's count is the number of instances.
            "desiredCount" => change.before["schedulingStrategy"] == "DAEMON",
            "role" => change.by(|role| role.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().into()),
            "deploymentConfiguration.deploymentCircuitBreaker.rollback" => change.sibling("enable") == false,
            // 60 seconds is what every metric has without being named.
            path if path.starts_with("monitoring.") => {
                let resolution =
                    change.before.pointer(&change.pointer[..change.pointer.find("/metricNames").unwrap_or(0)]);
                resolution.is_some_and(|item| item["resolutionSeconds"] == 60)
            }
            // Case and other names of ECS's own fields; a random strategy has none, so that two of them are alike.
            "placementStrategy[].field" => change.sibling("type") == "random" || change.by(placement_field),
            "placementStrategy" => change.by(|items| {
                let items = items.as_array().into_iter().flatten();
                items
                    .map(|item| {
                        (item["type"].clone(), (item["type"] != "random").then(|| placement_field(&item["field"])))
                    })
                    .map(|item| json!(item))
                    .collect()
            }),
            _ => false,
        }
    });
}

fn placement_field(field: &Value) -> Value {
    match field.as_str().unwrap_or_default().to_lowercase().as_str() {
        "host" | "instanceid" => json!("instanceid"),
        field @ ("cpu" | "memory") => json!(field),
        _ => field.clone(),
    }
}

#[test]
fn no_change_of_a_cluster_is_lost() {
    let canonical = |json: &Value| json!(desired_cluster(json).unwrap());
    let sets = ["capacityProviders", "defaultCapacityProviderStrategy", "settings"];
    let log = "configuration.executeCommandConfiguration.logConfiguration";
    let (cloud_watch, s3) = (format!("{log}.cloudWatchEncryptionEnabled"), format!("{log}.s3EncryptionEnabled"));
    let defaults = [
        ("defaultCapacityProviderStrategy[].base", json!(0)),
        ("defaultCapacityProviderStrategy[].weight", json!(0)),
        ("configuration.executeCommandConfiguration.logging", json!("DEFAULT")),
        (cloud_watch.as_str(), json!(false)),
        (s3.as_str(), json!(false)),
    ];
    every_change_is_seen(&clusters(), &sets, &defaults, canonical, |_| false);
}

/// One change of one place.
struct Change<'a> {
    path: &'a str,
    pointer: &'a str,
    before: &'a Value,
    old: Value,
    /// `null` where the member was taken away.
    new: Value,
}

impl Change<'_> {
    /// The member was taken away and had this value.
    fn removed(&self, value: &Value) -> bool {
        self.new.is_null() && same(&self.old, value)
    }

    /// Old and new are the same by this measure.
    fn by(&self, measure: impl Fn(&Value) -> Value) -> bool {
        !self.new.is_null() && measure(&self.old) == measure(&self.new)
    }

    /// Another member of the same object.
    fn sibling(&self, name: &str) -> Value {
        let parent = self.pointer.rsplit_once('/').map(|(parent, _)| parent).unwrap_or_default();
        self.before.pointer(parent).map(|parent| parent[name].clone()).unwrap_or_default()
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && one.as_f64() == other.as_f64())
}

/// Changes every place of values that have everything: each leaf to another value, each optional member to none,
/// each list whose order counts to another order. The canonical form must change too, except where `equal` gives
/// a reason, or where a default was taken away.
fn every_change_is_seen(
    schema: &Value,
    sets: &[&str],
    defaults: &[(&str, Value)],
    canonical: impl Fn(&Value) -> Value,
    equal: impl Fn(&Change<'_>) -> bool,
) {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let strategy = generate::value(schema, FULL);
    for _ in 0..4 {
        let before = proptest::strategy::Strategy::new_tree(&strategy, &mut runner).unwrap();
        let before = proptest::strategy::ValueTree::current(&before);
        let form = canonical(&before);
        for place in places(&before, schema) {
            seen.insert(place.path.clone());
            let old = before.pointer(&place.pointer).unwrap().clone();
            for new in others(&place, &old, sets, &mut runner) {
                let after = changed(&before, &place.pointer, &new);
                let change =
                    Change { path: &place.path, pointer: &place.pointer, before: &before, old: old.clone(), new };
                let default = defaults.iter().any(|(path, value)| *path == place.path && change.removed(value));
                if default || equal(&change) {
                    continue;
                }
                assert_ne!(
                    form,
                    canonical(&after),
                    "lost at {}: {} to {} in {before}",
                    place.path,
                    change.old,
                    change.new
                );
            }
        }
    }
    assert!(seen.len() > 10, "only {seen:?}");
}

/// Other values for a place; `null` for taking it away.
fn others(place: &Place, old: &Value, sets: &[&str], runner: &mut TestRunner) -> Vec<Value> {
    let mut others = Vec::new();
    let block = old.is_array() || (old.is_object() && place.schema["x-kubernetes-preserve-unknown-fields"] != true);
    if !block {
        others.extend(generate::other_than(old, &place.schema, runner));
    }
    if let Value::Array(items) = old
        && !sets.contains(&place.path.as_str())
    {
        let turned: Vec<Value> = items.iter().rev().cloned().collect();
        others.extend((turned != *items).then_some(Value::Array(turned)));
    }
    // Blocks that say nothing but defaults can go without a difference; their members are tried one by one.
    if place.optional && !block {
        others.push(Value::Null);
    }
    others
}

fn changed(before: &Value, pointer: &str, new: &Value) -> Value {
    let mut after = before.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match after.pointer_mut(parent).unwrap() {
        Value::Object(members) if new.is_null() => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
        _ => *after.pointer_mut(pointer).unwrap() = new.clone(),
    }
    after
}

/// The names in the tables of rules are names that users can write, hence (by the shapes' own test) names of ECS.
#[test]
fn every_rule_speaks_of_a_place_that_there_is() {
    for (rules, schema) in [
        (&canon::TASK_DEFINITION_RULES, task_definitions()),
        (&canon::SERVICE_RULES, services()),
        (&canon::CLUSTER_RULES, generate::spec("EcsCluster")),
    ] {
        for rule in rules.iter() {
            let found = rule.path.split('.').try_fold(&schema, |schema, step| {
                let member = schema["properties"].get(step.trim_end_matches("[]"))?;
                if step.ends_with("[]") { member.get("items") } else { Some(member) }
            });
            let Some(found) = found else { panic!("no {}", rule.path) };
            let fits = match &rule.level {
                Level::Set(_) => found["type"] == "array",
                Level::RoleName => found["type"] == "string",
                Level::Document => found["x-kubernetes-preserve-unknown-fields"] == true,
                Level::Default(value) | Level::Fill(value) => match value {
                    Value::Bool(_) => found["type"] == "boolean",
                    Value::Number(_) => found["type"] == "integer" || found["type"] == "number",
                    Value::String(_) => found["type"] == "string",
                    _ => found["type"] == "object",
                },
            };
            assert!(fits, "{}: {:?} does not fit {found}", rule.path, rule.level);
            if let Level::Set(keys) = &rule.level {
                for key in *keys {
                    assert!(found["items"]["properties"].get(key).is_some(), "{}: no key {key}", rule.path);
                }
            }
        }
    }
}

/// Every member of the inputs is a unit or one of those that can't be.
#[test]
fn every_member_is_a_unit() {
    let service: Vec<&str> = canon::service_units().collect();
    for member in members_of(Input::CreateService) {
        let known = service.iter().any(|unit| unit.split('.').next() == Some(&member));
        assert!(known || ["serviceName", "clientToken", "tags"].contains(&member.as_str()), "{member}");
    }
    let schema = generate::spec("EcsService");
    for member in schema["properties"]["deploymentConfiguration"]["properties"].as_object().unwrap().keys() {
        assert!(service.contains(&format!("deploymentConfiguration.{member}").as_str()), "{member}");
    }
    let cluster: Vec<&str> = canon::cluster_units().collect();
    for member in members_of(Input::CreateCluster) {
        let known = cluster.iter().any(|unit| unit.split('.').next() == Some(&member));
        assert!(known || ["clusterName", "tags"].contains(&member.as_str()), "{member}");
    }
}
