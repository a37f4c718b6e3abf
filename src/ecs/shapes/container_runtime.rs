//! How a container runs: Linux parameters, limits, health, logs, devices.

use std::collections::BTreeMap;

use mirror::mirror;

use super::{Enum, Secret, sdk, sdk_enums};

sdk_enums!(DeviceCgroupPermission, FirelensConfigurationType, LogDriver, ResourceType, UlimitName);

/// What the rules of the shapes in this file say; their twins say it too.
pub mod runtime_words {
    /// The awslogs driver without its options.
    pub const AWSLOGS: &str = "options must have awslogs-group and awslogs-region where logDriver is awslogs";
    /// The first word of a health check.
    pub const HEALTH_COMMAND: &str = "the command of a healthCheck must begin with CMD, CMD-SHELL or NONE";
    /// A resource requirement with both or neither.
    pub const RESOURCE_VALUE: &str = "a resource requirement needs exactly one of value and sharingStrategy";
    /// Sharing what can't be shared.
    pub const SHARING: &str = "sharingStrategy is for resource requirements of type GPU only";
    /// Some Neuron devices.
    pub const NEURON: &str = "the value of a resource requirement of type NeuronDevice must be ALL";
}
use runtime_words as words;

/// Settings of Linux for a container. Not on Windows.
#[mirror(sdk::LinuxParameters)]
pub struct LinuxParameters {
    /// Kernel capabilities added to and taken from Docker's own set.
    pub capabilities: Option<KernelCapabilities>,
    /// Devices of the host in the container, at most 50. Not on Fargate.
    #[schemars(length(max = 50))]
    pub devices: Option<Vec<Device>>,
    /// Whether an init process passes signals on and reaps processes. Absent means false.
    pub init_process_enabled: Option<bool>,
    /// Size of `/dev/shm` in MiB. Not on Fargate. Absent: Docker's default.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub shared_memory_size: Option<i32>,
    /// Temporary file systems in memory, at most 20.
    #[schemars(length(max = 20))]
    pub tmpfs: Option<Vec<Tmpfs>>,
    /// Swap in MiB that the container may use; 0 means none. Absent: as the host is set. Not on Fargate.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub max_swap: Option<i32>,
    /// How eagerly memory is swapped, 0 to 100; needs `maxSwap`. Absent means 60. Not on Fargate.
    #[schemars(range(min = 0, max = 100))]
    pub swappiness: Option<i32>,
}

/// Kernel capabilities of a container.
#[mirror(sdk::KernelCapabilities)]
pub struct KernelCapabilities {
    /// Capabilities to add, such as `NET_ADMIN`, or `ALL`. On Fargate only `SYS_PTRACE`.
    #[schemars(length(max = 50), inner(length(min = 1, max = 64)))]
    pub add: Option<Vec<String>>,
    /// Capabilities to drop, such as `NET_RAW`, or `ALL`.
    #[schemars(length(max = 50), inner(length(min = 1, max = 64)))]
    pub drop: Option<Vec<String>>,
}

/// A device of the host in a container.
#[mirror(sdk::Device)]
pub struct Device {
    /// Path on the host.
    #[schemars(length(min = 1, max = 4096))]
    pub host_path: String,
    /// Path in the container. Absent: as on the host.
    #[schemars(length(max = 4096))]
    pub container_path: Option<String>,
    /// What the container may do: `read`, `write`, `mknod`. Absent: all three.
    #[schemars(length(max = 3))]
    pub permissions: Option<Vec<Enum<sdk::DeviceCgroupPermission>>>,
}

/// A temporary file system in memory.
#[mirror(sdk::Tmpfs)]
pub struct Tmpfs {
    /// Path in the container.
    #[schemars(length(min = 1, max = 4096))]
    pub container_path: String,
    /// Size in MiB at most.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub size: i32,
    /// Mount options such as `ro` or `noexec`, at most 40.
    #[schemars(length(max = 40), inner(length(min = 1, max = 64)))]
    pub mount_options: Option<Vec<String>>,
}

/// A line of `/etc/hosts`.
#[mirror(sdk::HostEntry)]
pub struct HostEntry {
    /// Host name.
    #[schemars(length(min = 1, max = 255))]
    pub hostname: String,
    /// IP address.
    #[schemars(length(min = 1, max = 45))]
    pub ip_address: String,
}

/// A resource limit of a container.
#[mirror(sdk::Ulimit)]
pub struct Ulimit {
    /// Which limit.
    pub name: Enum<sdk::UlimitName>,
    /// Soft limit in the limit's own unit (bytes, seconds or a count); -1 means none.
    #[schemars(range(min = -1, max = 2_147_483_647))]
    pub soft_limit: i32,
    /// Hard limit in the limit's own unit (bytes, seconds or a count); -1 means none.
    #[schemars(range(min = -1, max = 2_147_483_647))]
    pub hard_limit: i32,
}

/// A kernel parameter of a container.
#[mirror(sdk::SystemControl)]
pub struct SystemControl {
    /// Name of the parameter, such as `net.core.somaxconn`.
    #[schemars(length(max = 255))]
    pub namespace: Option<String>,
    /// Its value.
    #[schemars(length(max = 255))]
    pub value: Option<String>,
}

/// Where logs go.
#[mirror(sdk::LogConfiguration)]
#[x_kube(validation = Rule::new(
    "self.logDriver != 'awslogs' || (has(self.options) && 'awslogs-group' in self.options \
     && 'awslogs-region' in self.options)")
    .message(words::AWSLOGS)
    .field_path(".options"))]
