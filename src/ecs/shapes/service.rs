//! Shapes of services: controller, placement, volumes, monitoring.

use mirror::mirror;

use super::{Enum, Tag, sdk, sdk_enums};

sdk_enums!(
    AvailabilityZoneRebalancing,
    DeploymentControllerType,
    EbsResourceType,
    LaunchType,
    PlacementConstraintType,
    PlacementStrategyType,
    PropagateTags,
    SchedulingStrategy,
    TaskFilesystemType,
);

/// Who replaces tasks when the service changes.
#[mirror(sdk::DeploymentController)]
pub struct DeploymentController {
    /// `ECS`: ECS itself, by `deploymentConfiguration.strategy`. `CODE_DEPLOY`: AWS CodeDeploy, blue/green.
    /// `EXTERNAL`: a controller of your own, which makes task sets. No service can be changed to `CODE_DEPLOY`.
    pub r#type: Enum<sdk::DeploymentControllerType>,
}

/// A condition on the container instances that tasks are placed on.
#[mirror(sdk::PlacementConstraint)]
#[x_kube(
    validation = Rule::new("self.type != 'memberOf' || has(self.expression)")
        .message("expression is required where type is memberOf")
        .field_path(".expression"),
    validation = Rule::new("self.type != 'distinctInstance' || !has(self.expression)")
        .message("expression must be absent where type is distinctInstance")
        .field_path(".expression")
)]
pub struct PlacementConstraint {
    /// `distinctInstance`: each task on an instance of its own. `memberOf`: instances that match `expression`.
    pub r#type: Enum<sdk::PlacementConstraintType>,
    /// Cluster query expression, such as `attribute:ecs.instance-type =~ t3.*`. Required for `memberOf`, not
    /// allowed for `distinctInstance`. At most 2000 characters.
    #[schemars(length(min = 1, max = 2000))]
    pub expression: Option<String>,
}

/// How ECS chooses among the container instances that a task fits on.
#[mirror(sdk::PlacementStrategy)]
#[x_kube(
    validation = Rule::new("self.type != 'random' || !has(self.field)")
        .message("field must be absent where type is random")
        .field_path(".field"),
    validation = Rule::new("self.type != 'binpack' || has(self.field) && self.field.lowerAscii() in ['cpu', 'memory']")
        .message("field must be cpu or memory where type is binpack")
        .field_path(".field")
)]
pub struct PlacementStrategy {
    /// `spread`: evenly over the values of `field`. `binpack`: on the instance with the least left of `field`.
    /// `random`: anywhere.
    pub r#type: Enum<sdk::PlacementStrategyType>,
    /// For `spread`: `instanceId`, `host` (the same) or an attribute such as `attribute:ecs.availability-zone`. For
    /// `binpack`: `cpu` or `memory`. Not allowed for `random`.
    #[schemars(length(min = 1, max = 255))]
    pub field: Option<String>,
}

/// A volume that ECS makes for each task of the service, for a volume of the task definition that is
/// `configuredAtLaunch`.
#[mirror(sdk::ServiceVolumeConfiguration)]
pub struct ServiceVolumeConfiguration {
    /// Name of the volume in the task definition. Letters, digits, `-` and `_`, at most 255.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// The EBS volume. It is deleted with its task.
    #[serde(rename = "managedEBSVolume")]
    pub managed_ebs_volume: Option<ServiceManagedEbsVolumeConfiguration>,
}

