//! `EcsCluster`.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    mirror_zone::mirror_zone,
    policy::{AdoptionPolicy, DeletionPolicy, ManagementPolicy},
    rules,
    status::CommonStatus,
};
use crate::ecs::shapes::{
    CapacityProviderStrategyItem, ClusterConfiguration, ClusterServiceConnectDefaultsRequest, ClusterSetting, Tag,
};

/// An Amazon ECS cluster. Fields have the names and values of the ECS API (CreateCluster, UpdateCluster,
/// PutClusterCapacityProviders); a field that is absent is not managed, and ECS keeps what it has.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "ecs-operator.dev",
    version = "v1alpha1",
    kind = "EcsCluster",
    doc = "An Amazon ECS cluster: where services and tasks run, with its capacity providers and settings.",
    plural = "ecsclusters",
    namespaced,
    status = "EcsClusterStatus",
    derive = "PartialEq",
    shortname = "ecscl",
    category = "ecs",
    validation = rules::short_name(),
    validation = rules::immutable_name("clusterName"),
    validation = rules::name_without_dot("clusterName"),
    validation = rules::immutable_region(),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase")]
pub struct EcsClusterSpec {
    /// Name of the cluster in ECS: letters, digits, `-` and `_`, at most 255. Absent: `metadata.name`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub cluster_name: Option<String>,
    /// AWS region, such as `eu-west-1`. Absent: the operator's default region. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z]{2}(-[a-z]+)+-[0-9]+$"))]
    pub region: Option<String>,
    /// Capacity providers of the cluster: `FARGATE`, `FARGATE_SPOT`, or names of Auto Scaling group providers.
    /// Providers that are not listed are detached. At most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 255)))]
    pub capacity_providers: Option<Vec<String>>,
    /// Strategy for services and tasks that name neither a strategy nor a launch type. One item may have a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::one_base(), validation = rules::some_weight(), validation = rules::one_kind_of_provider())]
    pub default_capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// Settings of the cluster, such as Container Insights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    pub settings: Option<Vec<ClusterSetting>>,
    /// Execute command logging and managed storage encryption of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ClusterConfiguration>,
    /// Service Connect namespace for services that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ClusterServiceConnectDefaultsRequest>,
    /// Tags on the cluster, at most 45. Keys that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 45))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".into()]), validation = rules::free_tag_keys())]
    pub tags: Option<Vec<Tag>>,
    /// What deleting this object does to the cluster in AWS. Absent: Delete if the operator created it,
    /// Retain if it adopted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether to take over a cluster of this name that exists already. Absent: Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption_policy: Option<AdoptionPolicy>,
    /// Enforce (the default) corrects differences; Observe shows them in `status.plan` and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_policy: Option<ManagementPolicy>,
}

mirror_zone!(EcsClusterSpec: CreateCluster, UpdateCluster, PutClusterCapacityProviders;
    mirror {
        cluster_name, capacity_providers, default_capacity_provider_strategy, settings, configuration,
        service_connect_defaults, tags,
    }
    owner { region, deletion_policy, adoption_policy, management_policy }
);

/// The observed state of an ECS cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsClusterStatus {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: CommonStatus,
    /// ARN of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub cluster_arn: Option<String>,
}
