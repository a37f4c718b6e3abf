//! `status.appliedFields`: the only record of what the last apply managed, and so of what has to be reset.

use super::{plan::Step, spec};
use crate::api::CommonStatus;

/// Until a plan is empty, what was managed before and what is managed now are both remembered: a crash between two
/// calls must not forget a field that has to be reset. Tells whether something is managed for the first time.
pub(super) fn remember_managed(common: &mut CommonStatus, managed: &[String]) -> bool {
    let before = common.applied_fields.len();
    let seen = managed.iter().filter(|path| spec::unseen_unit(path).is_none());
    for path in seen {
        if !common.applied_fields.contains(path) {
            common.applied_fields.push(path.clone());
        }
    }
    common.applied_fields.len() > before
}

/// The values that ECS never shows are remembered, or forgotten, once they were sent: a call that failed or was
/// held back is still to be made.
pub(super) fn remember_unseen(common: &mut CommonStatus, managed: &[String], applied: &[Step]) {
    let sent = |path: &&String| {
        spec::unseen_unit(path).is_some_and(|unit| applied.iter().any(|step| step.input.contains_key(unit)))
    };
    common.applied_fields.retain(|path| !sent(&path));
    common.applied_fields.extend(managed.iter().filter(sent).cloned());
}

/// What is managed no more and was reset is forgotten, also beside steps that are still to be made.
pub(super) fn forget_done(common: &mut CommonStatus, managed: &[String], planned: &[Step]) {
    common.applied_fields.retain(|path| {
        managed.contains(path)
            || spec::unseen_unit(path).is_some()
            || planned.iter().any(|step| {
                step.input.contains_key(path) || step.because.iter().any(|difference| difference.path.starts_with(path))
            })
    });
}

/// What was managed and is no more, as far as ECS shows it.
pub(super) fn forgotten(before: &[String], managed: &[String]) -> Vec<String> {
    let is_forgotten = |path: &&String| spec::unseen_unit(path).is_none() && !managed.contains(path);
    before.iter().filter(is_forgotten).cloned().collect()
}

/// What is managed now, and what was and could not be changed yet: `kept`. Of a value that ECS does not show, the hash
/// that is kept is the one that counts.
pub(super) fn with_kept(mut managed: Vec<String>, kept: &[String]) -> Vec<String> {
    for path in kept {
        if let Some(unit) = spec::unseen_unit(path) {
            managed.retain(|other| spec::unseen_unit(other) != Some(unit));
        }
        if !managed.contains(path) {
            managed.push(path.clone());
        }
    }
    managed
}
