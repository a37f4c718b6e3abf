//! The state of ECS and what changes it: calls, and time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Time;

/// Who calls: the credentials' account and the region of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// 12 digits.
    pub account: String,
    /// Such as `eu-west-1`.
    pub region: String,
}

/// A refusal, in ECS's words.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status: 400, or 500 for ECS's own failures.
    pub status: u16,
    /// Such as `InvalidParameterException`.
    pub code: String,
    /// ECS's message.
    pub message: String,
}

impl ApiError {
    /// A refusal of the caller's input.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// The body of the answer, as awsJson1.1 has it.
    pub fn body(&self) -> Value {
        json!({ "__type": self.code, "message": self.message })
    }
}

/// All accounts and regions.
#[derive(Debug)]
pub struct World {
    now: Time,
    random: fastrand::Rng,
    regions: BTreeMap<Caller, Region>,
}

/// One account in one region.
#[derive(Debug, Default)]
pub struct Region {}

impl World {
    /// An empty world.
    pub fn new(seed: u64, now: Time) -> Self {
        Self { now, random: fastrand::Rng::with_seed(seed), regions: BTreeMap::new() }
    }

    /// One call at the world's present time.
    pub fn call(&mut self, caller: &Caller, operation: &str, input: &Value) -> Result<Value, ApiError> {
        let _ = (&mut self.random, self.regions.entry(caller.clone()).or_default(), input);
        Err(ApiError::refused("InvalidAction", format!("The simulator does not know {operation}.")))
    }

    /// Lets time pass, with everything that happens in it in order. A time that is over already changes nothing.
    pub fn advance(&mut self, to: Time) {
        self.now = self.now.max(to);
    }
}
