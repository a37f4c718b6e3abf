//! The canonical units of a service: CreateService's members, and those of `deploymentConfiguration` one by one.

use std::sync::LazyLock;

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use serde_json::{Value, json};

use super::{
    Level::{Default, Document, RoleName, Set},
    Rule, Units, each, find, level, nest, remove, rule, text_at,
};
use crate::ecs::shapes::{ShapeError, sdk_from_json, sdk_to_json};

/// What a default of a service depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceContext {
    /// `schedulingStrategy: DAEMON`.
    pub daemon: bool,
    /// A deployment strategy other than ROLLING.
    pub shifts_traffic: bool,
    /// Tasks run on Fargate.
    pub fargate: bool,
}

impl ServiceContext {
    /// The context that a service's JSON gives itself, whether of CreateService or of DescribeServices.
    pub fn of(service: &Value) -> Self {
        let strategy = find(service, "deploymentConfiguration.strategy").and_then(Value::as_str);
        let providers = service.get("capacityProviderStrategy").and_then(Value::as_array).into_iter().flatten();
        Self {
            daemon: text_at(service, "schedulingStrategy") == Some("DAEMON"),
            shifts_traffic: strategy.is_some_and(|strategy| strategy != "ROLLING"),
            fargate: text_at(service, "launchType") == Some("FARGATE")
                || providers
                    .filter_map(|item| text_at(item, "capacityProvider"))
                    .any(|name| name.starts_with("FARGATE")),
        }
    }
}

/// What a CreateService-shaped spec asks: the units that it sets and no others. A unit set to what ECS does anyway
/// is there as well.
pub fn desired_service(input: &Value) -> Result<Units, ShapeError> {
    units(input, |_, set| set)
}

/// What DescribeServices shows: every unit, absent ones as what ECS does without them. Only the units that
/// DescribeServices never shows ([`UNSEEN`]) are left out, unless the caller put them in from the service revision.
pub fn observed_service(service: &Value) -> Result<Units, ShapeError> {
    units(&as_input(service), |unit, shown| shown || !UNSEEN.contains(&unit))
}

/// One unit in canonical form; `None` is what ECS does without it. An unknown unit is `null`.
pub fn service_unit(unit: &str, value: Option<&Value>, context: &ServiceContext) -> Result<Value, ShapeError> {
    let mut tree = through_sdk(&value.map_or_else(|| json!({}), |value| nest(unit, value)))?;
    level_service(&mut tree, *context);
    Ok(find(&tree, unit).cloned().unwrap_or_else(|| without(unit, *context)))
}

/// The names of all units, in the order of the table.
pub fn service_units() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|(unit, _)| *unit)
}

/// Members that DescribeServices never shows; DescribeServiceRevisions does.
pub const UNSEEN: [&str; 2] = ["gatewayConnectors", "monitoring"];

/// How one of [`UNSEEN`] is written where a service revision shows none.
pub fn none_of(unit: &str) -> Value {
    if unit == "monitoring" { json!({}) } else { json!([]) }
}

/// Members of Service whose name in CreateService is another.
const RENAMED: [(&str, &str); 2] = [("clusterArn", "cluster"), ("roleArn", "role")];

/// Members that ECS shows on the PRIMARY deployment. Emulators show them on the service.
const ON_DEPLOYMENT: [&str; 3] = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// A Service of DescribeServices as the CreateService input that would make it.
fn as_input(service: &Value) -> Value {
    let mut input = service.clone();
    let deployments = service.get("deployments").and_then(Value::as_array).into_iter().flatten();
    let primary = deployments.into_iter().find(|deployment| text_at(deployment, "status") == Some("PRIMARY"));
    if let Some(members) = input.as_object_mut() {
        for (shown, name) in RENAMED {
            if let Some(value) = members.remove(shown) {
                members.insert(name.to_owned(), value);
            }
        }
        for name in ON_DEPLOYMENT {
            if let Some(value) = primary.and_then(|deployment| deployment.get(name)) {
                members.insert(name.to_owned(), value.clone());
            }
        }
    }
    input
}

