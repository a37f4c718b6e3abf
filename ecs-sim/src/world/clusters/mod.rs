//! Clusters.

mod attachments;
mod counts;
mod create;
mod delete;
mod describe;
mod update;

use std::time::Duration;

use serde_json::Value;

pub(super) use self::counts::uses_capacity_provider;
use self::{attachments::Attachment, counts::counts};
use super::{ApiError, Cx, Operation, arn, capacity_providers::strategy::StrategyItem, tags::Tags};
use crate::clock::Time;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCluster" => create::create,
        "DescribeClusters" => describe::describe,
        "ListClusters" => describe::list,
        "UpdateCluster" => update::update,
        "UpdateClusterSettings" => update::update_settings,
        "PutClusterCapacityProviders" => update::put_capacity_providers,
        "DeleteCluster" => delete::delete,
        _ => return None,
    })
}

/// One cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The value of its setting `containerInsights`.
    pub container_insights: String,
    /// The block `configuration`.
    pub configuration: Option<Value>,
    /// The names of its capacity providers, in the order in which they are shown.
    pub capacity_providers: Vec<String>,
    /// What tasks and services follow that say nothing else.
    pub default_strategy: Vec<StrategyItem>,
    /// The ARN of the namespace of `serviceConnectDefaults`.
    pub namespace: Option<String>,
    /// Its tags.
    pub tags: Tags,
    life: Life,
    /// The arguments of its creation as they were understood, which a second creation is compared with.
    made_with: create::Arguments,
    attachments: Vec<Attachment>,
    /// When the newest change of the attachments is complete; none where there never was one.
    attached: Option<Time>,
    attachments_failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Made, and provisioned at that time.
    Made(Time),
    /// Deleted, and gone at that time.
    Deleted(Time),
}

/// Where a cluster stands in its life (Cluster API reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// What belongs to its capacity providers or namespace is being made.
    Provisioning,
    /// In use.
    Active,
    /// What belongs to its capacity providers is being deleted.
    Deprovisioning,
    /// What belongs to its capacity providers could not be made.
    Failed,
    /// Deleted, and still described for a while.
    Inactive,
}

impl ClusterStatus {
    /// As answers have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Active => "ACTIVE",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Failed => "FAILED",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// How long ECS needs for the scaling plan of an Auto Scaling group, and for anything else that it attaches to a
/// cluster. AWS gives no figures; tools look after 10 seconds first.
const ATTACHING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(2));

impl Cluster {
    /// Where it stands in its life.
    pub fn status(&self, now: Time) -> ClusterStatus {
        match self.life {
            Life::Made(until) if now < until => ClusterStatus::Provisioning,
            Life::Made(_) if self.attachments_failed => ClusterStatus::Failed,
            Life::Made(_) => ClusterStatus::Active,
            Life::Deleted(until) if now < until => ClusterStatus::Deprovisioning,
            Life::Deleted(_) => ClusterStatus::Inactive,
        }
    }

    /// Lets the newest change of what is attached to it fail: the cluster is FAILED until the next change.
    pub fn fail_attachments(&mut self) {
        self.attachments_failed = true;
    }

    fn is_busy(&self, now: Time) -> bool {
        self.attached.is_some_and(|until| now < until)
    }

    /// Refuses what must wait until the attachments are complete.
    fn check_not_busy(&self, now: Time) -> Result<(), ApiError> {
        if self.is_busy(now) {
            return Err(ApiError::refused(
                "UpdateInProgressException",
                "The specified cluster is in a busy state. Cluster attachments must be in UPDATE_COMPLETE or \
                 UPDATE_FAILED state before they can be updated.",
            ));
        }
        Ok(())
    }
}

/// The cluster that a call means by the name or ARN of its member `cluster`: `default` where that is absent. It may
/// be INACTIVE.
pub fn find<'a>(cx: &'a Cx<'_>, named: Option<&str>) -> Result<&'a Cluster, ApiError> {
    cx.region.clusters.get(name_of(named)).ok_or_else(not_found)
}

/// The same, where it is in use.
pub fn active<'a>(cx: &'a Cx<'_>, named: Option<&str>) -> Result<&'a Cluster, ApiError> {
    let cluster = find(cx, named)?;
    match cluster.status(cx.now) {
        ClusterStatus::Active | ClusterStatus::Failed => Ok(cluster),
        _ => Err(ApiError::client("Cluster was not ACTIVE.")),
    }
}

fn active_mut<'a>(cx: &'a mut Cx<'_>, named: Option<&str>) -> Result<&'a mut Cluster, ApiError> {
    let name = active(cx, named)?.name.clone();
    cx.region.clusters.get_mut(&name).ok_or_else(not_found)
}

fn name_of(named: Option<&str>) -> &str {
    arn::name(named.unwrap_or("default"))
}

fn not_found() -> ApiError {
    ApiError::refused("ClusterNotFoundException", "Cluster not found.")
}
