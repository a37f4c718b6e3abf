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

/// The last refused call of each object.
#[derive(Debug, Default)]
pub struct Refusals {
    refused: Mutex<HashMap<Subject, Refused>>,
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

impl Refusals {
    /// ECS refused `step` for a reason that the user must act upon: the verdict, and when to try again. `jitter` is from 0 to
    /// 1.
    pub fn note(
        &self,
        subject: &Subject,
        generation: Option<i64>,
        step: Step,
        verdict: Verdict,
        (now, jitter): (Instant, f64),
    ) -> Verdict {
        if verdict.state != State::Stalled {
            return verdict;
        }
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.remove(subject).filter(|before| before.generation == generation && before.step == step);
        let times = before.map_or(0, |before| before.times.saturating_add(1));
        let pause = delay(times, SLOW, jitter);
        let verdict = Verdict { next: Next::After(pause), ..verdict };
        all.insert(subject.clone(), Refused { generation, step, verdict: verdict.clone(), times, pause, at: now });
        verdict
    }

    /// What was said of the first of `steps`, where it was refused so lately that it is not made again yet.
    pub fn holds(&self, subject: &Subject, generation: Option<i64>, steps: &[Step], now: Instant) -> Option<Verdict> {
        let all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = all.get(subject).filter(|refused| refused.generation == generation)?;
        let left = refused.pause.checked_sub(now - refused.at).filter(|left| !left.is_zero())?;
        (steps.first() == Some(&refused.step)).then(|| Verdict { next: Next::After(left), ..refused.verdict.clone() })
    }

    /// It was made, or nothing is left to make, or the object is gone.
    pub fn forget(&self, subject: &Subject) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{api::Reason, ecs::Operation};

    /// Whatever else moves in ECS wakes the object, and is no reason to be refused again.
    #[tokio::test(start_paused = true)]
    async fn a_refused_call_waits_for_its_time_or_an_edit() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let step = |count: u8| {
            Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": count }), Vec::new())
        };
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let denied = || Verdict::stalled(Reason::AccessDenied, "denied");
        let noted = refusals.note(&subject, Some(1), step(2), denied(), (at(0), 0.5));
        assert_eq!(noted.next, Next::After(SLOW.first));
        let held = refusals.holds(&subject, Some(1), &[step(2)], at(4)).map(|verdict| (verdict.message, verdict.next));
        assert_eq!(held, Some(("denied".to_owned(), Next::After(Duration::from_secs(6)))));
        assert!(refusals.holds(&subject, Some(1), &[step(2)], at(10)).is_none(), "tried again");
        assert!(refusals.holds(&subject, Some(1), &[step(3)], at(4)).is_none(), "another call is another matter");
        assert!(refusals.holds(&subject, Some(2), &[step(2)], at(4)).is_none(), "so it is after an edit");
        let again = refusals.note(&subject, Some(1), step(2), denied(), (at(10), 0.5));
        assert_eq!(again.next, Next::After(SLOW.first * 2), "more seldom each time");
        let passing = Verdict::retrying("busy");
        assert_eq!(refusals.note(&subject, Some(3), step(2), passing.clone(), (at(11), 0.5)).next, passing.next);
    }
}