/// An EBS volume for each task of a service.
#[mirror(sdk::ServiceManagedEbsVolumeConfiguration)]
#[x_kube(
    validation = Rule::new("has(self.sizeInGiB) || has(self.snapshotId)")
        .message("sizeInGiB is required unless snapshotId is set")
        .field_path(".sizeInGiB"),
    validation = Rule::new("!has(self.volumeType) || !(self.volumeType in ['io1', 'io2']) || has(self.iops)")
        .message("iops is required where volumeType is io1 or io2")
        .field_path(".iops"),
    validation = Rule::new("!has(self.iops) || !has(self.volumeType) || !(self.volumeType in ['st1', 'sc1', 'standard'])")
        .message("iops must be absent where volumeType is st1, sc1 or standard")
        .field_path(".iops"),
    validation = Rule::new("!has(self.throughput) || !has(self.volumeType) || self.volumeType == 'gp3'")
        .message("throughput is allowed only where volumeType is gp3")
        .field_path(".throughput"),
    validation = Rule::new("!has(self.volumeInitializationRate) || has(self.snapshotId)")
        .message("volumeInitializationRate is allowed only where snapshotId is set")
        .field_path(".volumeInitializationRate")
)]
pub struct ServiceManagedEbsVolumeConfiguration {
    /// Whether the volume is encrypted. Absent: the account's EBS default, which also wins over false.
    pub encrypted: Option<bool>,
    /// KMS key (id, alias or ARN) for the encryption. A wrong one fails only when tasks start.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// `gp2`, `gp3`, `io1`, `io2`, `st1`, `sc1` or `standard` (not on Fargate). Absent: `gp3`.
    #[schemars(length(min = 1, max = 16), regex(pattern = "^(gp2|gp3|io1|io2|st1|sc1|standard)$"))]
    pub volume_type: Option<String>,
    /// Size in GiB: 1 to 16384, for `io1` and `io2` from 4, for `st1` and `sc1` from 125, for `standard` to 1024.
    /// Required without `snapshotId`; with it, absent means the snapshot's size.
    #[serde(rename = "sizeInGiB")]
    #[schemars(range(min = 1, max = 16384))]
    pub size_in_gib: Option<i32>,
    /// Snapshot that the volume is made from, such as `snap-0123456789abcdef0`.
    #[schemars(length(min = 1, max = 255))]
    pub snapshot_id: Option<String>,
    /// Rate in MiB/s at which the snapshot is read into the volume. Only with `snapshotId`. Absent: EBS's own.
    #[schemars(range(min = 1, max = 1000))]
    pub volume_initialization_rate: Option<i32>,
    /// I/O operations per second: `gp3` 3000 to 16000 (absent means 3000), `io1` 100 to 64000, `io2` 100 to 256000
    /// (required for both). Not for `st1`, `sc1`, `standard`.
    #[schemars(range(min = 100, max = 256_000))]
    pub iops: Option<i32>,
    /// Throughput in MiB/s, at most 1000. Only for `gp3`.
    #[schemars(range(min = 1, max = 1000))]
    pub throughput: Option<i32>,
    /// Tags on the volumes. One item, as volumes are all that ECS makes here.
    #[schemars(length(max = 1))]
    pub tag_specifications: Option<Vec<EbsTagSpecification>>,
    /// ARN of the ECS infrastructure role, with which ECS makes and attaches the volumes.
    #[schemars(length(min = 1, max = 2048))]
    pub role_arn: String,
    /// File system of the volume: `ext3`, `ext4`, `xfs` or (Windows) `ntfs`. Absent: `xfs`. For a snapshot it must be
    /// the one in the snapshot.
    pub filesystem_type: Option<Enum<sdk::TaskFilesystemType>>,
}

/// Tags on EBS volumes.
#[mirror(sdk::EbsTagSpecification)]
pub struct EbsTagSpecification {
    /// What is tagged: `volume`.
    pub resource_type: Enum<sdk::EbsResourceType>,
    /// The tags, at most 48. Keys must not begin with `aws:` nor be `AmazonECSCreated` or `AmazonECSManaged`.
    #[schemars(length(max = 48))]
    #[x_kube(validation = Rule::new(
        "self.all(t, !t.key.lowerAscii().startsWith('aws:') && !(t.key in ['AmazonECSCreated', 'AmazonECSManaged']))"
    ).message("tag keys must not begin with 'aws:' nor be AmazonECSCreated or AmazonECSManaged: these are reserved"))]
    pub tags: Option<Vec<Tag>>,
    /// Whether the tags of the `TASK_DEFINITION` or of the `SERVICE` are put on the volume as well. Absent: `NONE`.
    pub propagate_tags: Option<Enum<sdk::PropagateTags>>,
}

/// How finely ECS measures a service.
#[mirror(sdk::MonitoringConfiguration)]
pub struct MonitoringConfiguration {
    /// The metrics with their resolution, 1 to 5 items.
    #[schemars(length(min = 1, max = 5))]
    pub metric_configurations: Vec<MetricConfiguration>,
}

/// The resolution of some metrics of a service.
#[mirror(sdk::MetricConfiguration)]
pub struct MetricConfiguration {
    /// Names of the metrics: `CPUUtilization`, `MemoryUtilization`.
    #[schemars(
        length(min = 1, max = 2),
        inner(length(min = 1, max = 32), regex(pattern = "^(CPU|Memory)Utilization$"))
    )]
    pub metric_names: Vec<String>,
    /// Seconds between two values: 20 or 60. Metrics that are not named have 60.
    #[schemars(extend("enum" = [20, 60]))]
    pub resolution_seconds: i32,
}
