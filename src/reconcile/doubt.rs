//! Calls that may have taken effect although no status tells of it, and must not be made twice.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Subject, plan::Plan, verdict::Verdict};
use crate::api::Reason;

/// After so long ECS shows in its lists what a call made.
const SHOWN: Duration = Duration::from_secs(10);
/// After so long what ECS does not show was not made.
const SURE: Duration = Duration::from_secs(60);

/// For whom a call may be under way that nobody waits for any more, or may have been made and not told.
#[derive(Debug)]
pub struct Doubt {
    started: Instant,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// When a call got no answer, or none that was written down; `None` once it was seen what came of it.
    last: HashMap<Subject, Option<Instant>>,
    /// Whose status says, since the last such call, what a read showed.
    told: HashSet<Subject>,
}

impl Default for Doubt {
    /// Of a process that starts now: the one before it may have died in the middle of a call.
    fn default() -> Self {
        Self { started: Instant::now(), known: Mutex::default() }
    }
}

impl Doubt {
    /// When this process began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// A call that makes something for `subject` begins. Until [`Call::answered`] it counts as one without an answer, also
    /// where the pass that makes it is dropped.
    pub fn call(&self, subject: &Subject) -> Call<'_> {
        Call { doubt: self, subject: subject.clone(), is_answered: false }
    }

    /// A call that makes something for `subject` got no answer, or none that was written down.
    fn raise(&self, subject: &Subject) {
        let mut known = self.lock();
        known.told.remove(subject);
        known.last.insert(subject.clone(), Some(Instant::now()));
    }

    /// Nobody called for `subject` before this process, which has just begun to hold it.
    pub fn is_new(&self, subject: &Subject) {
        let mut known = self.lock();
        if !known.last.contains_key(subject) {
            known.last.insert(subject.clone(), None);
            known.told.insert(subject.clone());
        }
    }

    /// A read shows what was made for `subject`. What the process before this one made may be more than that, and ECS may show
    /// the last of it first.
    pub fn settle(&self, subject: &Subject) {
        let mut known = self.lock();
        known.told.insert(subject.clone());
        if known.last.contains_key(subject) || self.started.elapsed() >= SHOWN {
            known.last.insert(subject.clone(), None);
        }
    }

    /// The status of `subject` says what a read shows, though there is more to do.
    pub fn tell(&self, subject: &Subject) {
        self.lock().told.insert(subject.clone());
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, subject: &Subject) {
        let mut known = self.lock();
        known.told.remove(subject);
        known.last.remove(subject);
    }

    /// Whose call may have been made for `subject` of which no status tells what came of it.
    pub fn untold(&self, subject: &Subject) -> Untold {
        let known = self.lock();
        match known.last.get(subject) {
            _ if known.told.contains(subject) => Untold::Nothing,
            Some(Some(_)) => Untold::Ours,
            _ => Untold::OfTheProcessBefore,
        }
    }

    /// How long it is until ECS lists what an unanswered call made. `was_ours` tells that the process before this one may
    /// have called for it.
    pub fn left(&self, subject: &Subject, was_ours: bool, now: Instant) -> Option<Duration> {
        self.until(SHOWN, subject, was_ours, now)
    }

    /// How long it is until what is not there was surely not made: who gives it up sooner leaves it behind.
    pub fn left_to_be_sure(&self, subject: &Subject, was_ours: bool, now: Instant) -> Option<Duration> {
        self.until(SURE, subject, was_ours, now)
    }

    fn until(&self, after: Duration, subject: &Subject, was_ours: bool, now: Instant) -> Option<Duration> {
        let last = match self.lock().last.get(subject) {
            Some(last) => (*last)?,
            None => was_ours.then_some(self.started)?,
        };
        after.checked_sub(now.saturating_duration_since(last)).filter(|left| !left.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose call may have been made of which no status tells what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// Nobody's: the status tells of all.
    Nothing,
    /// One of the process before this one, which may have died in the middle of it.
    OfTheProcessBefore,
    /// One of this process. That it was made is known.
    Ours,
}

/// A call that makes something.
#[derive(Debug)]
pub struct Call<'a> {
    doubt: &'a Doubt,
    subject: Subject,
    is_answered: bool,
}

impl Call<'_> {
    /// It is known what came of it, and need not be remembered any more.
    pub fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.doubt.raise(&self.subject);
        }
    }
}

/// What to say of a plan that may have been carried out already.
pub(super) fn in_doubt(plan: &Plan, left: Duration) -> Verdict {
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    let message = format!(
        "It is not known whether this has happened already, and it must not happen twice: {}; ECS is asked again in a moment",
        steps.join("; ")
    );
    Verdict::waiting(Reason::Retrying, message, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn doubt_ends_when_ecs_shows_what_was_made() {
        let subject = Subject { kind: "EcsTaskDefinition".into(), namespace: "shop".into(), name: "web".into() };
        let doubt = Doubt::default();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(doubt.left(&subject, false, at(0)), None, "nobody can have called for what is new");
        assert_eq!(doubt.left(&subject, true, at(4)), Some(Duration::from_secs(6)));
        assert_eq!(doubt.untold(&subject), Untold::OfTheProcessBefore);
        doubt.settle(&subject);
        assert_eq!(doubt.left(&subject, true, at(4)), Some(Duration::from_secs(6)), "there may be more");
        assert_eq!(doubt.untold(&subject), Untold::Nothing, "what there is was told");
        assert_eq!(doubt.left(&subject, true, at(10)), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        drop(doubt.call(&subject));
        assert_eq!(doubt.left(&subject, false, at(63)), Some(Duration::from_secs(7)));
        assert_eq!(doubt.left(&subject, false, at(70)), None);
        assert_eq!(doubt.left_to_be_sure(&subject, false, at(119)), Some(Duration::from_secs(1)));
        assert_eq!(doubt.left_to_be_sure(&subject, false, at(120)), None);
        assert_eq!(doubt.untold(&subject), Untold::Ours, "time alone shows nothing");
        doubt.settle(&subject);
        assert_eq!(doubt.untold(&subject), Untold::Nothing);
        assert_eq!(doubt.left_to_be_sure(&subject, true, at(61)), None, "what was made was seen");
        doubt.call(&subject).answered();
        assert_eq!(doubt.left(&subject, true, at(61)), None, "it is known what came of the call");
        drop(doubt.call(&subject));
        assert_eq!(
            doubt.left(&subject, false, at(61)),
            Some(Duration::from_secs(9)),
            "the pass was dropped in the call"
        );
    }
}
