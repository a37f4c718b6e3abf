//! A simulator of Amazon ECS: one state machine behind ECS's own wire format, with deployments that take time, fail
//! and roll back.
//!
//! It works on the JSON of the wire and shares no code with the operator, so that one mistake can't hide in both.
//! There is one implementation and three ways in: [`Simulator::call`] for tests that look inside, [`sdk`] as the HTTP
//! client of an AWS SDK in the same process, and [`http`] on a port. [`front`] stands before all of them and has the
//! misbehaviour of the real world: throttling, errors, lost answers, stale reads.
//!
//! Time is [`clock::Clock`]'s: held and stepped by a test, tokio's (and so paused with it), or the machine's, faster
//! if asked. Everything random comes from one seed.

pub mod clock;
pub mod control;
pub mod front;
pub mod http;
pub mod sdk;
#[cfg(test)]
mod testing;
pub mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use self::{
    clock::{Clock, Time},
    world::{ApiError, Caller, World},
};

/// ECS, as many accounts and regions as are asked for.
#[derive(Clone, Debug)]
pub struct Simulator {
    clock: Clock,
    world: Arc<Mutex<World>>,
}

impl Simulator {
    /// An empty ECS. The same seed, clock and calls give the same answers.
    pub fn new(seed: u64, clock: Clock) -> Self {
        let world = World::new(seed, clock.now());
        Self { clock, world: Arc::new(Mutex::new(world)) }
    }

    /// One call, answered as ECS does when all is well with the network.
    pub fn call(&self, caller: &Caller, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.world().call(caller, operation, input)
    }

    /// The world as it is now, to look into or to change behind everybody's back.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.clock.now());
        world
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}
