//! What the status says of a task definition. Pure.

use super::{Desired, Observed};
use crate::{
    api::{EcsTaskDefinitionStatus, Reason},
    ecs::{Operation, arn},
    reconcile::{News, Step, Verdict, spec},
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
        Some(current) => Verdict::ready(Reason::Registered, format!("The revision is registered: {}.", current.arn)),
        None => Verdict::retrying("no revision is there although nothing is left to do"),
    }
}

/// What a person should hear of: an edit that asks for what an older revision has makes no new one.
pub fn news(before: &EcsTaskDefinitionStatus, after: &EcsTaskDefinitionStatus, applied: &[Step]) -> Vec<News> {
    let is_made = applied.iter().any(|step| step.operation == Operation::RegisterTaskDefinition);
    let arns = before.task_definition_arn.as_ref().zip(after.task_definition_arn.as_ref());
    let reused = arns.filter(|(old, new)| old != new && !is_made).map(|(_, new)| {
        let revision = arn::named(new);
        News::normal("Reused", format!("{revision} has what the manifest asks for; nothing was registered"))
    });
    reused.into_iter().collect()
}
