//! Conditions: set, kept, removed, with a transition time that moves only when the status does.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::text::shortened;

/// A condition as it should be now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Its type.
    pub type_: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: Truth,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// The three values of a condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It can't be told yet.
    Unknown,
}

impl Truth {
    /// From Kubernetes' word for it.
    pub fn read(word: &str) -> Option<Self> {
        [Self::True, Self::False, Self::Unknown].into_iter().find(|truth| truth.as_str() == word)
    }

    /// As Kubernetes writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The longest message that the CRDs take.
const LONGEST_MESSAGE: usize = 32_768;

/// The conditions to write: exactly `desired`, in its order, each with the old transition time where its status is
/// the old one.
pub fn merge(before: &[Condition], desired: Vec<Desired>, generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
    desired
        .into_iter()
        .map(|new| {
            let status = new.status.as_str();
            let old = before.iter().find(|old| old.type_ == new.type_ && old.last_transition_time.0 != EPOCH);
            let since = match old {
                Some(old) if old.status == status => old.last_transition_time.0,
                Some(old) => not_before(old.last_transition_time.0, now),
                None => now,
            };
            Condition {
                type_: new.type_.into(),
                status: status.into(),
                reason: new.reason,
                message: shortened(new.message, LONGEST_MESSAGE),
                observed_generation: generation,
                last_transition_time: Time(since),
            }
        })
        .collect()
}

/// By how much the clock of the machine that wrote last may have been ahead of ours: AWS takes no calls from one that is five
/// minutes ahead, or behind.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Time goes back for nobody who reads a status, unless what was written can't be right.
fn not_before(last: Timestamp, now: Timestamp) -> Timestamp {
    if last.duration_since(now) < SKEW { now.max(last) } else { now }
}

/// The transition time in the CRD's default status, which stands for "never".
const EPOCH: Timestamp = Timestamp::UNIX_EPOCH;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn ready(status: Truth, message: &str) -> Vec<Desired> {
        vec![Desired { type_: "Ready", status, reason: "R".into(), message: message.into() }]
    }

    /// `kubectl` shows how long something has been so: a new message must not restart that clock.
    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let first = merge(&[], ready(Truth::False, "a"), Some(1), at(10));
        let second = merge(&first, ready(Truth::False, "b"), Some(2), at(20));
        assert_eq!(second[0].last_transition_time.0, at(10));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("b", Some(2)));
        let third = merge(&second, ready(Truth::True, "b"), Some(2), at(30));
        assert_eq!(third[0].last_transition_time.0, at(30));
    }

    /// The operator moves to a machine whose clock is behind.
    #[test]
    fn the_transition_time_does_not_go_back() {
        let before = merge(&[], ready(Truth::False, ""), None, at(1000));
        assert_eq!(merge(&before, ready(Truth::True, ""), None, at(900))[0].last_transition_time.0, at(1000));
        assert_eq!(merge(&before, ready(Truth::True, ""), None, at(100))[0].last_transition_time.0, at(100), "absurd");
    }

    /// A condition that is no longer said disappears: `Stalled` must not stay behind.
    #[test]
    fn what_is_not_desired_goes() {
        let before = merge(&[], ready(Truth::True, ""), None, at(1));
        assert!(merge(&before, Vec::new(), None, at(2)).is_empty());
    }
}
