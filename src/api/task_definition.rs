//! `EcsTaskDefinition`.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::status::CommonStatus;

/// To be written.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(group = "ecs-operator.dev", version = "v1alpha1", kind = "EcsTaskDefinition", namespaced, status = "EcsTaskDefinitionStatus", derive = "PartialEq")]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskDefinitionSpec {
    /// x
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// x
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsTaskDefinitionStatus {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: CommonStatus,
}
