//! The whole operator in one process, with an API server and an ECS in memory, in simulated time.
//!
//! [`Simulation`] puts together what a cluster and an AWS account are in real life: an [`api_server`], an ECS
//! (`ecs-sim`), the operator as a [`process`] that can be killed at any call, and a [`journal`] of all that happened. At
//! every status that is written, [`truth`] holds what the operator says against what ECS knows from inside. Time is
//! tokio's, paused, so that hours pass in milliseconds; everything random comes from one seed.
//!
//! Two things are played on it: [`scenario`]s, which are stories with a golden log, and [`walk`]s, which are random.

pub mod api_server;
pub mod journal;
pub mod kstatus;
pub mod passes;
pub mod process;
pub mod scenario;
pub mod simulation;
pub mod truth;
pub mod walk;

pub use self::{journal::Journal, simulation::Simulation};
