//! What the three kinds share between their own rooms and ECS: the order of a pass, plans, ownership, verdicts.

pub mod account;
mod applied;
pub mod brake;
pub mod contests;
pub mod context;
pub mod doubt;
pub mod gather;
pub mod kind;
pub mod leftovers;
mod observe_only;
pub mod owner;
pub mod pass;
pub mod patience;
pub mod plan;
pub mod refusals;
pub mod spec;
pub mod story;
pub mod tags;
pub mod verdict;

pub use self::{
    context::{Context, Settings, Subject},
    kind::{Deletion, Kind, Refusal},
    observe_only::is_paused,
    plan::{Difference, Plan, Step, differences},
    story::{News, Story},
    verdict::{State, Verdict},
};
