//! Somebody else who moves a field as often as the operator puts it back: after a while the operator gives way.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
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

/// When a field of each object was put back although nobody had edited the manifest.
#[derive(Debug, Default)]
pub struct Contests {
    corrections: Mutex<HashMap<Subject, Vec<Instant>>>,
}

impl Contests {
    /// The field was put back.
    pub fn corrected(&self, subject: &Subject, now: Instant) {
        let mut all = self.corrections.lock().unwrap_or_else(PoisonError::into_inner);
        let times = all.entry(subject.clone()).or_default();
        times.push(now);
        let surplus = times.len().saturating_sub(TIMES);
        times.drain(..surplus);
    }

    /// Whether the operator gives way now.
    pub fn is_on(&self, subject: &Subject, now: Instant) -> bool {
        let all = self.corrections.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(subject).is_some_and(|times| is_contest(times, now))
    }

    /// The manifest was edited, or the object is gone: a new start.
    pub fn forget(&self, subject: &Subject) {
        self.corrections.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}

fn is_contest(times: &[Instant], now: Instant) -> bool {
    let [first, .., last] = times else { return false };
    times.len() >= TIMES && *last - *first <= WITHIN && now - *last < GIVES_WAY
}

#[cfg(test)]
mod tests {
    use super::*;

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
