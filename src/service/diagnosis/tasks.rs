//! A stopped task as DescribeTasks shows it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A task that stopped or is being stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its ARN.
    pub arn: String,
    /// ARN of the task definition that it ran.
    pub task_definition: Option<String>,
    /// Who started it: for a service's task the id of the deployment, `ecs-svc/…`.
    pub started_by: Option<String>,
    /// ECS's code for why it stopped.
    pub stop_code: Option<StopCode>,
    /// ECS's words for why it stopped.
    pub stopped_reason: Option<String>,
    /// When it stopped. Of a task that is still being stopped, when that began.
    pub stopped_at: Timestamp,
    /// How far stopping it is: DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.
    pub last_status: Option<String>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of such a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name in the task definition.
    pub name: String,
    /// The code that its command ended with. Absent if it never ran.
    pub exit_code: Option<i64>,
    /// ECS's words for what happened to it.
    pub reason: Option<String>,
    /// The image that it ran.
    pub image: Option<String>,
    /// Its own health check failed.
    pub is_unhealthy: bool,
}

/// ECS's code for why a task stopped (`stopCode`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container that it can't be without ended.
    EssentialContainerExited,
    /// Somebody called StopTask, or deregistered its machine.
    UserInitiated,
    /// The service's scheduler stopped it: to scale, to deploy, or because it was unhealthy.
    ServiceSchedulerInitiated,
    /// AWS took the Fargate Spot capacity back.
    SpotInterruption,
    /// Its machine was told that it will be terminated.
    TerminationNotice,
    /// Its machine is unhealthy.
    InfrastructureHealth,
    /// A code that this operator does not know.
    Other(String),
}

impl StopCode {
    fn of(text: &str) -> Self {
        match text {
            "TaskFailedToStart" => Self::TaskFailedToStart,
            "EssentialContainerExited" => Self::EssentialContainerExited,
            "UserInitiated" => Self::UserInitiated,
            "ServiceSchedulerInitiated" => Self::ServiceSchedulerInitiated,
            "SpotInterruption" => Self::SpotInterruption,
            "TerminationNotice" => Self::TerminationNotice,
            "InfrastructureHealth" => Self::InfrastructureHealth,
            other => Self::Other(other.to_owned()),
        }
    }

    /// As ECS spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            Self::SpotInterruption => "SpotInterruption",
            Self::TerminationNotice => "TerminationNotice",
            Self::InfrastructureHealth => "InfrastructureHealth",
            Self::Other(text) => text,
        }
    }
}

impl StoppedTask {
    /// A task of DescribeTasks. None for one that nothing has begun to stop.
    pub fn read(json: &Value) -> Option<Self> {
        let stopped_at = ["stoppedAt", "executionStoppedAt", "stoppingAt"].iter().find_map(|name| time(json.get(name)));
        let containers = json.get("containers").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            arn: text(json, "taskArn")?,
            task_definition: text(json, "taskDefinitionArn"),
            started_by: text(json, "startedBy"),
            stop_code: text(json, "stopCode").map(|code| StopCode::of(&code)),
            stopped_reason: text(json, "stoppedReason"),
            stopped_at: stopped_at?,
            last_status: text(json, "lastStatus"),
            containers: containers.filter_map(StoppedContainer::read).collect(),
        })
    }
}

impl StoppedContainer {
    fn read(json: &Value) -> Option<Self> {
        Some(Self {
            name: text(json, "name")?,
            exit_code: json.get("exitCode").and_then(Value::as_i64),
            reason: text(json, "reason"),
            image: text(json, "image"),
            is_unhealthy: json.get("healthStatus").is_some_and(|health| health == "UNHEALTHY"),
        })
    }
}

/// An empty text says as little as none.
fn text(json: &Value, name: &str) -> Option<String> {
    let text = json.get(name).and_then(Value::as_str)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// ECS's times are seconds since 1970, with a fraction.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(value?.as_f64()?).ok()?;
    Timestamp::from_duration(since).ok()
}
