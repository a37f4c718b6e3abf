//! What a pass says of its object, and the conditions that follow from it: one table for every kind.

use std::time::Duration;

use crate::{
    api::{
        Reason,
        status::{READY, RECONCILING, STALLED},
    },
    ecs::{Class, EcsError},
    runtime::{
        backoff::Delays,
        conditions::{Desired, Truth},
        controller::Next,
    },
};

/// Between tries of what time may cure.
const SOON: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_secs(60) };
/// Between tries of what the user must cure: a role created late must heal by itself.
pub(super) const SLOW: Delays = Delays { first: Duration::from_secs(10), longest: Duration::from_secs(300) };

/// How long after a write without an answer ECS is asked what came of it.
const UNANSWERED: Duration = Duration::from_secs(5);

/// The four states of an object; kstatus, Flux and `kubectl wait` read them by way of the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Done, and nothing differs.
    Ready,
    /// At work.
    Progressing,
    /// A cure by waiting.
    Waiting,
    /// The user must act.
    Stalled,
    /// Nothing is wrong and nothing will be done: under `managementPolicy: Observe`.
    Idle,
}

/// What a pass says of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub state: State,
    /// The word in the STATUS column.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
    /// When to look again.
    pub next: Next,
    /// Conditions beside those that follow from the state.
    pub also: Vec<Desired>,
}

impl Verdict {
    /// This generation is deployed and nothing differs.
    pub fn ready(reason: Reason, message: impl Into<String>) -> Self {
        Self { state: State::Ready, reason, message: message.into(), next: Next::Change, also: Vec::new() }
    }

    /// At work; Live's changes lead on, so nothing is asked again by the clock.
    pub fn progressing(reason: Reason, message: impl Into<String>) -> Self {
        Self { state: State::Progressing, reason, message: message.into(), next: Next::Change, also: Vec::new() }
    }

    /// Something that time cures, looked at again after `delay`.
    pub fn waiting(reason: Reason, message: impl Into<String>, delay: Duration) -> Self {
        Self { state: State::Waiting, reason, message: message.into(), next: Next::After(delay), also: Vec::new() }
    }

    /// Something that time cures and a watch reports.
    pub fn waiting_for_change(reason: Reason, message: impl Into<String>) -> Self {
        Self { state: State::Waiting, reason, message: message.into(), next: Next::Change, also: Vec::new() }
    }

    /// Something failed that may pass.
    pub fn retrying(message: impl Into<String>) -> Self {
        Self {
            state: State::Waiting,
            reason: Reason::Retrying,
            message: message.into(),
            next: Next::Backoff(SOON),
            also: Vec::new(),
        }
    }

    /// The user must act; tried again slowly.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self { state: State::Stalled, reason, message: message.into(), next: Next::Backoff(SLOW), also: Vec::new() }
    }

    /// The user must act, and nothing but a change of the object can help.
    pub fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self { state: State::Stalled, reason, message: message.into(), next: Next::Change, also: Vec::new() }
    }

    /// The same where a change is refused besides: that is to be acted upon first. What else stalls is told after it.
    #[must_use]
    pub fn but_refused(self, reason: Reason, sentence: &str) -> Self {
        let message = match self.state {
            State::Stalled => format!("{}. {}", sentence.trim_end_matches('.'), self.message),
            _ => sentence.to_owned(),
        };
        Self { also: self.also, next: self.next, ..Self::refused(reason, message) }
    }

    /// What a failed call means. `what` is what was being done.
    pub fn failed(what: &str, error: &EcsError) -> Self {
        let message = format!("{what}: {error}");
        match error.class {
            Class::Terminal if error.code == "ClusterNotFoundException" => {
                Self::stalled(Reason::InvalidReference, message)
            }
            Class::Terminal => Self::stalled(Reason::InvalidParameter, message),
            Class::Denied => Self::stalled(Reason::AccessDenied, message),
            Class::Throttled => Self {
                state: State::Waiting,
                reason: Reason::Throttled,
                message,
                next: Next::Backoff(SOON),
                also: Vec::new(),
            },
            Class::Waiting(delay) => Self::waiting(Reason::Retrying, message, delay),
            // It may have been done; what was made needs a moment until a look finds it.
            Class::Transient if error.operation.is_write() => {
                Self { next: Next::After(UNANSWERED), ..Self::retrying(message) }
            }
            // What is not there may be on its way.
            Class::Transient | Class::Absent => Self::retrying(message),
        }
    }

    /// The same, with one more condition.
    #[must_use]
    pub fn with(mut self, condition: Option<Desired>) -> Self {
        self.also.extend(condition);
        self
    }

    /// The same, with the first of the sentences about what is left alone on purpose.
    #[must_use]
    pub fn noting(mut self, notes: &[String]) -> Self {
        if let (State::Ready, Some(note)) = (self.state, notes.first()) {
            self.message = format!("{} Note: {note}.", self.message);
        }
        self
    }

    /// The conditions, in the order in which tools read them.
    pub fn conditions(&self) -> Vec<Desired> {
        let condition = |type_, status| Desired {
            type_,
            status,
            reason: self.reason.as_str().into(),
            message: self.message.clone(),
        };
        let mut all = match self.state {
            State::Ready => vec![condition(READY, Truth::True)],
            State::Idle => vec![condition(READY, Truth::False)],
            State::Progressing => vec![condition(READY, Truth::Unknown), condition(RECONCILING, Truth::True)],
            State::Waiting => vec![condition(READY, Truth::False), condition(RECONCILING, Truth::True)],
            State::Stalled => vec![condition(READY, Truth::False), condition(STALLED, Truth::True)],
        };
        all.extend(self.also.iter().cloned());
        all
    }

    /// Whether a person should be told by a Warning.
    pub fn is_failure(&self) -> bool {
        self.state == State::Stalled || matches!(self.reason, Reason::Retrying | Reason::Unavailable)
    }
}
