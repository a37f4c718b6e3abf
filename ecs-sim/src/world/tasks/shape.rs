//! What the engine needs to know of a task definition.

use serde_json::Value;

use super::{fate::Fate, place::LaunchType};
use crate::world::{ApiError, services::revision::is_fargate, task_definitions::TaskDefinition};

/// A task definition, as far as it decides what happens to tasks.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// The ARN of the task definition.
    pub task_definition: String,
    /// Its family.
    pub family: String,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Whether each task has its own network interface.
    pub awsvpc: bool,
    /// CPU units of the whole task.
    pub cpu: u32,
    /// MiB of the whole task.
    pub memory: u32,
    /// Ports that it takes on the host.
    pub host_ports: Vec<u64>,
    /// Its task role and its execution role.
    pub roles: Vec<String>,
    /// `compatibilities`: what it may run on.
    pub compatibilities: Vec<String>,
    /// `placementConstraints`, which hold beside those of the service or call.
    pub constraints: Vec<Value>,
    /// Whether a volume is configured only at launch.
    pub configured_at_launch: bool,
    /// Named port mappings.
    pub port_names: Vec<String>,
    /// WINDOWS_… where it is not Linux.
    pub platform_family: String,
}

/// One container of a task definition.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image as written.
    pub image: String,
    /// Whether the task stops with it.
    pub essential: bool,
    /// Its health check.
    pub health: Option<HealthCheck>,
    /// Its ports.
    pub ports: Vec<u64>,
}

/// When a container's health check decides. Seconds.
#[derive(Clone, Copy, Debug)]
pub struct HealthCheck {
    /// Between two checks.
    pub interval: u64,
    /// Failures that make it unhealthy.
    pub retries: u64,
    /// In which failures do not count.
    pub start_period: u64,
}

impl Shape {
    /// Reads one revision.
    pub fn of(definition: &TaskDefinition) -> Self {
        let body = &definition.body;
        let containers: Vec<Container> = list(body, "containerDefinitions").iter().map(container).collect();
        let sum = |name: &str| list(body, "containerDefinitions").iter().map(|one| units(&one[name])).sum();
        let of_task = |name: &str| body.get(name).map(units).filter(|units| *units > 0);
        let mappings = || list(body, "containerDefinitions").iter().flat_map(|one| list(one, "portMappings"));
        Self {
            task_definition: definition.arn.clone(),
            family: definition.family.clone(),
            awsvpc: body["networkMode"] == "awsvpc",
            cpu: of_task("cpu").unwrap_or_else(|| sum("cpu")),
            memory: of_task("memory").unwrap_or_else(|| sum("memory").max(sum("memoryReservation"))),
            host_ports: mappings().filter_map(|one| one["hostPort"].as_u64()).filter(|port| *port > 0).collect(),
            roles: ["taskRoleArn", "executionRoleArn"].iter().filter_map(|role| text(body, role)).collect(),
            compatibilities: list(body, "compatibilities").iter().filter_map(as_text).collect(),
            constraints: list(body, "placementConstraints").to_vec(),
            configured_at_launch: list(body, "volumes").iter().any(|one| one["configuredAtLaunch"] == true),
            port_names: mappings().filter_map(|one| text(one, "name")).collect(),
            platform_family: match body["runtimePlatform"]["operatingSystemFamily"].as_str() {
                Some(family) if family.starts_with("WINDOWS") => family.to_owned(),
                _ => "Linux".to_owned(),
            },
            containers,
        }
    }

    /// Refuses to launch it on what it is not compatible with: the providers, or the launch type where there are none
    /// (CreateService and RunTask API references, `launchType`; the message as observed by tools).
    pub(in crate::world) fn check_runs_on(&self, launch_type: LaunchType, providers: &[&str]) -> Result<(), ApiError> {
        let runs_on = |compatibility: &str| self.compatibilities.iter().any(|one| one == compatibility);
        let on_fargate = match providers {
            [] => launch_type == LaunchType::Fargate,
            providers => providers.iter().any(|name| is_fargate(name)),
        };
        let (name, runs) = match launch_type {
            _ if on_fargate => ("FARGATE", runs_on("FARGATE")),
            LaunchType::External => ("EXTERNAL", runs_on("EXTERNAL")),
            _ => ("EC2", runs_on("EC2") || runs_on("MANAGED_INSTANCES")),
        };
        if runs {
            return Ok(());
        }
        Err(ApiError::invalid(format!("Task definition does not support launch_type {name}.")))
    }

    /// The first container's fate that is not to run for ever, and whose it is.
    pub fn fate(&self) -> (Fate, usize) {
        let fates = self.containers.iter().enumerate().map(|(place, one)| (Fate::of_image(&one.image), place));
        fates.clone().find(|(fate, _)| *fate != Fate::Runs).unwrap_or((Fate::Runs, 0))
    }

    /// The slowest of the health checks.
    pub fn health(&self) -> Option<HealthCheck> {
        self.containers.iter().filter_map(|one| one.health).max_by_key(|one| one.interval)
    }
}

fn container(body: &Value) -> Container {
    let check = &body["healthCheck"];
    let or = |name: &str, default: u64| check[name].as_u64().unwrap_or(default);
    Container {
        name: text(body, "name").unwrap_or_default(),
        image: text(body, "image").unwrap_or_default(),
        essential: body["essential"] != false,
        health: check.is_object().then(|| HealthCheck {
            interval: or("interval", 30),
            retries: or("retries", 3),
            start_period: or("startPeriod", 0),
        }),
        ports: list(body, "portMappings").iter().filter_map(|one| one["containerPort"].as_u64()).collect(),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn as_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(as_text)
}

/// CPU units or MiB, which task definitions have as numbers in containers and as text at the task.
fn units(value: &Value) -> u32 {
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}
