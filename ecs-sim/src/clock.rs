//! What time it is in the simulated world.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
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
    /// Goes with tokio's clock, so many times as fast; a paused runtime pauses it too. Jumps are added.
    Tokio { start: Instant, speed: f64, jumped: AtomicU64 },
}

impl Clock {
    /// A clock that stands until [`Clock::step`] moves it.
    pub fn held() -> Self {
        Self(Arc::new(Source::Held(AtomicU64::new(START.0))))
    }

    /// A clock that goes `speed` times as fast as tokio's, which is the machine's unless a test paused it.
    pub fn running(speed: f64) -> Self {
        Self(Arc::new(Source::Tokio { start: Instant::now(), speed, jumped: AtomicU64::new(0) }))
    }

    /// The time it shows.
    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::Held(millis) => Time(millis.load(Ordering::SeqCst)),
            Source::Tokio { start, speed, jumped } => {
                START + start.elapsed().mul_f64(*speed) + Duration::from_millis(jumped.load(Ordering::SeqCst))
            }
        }
    }

    /// Moves it on at once.
    pub fn step(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        match &*self.0 {
            Source::Held(now) => now.fetch_add(millis, Ordering::SeqCst),
            Source::Tokio { jumped, .. } => jumped.fetch_add(millis, Ordering::SeqCst),
        };
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
