//! Policies: what the operator may do to what it finds in AWS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of the AWS object when the Kubernetes object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeletionPolicy {
    /// Delete it in AWS.
    Delete,
    /// Leave it in AWS.
    Retain,
}

/// What to do where the AWS object exists already and isn't ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AdoptionPolicy {
    /// Report a conflict.
    #[default]
    Never,
    /// Take it over.
    IfExists,
}

/// Whether differences are corrected or only shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ManagementPolicy {
    /// Correct them.
    #[default]
    Enforce,
    /// Show them in `status.plan` and change nothing.
    Observe,
}
