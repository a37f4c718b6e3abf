//! What time it is in the simulated world.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// A moment: milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// As ECS writes times: seconds since 1970, with fractions.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The time that has passed since `earlier`, none where it is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        Self(0) + time.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Where every simulation begins: 2026-01-01T00:00:00Z.
const START: Time = Time(1_767_225_600_000);

/// The clock of a simulation. Clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    /// Stands until it is stepped.
    Held(AtomicU64),
    /// Goes with tokio's clock; a paused runtime pauses it too.
    Tokio(Mutex<Course>),
}

/// How a clock goes: since a moment of tokio's clock, from a time, so many times as fast.
#[derive(Clone, Copy)]
struct Course {
    since: Instant,
    from: Time,
    speed: f64,
}

impl Course {
    fn now(&self) -> Time {
        self.from + self.since.elapsed().mul_f64(self.speed)
    }
}

impl Clock {
    /// A clock that stands until [`Clock::step`] moves it.
    pub fn held() -> Self {
        Self(Arc::new(Source::Held(AtomicU64::new(START.0))))
    }

    /// A clock that goes `speed` times as fast as tokio's, which is the machine's unless a test paused it.
    pub fn running(speed: f64) -> Self {
        Self::running_from(START, speed)
    }

    /// The same, from another time on.
    pub fn running_from(from: Time, speed: f64) -> Self {
        let course = Course { since: Instant::now(), from, speed: speed.max(0.0) };
        Self(Arc::new(Source::Tokio(Mutex::new(course))))
    }

    /// The time it shows.
    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::Held(millis) => Time(millis.load(Ordering::SeqCst)),
            Source::Tokio(course) => course.lock().unwrap_or_else(PoisonError::into_inner).now(),
        }
    }

    /// Moves it on at once.
    pub fn step(&self, by: Duration) {
        match &*self.0 {
            Source::Held(now) => {
                now.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
            }
            Source::Tokio(course) => {
                let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
                course.from = course.from + by;
            }
        }
    }

    /// How many times as fast as tokio's it goes; a held one stands.
    pub fn speed(&self) -> f64 {
        match &*self.0 {
            Source::Held(_) => 0.0,
            Source::Tokio(course) => course.lock().unwrap_or_else(PoisonError::into_inner).speed,
        }
    }

    /// Lets it go at another speed from now on; a held one stays held.
    pub fn set_speed(&self, speed: f64) {
        if let Source::Tokio(course) = &*self.0 {
            let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
            *course = Course { since: Instant::now(), from: course.now(), speed: speed.max(0.0) };
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_running_clock_keeps_its_time_when_its_speed_changes() {
        let clock = Clock::running(10.0);
        let start = clock.now();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(10));
        clock.set_speed(2.0);
        clock.step(Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(17));
        clock.set_speed(0.0);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(17));
    }

    #[test]
    fn a_held_clock_moves_only_in_steps() {
        let clock = Clock::held();
        let start = clock.now();
        clock.set_speed(5.0);
        clock.step(Duration::from_millis(1500));
        assert_eq!((clock.now().since(start), clock.speed()), (Duration::from_millis(1500), 0.0));
    }
}
