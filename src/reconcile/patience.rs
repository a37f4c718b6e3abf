//! Failures that are ECS's slowness at first and the user's matter later: it takes a moment to know what was made just
//! now, and a name that stays unknown was never right.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Subject, kind::Refusal, verdict::Verdict};
use crate::{
    api::Reason,
    ecs::{Class, Operation},
};

/// How often somebody looks again who waits for another object.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// For so long ECS may be unreadable before an object that was as asked says so: every throttled second would flicker.
const UNREAD: Duration = Duration::from_secs(60);

/// Since when each object fails in such a way, and since when it can't be read.
#[derive(Debug, Default)]
pub struct Patience {
    /// By object, each call on its own; `None` for what fails before a call.
    since: Mutex<HashMap<Subject, BTreeMap<Option<Operation>, Failing>>>,
    /// Since when ECS can't be read for an object.
    unread: Mutex<HashMap<Subject, Instant>>,
    /// The fresh look that was asked for last.
    asked: Mutex<HashMap<Subject, String>>,
}

#[derive(Debug)]
struct Failing {
    message: String,
    generation: Option<i64>,
    since: Instant,
}

impl Patience {
    /// The same failure, or once waiting has not cured it, one that the user must act upon.
    pub fn judge(&self, subject: &Subject, generation: Option<i64>, refusal: Refusal, now: Instant) -> Refusal {
        match refusal {
            Refusal::Ecs(what, mut error) => {
                let call = Some(error.operation);
                if let Some(patience) = error.patience()
                    && self.left((subject, call), generation, &error.message, patience, now).is_none()
                {
                    error.class = Class::Terminal;
                }
                Refusal::Ecs(what, error)
            }
            Refusal::NotYet(verdict, patience) => {
                let left = self.left((subject, None), generation, &verdict.message, patience, now);
                Refusal::Verdict(match left {
                    Some(left) => Verdict::waiting(Reason::RefNotReady, verdict.message, left.min(LOOK_AGAIN)),
                    None => verdict,
                })
            }
            other => other,
        }
    }

    /// Whether ECS could not be read at this moment, and not for so long that it is worth a word.
    pub fn overlooks(&self, subject: &Subject, refusal: &Refusal, now: Instant) -> bool {
        let Refusal::Ecs(_, error) = refusal else { return false };
        !error.operation.is_write() && matches!(error.class, Class::Throttled | Class::Transient) && {
            let mut all = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            now - *all.entry(subject.clone()).or_insert(now) < UNREAD
        }
    }

    /// ECS could be read.
    pub fn was_read(&self, subject: &Subject) {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }

    /// How long the failure may still last.
    fn left(
        &self,
        (subject, call): (&Subject, Option<Operation>),
        generation: Option<i64>,
        message: &str,
        patience: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let mut all = self.failing();
        let new = || Failing { message: message.to_owned(), generation, since: now };
        let failing = all.entry(subject.clone()).or_default().entry(call).or_insert_with(new);
        if failing.message != message || failing.generation != generation {
            *failing = new();
        }
        patience.checked_sub(now - failing.since).filter(|left| !left.is_zero())
    }

    /// That call was accepted: what fails of it later is another failure, also in the same words.
    pub fn is_over(&self, subject: &Subject, call: Operation) {
        if let Some(failing) = self.failing().get_mut(subject) {
            failing.remove(&Some(call));
        }
    }

    /// A fresh look is asked for with this value: whether patience begins anew. It does so once a value, however often the
    /// look is tried until ECS answers.
    pub fn begins_anew(&self, subject: &Subject, asked: &str) -> bool {
        let before = self.asked().insert(subject.clone(), asked.to_owned());
        let is_new = before.is_none_or(|before| before != asked);
        if is_new {
            self.forget(subject);
        }
        is_new
    }

    /// The object is gone.
    pub fn is_gone(&self, subject: &Subject) {
        self.forget(subject);
        self.was_read(subject);
        self.asked().remove(subject);
    }

