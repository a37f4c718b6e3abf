//! `managementPolicy: Observe`: the plan is shown and not carried out.

use std::time::Duration;

use super::{
    plan::Plan,
    verdict::{State, Verdict},
};
use crate::{api::Reason, runtime::controller::Next};

/// The longest line of a plan in a status, in bytes, and the most lines; the CRDs take no more.
const LONGEST_LINE: usize = 1024;
const MOST_LINES: usize = 50;

/// The plan as `status.plan` shows it.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let shortened = plan.lines().into_iter().take(MOST_LINES).map(|mut line| {
        if line.len() > LONGEST_LINE {
            line.truncate(line.floor_char_boundary(LONGEST_LINE - '…'.len_utf8()));
            line.push('…');
        }
        line
    });
    shortened.collect()
}

/// What to say of an object that is only looked at; `verdict` is what would be said where nothing is left to call.
pub(super) fn verdict(plan: &Plan, verdict: Verdict) -> Verdict {
    if !plan.lines().is_empty() {
        return differs(plan);
    }
    if verdict.state != State::Ready {
        return verdict;
    }
    let message = format!("{} managementPolicy is Observe: nothing is changed.", verdict.message);
    Verdict { reason: Reason::Observed, message, ..verdict }
}

/// What is only looked at, and differs. Looked at again by the clock too: there may be nothing in ECS to keep an eye on.
fn differs(plan: &Plan) -> Verdict {
    let message = format!("{} (managementPolicy is Observe: nothing is changed)", plan.lines().join("; "));
    let next = Next::After(Duration::from_secs(60));
    Verdict { state: State::Idle, reason: Reason::Differs, message, next, also: Vec::new() }
}
