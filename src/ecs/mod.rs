//! Everything AWS. Nothing outside this room names a type of the AWS SDK.

pub mod arn;
pub mod canon;
pub mod client;
pub mod error;
pub mod event;
pub mod live;
pub mod shapes;
pub mod throttle;

pub use self::{
    client::{Ecs, Operation, Regions},
    error::{Class, EcsError},
    live::{Cadence, Key, Live, Pace, Seen, Target},
};
