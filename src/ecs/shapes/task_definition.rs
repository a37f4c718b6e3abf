//! Shapes at the level of the task.

// Elastic Inference is deprecated, and still a member of the input.
#![allow(deprecated)]

use mirror::mirror;

use super::{Enum, KeyValuePair, sdk, sdk_enums};

sdk_enums!(
    Compatibility,
    CpuArchitecture,
    IpcMode,
    NetworkMode,
    OsFamily,
    PidMode,
    ProxyConfigurationType,
    TaskDefinitionPlacementConstraintType,
);

/// What the rule of [`TaskDefinitionPlacementConstraint`] says; its twin says it too.
pub const CONSTRAINT_EXPRESSION: &str = "expression is required where the type of a placement constraint is memberOf";

/// On which instances tasks may be placed.
#[mirror(sdk::TaskDefinitionPlacementConstraint)]
#[x_kube(validation = Rule::new("self.type != 'memberOf' || has(self.expression)")
    .message(CONSTRAINT_EXPRESSION)
    .field_path(".expression"))]
pub struct TaskDefinitionPlacementConstraint {
    /// `memberOf`: the instances that the expression selects.
    pub r#type: Enum<sdk::TaskDefinitionPlacementConstraintType>,
    /// Expression of the cluster query language, such as `attribute:ecs.instance-type =~ t3.*`; at most 2000 characters.
    #[schemars(length(min = 1, max = 2000))]
    pub expression: Option<String>,
}

/// The App Mesh proxy of a task. AWS retires App Mesh; use Service Connect for new services.
#[mirror(sdk::ProxyConfiguration)]
pub struct ProxyConfiguration {
    /// Kind of proxy. Absent means `APPMESH`.
    pub r#type: Option<Enum<sdk::ProxyConfigurationType>>,
    /// Name of the container that is the proxy.
    #[schemars(length(min = 1, max = 255))]
    pub container_name: String,
    /// Settings of the proxy: `IgnoredUID` or `IgnoredGID`, `AppPorts`, `ProxyIngressPort`, `ProxyEgressPort`,
    /// `EgressIgnoredPorts`, `EgressIgnoredIPs`; at most 20.
    #[schemars(length(max = 20))]
    pub properties: Option<Vec<KeyValuePair>>,
}

/// An Elastic Inference accelerator. Deprecated by AWS.
#[mirror(sdk::InferenceAccelerator)]
pub struct InferenceAccelerator {
    /// Name by which a container's resourceRequirements mean it.
    #[schemars(length(min = 1, max = 255))]
    pub device_name: String,
    /// Type of the accelerator.
    #[schemars(length(min = 1, max = 255))]
    pub device_type: String,
}

/// Ephemeral storage of a task on Fargate.
#[mirror(sdk::EphemeralStorage)]
pub struct EphemeralStorage {
    /// Size in GiB, 21 to 200. For the 20 GiB that Fargate gives anyway, leave ephemeralStorage out.
    #[serde(rename = "sizeInGiB")]
    #[schemars(range(min = 21, max = 200))]
    pub size_in_gib: i32,
}

/// Processor architecture and operating system of a task.
#[mirror(sdk::RuntimePlatform)]
pub struct RuntimePlatform {
    /// Processor architecture. Absent means `X86_64`. Windows on Fargate has `X86_64` only.
    pub cpu_architecture: Option<Enum<sdk::CpuArchitecture>>,
    /// Operating system. Absent means `LINUX` on Fargate; on EC2 any instance fits then.
    pub operating_system_family: Option<Enum<sdk::OsFamily>>,
}
