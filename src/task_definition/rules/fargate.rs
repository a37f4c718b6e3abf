//! Twins of the rules for Fargate.

use super::{filled, first, is_windows};
use crate::{
    api::{
        EcsTaskDefinitionSpec,
        rules::Violation,
        task_definition::fargate::{CPU_SIZES, MEMORY_SIZES, WINDOWS_CPU_SIZES, words},
    },
    ecs::shapes::{ContainerDefinition, Enum, LinuxParameters},
};

pub(super) fn violations(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    if !spec.requires_compatibilities.iter().flatten().any(|name| name.as_str() == "FARGATE") {
        return Vec::new();
    }
    let mut found = size(spec);
    found.extend(task(spec));
    for (bad, words) in CONTAINER_RULES {
        found.extend(first(spec, bad, words));
    }
    found
}

/// CPU and memory.
fn size(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let windows = is_windows(spec);
    // Text that is no quantity is the schema's to refuse.
    let cpu = spec.cpu.as_ref().and_then(|cpu| Some((cpu, cpu.units()?)));
    if let Some((text, units)) = cpu {
        if !CPU_SIZES.contains(&units) {
            found.push(Violation::new("spec.cpu", format!("{}'{text}'", words::CPU)));
        } else if windows && !WINDOWS_CPU_SIZES.contains(&units) {
            found.push(Violation::new("spec.cpu", format!("{}'{text}'", words::WINDOWS_CPU)));
        }
    } else if spec.cpu.is_none() {
        found.push(Violation::new("spec.cpu", words::CPU_REQUIRED));
    }
    let memory = spec.memory.as_ref().and_then(|memory| Some((memory, memory.mebibytes()?)));
    if spec.memory.is_none() {
        found.push(Violation::new("spec.memory", words::MEMORY_REQUIRED));
    } else if let (Some((cpu, units)), Some((memory, mebibytes))) = (cpu, memory)
        && let Some((_, allowed)) = MEMORY_SIZES.into_iter().find(|(size, _)| *size == units)
        && !goes_with(units, mebibytes)
    {
        found.push(Violation::new(
            "spec.memory",
            format!("memory '{memory}' does not go with cpu '{cpu}' on Fargate: it must be {allowed} (MiB)"),
        ));
    }
    found
}

/// Whether Fargate has this much memory, in MiB, for a CPU size that it has.
fn goes_with(cpu: i64, memory: i64) -> bool {
    let steps = |from: i64, to: i64, step: i64| (from..=to).contains(&memory) && memory % step == 0;
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => steps(1024, 4096, 1024),
        1024 => steps(2048, 8192, 1024),
        2048 => steps(4096, 16384, 1024),
        4096 => steps(8192, 30720, 1024),
        8192 => steps(16384, 61440, 4096),
        16384 => steps(32768, 122_880, 8192),
        _ => [61440, 122_880, 249_856].contains(&memory),
    }
}

/// What the task as a whole may have.
fn task(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let mode = spec.network_mode.as_ref().map(Enum::as_str);
    if mode != Some("awsvpc") {
        let is = mode.map_or("absent".to_owned(), |mode| format!("'{mode}'"));
        found.push(Violation::new("spec.networkMode", format!("{}{is}", words::NETWORK_MODE)));
    }
    let architecture = spec.runtime_platform.as_ref().and_then(|platform| platform.cpu_architecture.as_ref());
    if is_windows(spec) && architecture.is_some_and(|architecture| architecture.as_str() != "X86_64") {
        found.push(Violation::new("spec.runtimePlatform.cpuArchitecture", words::WINDOWS_ARCHITECTURE));
    }
    if filled(spec.placement_constraints.as_ref()) {
        found.push(Violation::new("spec.placementConstraints", words::PLACEMENT));
    }
    if spec.pid_mode.as_ref().is_some_and(|mode| mode.as_str() != "task") {
        found.push(Violation::new("spec.pidMode", words::PID_MODE));
    }
    if spec.ipc_mode.is_some() {
        found.push(Violation::new("spec.ipcMode", words::IPC_MODE));
    }
    let mut volumes = spec.volumes.iter().flatten();
    if volumes.clone().any(|volume| volume.docker_volume_configuration.is_some()) {
        found.push(Violation::new("spec.volumes", words::DOCKER_VOLUME));
    }
    if volumes.any(|volume| {
        volume.host.as_ref().and_then(|host| host.source_path.as_ref()).is_some_and(|path| !path.is_empty())
    }) {
        found.push(Violation::new("spec.volumes", words::SOURCE_PATH));
    }
    found
}

/// Whether a container is as none may be.
type Bad = fn(&ContainerDefinition) -> bool;

/// What no container may have, and what is said then.
const CONTAINER_RULES: [(Bad, &str); 9] = [
    (|container| container.disable_networking == Some(true), words::NETWORKING),
    (|container| filled(container.dns_servers.as_ref()) || filled(container.dns_search_domains.as_ref()), words::DNS),
    (|container| filled(container.docker_security_options.as_ref()), words::SECURITY_OPTIONS),
    (|container| container.privileged == Some(true), words::PRIVILEGED),
    (
        |container| {
            container.resource_requirements.iter().flatten().any(|requirement| requirement.r#type.as_str() == "GPU")
        },
        words::GPU,
    ),
    (|container| container.linux_parameters.as_ref().is_some_and(of_the_host), words::LINUX),
    (
        |container| {
            let linux = container.linux_parameters.as_ref();
            let added = linux.and_then(|linux| linux.capabilities.as_ref()).and_then(|all| all.add.as_ref());
            added.into_iter().flatten().any(|capability| capability != "SYS_PTRACE")
        },
        words::CAPABILITIES,
    ),
    (
        |container| {
            container
                .log_configuration
                .as_ref()
                .is_some_and(|log| !matches!(log.log_driver.as_str(), "awslogs" | "splunk" | "awsfirelens"))
        },
        words::LOG_DRIVER,
    ),
    (
        |container| {
            [container.start_timeout, container.stop_timeout].into_iter().flatten().any(|s| !(2..=120).contains(&s))
        },
        words::TIMEOUTS,
    ),
];

fn of_the_host(linux: &LinuxParameters) -> bool {
    filled(linux.devices.as_ref())
        || linux.max_swap.is_some()
        || linux.swappiness.is_some()
        || linux.shared_memory_size.is_some_and(|size| size > 0)
}