fn units(input: &Value, wanted: impl Fn(&str, bool) -> bool) -> Result<Units, ShapeError> {
    let read = through_sdk(input)?;
    let context = ServiceContext::of(&read);
    let mut tree = read.clone();
    level_service(&mut tree, context);
    Ok(service_units()
        .filter(|unit| wanted(unit, find(&read, unit).is_some()))
        .map(|unit| (unit.to_owned(), find(&tree, unit).cloned().unwrap_or_else(|| without(unit, context))))
        .collect())
}

fn through_sdk(input: &Value) -> Result<Value, ShapeError> {
    sdk_to_json(&sdk_from_json(input, CreateServiceInput::deserialize)?)
}

/// What ECS does without a unit.
fn without(unit: &str, context: ServiceContext) -> Value {
    UNITS.iter().find(|(name, _)| *name == unit).map_or(Value::Null, |(_, without)| without(context))
}

type Without = fn(ServiceContext) -> Value;

/// Every unit, and what ECS does without it; `null` where that can't be known from the service alone.
/// `serviceName` (identity), `clientToken` (of the call) and `tags` (compared key by key) are no units.
const UNITS: &[(&str, Without)] = &[
    ("cluster", |_| Value::Null),
    ("taskDefinition", |_| Value::Null),
    ("schedulingStrategy", |_| json!("REPLICA")),
    // Whoever scales the service; for a daemon the number of instances.
    ("desiredCount", |_| Value::Null),
    // ECS picks one by the cluster's default strategy.
    ("launchType", |_| Value::Null),
    ("capacityProviderStrategy", |_| json!([])),
    ("platformVersion", |context| if context.fargate { json!("LATEST") } else { Value::Null }),
    // The service-linked role.
    ("role", |_| Value::Null),
    ("deploymentController", |_| json!({ "type": "ECS" })),
    ("deploymentConfiguration.strategy", |_| json!("ROLLING")),
    ("deploymentConfiguration.maximumPercent", |context| if context.daemon { json!(100) } else { json!(200) }),
    ("deploymentConfiguration.minimumHealthyPercent", |context| if context.daemon { json!(0) } else { json!(100) }),
    ("deploymentConfiguration.deploymentCircuitBreaker", |_| json!({})),
    ("deploymentConfiguration.alarms", |_| json!({})),
    ("deploymentConfiguration.bakeTimeInMinutes", |context| if context.shifts_traffic { json!(15) } else { json!(0) }),
    ("deploymentConfiguration.lifecycleHooks", |_| json!([])),
    ("deploymentConfiguration.linearConfiguration", |_| json!({})),
    ("deploymentConfiguration.canaryConfiguration", |_| json!({})),
    ("deploymentConfiguration.earlySuccessCriteria", |_| json!({})),
    // ECS picks one at creation and keeps it.
    ("availabilityZoneRebalancing", |_| Value::Null),
    ("networkConfiguration", |_| json!({})),
    ("loadBalancers", |_| json!([])),
    ("serviceRegistries", |_| json!([])),
    ("serviceConnectConfiguration", |_| json!({})),
    ("volumeConfigurations", |_| json!([])),
    ("vpcLatticeConfigurations", |_| json!([])),
    ("gatewayConnectors", |_| json!([])),
    ("monitoring", |_| json!({})),
    ("healthCheckGracePeriodSeconds", |_| json!(0)),
    ("placementConstraints", |_| json!([])),
    ("placementStrategy", |_| json!([])),
    ("enableExecuteCommand", |_| json!(false)),
    ("enableECSManagedTags", |_| json!(false)),
    ("propagateTags", |_| json!("NONE")),
];

fn level_service(tree: &mut Value, context: ServiceContext) {
    if context.daemon {
        // ECS shows the number of instances, and refuses it when sent.
        remove(tree, "desiredCount");
    }
    breaker(tree);
    service_connect(tree);
    each(tree, "placementStrategy").for_each(placement);
    monitoring(tree);
    level(tree, &SERVICE_RULES);
}

