//! Volumes of a task.

use std::collections::BTreeMap;

use mirror::mirror;

use super::{Enum, sdk, sdk_enums};

sdk_enums!(EfsAuthorizationConfigIam, EfsTransitEncryption, Scope);

/// What the rules of the shapes in this file say; their twins say it too.
pub mod volume_words {
    /// Two kinds of volume in one.
    pub const ONE_KIND: &str = "a volume must have at most one of host, dockerVolumeConfiguration, \
        efsVolumeConfiguration, s3filesVolumeConfiguration, fsxWindowsFileServerVolumeConfiguration and \
        configuredAtLaunch";
    /// EFS authorization in the clear.
    pub const EFS_ENCRYPTION: &str =
        "transitEncryption must be ENABLED where authorizationConfig has an accessPointId or iam is ENABLED";
    /// EFS directory beside an access point.
    pub const EFS_ROOT: &str = "rootDirectory must be absent or / where authorizationConfig has an accessPointId";
    /// S3 Files directory beside an access point.
    pub const S3_FILES_ROOT: &str = "rootDirectory must be absent or / where accessPointArn is set";
    /// A volume of a task is always made.
    pub const AUTOPROVISION: &str = "autoprovision is for volumes whose scope is shared only";
}
use volume_words as words;

/// A volume that containers mount by its name.
#[mirror(sdk::Volume)]
#[x_kube(validation = Rule::new(
    "[has(self.host), has(self.dockerVolumeConfiguration), has(self.efsVolumeConfiguration), \
     has(self.s3filesVolumeConfiguration), has(self.fsxWindowsFileServerVolumeConfiguration), \
     has(self.configuredAtLaunch) && self.configuredAtLaunch].filter(x, x).size() <= 1")
    .message(words::ONE_KIND))]
pub struct Volume {
    /// Name of the volume, each once: letters, digits, `-` and `_`, at most 255.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Bind mount of the host. Empty or absent (and no other kind set): a directory that ends with the task.
    pub host: Option<HostVolumeProperties>,
    /// Docker volume. Not on Fargate.
    pub docker_volume_configuration: Option<DockerVolumeConfiguration>,
    /// Amazon EFS file system.
    pub efs_volume_configuration: Option<EfsVolumeConfiguration>,
    /// Amazon S3 Files file system. Needs `taskRoleArn`.
    pub s3files_volume_configuration: Option<S3FilesVolumeConfiguration>,
    /// Amazon FSx for Windows File Server file system. Only for Windows on EC2.
    pub fsx_windows_file_server_volume_configuration: Option<FSxWindowsFileServerVolumeConfiguration>,
    /// Whether the service says what the volume is (an EBS volume, by volumeConfigurations). One volume at most.
    /// Absent means false.
    pub configured_at_launch: Option<bool>,
}

/// Bind mount of a directory of the host.
#[mirror(sdk::HostVolumeProperties)]
pub struct HostVolumeProperties {
    /// Path on the host, which outlives the task. Absent: a path that Docker chooses. Not on Fargate.
    #[schemars(length(max = 4096))]
    pub source_path: Option<String>,
}

/// A Docker volume.
#[mirror(sdk::DockerVolumeConfiguration)]
#[x_kube(validation = Rule::new(
    "!has(self.autoprovision) || !self.autoprovision || (has(self.scope) && self.scope == 'shared')")
    .message(words::AUTOPROVISION)
    .field_path(".autoprovision"))]
pub struct DockerVolumeConfiguration {
    /// Whether the volume lives with the `task` or outlives it (`shared`). Absent means `task`.
    pub scope: Option<Enum<sdk::Scope>>,
    /// Whether a shared volume is made where it doesn't exist. Absent means false.
    pub autoprovision: Option<bool>,
    /// Docker volume driver. Absent means `local`.
    #[schemars(length(max = 255))]
    pub driver: Option<String>,
    /// Options of the driver, at most 50.
    #[schemars(extend("maxProperties" = 50, "additionalProperties" = { "type": "string", "maxLength": 4096 }))]
    pub driver_opts: Option<BTreeMap<String, String>>,
    /// Labels on the volume, at most 50.
    #[schemars(extend("maxProperties" = 50, "additionalProperties" = { "type": "string", "maxLength": 4096 }))]
    pub labels: Option<BTreeMap<String, String>>,
}

