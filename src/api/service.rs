//! `EcsService`.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    mirror_zone::mirror_zone,
    policy::{AdoptionPolicy, DeletionPolicy, ManagementPolicy},
    reference::LocalReference,
    rules,
    service_rules::{self as own, When},
    service_status::EcsServiceStatus,
};
use crate::ecs::shapes::{
    CapacityProviderStrategyItem, DeploymentConfiguration, DeploymentController, Enum, GatewayConnector, LoadBalancer,
    MonitoringConfiguration, NetworkConfiguration, PlacementConstraint, PlacementStrategy, ServiceConnectConfiguration,
    ServiceRegistry, ServiceVolumeConfiguration, Tag, VpcLatticeConfiguration, sdk,
};

/// An Amazon ECS service. Fields have the names and values of the ECS API (CreateService, UpdateService); a field
/// that is absent is not managed, and ECS keeps what it has.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsService",
    doc = "An Amazon ECS service: tasks of one task definition, kept running in a cluster and replaced when it changes.",
    plural = "ecsservices",
    namespaced,
    status = "EcsServiceStatus",
    derive = "PartialEq",
    shortname = "ecssvc",
    category = "ecs",
    scale(
        spec_replicas_path = ".spec.desiredCount",
        status_replicas_path = ".status.runningCount",
        label_selector_path = ".status.selector"
    ),
    selectable = ".spec.clusterRef.name",
    selectable = ".spec.taskDefinitionRef.name",
    validation = rules::short_name(),
    validation = rules::immutable_name("serviceName"),
    validation = rules::name_without_dot("serviceName"),
    validation = own::immutable_region(),
    validation = own::immutable_cluster(),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.desiredCount"),
    printcolumn(name = "Updated", type_ = "integer", json_path = ".status.deployment.runningCount"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "TaskDef", type_ = "string", json_path = ".status.taskDefinition", priority = 1),
    printcolumn(name = "Running", type_ = "integer", json_path = ".status.runningCount", priority = 1),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingCount", priority = 1),
    printcolumn(name = "Cluster", type_ = "string", json_path = ".status.cluster", priority = 1),
    printcolumn(name = "Rollout", type_ = "string", json_path = ".status.deployment.rolloutState", priority = 1),
    printcolumn(name = "Stage", type_ = "string", json_path = ".status.deployment.stage", priority = 1),
    printcolumn(name = "Traffic", type_ = "integer", json_path = ".status.deployment.productionTrafficPercent", priority = 1),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = own::one_cluster(),
    validation = own::region_of_reference(),
    validation = own::region_of_arn(),
    validation = own::one_task_definition(),
    validation = own::launch_type_or_strategy(),
    validation = own::fargate_network(),
    validation = own::empty(When::Fargate, "placementConstraints"),
    validation = own::empty(When::Fargate, "placementStrategy"),
    validation = own::platform_version(),
    validation = own::absent(When::Daemon, "desiredCount"),
    validation = own::empty(When::Daemon, "placementStrategy"),
    validation = own::empty(When::Daemon, "volumeConfigurations"),
    validation = own::daemon_capacity(),
    validation = own::daemon_controller(),
    validation = own::daemon_percent(),
    validation = own::rebalancing_scheduling(),
    validation = own::rebalancing_percent(),
    validation = own::rebalancing_load_balancers(),
    validation = own::rebalancing_instances(),
    validation = own::rebalancing_placement(),
    validation = own::rebalancing_constraints(),
    validation = own::strategy_load_balancers(),
    validation = own::controller_deployment(),
    validation = own::controller_percent(),
    validation = own::unconnected(When::ForeignController),
    validation = own::empty(When::ForeignController, "vpcLatticeConfigurations"),
    validation = own::code_deploy_load_balancer(),
    validation = own::absent(When::ExternalController, "taskDefinition"),
    validation = own::absent(When::ExternalController, "taskDefinitionRef"),
    validation = own::absent(When::ExternalController, "launchType"),
    validation = own::empty(When::ExternalController, "capacityProviderStrategy"),
    validation = own::absent(When::ExternalController, "platformVersion"),
    validation = own::absent(When::ExternalController, "networkConfiguration"),
    validation = own::empty(When::ExternalController, "loadBalancers"),
    validation = own::empty(When::ExternalController, "serviceRegistries"),
    validation = own::empty(When::ExternalController, "volumeConfigurations"),
    validation = own::empty(When::ExternalInstances, "loadBalancers"),
    validation = own::unconnected(When::ExternalInstances),
    validation = own::absent(When::ExternalInstances, "networkConfiguration"),
    validation = own::external_strategy(),
    validation = own::role_use(),
    validation = own::immutable_launch_type(),
    validation = own::immutable_scheduling(),
    validation = own::immutable_role(),
    validation = own::controller_moves()
)]
pub struct EcsServiceSpec {
    /// Name of the service in ECS: letters, digits, `-` and `_`, at most 255. Absent: `metadata.name`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub service_name: Option<String>,
    /// The `EcsCluster` of the service, in the same namespace. Exactly one of this and `cluster`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    #[x_kube(validation = own::immutable_cluster_ref())]
    pub cluster_ref: Option<LocalReference>,
    /// Name or ARN of a cluster that no `EcsCluster` here manages. Exactly one of this and `clusterRef`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 512),
        regex(
            pattern = "^([A-Za-z0-9_-]{1,255}|arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]{1,255})$"
        )
    )]
    pub cluster: Option<String>,
    /// AWS region, such as `eu-west-1`. Only with `cluster`, and the ARN's where that is one. Absent: the cluster's, or
    /// the operator's default region. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]+$"))]
    pub region: Option<String>,
    /// The `EcsTaskDefinition` that the tasks run, in the same namespace; each new revision of it is deployed. Exactly one
    /// of this and `taskDefinition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub task_definition_ref: Option<LocalReference>,
    /// Family, `family:revision` or ARN of the task definition. A family is resolved to its newest revision with each edit
    /// (but of `desiredCount`) and each `restartedAt`, and not followed. Exactly one of this and `taskDefinitionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 512),
        regex(
            pattern = "^([A-Za-z0-9_-]{1,255}|arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_-]{1,255})(:[0-9]{1,9})?$"
        )
    )]
    pub task_definition: Option<String>,
    /// Number of tasks, 0 or more. Absent: 1 at creation, then left to whoever scales it, by `kubectl scale` or Application
    /// Auto Scaling. An autoscaler on /scale is started by one `kubectl scale`. Not for DAEMON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub desired_count: Option<i32>,
    /// `REPLICA` (if absent): `desiredCount` tasks. `DAEMON`: one on each container instance, not on Fargate. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_strategy: Option<Enum<sdk::SchedulingStrategy>>,
    /// `EC2`, `FARGATE` or `EXTERNAL`; Managed Instances are used by a `capacityProviderStrategy`. Absent: that, else the
    /// cluster's default strategy, else EC2. Immutable, but a `capacityProviderStrategy` may take its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = own::launch_type())]
    pub launch_type: Option<Enum<sdk::LaunchType>>,
    /// Capacity providers of the tasks, at most 20. Not beside `launchType`. A change deploys the service anew. An empty list
    /// goes back to the launch type it was created with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::one_base(), validation = rules::some_weight(), validation = rules::one_kind_of_provider())]
    pub capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// Fargate platform version: `LATEST` (if absent) or a number such as `1.4.0`. Only on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub platform_version: Option<String>,
    /// Who replaces tasks when the service changes. Absent: ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_controller: Option<DeploymentController>,
    /// How tasks are replaced, and when that has failed. Each member that is absent is not managed on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// Whether ECS evens out tasks over Availability Zones: `ENABLED` or `DISABLED`. Absent: ECS chooses at creation. Can be
    /// changed but not unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone_rebalancing: Option<Enum<sdk::AvailabilityZoneRebalancing>>,
    /// Subnets and security groups of the tasks. Required on Fargate and wherever the task definition's network mode is awsvpc;
    /// not allowed otherwise. Can't be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Target groups, at most 5, or one Classic Load Balancer. An empty list takes the service off them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    #[x_kube(validation = own::classic_alone(), validation = own::advanced_on_all(), validation = own::distinct_target_groups())]
    pub load_balancers: Option<Vec<LoadBalancer>>,
    /// The Cloud Map service of the tasks; at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1))]
    pub service_registries: Option<Vec<ServiceRegistry>>,
    /// Service Connect: names by which services of a namespace reach each other. Removed: switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    /// The EBS volume that each task gets, for the volume of the task definition that is `configuredAtLaunch`; at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1))]
    pub volume_configurations: Option<Vec<ServiceVolumeConfiguration>>,
    /// VPC Lattice target groups of the tasks, at most 10. Only under the controller ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    pub vpc_lattice_configurations: Option<Vec<VpcLatticeConfiguration>>,
    /// The ECS gateway in front of the service; at most one. The cluster must be associated with it. Compared with the
    /// revision of the PRIMARY deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1))]
    pub gateway_connectors: Option<Vec<GatewayConnector>>,
    /// How finely ECS measures the service. Absent: each 60 seconds. Compared with the revision of the
    /// PRIMARY deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<MonitoringConfiguration>,
    /// Seconds after a task's start in which failed health checks are ignored, 0 to 2147483647. ECS's default is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub health_check_grace_period_seconds: Option<i32>,
    /// Which container instances tasks may be placed on, at most 10. Not on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    pub placement_constraints: Option<Vec<PlacementConstraint>>,
    /// How ECS chooses among container instances, at most 5, the first first. Not on Fargate, not for DAEMON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    pub placement_strategy: Option<Vec<PlacementStrategy>>,
    /// Name or ARN of the role with which ECS registers tasks with the load balancer. Only with `loadBalancers` and without
    /// awsvpc. Absent: ECS's service-linked role. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub role: Option<String>,
    /// Whether ECS Exec may be used on the tasks; they need a task role for it. ECS's default is false. New tasks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// Whether ECS puts its own tags (cluster and service name) on tasks. ECS's default is false. New tasks only.
    #[serde(default, rename = "enableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Whose tags go on tasks: `TASK_DEFINITION`, `SERVICE` or `NONE` (ECS's default). New tasks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<Enum<sdk::PropagateTags>>,
    /// Tags on the service, at most 45. Keys that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 45))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".into()]), validation = rules::free_tag_keys())]
    pub tags: Option<Vec<Tag>>,
    /// How long a deployment, or the start of additional tasks, may go without progress, in seconds (1 to 604800), before
    /// the service is Stalled with DeadlineExceeded. Baking and waiting for an answer to a hook don't count, a hook's function
    /// does. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604_800))]
    pub progress_deadline_seconds: Option<i32>,
    /// What deleting this object does to the service in AWS. Absent: Delete if the operator created it, Retain if it
    /// adopted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether to take over a service of this name that exists already. Absent: Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption_policy: Option<AdoptionPolicy>,
    /// Enforce (the default) corrects differences; Observe shows them in `status.plan` and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_policy: Option<ManagementPolicy>,
}

mirror_zone!(EcsServiceSpec: CreateService, UpdateService;
    mirror {
        service_name, cluster, task_definition, desired_count, scheduling_strategy, launch_type,
        capacity_provider_strategy, platform_version, deployment_controller, deployment_configuration,
        availability_zone_rebalancing, network_configuration, load_balancers, service_registries,
        service_connect_configuration, volume_configurations, vpc_lattice_configurations, gateway_connectors,
        monitoring, health_check_grace_period_seconds, placement_constraints, placement_strategy, role,
        enable_execute_command, enable_ecs_managed_tags, propagate_tags, tags,
    }
    owner { cluster_ref, task_definition_ref, region, progress_deadline_seconds, deletion_policy, adoption_policy, management_policy }
);
