//! What every status has: conditions, what the object is bound to, what the last apply managed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Condition: the AWS object is as this generation asks, and rolled out.
pub const READY: &str = "Ready";
/// Condition, there only when true: the operator is at work or waits for something that time cures.
pub const RECONCILING: &str = "Reconciling";
/// Condition, there only when true: the user must act.
pub const STALLED: &str = "Stalled";

/// Condition: whether as many tasks of a deployed service run as `minimumHealthyPercent` asks for.
pub const AVAILABLE: &str = "Available";

/// Condition, there only when true: something else moves `desiredCount` as often as the operator puts it back, and the
/// operator gives way for a while.
pub const DESIRED_COUNT_CONTESTED: &str = "DesiredCountContested";

/// Reasons of the `Ready` condition. They are API: one word of at most 16 letters, shown in the STATUS column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The operator has not looked at the object yet.
    Pending,
    /// Applying, or ECS is rolling out.
    Deploying,
    /// This generation of a service is deployed and nothing differs.
    Deployed,
    /// A revision of a task definition has what this generation asks for.
    Registered,
    /// The cluster is ACTIVE and as this generation asks.
    Active,
    /// Another deployment controller has made no PRIMARY task set yet; nothing of the operator's is outstanding.
    NoTaskSet,
    /// `managementPolicy: Observe`, and live ECS is as the manifest asks.
    Observed,
    /// `managementPolicy: Observe`, and live ECS differs; `status.plan` says how.
    Differs,
    /// AWS throttles the calls; retried.
    Throttled,
    /// Something failed that time may cure; retried.
    Retrying,
    /// An object that this one refers to is not there or not ready.
    RefNotReady,
    /// Being deleted in AWS.
    Deleting,
    /// Deletion waits for the user: the `prevent-deletion` annotation, or things the operator does not own.
    DeletionBlocked,
    /// ECS or the operator's own rules refuse a value.
    InvalidParameter,
    /// A reference can never be right as written.
    InvalidReference,
    /// AWS denies the call, or there are no valid credentials.
    AccessDenied,
    /// The deployment failed.
    DeploymentFailed,
    /// ECS rolled the deployment back.
    RolledBack,
    /// An AWS object of that name exists and carries no owner tag of ours.
    AlreadyExists,
    /// An AWS object of that name belongs to another Kubernetes object or installation.
    OwnedByOther,
    /// A field differs that ECS cannot change in place.
    ReplaceRequired,
    /// A field was edited that only CodeDeploy may change.
    CodeDeployOwned,
    /// The annotation `paused` holds the operator back.
    Paused,
    /// A life-cycle hook of the deployment waits for an answer.
    AwaitingHook,
    /// The deployment made no progress for `progressDeadlineSeconds`.
    DeadlineExceeded,
    /// Fewer tasks run than `minimumHealthyPercent` asks for, and have for a while.
    Unavailable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 26] = [
        Self::Pending,
        Self::Deploying,
        Self::Deployed,
        Self::Registered,
        Self::Active,
        Self::NoTaskSet,
        Self::Observed,
        Self::Differs,
        Self::Throttled,
        Self::Retrying,
        Self::RefNotReady,
        Self::Deleting,
        Self::DeletionBlocked,
        Self::InvalidParameter,
        Self::InvalidReference,
        Self::AccessDenied,
        Self::DeploymentFailed,
        Self::RolledBack,
        Self::AlreadyExists,
        Self::OwnedByOther,
        Self::ReplaceRequired,
        Self::CodeDeployOwned,
        Self::Paused,
        Self::AwaitingHook,
        Self::DeadlineExceeded,
        Self::Unavailable,
    ];

    /// The word in the condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Deploying => "Deploying",
            Self::Deployed => "Deployed",
            Self::Registered => "Registered",
            Self::Active => "Active",
            Self::NoTaskSet => "NoTaskSet",
            Self::Observed => "Observed",
            Self::Differs => "Differs",
            Self::Throttled => "Throttled",
            Self::Retrying => "Retrying",
            Self::RefNotReady => "RefNotReady",
            Self::Deleting => "Deleting",
            Self::DeletionBlocked => "DeletionBlocked",
            Self::InvalidParameter => "InvalidParameter",
            Self::InvalidReference => "InvalidReference",
            Self::AccessDenied => "AccessDenied",
            Self::DeploymentFailed => "DeploymentFailed",
            Self::RolledBack => "RolledBack",
            Self::AlreadyExists => "AlreadyExists",
            Self::OwnedByOther => "OwnedByOther",
            Self::ReplaceRequired => "ReplaceRequired",
            Self::CodeDeployOwned => "CodeDeployOwned",
            Self::Paused => "Paused",
            Self::AwaitingHook => "AwaitingHook",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::Unavailable => "Unavailable",
        }
    }
}

/// Whether the operator made the AWS object or took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, transform = super::policy::values_only)]
pub enum Origin {
    /// The operator made it; deleted with the Kubernetes object unless `deletionPolicy: Retain`.
    Created,
    /// The operator took it over; kept when the Kubernetes object is deleted unless `deletionPolicy: Delete`.
    Adopted,
}

impl Origin {
    /// The value of the origin tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
        }
    }

    /// The origin that a tag's value says.
    pub fn from_tag(value: &str) -> Option<Self> {
        match value {
            "created" => Some(Self::Created),
            "adopted" => Some(Self::Adopted),
            _ => None,
        }
    }
}

/// The part of a status that all kinds share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommonStatus {
    /// The generation of the spec that this status speaks of; -1 while no operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 9_007_199_254_740_991_i64))]
    pub observed_generation: Option<i64>,
    /// What is true of the object. `Ready` is always there; `Reconciling` and `Stalled` only while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// AWS region that the object is bound to. It wins over the operator's default region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub region: Option<String>,
    /// AWS account that the object is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account_id: Option<String>,
    /// Whether the operator created the AWS object or adopted it. Decides what deletion does where
    /// `deletionPolicy` is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The fields that the last apply managed, as paths. A field that is removed from the spec is reset once
    /// because it is listed here; nothing else remembers it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(max = 256)))]
    pub applied_fields: Vec<String>,
    /// The value of the annotation `ecs-operator.dev/reconcileAt` that was acted upon last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub reconciled_at: Option<String>,
    /// What the operator would do, one line a difference. Only under `managementPolicy: Observe` and while paused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 1024)))]
    pub plan: Vec<String>,
}
