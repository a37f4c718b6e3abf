//! One test's world: a namespace on a real API server, an AWS account in MiniStack with a proxy before it, and the
//! operator as a process between the two.
// Not every test uses everything.
#![allow(dead_code, unused_imports)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

pub mod bed;
pub use operator_sim::kstatus;
pub mod operator;
pub mod product;
pub mod proxy;
pub mod raw;
mod selftest;
pub mod watch;
pub mod wire;

mod scene;

pub use self::{
    kstatus::{Kstatus, condition, kstatus, reason},
    proxy::{Action, Call, Fault},
    scene::{Audit, KubeEvent, SOON, Scene, Write},
};
