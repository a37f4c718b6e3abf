//! Rules that take a service and its task definition together. No CEL rule can see both. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    api::{EcsTaskDefinitionSpec, rules::Violation},
    ecs::shapes::ContainerDefinition,
};

/// Every such rule that a service (CreateService's input) breaks with this task definition.
pub fn violations(task_definition: &EcsTaskDefinitionSpec, service: &Map<String, Value>) -> Vec<Violation> {
    let mut found = network(task_definition, service);
    found.extend(containers(task_definition, service, "loadBalancers"));
    found.extend(containers(task_definition, service, "serviceRegistries"));
    found.extend(port_names(task_definition, service));
    found.extend(volumes(task_definition, service));
    found
}

/// awsvpc needs `networkConfiguration`, and nothing else may have it.
fn network(task_definition: &EcsTaskDefinitionSpec, service: &Map<String, Value>) -> Vec<Violation> {
    let mode = task_definition.network_mode.as_ref().map_or("bridge", |mode| mode.as_str());
    let configured = service.contains_key("networkConfiguration");
    let message = match (mode == "awsvpc", configured) {
        (true, false) => {
            "is required: the task definition's networkMode is 'awsvpc'; name the subnets there".to_owned()
        }
        (false, true) if service.get("launchType").is_some_and(|launched| launched == "FARGATE") => format!(
            "goes with networkMode 'awsvpc', which tasks on Fargate need: the task definition's is '{mode}'; correct it there"
        ),
        (false, true) => format!("must not be set: the task definition's networkMode is '{mode}', not 'awsvpc'"),
        _ => return Vec::new(),
    };
    vec![Violation::new("spec.networkConfiguration", message)]
}

/// A container and port that a load balancer or registry names must be in the task definition.
fn containers(task_definition: &EcsTaskDefinitionSpec, service: &Map<String, Value>, field: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, item) in list(service, field).iter().enumerate() {
        let Some(name) = item.get("containerName").and_then(Value::as_str) else { continue };
        let at = format!("spec.{field}[{index}]");
        let all = &task_definition.container_definitions;
        let Some(container) = all.iter().find(|container| container.name == name) else {
            let known: Vec<&str> = all.iter().map(|container| container.name.as_str()).collect();
            found.push(Violation::new(
                format!("{at}.containerName"),
                format!("'{name}' is no container of the task definition; it has: {}", known.join(", ")),
            ));
            continue;
        };
        if let Some(port) = item.get("containerPort").and_then(Value::as_i64)
            && !has_port(container, port)
        {
            found.push(Violation::new(
                format!("{at}.containerPort"),
                format!("{port} is no containerPort of container '{name}' in the task definition"),
            ));
        }
    }
    found
}

fn has_port(container: &ContainerDefinition, port: i64) -> bool {
    container.port_mappings.iter().flatten().any(|mapping| {
        mapping.container_port.is_some_and(|mapped| i64::from(mapped) == port)
            || mapping.container_port_range.as_deref().and_then(|range| range.split_once('-')).is_some_and(
                |(from, to)| {
                    let bound = |text: &str| text.trim().parse::<i64>().ok();
                    bound(from).is_some_and(|from| from <= port) && bound(to).is_some_and(|to| port <= to)
                },
            )
    })
}

/// Service Connect, VPC Lattice and gateways speak of named port mappings.
fn port_names(task_definition: &EcsTaskDefinitionSpec, service: &Map<String, Value>) -> Vec<Violation> {
    let known: BTreeSet<&str> = task_definition
        .container_definitions
        .iter()
        .flat_map(|container| container.port_mappings.iter().flatten())
        .filter_map(|mapping| mapping.name.as_deref())
        .collect();
    let connect = service.get("serviceConnectConfiguration").and_then(Value::as_object);
    let places = [
        (
            "spec.serviceConnectConfiguration.services",
            connect.map(|connect| list(connect, "services")).unwrap_or_default(),
        ),
        ("spec.vpcLatticeConfigurations", list(service, "vpcLatticeConfigurations")),
        ("spec.gatewayConnectors", list(service, "gatewayConnectors")),
    ];
    let mut found = Vec::new();
    for (field, items) in places {
        for (index, item) in items.iter().enumerate() {
            let Some(name) = item.get("portName").and_then(Value::as_str) else { continue };
            if !known.contains(name) {
                let known: Vec<&str> = known.iter().copied().collect();
                found.push(Violation::new(
                    format!("{field}[{index}].portName"),
                    format!("'{name}' is no named port mapping of the task definition; it has: {}", none_or(&known)),
                ));
            }
        }
    }
    found
}

/// A volume that the service configures is the task definition's `configuredAtLaunch` one, and the other way round.
fn volumes(task_definition: &EcsTaskDefinitionSpec, service: &Map<String, Value>) -> Vec<Violation> {
    let at_launch: Vec<&str> = task_definition
        .volumes
        .iter()
        .flatten()
        .filter(|volume| volume.configured_at_launch == Some(true))
        .map(|volume| volume.name.as_str())
        .collect();
    let configured = list(service, "volumeConfigurations");
    let names: Vec<&str> = configured.iter().filter_map(|volume| volume.get("name")?.as_str()).collect();
    let mut found: Vec<Violation> = names
        .iter()
        .filter(|name| !at_launch.contains(name))
        .map(|name| {
            Violation::new(
                "spec.volumeConfigurations",
                format!(
                    "'{name}' is no volume that the task definition has configuredAtLaunch; it has: {}",
                    none_or(&at_launch)
                ),
            )
        })
        .collect();
    found.extend(at_launch.iter().filter(|name| !names.contains(name)).map(|name| {
        Violation::new(
            "spec.volumeConfigurations",
            format!("is missing volume '{name}', which the task definition has configuredAtLaunch"),
        )
    }));
    found
}

fn list<'a>(of: &'a Map<String, Value>, field: &str) -> Vec<&'a Value> {
    of.get(field).and_then(Value::as_array).into_iter().flatten().collect()
}

fn none_or(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
