//! Shapes of clusters, and the capacity provider strategy that services share with them.

use mirror::mirror;

use super::{Enum, sdk, sdk_enums};

sdk_enums!(ClusterSettingName, ExecuteCommandLogging);

/// One part of a capacity provider strategy.
#[mirror(sdk::CapacityProviderStrategyItem)]
pub struct CapacityProviderStrategyItem {
    /// Name of the capacity provider, such as `FARGATE` or `FARGATE_SPOT`.
    #[schemars(length(min = 1, max = 255))]
    pub capacity_provider: String,
    /// Relative share of the tasks beyond the base, 0 to 1000. Absent means 0.
    #[schemars(range(min = 0, max = 1000))]
    pub weight: Option<i32>,
    /// Number of tasks that run on this provider at least, 0 to 100000. Absent means 0. Only one item may have a base.
    #[schemars(range(min = 0, max = 100_000))]
    pub base: Option<i32>,
}

/// A setting of a cluster.
#[mirror(sdk::ClusterSetting)]
pub struct ClusterSetting {
    /// Name of the setting.
    pub name: Enum<sdk::ClusterSettingName>,
    /// Its value; for `containerInsights`: `enhanced`, `enabled` or `disabled`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^(enhanced|enabled|disabled)$"))]
    pub value: String,
}

/// Execute command and managed storage configuration of a cluster.
#[mirror(sdk::ClusterConfiguration)]
pub struct ClusterConfiguration {
    /// How ECS Exec sessions are encrypted and logged. Absent inside a configuration that is set: ECS's default.
    pub execute_command_configuration: Option<ExecuteCommandConfiguration>,
    /// Encryption keys of storage that ECS manages.
    pub managed_storage_configuration: Option<ManagedStorageConfiguration>,
}

/// How ECS Exec sessions are encrypted and logged.
#[mirror(sdk::ExecuteCommandConfiguration)]
#[x_kube(validation = Rule::new("!has(self.logging) || self.logging != 'OVERRIDE' || has(self.logConfiguration)")
    .message("logConfiguration is required where logging is OVERRIDE")
    .field_path(".logConfiguration"))]
pub struct ExecuteCommandConfiguration {
    /// KMS key (id or ARN) that encrypts the data between the client and the container.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// Where session logs go: `NONE` nowhere, `DEFAULT` to the awslogs driver of the task definition,
    /// `OVERRIDE` to what `logConfiguration` says. Absent means `DEFAULT`.
    pub logging: Option<Enum<sdk::ExecuteCommandLogging>>,
    /// Where session logs go under `OVERRIDE`. The group and the bucket must exist.
    pub log_configuration: Option<ExecuteCommandLogConfiguration>,
}

/// Where the logs of ECS Exec sessions go.
#[mirror(sdk::ExecuteCommandLogConfiguration)]
pub struct ExecuteCommandLogConfiguration {
    /// CloudWatch log group.
    #[schemars(length(min = 1, max = 512))]
    pub cloud_watch_log_group_name: Option<String>,
    /// Whether the log group must be encrypted. Absent means false.
    pub cloud_watch_encryption_enabled: Option<bool>,
    /// S3 bucket.
    #[schemars(length(min = 1, max = 63))]
    pub s3_bucket_name: Option<String>,
    /// Whether the bucket must be encrypted. Absent means false.
    pub s3_encryption_enabled: Option<bool>,
    /// Folder in the bucket.
    #[schemars(length(max = 1024))]
    pub s3_key_prefix: Option<String>,
}

/// Encryption keys of storage that ECS manages.
#[mirror(sdk::ManagedStorageConfiguration)]
pub struct ManagedStorageConfiguration {
    /// KMS key (id or ARN) for EBS volumes. Must be a single-Region key.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// KMS key (id or ARN) for the ephemeral storage of Fargate tasks. Must be a single-Region key.
    #[schemars(length(min = 1, max = 2048))]
    pub fargate_ephemeral_storage_kms_key_id: Option<String>,
}

/// The Service Connect namespace for services that name none.
#[mirror(sdk::ClusterServiceConnectDefaultsRequest)]
pub struct ClusterServiceConnectDefaultsRequest {
    /// Name or ARN of a Cloud Map namespace. A new name makes an HTTP namespace that ECS never deletes.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^[^<>\"/]+$|^arn:.*$"))]
    pub namespace: String,
}
