//! How long an object that failed waits, each object for itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The first delay.
const BASE: Duration = Duration::from_millis(500);
/// Doublings after which the delay grows no more.
const DOUBLINGS: u32 = 20;

/// Failures in a row, by object.
#[derive(Debug, Default)]
pub struct Failures {
    counts: Mutex<HashMap<String, u32>>,
}

impl Failures {
    /// Counts a failure of `object` and tells how long to wait. `jitter` is from 0 to 1.
    pub fn failed(&self, object: &str, cap: Duration, jitter: f64) -> Duration {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(object.to_owned()).or_insert(0);
        let wait = delay(*count, cap, jitter);
        *count = count.saturating_add(1);
        wait
    }

    /// Forgets the failures of `object`: it succeeded, or it is gone.
    pub fn forget(&self, object: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }
}

/// Exponential, capped, and between 75 % and 125 % of that so that objects that failed together part.
fn delay(failures: u32, cap: Duration, jitter: f64) -> Duration {
    let doubled = BASE.saturating_mul(2_u32.saturating_pow(failures.min(DOUBLINGS)));
    doubled.min(cap).mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let cap = Duration::from_secs(60);
        assert_eq!(delay(0, cap, 0.5), Duration::from_millis(500));
        assert_eq!(delay(3, cap, 0.5), Duration::from_secs(4));
        assert_eq!(delay(40, cap, 0.5), cap);
        assert_eq!(delay(40, cap, 1.0), Duration::from_secs(75));
    }

    #[test]
    fn a_success_starts_again() {
        let failures = Failures::default();
        let cap = Duration::from_secs(60);
        failures.failed("a", cap, 0.5);
        assert_eq!(failures.failed("a", cap, 0.5), Duration::from_secs(1));
        failures.forget("a");
        assert_eq!(failures.failed("a", cap, 0.5), Duration::from_millis(500));
    }
}
