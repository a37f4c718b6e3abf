//! Clusters.

use super::{ApiError, Cx, Operation, arn};

/// One cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Where it stands in its life.
    pub status: ClusterStatus,
}

/// Where a cluster stands in its life (DescribeClusters API reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// Capacity providers are being associated.
    Provisioning,
    /// In use.
    Active,
    /// Capacity providers are being dissociated.
    Deprovisioning,
    /// Association failed.
    Failed,
    /// Deleted, and still described for a while.
    Inactive,
}

/// The cluster that a call means by the name or ARN of its member `cluster`: `default` where that is absent. It may
/// be INACTIVE.
pub fn find<'a>(cx: &'a Cx<'_>, named: Option<&str>) -> Result<&'a Cluster, ApiError> {
    cx.region
        .clusters
        .get(arn::name(named.unwrap_or("default")))
        .ok_or_else(|| ApiError::refused("ClusterNotFoundException", "Cluster not found."))
}

/// The operations of this module.
pub(super) fn operation(_name: &str) -> Option<Operation> {
    None
}
