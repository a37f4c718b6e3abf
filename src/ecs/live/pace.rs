//! How fast Live asks, by what ECS allows and by who waits for it.

use std::time::Duration;

use super::{Group, Live, Target};
use crate::ecs::client::Operation;

/// How long a question waits for others that fit into the same call.
const WINDOW: Duration = Duration::from_millis(20);
/// The same while a call of its group is under way: a crowd that asks one after another fills its calls, too.
const BUSY_WINDOW: Duration = Duration::from_millis(200);
/// How long a question for services waits for others while changes of services wait for their turn in ECS's rate limit: who
/// asks is about to wait there, too, and asks when another one has had its turn, five a second.
const QUEUED_WINDOW: Duration = Duration::from_millis(1500);

impl Live {
    /// How many calls a second may look at what is rolling: half of what ECS allows where only that shows what happens, a
    /// fifth where others ask, too; a twentieth while changes of services wait for their turn, as a crowd of new services is
    /// looked at once they are all there.
    pub(super) fn calls_a_second(&self, region: &str, of: Target) -> f64 {
        let part = match of {
            Target::ServiceDeployment => 0.5,
            _ if self.is_queued(region, of) => 0.05,
            _ => 0.2,
        };
        part * self.shared.regions.ecs(region).a_second(of.operation())
    }

    /// How long a question waits for others, whose group has a call under way or not.
    pub(super) fn window(&self, group: &Group, is_busy: bool) -> Duration {
        if self.is_queued(&group.region, group.target) {
            QUEUED_WINDOW
        } else if is_busy {
            BUSY_WINDOW
        } else {
            WINDOW
        }
    }

    fn is_queued(&self, region: &str, of: Target) -> bool {
        of == Target::Service && self.shared.regions.ecs(region).has_to_wait(Operation::UpdateService)
    }
}
