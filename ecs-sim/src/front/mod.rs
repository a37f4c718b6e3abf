//! The front door: what happens to a call between the caller and ECS, and to the answer on its way back.
//!
//! Without settings it lets every call through. A test adds [`Rule`]s for single faults, and switches on ECS's
//! request throttling ([`Front::set_buckets`]) and its eventual consistency ([`Front::set_lag`]). What came and went is
//! in [`Front::log`], and counted in [`Front::counts`].

mod body;
mod buckets;
mod fault;
mod log;
mod staleness;

use std::{
    collections::BTreeMap,
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;

pub use self::{
    body::Body,
    fault::{Fault, Operations, Rule, RuleId, When},
    log::{Counts, Record},
};
use self::{
    buckets::Buckets,
    fault::{Rules, Ruling},
    log::Log,
    staleness::Staleness,
};
use crate::{ApiError, Caller, Simulator, World};

/// A call as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Whose account, and which region.
    pub caller: Caller,
    /// The id of the access key that signed it.
    pub access_key: String,
    /// Such as `DescribeServices`.
    pub operation: String,
    /// The body.
    pub input: Value,
}

/// How a call ended for the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An answer, be it a refusal.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Arc<Body>,
    },
    /// The connection broke. The caller can't know whether the call took effect.
    Broken,
}

impl From<Result<String, ApiError>> for Outcome {
    fn from(result: Result<String, ApiError>) -> Self {
        let (status, text) = match result {
            Ok(text) => (200, text),
            Err(error) => (error.status, error.body().to_string()),
        };
        Self::Answer { status, body: Arc::new(Body::new(text)) }
    }
}

/// ECS as callers over a network see it. Clones are the same front door.
#[derive(Clone, Debug)]
pub struct Front {
    simulator: Simulator,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    rules: Rules,
    buckets: Option<Buckets>,
    staleness: Staleness,
    log: Log,
}

impl State {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            rules: Rules::default(),
            buckets: None,
            staleness: Staleness::default(),
            log: Log::default(),
        }
    }
}

impl Front {
    /// A door that is open; `seed` decides what is left to chance.
    pub fn new(simulator: Simulator, seed: u64) -> Self {
        Self { simulator, state: Arc::new(Mutex::new(State::new(seed))) }
    }

    /// What stands behind it.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Whether ECS throttles requests, with token buckets that begin full ("Request throttling for the Amazon ECS API"
    /// in the ECS developer guide).
    pub fn set_buckets(&self, on: bool) {
        self.state().buckets = on.then(Buckets::default);
    }

    /// For how long at most reads may show what was before a write. Each write draws its time; zero, as at the start,
    /// means that reads show every write at once.
    pub fn set_lag(&self, longest: Duration) {
        self.state().staleness.set_longest(longest);
    }

    /// Adds a rule after those there are. The first rule that strikes decides, but delays add up.
    pub fn add(&self, rule: Rule) -> RuleId {
        self.state().rules.add(rule)
    }

    /// Takes a rule away, and says whether it was there.
    pub fn remove(&self, id: RuleId) -> bool {
        self.state().rules.remove(id)
    }

    /// Takes all rules away.
    pub fn clear_rules(&self) {
        self.state().rules.clear();
    }

    /// The rules in force, in the order in which they are asked.
    pub fn rules(&self) -> Vec<(RuleId, Rule)> {
        self.state().rules.list()
    }

    /// How many of the newest calls the log keeps: 10,000 at first, and none when 0.
    pub fn keep_log(&self, newest: usize) {
        self.state().log.keep(newest);
    }

    /// The calls that the log keeps, oldest first.
    pub fn log(&self) -> Vec<Arc<Record>> {
        self.state().log.read()
    }

    /// The same, taken out of the log.
    pub fn drain_log(&self) -> Vec<Arc<Record>> {
        self.state().log.drain()
    }

    /// The calls so far by operation, whether or not the log keeps them.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        self.state().log.counts()
    }

    /// Begins anew: an empty world, an open door, an empty log. The clock goes on.
    pub fn reset(&self, seed: u64) {
        let mut state = self.state();
        *self.simulator.world() = World::new(seed, self.simulator.clock().now());
        *state = State::new(seed);
    }

    /// One call. It may take time, on tokio's clock, or never return.
    pub async fn handle(&self, request: Request) -> Outcome {
        let ruling = {
            let state = &mut *self.state();
            state.rules.strike(&request, self.simulator.clock().now(), &mut state.random)
        };
        let Ruling { there, back, fault } = ruling;
        delay(there).await;
        let hangs = matches!(fault, Some(Fault::Hang { .. }));
        let outcome = self.arrive(request, fault.as_ref());
        delay(back).await;
        if hangs && outcome == Outcome::Broken {
            future::pending::<()>().await;
        }
        outcome
    }

    /// The call is there: ECS, or what stands in its place, deals with it.
    fn arrive(&self, request: Request, fault: Option<&Fault>) -> Outcome {
        let state = &mut *self.state();
        let now = self.simulator.clock().now();
        // A call that gets as far as ECS takes a token, whatever becomes of it then.
        let reaches = fault.is_none_or(Fault::reaches_ecs);
        let throttled = reaches
            && state.buckets.as_mut().is_some_and(|buckets| !buckets.take(&request.caller, &request.operation, now));
        let refused =
            if throttled { Some(fault::rate_exceeded()) } else { fault.and_then(|fault| fault.refusal(&request)) };
        let lost_before = matches!(fault, Some(Fault::LoseRequest | Fault::Hang { took_effect: false }));
        let (result, carried_out) = match refused {
            Some(error) => (Err(error), false),
            None if lost_before => {
                return state.log.add(request, now, Outcome::Broken, false);
            }
            None => {
                let mut world = self.simulator.world();
                let result = state.staleness.call(&mut world, &request, now, &mut state.random);
                let carried_out = result.is_ok();
                (result, carried_out)
            }
        };
        let lost_after = !throttled && matches!(fault, Some(Fault::LoseAnswer | Fault::Hang { took_effect: true }));
        let outcome = if lost_after { Outcome::Broken } else { Outcome::from(result) };
        state.log.add(request, now, outcome, carried_out)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn delay(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