/// A circuit breaker that is off doesn't roll back, and is echoed so.
fn breaker(tree: &mut Value) {
    if let Some(breaker) = tree.pointer_mut("/deploymentConfiguration/deploymentCircuitBreaker")
        && breaker.get("enable") != Some(&Value::Bool(true))
    {
        remove(breaker, "rollback");
    }
}

/// Service Connect that is off is none at all; a service's discovery name is its port's unless another is given.
fn service_connect(tree: &mut Value) {
    let Some(block) = tree.get_mut("serviceConnectConfiguration") else { return };
    if block.get("enabled") != Some(&Value::Bool(true)) {
        *block = json!({});
        return;
    }
    for service in each(block, "services") {
        if service.get("discoveryName") == service.get("portName") {
            remove(service, "discoveryName");
        }
    }
}

/// A placement strategy as ECS echoes it: the type and ECS's own fields in its spelling, `host` as `instanceId`;
/// `random` has no field. Attributes keep their case, for which custom ones may differ.
fn placement(item: &mut Value) {
    let kind = text_at(item, "type").unwrap_or_default().to_ascii_lowercase();
    let field = text_at(item, "field").map(|field| match field.to_ascii_lowercase().as_str() {
        "host" | "instanceid" => "instanceId".to_owned(),
        known @ ("cpu" | "memory") => known.to_owned(),
        _ => field.to_owned(),
    });
    let Some(members) = item.as_object_mut() else { return };
    match field {
        Some(field) if kind != "random" => members.insert("field".to_owned(), field.into()),
        _ => members.remove("field"),
    };
    if !kind.is_empty() {
        members.insert("type".to_owned(), kind.into());
    }
}

/// One item a metric, and none for a metric at 60 seconds, which is what ECS does anyway.
fn monitoring(tree: &mut Value) {
    let Some(Value::Array(items)) = tree.pointer_mut("/monitoring/metricConfigurations") else { return };
    let split = |item: &Value| -> Vec<Value> {
        let seconds = item.get("resolutionSeconds").cloned().unwrap_or_default();
        let names = item.get("metricNames").and_then(Value::as_array).cloned().unwrap_or_default();
        names.iter().map(|name| json!({ "metricNames": [name], "resolutionSeconds": seconds })).collect()
    };
    *items = items.iter().filter(|item| item.get("resolutionSeconds") != Some(&json!(60))).flat_map(split).collect();
}

