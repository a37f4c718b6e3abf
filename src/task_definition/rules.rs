//! Twins of the CEL rules on [`EcsTaskDefinition`]: the same verdicts, offline.

mod container;
mod fargate;
mod volume;

use kube::ResourceExt;

use crate::{
    api::{
        EcsTaskDefinition, EcsTaskDefinitionSpec,
        rules::{self, Identity, Violation},
        task_definition::rules::words,
    },
    ecs::shapes::{CONSTRAINT_EXPRESSION, ContainerDefinition, Enum},
};

/// Every rule of the CRD that `new` breaks; `old` is the stored object, absent at creation.
pub fn violations(new: &EcsTaskDefinition, old: Option<&EcsTaskDefinition>) -> Vec<Violation> {
    let (name, old_name) = (new.name_any(), old.map(ResourceExt::name_any).unwrap_or_default());
    let spec = &new.spec;
    let mut found = rules::identity("family", &identity(new, &name), old.map(|old| identity(old, &old_name)).as_ref());
    if let Some(tags) = &spec.tags {
        found.extend(rules::tag_keys("spec.tags", tags));
    }
    found.extend(network(spec));
    found.extend(platform(spec));
    found.extend(containers(spec));
    found.extend(fargate::violations(spec));
    for container in &spec.container_definitions {
        found.extend(container::violations(container));
    }
    found.extend(volume::violations(spec));
    for (index, constraint) in spec.placement_constraints.iter().flatten().enumerate() {
        if constraint.r#type.as_str() == "memberOf" && constraint.expression.is_none() {
            found.push(Violation::new(format!("spec.placementConstraints[{index}].expression"), CONSTRAINT_EXPRESSION));
        }
    }
    found
}

fn identity<'a>(object: &'a EcsTaskDefinition, metadata_name: &'a str) -> Identity<'a> {
    Identity {
        metadata_name,
        spec_name: object.spec.family.as_deref(),
        spec_region: object.spec.region.as_deref(),
        status_region: object.status.as_ref().and_then(|status| status.common.region.as_deref()),
    }
}

/// Whether a list is there and has something in it: `[]` asks for nothing.
fn filled<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

fn is_windows(spec: &EcsTaskDefinitionSpec) -> bool {
    spec.runtime_platform
        .as_ref()
        .and_then(|platform| platform.operating_system_family.as_ref())
        .is_some_and(|family| family.as_str().starts_with("WINDOWS"))
}

/// The violation of a rule that no container may be as `bad` says; it names the first one that is.
fn first(spec: &EcsTaskDefinitionSpec, bad: impl Fn(&ContainerDefinition) -> bool, words: &str) -> Option<Violation> {
    spec.container_definitions.iter().find(|container| bad(container)).map(|container| {
        Violation::new("spec.containerDefinitions", format!("{words}: see container '{}'", container.name))
    })
}

/// What a network mode allows.
fn network(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let Some(mode) = spec.network_mode.as_ref().map(Enum::as_str) else { return Vec::new() };
    let mut found = Vec::new();
    if matches!(mode, "awsvpc" | "host") {
        found.extend(first(
            spec,
            |container| {
                container.port_mappings.iter().flatten().any(|port| match (port.host_port, port.container_port) {
                    (Some(host), Some(container)) => host != 0 && host != container,
                    _ => false,
                })
            },
            words::HOST_PORT,
        ));
    }
    if !matches!(mode, "awsvpc" | "bridge") {
        found.extend(first(
            spec,
            |container| container.port_mappings.iter().flatten().any(|port| port.container_port_range.is_some()),
            words::PORT_RANGE,
        ));
    }
    if mode == "none" {
        found.extend(first(spec, |container| filled(container.port_mappings.as_ref()), words::NO_PORTS));
    }
    if mode != "bridge" {
        found.extend(first(spec, |container| filled(container.links.as_ref()), words::LINKS));
    }
    if mode == "awsvpc" {
        found.extend(first(
            spec,
            |container| container.hostname.as_ref().is_some_and(|name| !name.is_empty()),
            words::HOSTNAME,
        ));
        found.extend(first(spec, |container| filled(container.extra_hosts.as_ref()), words::EXTRA_HOSTS));
    }
    found
}

/// What an operating system allows, and what hangs on other fields of the task.
fn platform(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let windows = is_windows(spec);
    if windows && (spec.pid_mode.is_some() || spec.ipc_mode.is_some()) {
        found.push(Violation::new("spec.runtimePlatform.operatingSystemFamily", words::WINDOWS_MODES));
    }
    if windows && spec.ephemeral_storage.is_some() {
        found.push(Violation::new("spec.ephemeralStorage", words::WINDOWS_STORAGE));
    }
    let injectable = spec.network_mode.as_ref().is_some_and(|mode| matches!(mode.as_str(), "awsvpc" | "host"));
    if spec.enable_fault_injection == Some(true) && (windows || !injectable) {
        found.push(Violation::new("spec.enableFaultInjection", words::FAULT_INJECTION));
    }
    if let Some(proxy) = &spec.proxy_configuration
        && !spec.container_definitions.iter().any(|container| container.name == proxy.container_name)
    {
        found.push(Violation::new("spec.proxyConfiguration.containerName", words::PROXY));
    }
    found
}

/// What containers say of each other and of the task's volumes.
fn containers(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let all = &spec.container_definitions;
    let named = |name: &str| all.iter().find(|container| container.name == name);
    let mut found = Vec::new();
    if !all.is_empty() && !all.iter().any(|container| container.essential.unwrap_or(true)) {
        found.push(Violation::new("spec.containerDefinitions", words::ESSENTIAL));
    }
    found.extend(first(
        spec,
        |container| {
            container.depends_on.iter().flatten().any(|dependency| {
                dependency.container_name == container.name || named(&dependency.container_name).is_none()
            })
        },
        words::DEPENDS_ON,
    ));
    // A name that no container has is the rule's above.
    let waits_for = |states: &'static [&'static str], able: fn(&ContainerDefinition) -> bool, words| {
        first(
            spec,
            |container| {
                container.depends_on.iter().flatten().any(|dependency| {
                    states.contains(&dependency.condition.as_str())
                        && named(&dependency.container_name).is_some_and(|other| !able(other))
                })
            },
            words,
        )
    };
    found.extend(waits_for(&["HEALTHY"], |other| other.health_check.is_some(), words::HEALTHY));
    found.extend(waits_for(&["COMPLETE", "SUCCESS"], |other| other.essential == Some(false), words::COMPLETES));
    found.extend(first(
        spec,
        |container| {
            container
                .volumes_from
                .iter()
                .flatten()
                .any(|from| from.source_container == container.name || named(&from.source_container).is_none())
        },
        words::VOLUMES_FROM,
    ));
    let with_neuron = |container: &&ContainerDefinition| {
        container
            .resource_requirements
            .iter()
            .flatten()
            .any(|requirement| requirement.r#type.as_str() == "NeuronDevice")
    };
    if all.iter().filter(with_neuron).count() > 1 {
        found.push(Violation::new("spec.containerDefinitions", words::NEURON));
    }
    let volume_exists = |name: &str| spec.volumes.iter().flatten().any(|volume| volume.name == name);
    found.extend(first(
        spec,
        |container| container.mount_points.iter().flatten().any(|mount| !volume_exists(&mount.source_volume)),
        words::MOUNT_POINTS,
    ));
    found
}
