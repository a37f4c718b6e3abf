//! What goes wrong with writes to the API server.

/// What happens to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The API server is overloaded; nothing is written.
    ServerError,
    /// The write takes effect, and the answer is lost.
    LoseAnswer,
    /// No answer ever comes, so that the operator can be killed in the middle of it.
    Hang {
        /// Whether it takes effect all the same.
        took_effect: bool,
    },
}

/// Which writes meet which fault.
#[derive(Debug)]
pub struct Faults {
    random: fastrand::Rng,
    /// How likely a server error or a lost answer is, from 0 to 1.
    pub chance: f64,
    /// The write that hangs: so many more are let through before it.
    pub hang: Option<(usize, bool)>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), chance: 0.0, hang: None }
    }

    pub(super) fn strike(&mut self) -> Option<Fault> {
        match &mut self.hang {
            Some((0, took_effect)) => {
                let took_effect = *took_effect;
                self.hang = None;
                return Some(Fault::Hang { took_effect });
            }
            Some((more, _)) => *more -= 1,
            None => {}
        }
        if self.chance == 0.0 || self.random.f64() >= self.chance {
            return None;
        }
        Some(if self.random.bool() { Fault::ServerError } else { Fault::LoseAnswer })
    }
}
