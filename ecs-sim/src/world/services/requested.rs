//! Reading what a call asks of a service, in the form in which ECS keeps it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::revision::FIXED;
use crate::world::{
    ApiError, Cx,
    capacity_providers::strategy,
    input::{self, member},
    task_definitions::{TaskDefinition, TaskDefinitionStatus},
    tasks::Shape,
};

/// The task definition that a call names, which has to be ACTIVE.
pub(in crate::world) fn task_definition(cx: &Cx<'_>, named: &str) -> Result<Arc<Shape>, ApiError> {
    let found: Option<&TaskDefinition> = cx.region.task_definitions.find(cx.caller, named);
    let found = found.ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    if found.status != TaskDefinitionStatus::Active {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    Ok(Arc::new(Shape::of(found)))
}

/// The members that a revision fixes, as far as the call has them.
pub(in crate::world) fn fixed(cx: &mut Cx<'_>, cluster: &str, call: &Value) -> Result<Map<String, Value>, ApiError> {
    let mut spec = Map::new();
    for name in FIXED {
        let Some(sent) = member(call, name) else { continue };
        let kept = match name {
            "platformVersion" => json!(platform_version(call)?),
            "networkConfiguration" => network(cx, sent)?,
            "serviceConnectConfiguration" => service_connect(sent)?,
            "monitoring" => json!(input::object(call, name)?),
            "capacityProviderStrategy" => providers(cx, cluster, call)?,
            "volumeConfigurations" => volumes(input::list(call, name)?),
            _ => json!(input::list(call, name)?),
        };
        spec.insert(name.to_owned(), kept);
    }
    Ok(spec)
}

/// `platformVersion`, of those that Fargate has or had for Linux or Windows (ECS developer guide, "Fargate platform
/// versions for Amazon ECS").
pub(in crate::world) fn platform_version(call: &Value) -> Result<Option<&str>, ApiError> {
    const ALL: [&str; 6] = ["LATEST", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"];
    let version = input::text(call, "platformVersion")?;
    if version.is_some_and(|version| !ALL.contains(&version)) {
        let words = "The specified platform version does not exist.";
        return Err(ApiError::refused("PlatformUnknownException", words));
    }
    Ok(version)
}

/// Subnets and security groups come back in another order.
fn network(cx: &mut Cx<'_>, sent: &Value) -> Result<Value, ApiError> {
    let Some(awsvpc) = member(sent, "awsvpcConfiguration") else {
        return Ok(sent.clone());
    };
    let mut lists = Vec::with_capacity(2);
    for (name, most) in [("subnets", 16), ("securityGroups", 5)] {
        let mut list: Vec<String> = input::texts(awsvpc, name)?.into_iter().map(str::to_owned).collect();
        if list.len() > most {
            return Err(ApiError::invalid(format!("{name} can have at most {most} items.")));
        }
        cx.region.random.shuffle(&mut list);
        lists.push(list);
    }
    if lists[0].is_empty() {
        return Err(ApiError::invalid("subnets can not be empty."));
    }
    let public = input::text(awsvpc, "assignPublicIp")?.unwrap_or("DISABLED");
    Ok(json!({
        "awsvpcConfiguration": { "subnets": lists[0], "securityGroups": lists[1], "assignPublicIp": public }
    }))
}

fn service_connect(sent: &Value) -> Result<Value, ApiError> {
    if input::boolean(sent, "enabled")?.is_none() {
        return Err(ApiError::invalid("serviceConnectConfiguration.enabled cannot be null."));
    }
    let mut kept = sent.clone();
    for service in kept.get_mut("services").and_then(Value::as_array_mut).into_iter().flatten() {
        if service.get("discoveryName").is_none() {
            service["discoveryName"] = service["portName"].clone();
        }
    }
    Ok(kept)
}

fn volumes(sent: &[Value]) -> Value {
    let mut kept = sent.to_vec();
    for volume in kept.iter_mut().filter_map(|one| one.get_mut("managedEBSVolume")) {
        if volume.get("filesystemType").is_none() {
            volume["filesystemType"] = json!("xfs");
        }
    }
    Value::Array(kept)
}

/// A capacity provider strategy with its zeros, of providers that the cluster has.
fn providers(cx: &Cx<'_>, cluster: &str, call: &Value) -> Result<Value, ApiError> {
    let read = strategy::read(cx.region, call, "capacityProviderStrategy")?;
    if let Some(cluster) = cx.region.clusters.get(cluster) {
        strategy::check_in_cluster(cx.region, cluster, &read)?;
    }
    Ok(strategy::shown(&read))
}

/// Whether two values of a member mean the same to ECS.
pub(super) fn same(name: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    let empty = |value: Option<&Value>| value.is_none_or(|value| value.as_array().is_some_and(Vec::is_empty));
    match (one, other) {
        (Some(one), Some(other)) if name == "networkConfiguration" => {
            ["subnets", "securityGroups"].iter().all(|list| sorted(one, list) == sorted(other, list))
                && one["awsvpcConfiguration"]["assignPublicIp"] == other["awsvpcConfiguration"]["assignPublicIp"]
        }
        (Some(one), None) | (None, Some(one)) if name == "serviceConnectConfiguration" => one["enabled"] == false,
        _ => one == other || empty(one) && empty(other),
    }
}

fn sorted<'a>(network: &'a Value, list: &str) -> Vec<&'a str> {
    let list = network["awsvpcConfiguration"][list].as_array();
    let mut list: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    list.sort_unstable();
    list
}