/// What ECS echoes otherwise than it was sent, place by place. Defaults of whole units are in `UNITS`.
#[rustfmt::skip]
pub static SERVICE_RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| vec![
    rule("role", RoleName, "a name is accepted and completed to an ARN"),
    rule("role", Default(json!("")), "emulators echo an empty text for none"),
    rule("capacityProviderStrategy", Set(&["capacityProvider"]), "shares do not depend on the order: a set"),
    rule("capacityProviderStrategy[].base", Default(json!(0)), "filled in"),
    rule("capacityProviderStrategy[].weight", Default(json!(0)), "filled in"),
    // Deployments.
    rule("deploymentConfiguration.deploymentCircuitBreaker.enable", Default(json!(false)), "no breaker and one that is off are the same"),
    rule("deploymentConfiguration.deploymentCircuitBreaker.rollback", Default(json!(false)), "filled in"),
    rule("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", Default(json!(true)), "filled in"),
    rule("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration", Default(json!({ "type": "BOUNDED_PERCENT", "value": 50 })), "filled in"),
    rule("deploymentConfiguration.alarms.alarmNames", Set(&[]), "a set"),
    rule("deploymentConfiguration.alarms.enable", Default(json!(false)), "filled in, or the whole block left out"),
    rule("deploymentConfiguration.alarms.rollback", Default(json!(false)), "filled in, or the whole block left out"),
    rule("deploymentConfiguration.lifecycleHooks", Set(&["targetType", "hookTargetArn"]), "echoed in any order"),
    rule("deploymentConfiguration.lifecycleHooks[].targetType", Default(json!("AWS_LAMBDA")), "filled in"),
    rule("deploymentConfiguration.lifecycleHooks[].lifecycleStages", Set(&[]), "a set"),
    rule("deploymentConfiguration.lifecycleHooks[].hookDetails", Document, "the user's own JSON, compared as JSON"),
    rule("deploymentConfiguration.lifecycleHooks[].timeoutConfiguration.timeoutInMinutes", Default(json!(1440)), "filled in"),
    rule("deploymentConfiguration.lifecycleHooks[].timeoutConfiguration.action", Default(json!("ROLLBACK")), "filled in"),
    rule("deploymentConfiguration.linearConfiguration.stepPercent", Default(json!(10)), "filled in"),
    rule("deploymentConfiguration.linearConfiguration.stepBakeTimeInMinutes", Default(json!(6)), "filled in"),
    rule("deploymentConfiguration.canaryConfiguration.canaryPercent", Default(json!(5)), "filled in"),
    rule("deploymentConfiguration.canaryConfiguration.canaryBakeTimeInMinutes", Default(json!(10)), "filled in"),
    rule("deploymentConfiguration.earlySuccessCriteria.enable", Default(json!(false)), "filled in"),
    rule("deploymentConfiguration.earlySuccessCriteria.healthyPercent", Default(json!(100)), "filled in"),
    rule("deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup", Default(json!("BLOCKING")), "filled in"),
    // Network.
    rule("networkConfiguration.awsvpcConfiguration.subnets", Set(&[]), "echoed in any order"),
    rule("networkConfiguration.awsvpcConfiguration.securityGroups", Set(&[]), "echoed in any order"),
    rule("networkConfiguration.awsvpcConfiguration.assignPublicIp", Default(json!("DISABLED")), "filled in"),
    rule("loadBalancers", Set(&["containerName", "containerPort"]), "a set"),
    rule("serviceRegistries", Set(&["registryArn"]), "a set"),
    rule("serviceRegistries[].port", Default(json!(0)), "0 for none"),
    rule("serviceRegistries[].containerPort", Default(json!(0)), "0 for none"),
    rule("vpcLatticeConfigurations", Set(&["targetGroupArn", "portName"]), "a set"),
    rule("gatewayConnectors", Set(&["portName"]), "a set"),
    rule("gatewayConnectors[].filters.accessTypes", Set(&[]), "a set"),
    rule("monitoring.metricConfigurations", Set(&["metricNames"]), "one item a metric: a set"),
    // Service Connect.
    rule("serviceConnectConfiguration.services", Set(&["portName"]), "one a port: a set"),
    rule("serviceConnectConfiguration.services[].clientAliases", Set(&["port", "dnsName"]), "a set"),
    rule("serviceConnectConfiguration.services[].ingressPortOverride", Default(json!(0)), "0 for none"),
    rule("serviceConnectConfiguration.logConfiguration.secretOptions", Set(&["name"]), "named: a set"),
    rule("serviceConnectConfiguration.accessLogConfiguration.includeQueryParameters", Default(json!("DISABLED")), "off unless sent"),
    rule("serviceConnectConfiguration.containerConfigurations", Set(&[]), "one of each kind: a set"),
    rule("serviceConnectConfiguration.containerConfigurations[].logLevel", Default(json!("info")), "the proxy's default"),
    // Volumes.
    rule("volumeConfigurations", Set(&["name"]), "a set"),
    rule("volumeConfigurations[].managedEBSVolume.filesystemType", Default(json!("xfs")), "filled in"),
    rule("volumeConfigurations[].managedEBSVolume.volumeType", Default(json!("gp3")), "gp3 unless sent"),
    rule("volumeConfigurations[].managedEBSVolume.tagSpecifications", Set(&["resourceType"]), "a set"),
    rule("volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags", Set(&["key"]), "a set"),
    rule("volumeConfigurations[].managedEBSVolume.tagSpecifications[].propagateTags", Default(json!("NONE")), "none unless sent"),
    // Placement. The order of placementStrategy is its meaning.
    rule("placementConstraints", Set(&["type", "expression"]), "all must hold: a set"),
]);
