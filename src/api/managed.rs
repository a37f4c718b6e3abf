//! What every kind has, for code that is the same for all of them.

use serde::Serialize;

use super::{
    AdoptionPolicy, CommonStatus, DeletionPolicy, EcsCluster, EcsClusterStatus, EcsService, EcsServiceStatus,
    EcsTaskDefinition, EcsTaskDefinitionStatus, ManagementPolicy, Origin,
};

/// The policies of an object.
#[derive(Clone, Copy, Debug)]
pub struct Policies {
    /// What deletion does; absent: by origin.
    pub deletion: Option<DeletionPolicy>,
    /// Whether to take over what exists.
    pub adoption: AdoptionPolicy,
    /// Whether to change anything.
    pub management: ManagementPolicy,
}

impl Policies {
    /// Whether deleting the Kubernetes object deletes what it manages in AWS.
    pub fn deletes(&self, origin: Origin) -> bool {
        match self.deletion {
            Some(policy) => policy == DeletionPolicy::Delete,
            None => origin == Origin::Created,
        }
    }
}

/// One of our kinds.
pub trait Managed {
    /// Its status.
    type Status: Clone + Default + PartialEq + Serialize + Send + Sync;

    /// The policies in its spec.
    fn policies(&self) -> Policies;
    /// Its status as it stands.
    fn status(&self) -> Option<&Self::Status>;
    /// The generation that the status speaks of.
    fn observed_generation(&self) -> Option<i64>;
    /// The part of a status that all kinds share.
    fn common(status: &mut Self::Status) -> &mut CommonStatus;
}

macro_rules! managed {
    ($($kind:ident: $status:ident),* $(,)?) => { $(
        impl Managed for $kind {
            type Status = $status;

            fn policies(&self) -> Policies {
                Policies {
                    deletion: self.spec.deletion_policy,
                    adoption: self.spec.adoption_policy.unwrap_or_default(),
                    management: self.spec.management_policy.unwrap_or_default(),
                }
            }

            fn status(&self) -> Option<&$status> {
                self.status.as_ref()
            }

            fn observed_generation(&self) -> Option<i64> {
                self.status.as_ref()?.common.observed_generation
            }

            fn common(status: &mut $status) -> &mut CommonStatus {
                &mut status.common
            }
        }
    )* };
}

managed! {
    EcsCluster: EcsClusterStatus,
    EcsTaskDefinition: EcsTaskDefinitionStatus,
    EcsService: EcsServiceStatus,
}
