//! What users write and read: the kinds, their references and policies, status and conditions. No client, no I/O.

pub mod cluster;
pub mod crd;
pub mod deployment_status;
pub mod managed;
pub mod mirror_zone;
pub mod policy;
pub mod reference;
pub mod rules;
pub mod service;
pub(crate) mod service_rules;
pub mod service_status;
pub mod status;
pub mod task_definition;

pub use self::{
    cluster::{EcsCluster, EcsClusterSpec, EcsClusterStatus},
    managed::{Managed, Policies},
    policy::{AdoptionPolicy, DeletionPolicy, ManagementPolicy},
    reference::LocalReference,
    service::{EcsService, EcsServiceSpec},
    service_status::EcsServiceStatus,
    status::{CommonStatus, Origin, Reason},
    task_definition::{EcsTaskDefinition, EcsTaskDefinitionSpec, EcsTaskDefinitionStatus},
};

/// The API group of all kinds.
pub const GROUP: &str = "ecs-operator.dev";
/// The only version so far.
pub const VERSION: &str = "v1alpha1";

/// Annotation: while it is there (with any value but `"false"`), the object's finalizer is held and
/// AWS is left untouched.
pub const PREVENT_DELETION: &str = "ecs-operator.dev/prevent-deletion";

/// Annotation: the ARN of the cluster that a service is made in. It is written together with the finalizer, so that a
/// service is found again although the operator was stopped before it could write a status.
pub const CLUSTER_ARN: &str = "ecs-operator.dev/cluster-arn";

/// Annotation: while it is `"true"`, the object is looked at and AWS is left untouched.
pub const PAUSED: &str = "ecs-operator.dev/paused";
/// Annotation: a new value makes the operator look at everything afresh.
pub const RECONCILE_AT: &str = "ecs-operator.dev/reconcileAt";
/// Annotation on a service: a new value makes ECS deploy it anew once, as `kubectl rollout restart` does for pods.
pub const RESTARTED_AT: &str = "ecs-operator.dev/restartedAt";
/// Annotation on a service: the id of a waiting hook that shall go on.
pub const CONTINUE_HOOK: &str = "ecs-operator.dev/continueHook";
/// Annotation on a service: the id of a waiting hook that shall roll back.
pub const ROLLBACK_HOOK: &str = "ecs-operator.dev/rollbackHook";
/// Annotation on a service: the id of a running deployment that shall be stopped and rolled back.
pub const STOP_DEPLOYMENT: &str = "ecs-operator.dev/stopDeployment";

/// Tags that the operator keeps on what it manages in AWS. Five tag places are reserved for them.
pub mod tags {
    /// Prefix of the operator's own tags; users may not write keys that begin with it.
    pub const PREFIX: &str = "ecs-operator.dev/";
    /// Who manages the object: `<installation>/<Kind>/<namespace>/<name>`.
    pub const OWNER: &str = "ecs-operator.dev/owner";
    /// Whether the operator made the object (`created`) or took it over (`adopted`).
    pub const ORIGIN: &str = "ecs-operator.dev/origin";
    /// On task definitions: `v<canon version>:<hash of the canonical spec>`.
    pub const HASH: &str = "ecs-operator.dev/hash";
}
