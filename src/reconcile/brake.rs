//! Writes that ECS accepts and that change nothing: made again at every look, they would be made for ever.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Subject, plan::Step, verdict::Verdict};
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
    /// Takes out of a plan the very same steps that were made too often lately: which, and how long they are held back in all.
    pub fn take_out(&self, subject: &Subject, steps: &mut Vec<Step>, now: Instant) -> Option<(Vec<Step>, Duration)> {
        let all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = |sent: &&Sent| {
            let is_planned = sent.steps.iter().all(|step| steps.contains(step));
            is_planned && sent.times >= TIMES && now - sent.last < sent.pause()
        };
        let held: Vec<&Sent> = all.get(subject).into_iter().flatten().filter(is_held).collect();
        let pause = held.iter().map(|sent| sent.pause()).max()?;
        let taken = steps.extract_if(.., |step| held.iter().any(|sent| sent.steps.contains(step)));
        Some((taken.collect(), pause))
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
        if steps.is_empty() {
            return;
        }
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

/// What to say of steps that are held back for so long.
pub(super) fn without_effect(steps: &[Step], pause: Duration) -> Verdict {
    let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
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
        let holds = |steps: &[Step], now| {
            let held = brake.take_out(&subject, &mut steps.to_vec(), now);
            held.map(|(taken, pause)| {
                assert_eq!(taken, steps);
                pause
            })
        };
        brake.sent(&subject, &steps, now);
        assert_eq!(holds(&steps, now), None);
        brake.sent(&subject, &steps, now);
        assert_eq!(holds(&steps, now), Some(HELD_BACK));
        let undone = [Step::new(Operation::UpdateService, "service web", json!({ "desiredCount": 1 }), Vec::new())];
        assert_eq!(holds(&undone, now), None, "another plan is another matter");
        brake.sent(&subject, &undone, now);
        assert_eq!(holds(&steps, now), Some(HELD_BACK), "also where another one was made in between");
        let other = Step::new(Operation::TagResource, "service web", json!({}), Vec::new());
        let mut more = vec![steps[0].clone(), other.clone()];
        assert!(brake.take_out(&subject, &mut more, now).is_some());
        assert_eq!(more, [other], "what else is planned is made");
        assert_eq!(holds(&steps, now + HELD_BACK), None, "tried again in the end");
        brake.sent(&subject, &steps, now + HELD_BACK);
        assert_eq!(holds(&steps, now + HELD_BACK * 2), Some(HELD_BACK * 2), "more seldom each time");
        brake.release(&subject);
        brake.sent(&subject, &steps, now);
        brake.without_effect(&subject, &steps, now);
        assert_eq!(holds(&steps, now), Some(HELD_BACK), "a read that shows nothing of it counts like a try");
        brake.release(&subject);
        brake.sent(&subject, &steps, now);
        assert_eq!(holds(&steps, now), None, "what was seen to work is drift the next time");
    }
}
