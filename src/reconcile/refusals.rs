//! Calls that ECS refused: made again at every sign of a change, they would be made a hundred times an hour.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Subject,
    plan::Step,
    verdict::{SLOW, State, Verdict},
};
use crate::runtime::{backoff::delay, controller::Next};

/// The refused calls of each object, one by one: what ECS says of one is no reason to leave the others.
#[derive(Debug, Default)]
pub struct Refusals {
    refused: Mutex<HashMap<Subject, Vec<Refused>>>,
}

#[derive(Debug)]
struct Refused {
    generation: Option<i64>,
    step: Step,
    verdict: Verdict,
    times: u32,
    pause: Duration,
    at: Instant,
}

impl Refused {
    /// How long it is not made again.
    fn left(&self, now: Instant) -> Option<Duration> {
        self.pause.checked_sub(now - self.at).filter(|left| !left.is_zero())
    }
}

impl Refusals {
    /// ECS refused `step`: what is said of it, and not made again before it is due. `jitter` is from 0 to 1.
    pub fn note(
        &self,
        subject: &Subject,
        generation: Option<i64>,
        step: Step,
        verdict: Verdict,
        (now, jitter): (Instant, f64),
    ) {
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(subject.clone()).or_default();
        // What is no longer asked for is not made again: it is forgotten once it was due for long.
        known.retain(|one| one.generation == generation && now - one.at < one.pause + SLOW.longest);
        let place = known.iter().position(|one| one.step == step);
        let before = place.map(|place| known.remove(place)).filter(|before| before.verdict.state == verdict.state);
        let times = before.map_or(0, |before| before.times.saturating_add(1));
        let pause = match verdict.next {
            Next::After(pause) => pause,
            _ => delay(times, SLOW, jitter),
        };
        known.push(Refused { generation, step, verdict, times, pause, at: now });
    }

    /// Takes out of `steps` those that were refused so lately that they are not made again yet: what was said of the first
    /// of them that the user must act upon, else of the first, and when the next of them is due.
    pub fn take_out(
        &self,
        subject: &Subject,
        generation: Option<i64>,
        steps: &mut Vec<Step>,
        now: Instant,
    ) -> Option<Verdict> {
        let all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<&Refused> = all.get(subject)?.iter().filter(|one| one.generation == generation).collect();
        let (mut told, mut soonest): (Option<&Verdict>, _) = (None, Duration::MAX);
        steps.retain(|step| {
            let refused = known.iter().find(|one| one.step == *step);
            let Some((refused, left)) = refused.and_then(|one| Some((one, one.left(now)?))) else { return true };
            soonest = left.min(soonest);
            if told.is_none_or(|told| told.state != State::Stalled && refused.verdict.state == State::Stalled) {
                told = Some(&refused.verdict);
            }
            false
        });
        told.map(|verdict| Verdict { next: Next::After(soonest), ..verdict.clone() })
    }

    /// Nothing is left to make, or the object is gone.
    pub fn forget(&self, subject: &Subject) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{api::Reason, ecs::Operation};

    fn subject() -> Subject {
        Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() }
    }

    fn step(count: u8) -> Step {
        Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": count }), Vec::new())
    }

    /// Whatever else moves in ECS wakes the object, and is no reason to be refused again.
    #[tokio::test(start_paused = true)]
    async fn a_refused_call_waits_for_its_time_or_an_edit() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let subject = subject();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let denied = || Verdict::stalled(Reason::AccessDenied, "denied");
        let held = |generation: i64, count: u8, seconds: u64| {
            refusals.take_out(&subject, Some(generation), &mut vec![step(count)], at(seconds))
        };
        refusals.note(&subject, Some(1), step(2), denied(), (at(0), 0.5));
        let said = held(1, 2, 4).map(|verdict| (verdict.message, verdict.next));
        assert_eq!(said, Some(("denied".to_owned(), Next::After(Duration::from_secs(6)))));
        assert!(held(1, 2, 10).is_none(), "tried again");
        assert!(held(1, 3, 4).is_none(), "another call is another matter");
        assert!(held(2, 2, 4).is_none(), "so it is after an edit");
        refusals.note(&subject, Some(1), step(2), denied(), (at(10), 0.5));
        assert!(held(1, 2, 29).is_some() && held(1, 2, 30).is_none(), "more seldom each time");
        let passing = Verdict::waiting(Reason::Retrying, "busy", Duration::from_secs(3));
        refusals.note(&subject, Some(3), step(2), passing, (at(40), 0.5));
        assert!(held(3, 2, 42).is_some() && held(3, 2, 43).is_none(), "what time cures has its own");
    }

    /// A hook's answer that ECS refuses must not keep a correction of the service from being sent.
    #[tokio::test(start_paused = true)]
    async fn of_several_calls_only_the_refused_ones_wait() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let subject = subject();
        let wrong = |message: &str| Verdict::stalled(Reason::InvalidParameter, message);
        refusals.note(&subject, Some(1), step(3), wrong("third"), (now, 0.5));
        refusals.note(&subject, Some(1), step(1), wrong("first"), (now + Duration::from_secs(2), 0.5));
        let mut steps = vec![step(1), step(2), step(3)];
        let held = refusals.take_out(&subject, Some(1), &mut steps, now + Duration::from_secs(5)).unwrap();
        assert_eq!(steps, [step(2)]);
        assert_eq!((held.message.as_str(), held.next), ("first", Next::After(Duration::from_secs(5))));
    }
}