pub struct LogConfiguration {
    /// Log driver. Fargate has `awslogs`, `splunk` and `awsfirelens`.
    pub log_driver: Enum<sdk::LogDriver>,
    /// Options of the driver, at most 50. `awslogs` needs `awslogs-group` and `awslogs-region`, and
    /// `awslogs-stream-prefix` on Fargate.
    #[schemars(extend("maxProperties" = 50, "additionalProperties" = { "type": "string", "maxLength": 8192 }))]
    pub options: Option<BTreeMap<String, String>>,
    /// Options whose values come from Secrets Manager or Parameter Store, at most 20.
    #[schemars(length(max = 20))]
    pub secret_options: Option<Vec<Secret>>,
}

impl LogConfiguration {
    /// What is wrong with it, if anything. The twin of its rule.
    pub fn problem(&self) -> Option<&'static str> {
        let has = |key| self.options.as_ref().is_some_and(|options| options.contains_key(key));
        let complete = has("awslogs-group") && has("awslogs-region");
        (self.log_driver.as_str() == "awslogs" && !complete).then_some(words::AWSLOGS)
    }
}

/// How a container's health is found.
#[mirror(sdk::HealthCheck)]
pub struct HealthCheck {
    /// Command whose exit code 0 means healthy: `CMD` and its words, `CMD-SHELL` and a line for the shell, or `NONE`.
    #[schemars(length(min = 1, max = 500), inner(length(max = 65536)))]
    #[x_kube(validation = Rule::new("size(self) == 0 || self[0] in ['CMD', 'CMD-SHELL', 'NONE']")
        .message(words::HEALTH_COMMAND))]
    pub command: Vec<String>,
    /// Seconds between two checks, 5 to 300. Absent means 30.
    #[schemars(range(min = 5, max = 300))]
    pub interval: Option<i32>,
    /// Seconds after which a check has failed, 2 to 60. Absent means 5.
    #[schemars(range(min = 2, max = 60))]
    pub timeout: Option<i32>,
    /// Failed checks in a row that make the container unhealthy, 1 to 10. Absent means 3.
    #[schemars(range(min = 1, max = 10))]
    pub retries: Option<i32>,
    /// Seconds after the start in which failures don't count, 0 to 300. Absent: none.
    #[schemars(range(min = 0, max = 300))]
    pub start_period: Option<i32>,
}

/// A GPU, Neuron device or inference accelerator for a container.
#[mirror(sdk::ResourceRequirement)]
#[x_kube(
    validation = Rule::new("has(self.value) != has(self.sharingStrategy)").message(words::RESOURCE_VALUE),
    validation = Rule::new("!has(self.sharingStrategy) || self.type == 'GPU'")
        .message(words::SHARING)
        .field_path(".sharingStrategy"),
    validation = Rule::new("self.type != 'NeuronDevice' || !has(self.value) || self.value == 'ALL'")
        .message(words::NEURON)
        .field_path(".value"),
)]
pub struct ResourceRequirement {
    /// GPU: how many, or `ALL`. NeuronDevice: `ALL`. InferenceAccelerator: its deviceName. Exactly one of this and
    /// `sharingStrategy`.
    #[schemars(length(min = 1, max = 255))]
    pub value: Option<String>,
    /// What is required. Not on Fargate. InferenceAccelerator is deprecated by AWS.
    pub r#type: Enum<sdk::ResourceType>,
    /// How a GPU is shared with other containers. Absent: the GPUs are the container's alone.
    pub sharing_strategy: Option<SharingStrategy>,
}

/// How a GPU is shared.
#[mirror(sdk::SharingStrategy, union)]
pub struct SharingStrategy {
    /// By NVIDIA's Multi-Process Service.
    pub nvidia_mps: Option<NvidiaMpsAllocation>,
}

/// A container's part of a GPU.
#[mirror(sdk::NvidiaMpsAllocation)]
pub struct NvidiaMpsAllocation {
    /// GPU memory in MiB, 1 or more, on a single GPU.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub memory: i32,
    /// Percentage of the GPU's compute capacity at most, 1 to 100. Absent: as the host is set, usually 100.
    #[schemars(range(min = 1, max = 100))]
    pub max_compute_percent: Option<i32>,
}

/// Makes a container the log router of its task.
#[mirror(sdk::FirelensConfiguration)]
pub struct FirelensConfiguration {
    /// Log router.
    pub r#type: Enum<sdk::FirelensConfigurationType>,
    /// Options: `enable-ecs-log-metadata`, `config-file-type` and `config-file-value`; at most 20.
    #[schemars(extend("maxProperties" = 20, "additionalProperties" = { "type": "string", "maxLength": 4096 }))]
    pub options: Option<BTreeMap<String, String>>,
}

/// Restart of a container inside its task.
#[mirror(sdk::ContainerRestartPolicy)]
pub struct ContainerRestartPolicy {
    /// Whether the container is restarted when it exits.
    pub enabled: bool,
    /// Exit codes after which it isn't, at most 50. Absent: none.
    #[schemars(length(max = 50), inner(range(min = -2_147_483_648, max = 2_147_483_647)))]
    pub ignored_exit_codes: Option<Vec<i32>>,
    /// Seconds that the container must have run to be restarted, 60 to 1800. Absent means 300.
    #[schemars(range(min = 60, max = 1800))]
    pub restart_attempt_period: Option<i32>,
}
