//! What time it is, as conditions and deadlines have it.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clock of a process. Delays are tokio's; this one tells the date.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// It showed a time at an instant of tokio's clock and goes with that: a paused runtime pauses it, too.
    Tokio(Timestamp, Instant),
}

impl Clock {
    /// The date and time now.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Tokio(start, at) => {
                let passed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::MAX);
                start.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}