    /// The object fails no more.
    pub fn forget(&self, subject: &Subject) {
        self.failing().remove(subject);
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Subject, String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failing(&self) -> MutexGuard<'_, HashMap<Subject, BTreeMap<Option<Operation>, Failing>>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ecs::EcsError, reconcile::verdict::State};

    /// A misspelt role must not look like one that IAM is about to show, for ever.
    #[tokio::test(start_paused = true)]
    async fn what_waiting_does_not_cure_becomes_the_users() {
        let (patience, start) = (Patience::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let of = |generation: i64, message: &str, after: u64| {
            let error = EcsError::new(Operation::CreateService, "ClientException", message);
            let refusal = Refusal::Ecs("service web".into(), error);
            patience.judge(&subject, Some(generation), refusal, start + Duration::from_secs(after)).verdict().state
        };
        let state = |message: &str, after: u64| of(1, message, after);
        assert_eq!(state("Role is not valid", 0), State::Waiting);
        assert_eq!(state("Role is not valid", 100), State::Waiting);
        assert_eq!(state("Role is not valid", 130), State::Stalled);
        assert_eq!(of(2, "Role is not valid", 135), State::Waiting, "the edit may name another role, made just now");
        assert_eq!(state("TaskDefinition not found.", 140), State::Waiting, "another failure has its own time");
        patience.forget(&subject);
        assert_eq!(state("Role is not valid", 150), State::Waiting);
    }

    /// A look that is asked for and can't be had is tried again and again: what can't be cured is told all the same.
    #[tokio::test(start_paused = true)]
    async fn patience_begins_anew_once_for_each_look_that_is_asked_for() {
        let (patience, start) = (Patience::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let state = |asked: &str, after: u64| {
            patience.begins_anew(&subject, asked);
            let wrong = Verdict::stalled(Reason::InvalidReference, "no such family");
            let refusal = Refusal::NotYet(wrong, Duration::from_secs(60));
            patience.judge(&subject, Some(1), refusal, start + Duration::from_secs(after)).verdict().state
        };
        assert_eq!((state("once", 0), state("once", 70)), (State::Waiting, State::Stalled));
        assert_eq!((state("twice", 80), state("twice", 150)), (State::Waiting, State::Stalled));
    }

    /// Two calls of one plan that are refused at the same time must not keep each other young.
    #[tokio::test(start_paused = true)]
    async fn each_call_has_its_own_patience() {
        let (patience, start) = (Patience::default(), Instant::now());
        let subject = Subject { kind: "EcsCluster".into(), namespace: "shop".into(), name: "main".into() };
        let state = |operation: Operation, after: u64| {
            let error = EcsError::new(operation, "ClientException", "Role is not valid");
            let refusal = Refusal::Ecs("cluster main".into(), error);
            patience.judge(&subject, Some(1), refusal, start + Duration::from_secs(after)).verdict().state
        };
        let (one, other) = (Operation::UpdateCluster, Operation::CreateService);
        assert_eq!((state(one, 0), state(other, 60)), (State::Waiting, State::Waiting));
        assert_eq!((state(one, 130), state(other, 131)), (State::Stalled, State::Waiting));
        patience.is_over(&subject, one);
        assert_eq!((state(one, 200), state(other, 200)), (State::Waiting, State::Stalled), "accepted in between");
    }

    /// A service that runs is not less ready because ECS was busy for a second.
    #[tokio::test(start_paused = true)]
    async fn that_ecs_cannot_be_read_is_told_after_a_minute() {
        let (patience, start) = (Patience::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let overlooks = |operation: Operation, code: &str, after: u64| {
            let refusal = Refusal::Ecs("service web".into(), EcsError::new(operation, code, "Rate exceeded"));
            patience.overlooks(&subject, &refusal, start + Duration::from_secs(after))
        };
        assert!(overlooks(Operation::DescribeServices, "ThrottlingException", 0));
        assert!(overlooks(Operation::DescribeServices, "ServerException", 59));
        patience.forget(&subject);
        assert!(!overlooks(Operation::DescribeServices, "ThrottlingException", 60), "also where a look was asked for");
        patience.was_read(&subject);
        assert!(overlooks(Operation::DescribeServices, "ThrottlingException", 61));
        assert!(!overlooks(Operation::UpdateService, "ThrottlingException", 61), "what was to change did not");
        assert!(!overlooks(Operation::DescribeServices, "AccessDeniedException", 61), "the user must act");
    }

    /// Manifests of one commit arrive one by one: until the other is here, nobody has to act.
    #[tokio::test(start_paused = true)]
    async fn what_another_manifest_may_cure_waits_for_it_first() {
        let (patience, start) = (Patience::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let at = |after: u64| {
            let wrong = Verdict::refused(Reason::InvalidParameter, "no such container");
            let refusal = Refusal::NotYet(wrong, Duration::from_secs(10));
            let verdict = patience.judge(&subject, Some(1), refusal, start + Duration::from_secs(after)).verdict();
            (verdict.state, verdict.reason)
        };
        assert_eq!(at(0), (State::Waiting, Reason::RefNotReady));
        assert_eq!(at(9), (State::Waiting, Reason::RefNotReady));
        assert_eq!(at(10), (State::Stalled, Reason::InvalidParameter));
    }
}