/// An Amazon EFS volume.
#[mirror(sdk::EfsVolumeConfiguration)]
#[x_kube(
    validation = Rule::new(
        "!has(self.authorizationConfig) || (has(self.transitEncryption) && self.transitEncryption == 'ENABLED') \
         || !(has(self.authorizationConfig.accessPointId) || (has(self.authorizationConfig.iam) \
         && self.authorizationConfig.iam == 'ENABLED'))")
        .message(words::EFS_ENCRYPTION)
        .field_path(".transitEncryption"),
    validation = Rule::new(
        "!has(self.authorizationConfig) || !has(self.authorizationConfig.accessPointId) \
         || !has(self.rootDirectory) || self.rootDirectory == '/'")
        .message(words::EFS_ROOT)
        .field_path(".rootDirectory"),
)]
pub struct EfsVolumeConfiguration {
    /// Id of the file system.
    #[schemars(length(min = 1, max = 128))]
    pub file_system_id: String,
    /// Directory of the file system that is mounted. Absent means `/`; so it must be with an access point.
    #[schemars(length(max = 4096))]
    pub root_directory: Option<String>,
    /// Encryption between host and file system. Absent means `DISABLED`; an access point or `iam` needs `ENABLED`.
    pub transit_encryption: Option<Enum<sdk::EfsTransitEncryption>>,
    /// Port of the encrypted traffic, 0 to 65535. Absent or 0: chosen by the EFS mount helper.
    #[schemars(range(min = 0, max = 65535))]
    pub transit_encryption_port: Option<i32>,
    /// Access point and IAM authorization.
    pub authorization_config: Option<EfsAuthorizationConfig>,
}

/// Access point and IAM authorization of an EFS volume.
#[mirror(sdk::EfsAuthorizationConfig)]
pub struct EfsAuthorizationConfig {
    /// Id of the access point.
    #[schemars(length(min = 1, max = 128))]
    pub access_point_id: Option<String>,
    /// Whether the task role is used for mounting. Absent means `DISABLED`.
    pub iam: Option<Enum<sdk::EfsAuthorizationConfigIam>>,
}

/// An Amazon S3 Files volume.
#[mirror(sdk::S3FilesVolumeConfiguration)]
#[x_kube(validation = Rule::new("!has(self.accessPointArn) || !has(self.rootDirectory) || self.rootDirectory == '/'")
    .message(words::S3_FILES_ROOT)
    .field_path(".rootDirectory"))]
pub struct S3FilesVolumeConfiguration {
    /// ARN of the file system.
    #[schemars(length(min = 1, max = 2048))]
    pub file_system_arn: String,
    /// Directory of the file system that is mounted. Absent means `/`; so it must be with an access point.
    #[schemars(length(max = 4096))]
    pub root_directory: Option<String>,
    /// Port of the encrypted traffic, 0 to 65535. Absent: chosen by the mount helper.
    #[schemars(range(min = 0, max = 65535))]
    pub transit_encryption_port: Option<i32>,
    /// ARN of the access point.
    #[schemars(length(min = 1, max = 2048))]
    pub access_point_arn: Option<String>,
}

/// An Amazon FSx for Windows File Server volume.
#[mirror(sdk::FSxWindowsFileServerVolumeConfiguration)]
pub struct FSxWindowsFileServerVolumeConfiguration {
    /// Id of the file system.
    #[schemars(length(min = 1, max = 128))]
    pub file_system_id: String,
    /// Directory of the file system that is mounted.
    #[schemars(length(min = 1, max = 4096))]
    pub root_directory: String,
    /// Credentials for mounting. ECS needs them.
    pub authorization_config: FSxWindowsFileServerAuthorizationConfig,
}

/// Credentials for mounting an FSx volume.
#[mirror(sdk::FSxWindowsFileServerAuthorizationConfig)]
pub struct FSxWindowsFileServerAuthorizationConfig {
    /// ARN of the Secrets Manager secret or Parameter Store parameter with user name and password.
    #[schemars(length(min = 1, max = 2048))]
    pub credentials_parameter: String,
    /// Fully qualified name of the Active Directory domain.
    #[schemars(length(min = 1, max = 255))]
    pub domain: String,
}
