//! The status of `EcsService`.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{
    deployment_status::{DeploymentStatus, HandledAnnotations, PastDeployment, TaskFailureStatus},
    status::CommonStatus,
};

/// The observed state of an ECS service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceStatus {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: CommonStatus,
    /// ARN of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub service_arn: Option<String>,
    /// ARN of the cluster that the service is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub cluster_arn: Option<String>,
    /// Name of that cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub cluster: Option<String>,
    /// ARN of the task definition that the PRIMARY deployment runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub task_definition_arn: Option<String>,
    /// The same as `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub task_definition: Option<String>,
    /// The revision that a `taskDefinition` without one was resolved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_task_definition: Option<ResolvedTaskDefinition>,
    /// Number of tasks that ECS keeps running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub desired_count: Option<i32>,
    /// Number of tasks that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub running_count: Option<i32>,
    /// Number of tasks that are being started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub pending_count: Option<i32>,
    /// The largest number of tasks that ran at once since the service was rolled out for the first time, `desiredCount` at
    /// most. `Available` counts from here: tasks that somebody asks for more are on their way, and not missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub most_running: Option<i32>,
    /// Label selector for the scale subresource. It is never empty, and no pod matches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub selector: Option<String>,
    /// The PRIMARY deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentStatus>,
    /// Deployments of ours that are over, newest first, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub deployments: Vec<PastDeployment>,
    /// Why tasks of our deployment stopped, the most frequent cause first, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub task_failures: Vec<TaskFailureStatus>,
    /// The annotations that were acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<HandledAnnotations>,
    /// Id of the deployment that the operator's last call started, such as `ecs-svc/1234567890123456789`. Ready needs it to
    /// be the PRIMARY one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub own_deployment: Option<String>,
    /// Id of the deployment of ours that was rolled out: once, all its tasks ran. Tasks that are missing later are no
    /// rollout any more, and are told by the condition `Available`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub rolled_out: Option<String>,
    /// What our deployment deploys, as a hash. After a rollback the same is not deployed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub own_target: Option<String>,
    /// Ids of deployments seen before ours, newest first, at most 10. If one of them is PRIMARY again, ECS rolled back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(max = 255)))]
    pub known_deployments: Vec<String>,
    /// The newest events of ECS that say more than that all is well, newest first, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub events: Vec<ServiceEventStatus>,
}

/// The revision that a task definition's family was resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ResolvedTaskDefinition {
    /// What `spec.taskDefinition` said.
    #[schemars(length(max = 512))]
    pub from: String,
    /// ARN of the revision.
    #[schemars(length(max = 2048))]
    pub arn: String,
    /// Of which manifest, as a hash of all but `desiredCount`, and of the restart that was asked for. Another one is resolved
    /// anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub asked: Option<String>,
}

/// An event of a service, in ECS's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ServiceEventStatus {
    /// Its id in ECS.
    #[schemars(length(max = 255))]
    pub id: String,
    /// When it happened, as RFC 3339 text.
    #[schemars(length(max = 64))]
    pub time: String,
    /// What happened.
    #[schemars(length(max = 2048))]
    pub message: String,
}
