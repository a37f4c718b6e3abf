//! `EcsTaskDefinition`.

pub mod fargate;
pub mod rules;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    mirror_zone::mirror_zone,
    policy::{AdoptionPolicy, DeletionPolicy, ManagementPolicy},
    rules as common,
    status::CommonStatus,
};
use crate::ecs::shapes::{
    ContainerDefinition, CpuUnits, Enum, EphemeralStorage, InferenceAccelerator, MemoryMiB, ProxyConfiguration,
    RuntimePlatform, Tag, TaskDefinitionPlacementConstraint, Volume, sdk,
};

/// An Amazon ECS task definition. Fields have the names and values of the ECS API (RegisterTaskDefinition). ECS never
/// changes a revision: an edit registers a new one, and services that refer to this object deploy it.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsTaskDefinition",
    doc = "An Amazon ECS task definition: what a task consists of. Each change registers a new revision, and the services that refer to it roll.",
    plural = "ecstaskdefinitions",
    namespaced,
    status = "EcsTaskDefinitionStatus",
    derive = "PartialEq",
    shortname = "ecstd",
    category = "ecs",
    validation = common::short_name(),
    validation = common::immutable_name("family"),
    validation = common::name_without_dot("family"),
    validation = common::immutable_region(),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Revision", type_ = "integer", json_path = ".status.revision"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Arn", type_ = "string", json_path = ".status.taskDefinitionArn", priority = 1),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[x_kube(
    validation = fargate::network_mode(),
    validation = fargate::cpu_required(),
    validation = fargate::memory_required(),
    validation = fargate::cpu(),
    validation = fargate::windows_cpu(),
    validation = fargate::memory(),
    validation = fargate::windows_architecture(),
    validation = fargate::no_placement(),
    validation = fargate::pid_mode(),
    validation = fargate::ipc_mode(),
    validation = fargate::no_docker_volume(),
    validation = fargate::no_source_path(),
    validation = fargate::no_disabled_networking(),
    validation = fargate::no_dns(),
    validation = fargate::no_security_options(),
    validation = fargate::no_privileged(),
    validation = fargate::no_gpu(),
    validation = fargate::no_linux_parameters(),
    validation = fargate::capabilities(),
    validation = fargate::log_driver(),
    validation = fargate::timeouts(),
    validation = rules::host_port(),
    validation = rules::port_range(),
    validation = rules::no_ports(),
    validation = rules::links(),
    validation = rules::hostname(),
    validation = rules::extra_hosts(),
    validation = rules::mount_points(),
    validation = rules::proxy_container(),
    validation = rules::windows_modes(),
    validation = rules::windows_storage(),
    validation = rules::fault_injection(),
    validation = rules::s3_files_role(),
)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskDefinitionSpec {
    /// Name that the revisions share in ECS: letters, digits, `-` and `_`, at most 255. Absent: `metadata.name`.
    /// Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub family: Option<String>,
    /// AWS region, such as `eu-west-1`. Absent: the operator's default region. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]+$"))]
    pub region: Option<String>,
    /// Name or ARN of the IAM role that the containers act as. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub task_role_arn: Option<String>,
    /// Name or ARN of the IAM role with which images are pulled, secrets read and logs written. Needed on Fargate for
    /// ECR, secrets and awslogs. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub execution_role_arn: Option<String>,
    /// Network of the containers. Fargate needs `awsvpc`. Absent means `bridge`, on Windows NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<Enum<sdk::NetworkMode>>,
    /// Containers of the task, 1 to 10, each name once; at least one is essential.
    #[schemars(length(min = 1, max = 10))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = rules::essential(),
        validation = rules::depends_on(),
        validation = rules::healthy(),
        validation = rules::completes(),
        validation = rules::volumes_from(),
        validation = rules::neuron_devices(),
    )]
    pub container_definitions: Vec<ContainerDefinition>,
    /// Volumes that containers mount, at most 100, each name once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]), validation = rules::one_configured_at_launch())]
    pub volumes: Option<Vec<Volume>>,
    /// On which instances tasks may be placed, at most 10. Not on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    pub placement_constraints: Option<Vec<TaskDefinitionPlacementConstraint>>,
    /// Where tasks must be able to run; ECS judges the task definition by it. Absent: ECS doesn't judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    pub requires_compatibilities: Option<Vec<Enum<sdk::Compatibility>>>,
    /// CPU of the task, integer or string: units of 1/1024 vCPU (`512`) or vCPUs (`.5 vCPU`). Needed on Fargate: 256
    /// to 32768. Absent elsewhere: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuUnits>,
    /// Memory of the task, integer or string: MiB (`1024`) or GB (`1 GB`). Needed on Fargate, where cpu says which
    /// values there are. Absent elsewhere: each container has its own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryMiB>,
    /// Tags on the task definition, at most 45. A change makes no new revision. Keys that others put on it are left
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 45))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".into()]), validation = common::free_tag_keys())]
    pub tags: Option<Vec<Tag>>,
    /// Whose processes containers see: the `task`'s or the `host`'s. Fargate: `task` only; not on Windows. Absent:
    /// their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<Enum<sdk::PidMode>>,
    /// With whom containers share IPC: the `task`, the `host` or nobody (`none`). Not on Fargate or Windows. Absent: as
    /// the Docker daemon is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<Enum<sdk::IpcMode>>,
    /// App Mesh proxy. AWS retires App Mesh; use Service Connect for new services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// Elastic Inference accelerators, at most 10. Deprecated by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    pub inference_accelerators: Option<Vec<InferenceAccelerator>>,
    /// Ephemeral storage of tasks on Fargate with Linux. Absent: 20 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// Processor architecture and operating system. Absent: Linux on X86_64 on Fargate, any instance on EC2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// Whether fault injection (AWS FIS) may act on the tasks. Needs networkMode `awsvpc` or `host`; not on Windows.
    /// Absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,
    /// How many of the revisions that this object registered stay active, newest first, 1 to 1000; one in use is never
    /// deregistered. Absent means 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub revision_history_limit: Option<i32>,
    /// What deleting this object does to its revisions in AWS: Delete deregisters those that the operator registered.
    /// Absent: Delete if the operator created the first, Retain if it adopted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether to take over the newest revision of a family that exists already. Absent: Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption_policy: Option<AdoptionPolicy>,
    /// Enforce (the default) registers a revision where the live one differs; Observe shows the differences in
    /// `status.plan` and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_policy: Option<ManagementPolicy>,
}

mirror_zone!(EcsTaskDefinitionSpec: RegisterTaskDefinition;
    mirror {
        family, task_role_arn, execution_role_arn, network_mode, container_definitions, volumes, placement_constraints,
        requires_compatibilities, cpu, memory, tags, pid_mode, ipc_mode, proxy_configuration, inference_accelerators,
        ephemeral_storage, runtime_platform, enable_fault_injection,
    }
    owner { region, revision_history_limit, deletion_policy, adoption_policy, management_policy }
);

/// The observed state of an ECS task definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskDefinitionStatus {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: CommonStatus,
    /// ARN of the current revision. Services that refer to this object run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub task_definition_arn: Option<String>,
    /// Number of the current revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub revision: Option<i64>,
}
