//! Writes that ECS accepts and that change nothing: made again at every look, they would be made for ever.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Subject,
    plan::{Plan, Step},
    verdict::Verdict,
};
use crate::api::Reason;

/// The same steps are made so often before they are held back…
const TIMES: u32 = 2;
/// …for this long; then they are tried once more, and held back twice as long, up to…
const HELD_BACK: Duration = Duration::from_mins(10);
/// …so long.
const LONGEST: Duration = Duration::from_hours(24);
/// So many plans of an object are remembered: two that undo each other are no better than one.
const PLANS: usize = 4;

/// The last steps of each object, until a read shows that nothing of them is left to do.
#[derive(Debug, Default)]
pub struct Brake {
    sent: Mutex<HashMap<Subject, Vec<Sent>>>,
}

#[derive(Debug)]
struct Sent {
    steps: Vec<Step>,
    times: u32,
    last: Instant,
}

impl Brake {
    /// How long the very same steps are held back in all, where they were made too often lately.
    pub fn holds(&self, subject: &Subject, steps: &[Step], now: Instant) -> Option<Duration> {
        let all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = all.get(subject).into_iter().flatten().find(|sent| sent.steps == steps)?;
        (sent.times >= TIMES && now - sent.last < sent.pause()).then(|| sent.pause())
    }

    /// ECS accepted these steps.
    pub fn sent(&self, subject: &Subject, steps: &[Step], now: Instant) {
        self.note(subject, steps, now, |times| times.saturating_add(1));
    }

    /// A read shows that these steps, just made, changed nothing.
    pub fn without_effect(&self, subject: &Subject, steps: &[Step], now: Instant) {
        self.note(subject, steps, now, |times| times.max(TIMES));
    }

    /// A read shows that nothing is left to do, or the object is gone.
    pub fn release(&self, subject: &Subject) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }

    fn note(&self, subject: &Subject, steps: &[Step], now: Instant, times: impl Fn(u32) -> u32) {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let plans = all.entry(subject.clone()).or_default();
        let place = plans.iter().position(|sent| sent.steps == steps);
        let before = place.map_or(0, |place| plans.remove(place).times);
        plans.insert(0, Sent { steps: steps.to_vec(), times: times(before), last: now });
        plans.truncate(PLANS);
    }
}

impl Sent {
    fn pause(&self) -> Duration {
        HELD_BACK.saturating_mul(2_u32.saturating_pow(self.times.saturating_sub(TIMES))).min(LONGEST)
    }
}

/// What to say of a plan that is held back for so long.
pub(super) fn without_effect(plan: &Plan, pause: Duration) -> Verdict {
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    let message = format!(
        "ECS accepted the change and does not show it: {}; it is not sent again for {} minutes, or until the manifest or ECS \
         changes",
        steps.join("; "),
        pause.as_secs() / 60
    );
    Verdict::waiting(Reason::Retrying, message, Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ecs::Operation;

    /// Two tries tell a lost write from one without effect; a third would be the beginning of an endless row.
    #[tokio::test(start_paused = true)]
    async fn the_third_identical_write_waits_unless_a_read_showed_the_first() {
        let (brake, now) = (Brake::default(), Instant::now());
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let steps = [Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": 2 }), Vec::new())];
        brake.sent(&subject, &steps, now);
        assert_eq!(brake.holds(&subject, &steps, now), None);
        brake.sent(&subject, &steps, now);
        assert_eq!(brake.holds(&subject, &steps, now), Some(HELD_BACK));
        let undone = [Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": 1 }), Vec::new())];
        assert_eq!(brake.holds(&subject, &undone, now), None, "another plan is another matter");
        brake.sent(&subject, &undone, now);
        assert_eq!(brake.holds(&subject, &steps, now), Some(HELD_BACK), "also where another one was made in between");
        assert_eq!(brake.holds(&subject, &steps, now + HELD_BACK), None, "tried again in the end");
        brake.sent(&subject, &steps, now + HELD_BACK);
        assert_eq!(brake.holds(&subject, &steps, now + HELD_BACK * 2), Some(HELD_BACK * 2), "more seldom each time");
        brake.release(&subject);
        brake.sent(&subject, &steps, now);
        brake.without_effect(&subject, &steps, now);
        assert_eq!(
            brake.holds(&subject, &steps, now),
            Some(HELD_BACK),
            "a read that shows nothing of it counts like a try"
        );
        brake.release(&subject);
        brake.sent(&subject, &steps, now);
        assert_eq!(brake.holds(&subject, &steps, now), None, "what was seen to work is drift the next time");
    }
}
