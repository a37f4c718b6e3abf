//! What the status of `EcsService` says of deployments and of tasks that fail.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;

/// A deployment of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct DeploymentStatus {
    /// Its id, such as `ecs-svc/1234567890123456789`.
    #[schemars(length(max = 255))]
    pub id: String,
    /// ARN of the service deployment, where ECS was asked for its details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub arn: Option<String>,
    /// How tasks are replaced: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub strategy: Option<String>,
    /// How far it is: `IN_PROGRESS`, `COMPLETED` or `FAILED`. Absent behind a Classic Load Balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub rollout_state: Option<String>,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub rollout_state_reason: Option<String>,
    /// The state of the service deployment, such as `ROLLBACK_IN_PROGRESS`, where ECS was asked for its details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub state_reason: Option<String>,
    /// The stage of its life cycle, such as `BAKE_TIME`. Only where traffic is shifted or hooks run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub stage: Option<String>,
    /// Share of the production traffic that the new revision shall get, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub production_traffic_percent: Option<i32>,
    /// Share of the test traffic that the new revision shall get, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub test_traffic_percent: Option<i32>,
    /// How many of its steps the production traffic has taken: LINEAR and CANARY. A canary takes two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub step: Option<i32>,
    /// How many steps there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub steps: Option<i32>,
    /// When the pause is over that began with the stage `BAKE_TIME`, or with a share of the production traffic below 100,
    /// as far as the operator saw it begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_end_time: Option<Time>,
    /// The hook that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookStatus>,
    /// The circuit breaker, where ECS was asked for the details of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreakerStatus>,
    /// The alarms that are in alarm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 255)))]
    pub alarms: Vec<String>,
    /// ARN of the task definition that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub task_definition_arn: Option<String>,
    /// Number of tasks that it shall run. It lags behind the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub desired_count: Option<i32>,
    /// Number of its tasks that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub running_count: Option<i32>,
    /// Number of its tasks that are being started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub pending_count: Option<i32>,
    /// Number of its tasks that failed, in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub failed_tasks: Option<i32>,
    /// The largest number of its tasks that ran at once. That many again is no progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub most_running: Option<i32>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it was seen to be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// When it moved on last, as far as the operator saw. `spec.progressDeadlineSeconds` counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_time: Option<Time>,
}

/// A life-cycle hook that waits for an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct HookStatus {
    /// Its id: the value of the annotation `ecs-operator.dev/continueHook` or `ecs-operator.dev/rollbackHook` that answers it.
    #[schemars(length(max = 255))]
    pub id: String,
    /// The stage at which it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub stage: Option<String>,
    /// Until when it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,
    /// What ECS does then: `CONTINUE` or `ROLLBACK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub timeout_action: Option<String>,
}

/// How near the circuit breaker is to ending a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct CircuitBreakerStatus {
    /// `MONITORING`, `TRIGGERED`, `MONITORING_COMPLETE` or `DISABLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// Number of tasks that failed so far.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub failures: i32,
    /// Number of failed tasks that ends the deployment.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub threshold: i32,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, transform = super::policy::values_only)]
pub enum DeploymentOutcome {
    /// It was rolled out.
    Deployed,
    /// It failed, and nothing was rolled back.
    Failed,
    /// ECS went back to an earlier deployment.
    RolledBack,
    /// A newer deployment took its place before it was rolled out.
    Superseded,
}

impl DeploymentOutcome {
    /// The reason that tells it, where it ended badly.
    pub fn bad_end(self) -> Option<Reason> {
        match self {
            Self::Deployed | Self::Superseded => None,
            Self::Failed => Some(Reason::DeploymentFailed),
            Self::RolledBack => Some(Reason::RolledBack),
        }
    }
}

/// A deployment that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PastDeployment {
    /// Its id, such as `ecs-svc/1234567890123456789`.
    #[schemars(length(max = 255))]
    pub id: String,
    /// The task definition that it ran, as `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub task_definition: Option<String>,
    /// How it ended.
    pub outcome: DeploymentOutcome,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub message: Option<String>,
    /// What ECS complained of while it was under way, in ECS's words without ids and numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub complaint: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it was seen to be over.
    pub completion_time: Time,
}

/// Why tasks stopped that should run: tasks with the same cause together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct TaskFailureStatus {
    /// One word for it, such as `OutOfMemory`.
    #[schemars(length(max = 64))]
    pub cause: String,
    /// The container that failed, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub container: Option<String>,
    /// The exit code of that container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -2_147_483_648, max = 2_147_483_647))]
    pub exit_code: Option<i32>,
    /// Why, in ECS's words.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// What to do.
    #[schemars(length(max = 1024))]
    pub advice: String,
    /// How many of the stopped tasks that were looked at have this cause.
    #[schemars(range(min = 1, max = 1000))]
    pub count: i32,
    /// How many stopped tasks were looked at, the newest first.
    #[schemars(range(min = 1, max = 1000))]
    pub looked_at: i32,
    /// When such a task stopped last.
    pub last_seen_time: Time,
}

/// The annotations that were acted upon, by their values: each value is done once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct HandledAnnotations {
    /// `ecs-operator.dev/restartedAt`: a new deployment was forced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub restarted_at: Option<String>,
    /// `ecs-operator.dev/continueHook`: the hook was told to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub continue_hook: Option<String>,
    /// `ecs-operator.dev/rollbackHook`: the hook was told to roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub rollback_hook: Option<String>,
    /// `ecs-operator.dev/stopDeployment`: the deployment was stopped and rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub stop_deployment: Option<String>,
}
