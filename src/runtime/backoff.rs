//! How long an object that failed waits, each object for itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How the delay grows with each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

/// Doublings after which the delay grows no more.
const DOUBLINGS: u32 = 20;

/// Failures in a row, by object.
#[derive(Debug, Default)]
pub struct Failures {
    counts: Mutex<HashMap<String, u32>>,
}

impl Failures {
    /// Counts a failure of `object` and tells how long to wait. `jitter` is from 0 to 1.
    pub fn failed(&self, object: &str, delays: Delays, jitter: f64) -> Duration {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(object.to_owned()).or_insert(0);
        let wait = delay(*count, delays, jitter);
        *count = count.saturating_add(1);
        wait
    }

    /// Forgets the failures of `object`: it succeeded, or it is gone.
    pub fn forget(&self, object: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }
}

/// Exponential, capped, and between 75 % and 125 % of that so that objects that failed together part.
pub fn delay(failures: u32, delays: Delays, jitter: f64) -> Duration {
    let doubled = delays.first.saturating_mul(2_u32.saturating_pow(failures.min(DOUBLINGS)));
    doubled.min(delays.longest).mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAYS: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_secs(60) };

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        assert_eq!(delay(0, DELAYS, 0.5), Duration::from_millis(500));
        assert_eq!(delay(3, DELAYS, 0.5), Duration::from_secs(4));
        assert_eq!(delay(40, DELAYS, 0.5), DELAYS.longest);
        assert_eq!(delay(40, DELAYS, 1.0), Duration::from_secs(75));
    }

    #[test]
    fn a_success_starts_again() {
        let failures = Failures::default();
        failures.failed("a", DELAYS, 0.5);
        assert_eq!(failures.failed("a", DELAYS, 0.5), Duration::from_secs(1));
        failures.forget("a");
        assert_eq!(failures.failed("a", DELAYS, 0.5), Duration::from_millis(500));
    }
}
