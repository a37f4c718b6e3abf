//! Twins of the rules on one container.

use crate::{
    api::rules::Violation,
    ecs::shapes::{ContainerDefinition, LogConfiguration, PortMapping, container_words, runtime_words},
};

pub(super) fn violations(container: &ContainerDefinition) -> Vec<Violation> {
    let path = format!("spec.containerDefinitions[{}]", container.name);
    let mut found = Vec::new();
    let in_environment = |name: &str| container.environment.iter().flatten().any(|variable| variable.name == name);
    if let Some(secret) = container.secrets.iter().flatten().find(|secret| in_environment(&secret.name)) {
        found.push(Violation::new(
            format!("{path}.secrets"),
            format!("{}: {}", container_words::NAME_TWICE, secret.name),
        ));
    }
    if let (Some(limit), Some(reservation)) = (container.memory, container.memory_reservation)
        && reservation > limit
    {
        found.push(Violation::new(format!("{path}.memoryReservation"), container_words::RESERVATION));
    }
    found.extend(ports(&path, container.port_mappings.as_deref().unwrap_or_default()));
    if let Some(problem) = container.log_configuration.as_ref().and_then(LogConfiguration::problem) {
        found.push(Violation::new(format!("{path}.logConfiguration.options"), problem));
    }
    if let Some(first) = container.health_check.as_ref().and_then(|check| check.command.first())
        && !matches!(first.as_str(), "CMD" | "CMD-SHELL" | "NONE")
    {
        found.push(Violation::new(format!("{path}.healthCheck.command"), runtime_words::HEALTH_COMMAND));
    }
    found.extend(resources(&path, container));
    found
}

fn ports(path: &str, ports: &[PortMapping]) -> Vec<Violation> {
    let mut found = Vec::new();
    let protocol = |port: &PortMapping| port.protocol.as_ref().map_or("tcp", |protocol| protocol.as_str()).to_owned();
    let two_protocols = ports.iter().enumerate().any(|(index, one)| {
        one.container_port.is_some()
            && ports[..index]
                .iter()
                .any(|other| one.container_port == other.container_port && protocol(one) != protocol(other))
    });
    if two_protocols {
        found.push(Violation::new(format!("{path}.portMappings"), container_words::ONE_PROTOCOL));
    }
    for (index, port) in ports.iter().enumerate() {
        let path = format!("{path}.portMappings[{index}]");
        if port.container_port.is_some() == port.container_port_range.is_some() {
            found.push(Violation::new(path.clone(), container_words::PORT_OR_RANGE));
        }
        if port.container_port_range.is_some() && port.host_port.is_some() {
            found.push(Violation::new(format!("{path}.hostPort"), container_words::RANGE_HOST_PORT));
        }
        if port.container_port_range.as_ref().is_some_and(|range| !PortMapping::is_range(range)) {
            found.push(Violation::new(format!("{path}.containerPortRange"), container_words::RANGE));
        }
    }
    found
}

fn resources(path: &str, container: &ContainerDefinition) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, requirement) in container.resource_requirements.iter().flatten().enumerate() {
        let path = format!("{path}.resourceRequirements[{index}]");
        let kind = requirement.r#type.as_str();
        if requirement.value.is_some() == requirement.sharing_strategy.is_some() {
            found.push(Violation::new(path.clone(), runtime_words::RESOURCE_VALUE));
        }
        if requirement.sharing_strategy.is_some() && kind != "GPU" {
            found.push(Violation::new(format!("{path}.sharingStrategy"), runtime_words::SHARING));
        }
        if kind == "NeuronDevice" && requirement.value.as_ref().is_some_and(|value| value != "ALL") {
            found.push(Violation::new(format!("{path}.value"), runtime_words::NEURON));
        }
    }
    found
}
