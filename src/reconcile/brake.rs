//! Writes that ECS accepts and that change nothing: made again at every look, they would be made for ever.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Subject, plan::Step};

/// The same steps are made so often before they are held back…
const TIMES: u32 = 2;
/// …for this long; then they are tried once more.
const HELD_BACK: Duration = Duration::from_secs(600);

/// The last steps of each object, until a read shows that nothing of them is left to do.
#[derive(Debug, Default)]
pub struct Brake {
    sent: Mutex<HashMap<Subject, Sent>>,
}

#[derive(Debug)]
struct Sent {
    steps: Vec<Step>,
    times: u32,
    last: Instant,
}

impl Brake {
    /// Whether the very same steps were made too often lately.
    pub fn holds(&self, subject: &Subject, steps: &[Step], now: Instant) -> bool {
        let all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(subject).is_some_and(|sent| sent.steps == steps && sent.times >= TIMES && now - sent.last < HELD_BACK)
    }

    /// ECS accepted these steps.
    pub fn sent(&self, subject: &Subject, steps: &[Step], now: Instant) {
        self.note(subject, steps, now, 1);
    }

    /// A read shows that these steps, just made, changed nothing.
    pub fn without_effect(&self, subject: &Subject, steps: &[Step], now: Instant) {
        self.note(subject, steps, now, TIMES);
    }

    /// A read shows that nothing is left to do, or the object is gone.
    pub fn release(&self, subject: &Subject) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }

    fn note(&self, subject: &Subject, steps: &[Step], now: Instant, times: u32) {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.remove(subject).filter(|sent| sent.steps == steps).map_or(0, |sent| sent.times);
        all.insert(subject.clone(), Sent { steps: steps.to_vec(), times: before.saturating_add(times), last: now });
    }
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
        assert!(!brake.holds(&subject, &steps, now));
        brake.sent(&subject, &steps, now);
        assert!(brake.holds(&subject, &steps, now));
        assert!(!brake.holds(&subject, &[], now), "another plan is another matter");
        assert!(!brake.holds(&subject, &steps, now + HELD_BACK), "tried again in the end");
        brake.release(&subject);
        brake.sent(&subject, &steps, now);
        assert!(!brake.holds(&subject, &steps, now), "what was seen to work is drift the next time");
    }
}
