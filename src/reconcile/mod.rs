//! What the three kinds share between their own rooms and ECS: the order of a pass, plans, ownership, verdicts.

pub mod account;
pub mod contests;
pub mod context;
pub mod owner;
pub mod pass;
pub mod plan;
pub mod spec;
pub mod story;
pub mod tags;
pub mod verdict;

pub use self::{
    context::{Context, Settings, Subject},
    pass::{Deletion, Kind, Policies, Refusal},
    plan::{Difference, Plan, Step, differences},
    story::Story,
    verdict::{State, Verdict},
};