/// The members that start no deployment, as far as the call has them, each checked and in ECS's form.
pub(super) fn members(call: &Value) -> Result<Map<String, Value>, ApiError> {
    let mut members = Map::new();
    for name in ["enableECSManagedTags", "enableExecuteCommand"] {
        if let Some(flag) = input::boolean(call, name)? {
            members.insert(name.to_owned(), json!(flag));
        }
    }
    if let Some(grace) = input::integer(call, "healthCheckGracePeriodSeconds")? {
        if !(0..=i64::from(i32::MAX)).contains(&grace) {
            return Err(ApiError::invalid("healthCheckGracePeriodSeconds must be between 0 and 2147483647."));
        }
        members.insert("healthCheckGracePeriodSeconds".to_owned(), json!(grace));
    }
    for (name, values) in [
        ("propagateTags", &["TASK_DEFINITION", "SERVICE", "NONE"][..]),
        ("availabilityZoneRebalancing", &["ENABLED", "DISABLED"][..]),
    ] {
        if let Some(value) = input::text(call, name)? {
            if !values.contains(&value) {
                return Err(ApiError::invalid(format!("{name} must be one of {values:?}.")));
            }
            members.insert(name.to_owned(), json!(value));
        }
    }
    if member(call, "placementConstraints").is_some() {
        let constraints = input::list(call, "placementConstraints")?;
        if constraints.len() > 10 {
            return Err(ApiError::invalid("placementConstraints can have at most 10 items."));
        }
        members.insert("placementConstraints".to_owned(), json!(constraints));
    }
    if member(call, "placementStrategy").is_some() {
        let strategies = input::list(call, "placementStrategy")?;
        if strategies.len() > 5 {
            return Err(ApiError::invalid("placementStrategy can have at most 5 items."));
        }
        members.insert("placementStrategy".to_owned(), strategies.iter().map(placement).collect());
    }
    Ok(members)
}

/// `random` takes no field, `host` is `instanceId`, and CPU and MEMORY come back in capitals.
fn placement(sent: &Value) -> Value {
    let kind = sent["type"].as_str().unwrap_or_default().to_lowercase();
    let field = match sent["field"].as_str() {
        Some("host") => "instanceId".to_owned(),
        Some(field) if field.eq_ignore_ascii_case("cpu") || field.eq_ignore_ascii_case("memory") => {
            field.to_uppercase()
        }
        Some(field) => field.to_owned(),
        None => return json!({ "type": kind }),
    };
    if kind == "random" { json!({ "type": kind }) } else { json!({ "type": kind, "field": field }) }
}

/// `desiredCount`.
pub(super) fn desired(call: &Value) -> Result<Option<u32>, ApiError> {
    let Some(desired) = input::integer(call, "desiredCount")? else { return Ok(None) };
    u32::try_from(desired).map(Some).map_err(|_| ApiError::invalid("DesiredCount can not be negative."))
}
