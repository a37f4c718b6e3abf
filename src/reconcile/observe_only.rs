//! `managementPolicy: Observe` and the annotation `paused`: the plan is shown and not carried out.

use std::time::Duration;

use kube::ResourceExt;

use super::{
    plan::Plan,
    verdict::{State, Verdict},
};
use crate::{
    api::{Managed, ManagementPolicy, PAUSED, Reason},
    runtime::{controller::Next, objects::Object, text::shortened},
};

/// The longest line of a plan in a status, in bytes, and the most lines; the CRDs take no more.
const LONGEST_LINE: usize = 1024;
const MOST_LINES: usize = 50;

/// The plan as `status.plan` shows it.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    plan.lines().into_iter().take(MOST_LINES).map(|line| shortened(line, LONGEST_LINE)).collect()
}

/// Why nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// `managementPolicy: Observe`.
    Observes,
    /// The annotation `paused`.
    Paused,
}

/// Whether nothing may be changed for `object`.
pub(super) fn held<K: Object + Managed>(object: &K) -> Option<Held> {
    if object.policies().management == ManagementPolicy::Observe {
        return Some(Held::Observes);
    }
    is_paused(object).then_some(Held::Paused)
}

/// Whether the annotation is there. Any value but `false` counts: who writes `True` means it.
pub fn is_paused<K: Object>(object: &K) -> bool {
    object.annotations().get(PAUSED).is_some_and(|value| value != "false")
}

impl Held {
    const fn because(self) -> &'static str {
        match self {
            Self::Observes => "managementPolicy is Observe",
            Self::Paused => "the annotation ecs-operator.dev/paused is set",
        }
    }

    const fn reason(self, differs: bool) -> Reason {
        match (self, differs) {
            (Self::Observes, false) => Reason::Observed,
            (Self::Observes, true) => Reason::Differs,
            (Self::Paused, _) => Reason::Paused,
        }
    }
}

/// What to say of an object that is only looked at; `verdict` is what would be said where nothing is left to call. What is
/// left alone on purpose, or withheld because it was rolled back, differs no more than it does without being held.
pub(super) fn verdict(held: Held, plan: &Plan, verdict: Verdict) -> Verdict {
    if !plan.is_settled() {
        return differs(held, plan, verdict);
    }
    let message = format!("{} Nothing is changed: {}.", verdict.message, held.because());
    let reason = if verdict.state == State::Ready { held.reason(false) } else { verdict.reason };
    Verdict { reason, message, ..verdict }
}

/// What is only looked at, and differs. Looked at again by the clock too: there may be nothing in ECS to keep an eye on.
fn differs(held: Held, plan: &Plan, verdict: Verdict) -> Verdict {
    // What goes on in ECS goes on all the same.
    let tells = held == Held::Paused && verdict.state != State::Ready;
    let seen = if tells { format!(" {}", verdict.message) } else { String::new() };
    let message = format!("Nothing is changed: {}. The plan: {}.{seen}", held.because(), plan.lines().join("; "));
    let next = Next::After(Duration::from_secs(60));
    Verdict { state: State::Idle, reason: held.reason(true), message, next, also: verdict.also }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::EcsCluster;

    /// Who believes that AWS is safe must not be mistaken over a capital letter.
    #[test]
    fn any_value_but_false_pauses() {
        let cluster = |value: Option<&str>| {
            let mut cluster = EcsCluster::new("shop", serde_json::from_str("{}").unwrap());
            cluster.annotations_mut().extend(value.map(|value| (PAUSED.to_owned(), value.to_owned())));
            cluster
        };
        for value in ["true", "True", "yes", ""] {
            assert!(is_paused(&cluster(Some(value))), "{value:?}");
        }
        assert!(!is_paused(&cluster(Some("false"))) && !is_paused(&cluster(None)));
    }
}
