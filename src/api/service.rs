//! `EcsService`.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::status::CommonStatus;

/// To be written.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(group = "ecs-operator.dev", version = "v1alpha1", kind = "EcsService", namespaced, status = "EcsServiceStatus", derive = "PartialEq")]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceSpec {
    /// x
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
}

/// x
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EcsServiceStatus {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: CommonStatus,
}
