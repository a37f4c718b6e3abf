//! What the status says of a task definition. Pure.

use super::{Desired, Observed};
use crate::{
    api::{EcsTaskDefinitionStatus, Reason},
    reconcile::{Verdict, spec},
};

/// Writes what was observed into the status.
pub fn report(desired: &Desired, observed: &Observed, status: &mut EcsTaskDefinitionStatus) {
    status.common.region = Some(desired.region.clone());
    let Some(current) = &observed.current else { return };
    if desired.stake.concerns(&current.tags) {
        status.common.origin = desired.stake.claim(&current.tags).origin();
        status.common.account_id = spec::account(&current.arn);
        status.task_definition_arn = Some(current.arn.clone());
        status.revision = Some(current.number);
    }
}

/// What to say where no call is left to make.
pub fn verdict(observed: &Observed) -> Verdict {
    match &observed.current {
        Some(current) => Verdict::ready(Reason::Deployed, format!("The revision is registered: {}.", current.arn)),
        None => Verdict::retrying("no revision is there although nothing is left to do"),
    }
}
