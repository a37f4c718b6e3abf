//! Somebody else who moves a field as often as the operator puts it back: after a while the operator gives way.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Subject;

/// So many corrections…
const TIMES: usize = 3;
/// …within this long make a contest…
const WITHIN: Duration = Duration::from_mins(15);
/// …and for this long after the last of them nothing is corrected.
const GIVES_WAY: Duration = Duration::from_hours(1);

/// When a field of each object was put back although it had been as the manifest asks.
#[derive(Debug, Default)]
pub struct Contests {
    corrections: Mutex<HashMap<Subject, Corrections>>,
}

/// Of one generation of the manifest: another one is a new start.
#[derive(Debug, Default)]
struct Corrections {
    generation: Option<i64>,
    times: Vec<Instant>,
}

impl Contests {
    /// ECS accepted the field as that generation asks. Where it had been so before, it was put back: else it was an edit,
    /// however late, which is no contest.
    pub fn accepted(&self, subject: &Subject, generation: Option<i64>, now: Instant) {
        if !self.as_asked(subject, generation) {
            return;
        }
        if let Some(Corrections { times, .. }) = self.lock().get_mut(subject) {
            times.push(now);
            let surplus = times.len().saturating_sub(TIMES);
            times.drain(..surplus);
        }
    }

    /// The field is as that generation asks. Whether it was known to be so.
    pub fn as_asked(&self, subject: &Subject, generation: Option<i64>) -> bool {
        let mut all = self.lock();
        let known = all.get(subject).is_some_and(|known| known.generation == generation);
        if !known {
            all.insert(subject.clone(), Corrections { generation, times: Vec::new() });
        }
        known
    }

    /// Whether the operator gives way now.
    pub fn is_on(&self, subject: &Subject, generation: Option<i64>, now: Instant) -> bool {
        let all = self.lock();
        all.get(subject).is_some_and(|known| known.generation == generation && is_contest(&known.times, now))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Corrections>> {
        self.corrections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh look was asked for, or the object is gone: a new start.
    pub fn forget(&self, subject: &Subject) {
        self.lock().remove(subject);
    }
}

fn is_contest(times: &[Instant], now: Instant) -> bool {
    let [first, .., last] = times else { return false };
    times.len() >= TIMES && *last - *first <= WITHIN && now - *last < GIVES_WAY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change that ECS throttled is sent by a later pass, when the manifest looks as if nobody had edited it.
    #[test]
    fn what_a_generation_asks_for_the_first_time_is_no_correction() {
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let (contests, now) = (Contests::default(), Instant::now());
        for generation in 1..=4 {
            contests.accepted(&subject, Some(generation), now);
        }
        contests.accepted(&subject, Some(4), now);
        contests.accepted(&subject, Some(4), now);
        assert!(!contests.is_on(&subject, Some(4), now));
        contests.accepted(&subject, Some(4), now);
        assert!(contests.is_on(&subject, Some(4), now));
        assert!(!contests.is_on(&subject, Some(5), now), "an edit is the user's word");
    }

    /// A controller and an autoscaler that fight would start and stop tasks all day.
    #[test]
    fn three_corrections_in_a_quarter_of_an_hour_are_a_contest_for_an_hour() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        assert!(!is_contest(&[at(0), at(5)], at(6)));
        assert!(is_contest(&[at(0), at(5), at(10)], at(11)));
        assert!(!is_contest(&[at(0), at(5), at(20)], at(21)), "too far apart");
        assert!(!is_contest(&[at(0), at(5), at(10)], at(71)), "over after an hour");
    }
}
