//! What becomes of a task once it is launched, as the name of its image tells, or the simulation's control.

use std::time::Duration;

use crate::clock::Time;

/// What becomes of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It starts and stays.
    #[default]
    Runs,
    /// It starts and stays, so many seconds later than others (`slow/<seconds>`).
    Slow(u32),
    /// Its image can't be pulled (`fail/pull`).
    PullFails,
    /// A secret can't be read (`fail/secret`).
    SecretDenied,
    /// Its program is for another processor (`fail/exec`).
    ExecFails,
    /// It needs more memory than it has (`fail/oom[:<seconds>]`).
    OutOfMemory(End),
    /// A container exits (`fail/crash[:<code>[:<seconds>]]`).
    Crashes(i32, End),
    /// It runs and is never healthy (`fail/healthcheck`), where anybody checks its health.
    Unhealthy,
    /// So many percent of the tasks crash (`fail/flaky:<percent>`).
    Flaky(u32),
    /// It never runs, for this reason, which is its and its container's: any that ECS may give and no other fate has,
    /// such as a registry that denies or limits pulls or does not answer, a full disk, a log driver, file system or
    /// environment file that is not to be had, or no network interface (ECS developer guide, "Stopped tasks error
    /// messages"). Only the control sets it (`failsToStart`).
    FailsToStart(&'static str),
}

/// When a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Within seconds of its start, before the task is ever reported RUNNING.
    AtOnce,
    /// So many seconds after the task is RUNNING.
    After(u32),
}

impl Fate {
    /// Reads the name of an image, with or without a registry before it: `fail/oom`, `registry.example.com/slow/20`.
    pub fn of_image(image: &str) -> Self {
        let Some((kind, rest)) = ["fail/", "slow/"].iter().find_map(|kind| {
            let at = image.find(kind).filter(|at| *at == 0 || image[..*at].ends_with('/'))?;
            Some((*kind, &image[at + kind.len()..]))
        }) else {
            return Self::Runs;
        };
        let mut parts = rest.split([':', '@', '/']);
        let name = parts.next().unwrap_or_default();
        if kind == "slow/" {
            return name.parse().map_or(Self::Runs, Self::Slow);
        }
        let mut number = || parts.next().and_then(|text| text.parse::<u32>().ok());
        match name {
            "pull" => Self::PullFails,
            "secret" => Self::SecretDenied,
            "exec" => Self::ExecFails,
            "oom" => Self::OutOfMemory(number().map_or(End::AtOnce, End::After)),
            "crash" => {
                let code = number().and_then(|code| i32::try_from(code).ok()).unwrap_or(1);
                Self::Crashes(code, number().map_or(End::AtOnce, End::After))
            }
            "healthcheck" => Self::Unhealthy,
            "flaky" => Self::Flaky(number().unwrap_or(50)),
            _ => Self::Runs,
        }
    }

    /// The fate of a task that never runs, for a reason that a test chose. A fate is copied from launch to launch: the
    /// reason is kept for good, of which a test needs but few.
    pub fn fails_to_start(reason: String) -> Self {
        Self::FailsToStart(reason.leak())
    }

    /// Throws the dice of a [`Fate::Flaky`] one.
    pub(super) fn drawn(self, random: &mut fastrand::Rng) -> Self {
        match self {
            Self::Flaky(percent) if random.u32(..100) < percent => Self::Crashes(1, End::AtOnce),
            Self::Flaky(_) => Self::Runs,
            other => other,
        }
    }
}

/// A moment some seconds after `from`, drawn from a range.
pub(super) fn after(from: Time, seconds: std::ops::Range<u64>, random: &mut fastrand::Rng) -> Time {
    from + Duration::from_millis(random.u64(seconds.start * 1000..seconds.end * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_tells_the_fate() {
        for (image, fate) in [
            ("nginx:1.29", Fate::Runs),
            ("fail/pull", Fate::PullFails),
            ("registry.example.com/fail/secret:v2", Fate::SecretDenied),
            ("fail/oom", Fate::OutOfMemory(End::AtOnce)),
            ("fail/oom:90", Fate::OutOfMemory(End::After(90))),
            ("fail/crash:3", Fate::Crashes(3, End::AtOnce)),
            ("fail/crash:3:120", Fate::Crashes(3, End::After(120))),
            ("slow/20", Fate::Slow(20)),
            ("fail/flaky:30", Fate::Flaky(30)),
            ("team/nofail/pull", Fate::Runs),
        ] {
            assert_eq!(Fate::of_image(image), fate, "{image}");
        }
    }
}
