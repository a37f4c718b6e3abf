//! What the status says of a task definition. Pure.

use super::{Desired, Observed};
use crate::{
    api::{EcsTaskDefinitionStatus, Reason},
    reconcile::{Verdict, owner::Claim, spec},
};

/// Writes what was observed into the status.
pub fn report(desired: &Desired, observed: &Observed, status: &mut EcsTaskDefinitionStatus) {
    status.common.region = Some(desired.region.clone());
    let Some(current) = &observed.current else { return };
    if let Claim::Ours(origin) = Claim::read(&current.tags, &desired.owner) {
        status.common.origin = Some(origin);
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
