//! The state of ECS and what changes it: calls, and time.

pub mod arn;
pub mod capacity_providers;
pub mod clusters;
pub mod deployments;
pub mod input;
pub mod instances;
pub mod outside;
pub mod page;
pub mod region;
pub mod services;
pub mod settings;
pub mod tags;
pub mod task_definitions;
pub mod task_sets;
pub mod tasks;
pub mod truth;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use self::tasks::Stop;
pub use self::{region::Region, truth::Truth};
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
    /// `resourceIds` of a ConflictException: what the first use of a client token made.
    pub resource_ids: Vec<String>,
}

impl ApiError {
    /// A refusal of the caller's input.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into(), resource_ids: Vec::new() }
    }

    /// The refusal that ECS uses for most of what is wrong with an input.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::refused("InvalidParameterException", message)
    }

    /// The refusal that ECS uses for what it can't do for this caller.
    pub fn client(message: impl Into<String>) -> Self {
        Self::refused("ClientException", message)
    }

    /// The body of the answer, as awsJson1.1 has it.
    pub fn body(&self) -> Value {
        let mut body = json!({ "__type": self.code, "message": self.message });
        if !self.resource_ids.is_empty() {
            body["resourceIds"] = json!(self.resource_ids);
        }
        body
    }
}

/// What an operation may touch: one account in one region, at one moment.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The account and region of the call.
    pub caller: &'a Caller,
    /// When it is.
    pub now: Time,
    /// All that the account has in the region, the region's source of randomness included.
    pub region: &'a mut Region,
}

impl Cx<'_> {
    /// So many random hexadecimal digits; ECS's task and deployment ids have 32 and 20 or so.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut hex = format!("{:032x}", self.region.random.u128(..));
        hex.truncate(digits);
        hex
    }
}

/// What answers one operation.
pub type Operation = fn(&mut Cx<'_>, &Value) -> Result<Value, ApiError>;

/// The operation of that name; each module knows its own.
fn operation(name: &str) -> Option<Operation> {
    services::operation(name)
        .or_else(|| deployments::operation(name))
        .or_else(|| tasks::operation(name))
        .or_else(|| task_sets::operation(name))
        .or_else(|| task_definitions::operation(name))
        .or_else(|| clusters::operation(name))
        .or_else(|| capacity_providers::operation(name))
        .or_else(|| instances::operation(name))
        .or_else(|| settings::operation(name))
        .or_else(|| tags::operation(name))
}

/// An object of these members, which `json!` would copy with all that is in them.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An answer as it goes over the wire.
pub(crate) fn text(answer: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(answer)
        .map_err(|error| ApiError { status: 500, ..ApiError::refused("ServerException", error.to_string()) })
}

/// Instances come and go by these, and services follow.
const CHANGE_INSTANCES: [&str; 2] = ["UpdateContainerInstancesState", "DeregisterContainerInstance"];

/// All accounts and regions.
#[derive(Debug)]
pub struct World {
    now: Time,
    seed: u64,
    regions: BTreeMap<Caller, Region>,
}

impl World {
    /// An empty world.
    pub fn new(seed: u64, now: Time) -> Self {
        Self { now, seed, regions: BTreeMap::new() }
    }

    /// What the account has in the region, to look into or to change behind everybody's back.
    pub fn region(&mut self, caller: &Caller) -> &mut Region {
        self.regions.entry(caller.clone()).or_insert_with(|| Region::new(self.seed, caller))
    }

    /// One call at the world's present time.
    pub fn call(&mut self, caller: &Caller, operation: &str, input: &Value) -> Result<Value, ApiError> {
        let Some(answer) = self::operation(operation) else {
            return Err(ApiError::refused(
                "UnknownOperationException",
                format!("The simulator does not know {operation}."),
            ));
        };
        if !input.is_object() {
            return Err(ApiError::refused("SerializationException", "The input is not a JSON object."));
        }
        let now = self.now;
        let region = self.region(caller);
        let answer = answer(&mut Cx { caller, now, region }, input);
        if CHANGE_INSTANCES.contains(&operation) {
            region.wake(caller, now);
        }
        answer
    }

    /// The same, with the answer as it goes over the wire.
    pub fn call_as_text(&mut self, caller: &Caller, operation: &str, input: &Value) -> Result<String, ApiError> {
        // The one that is called more than all others is not made a value first.
        if operation == "DescribeServices" && input.is_object() {
            let now = self.now;
            return services::describe_as_text(&Cx { caller, now, region: self.region(caller) }, input);
        }
        text(&self.call(caller, operation, input)?)
    }

    /// Changes anything in a region behind everybody's back: alarms, capacity, instances. All services take notice.
    pub fn tamper<T>(&mut self, caller: &Caller, change: impl FnOnce(&mut Region) -> T) -> T {
        let now = self.now;
        let region = self.region(caller);
        let answer = change(region);
        region.wake(caller, now);
        answer
    }

    /// Ends a task from outside, as a Spot interruption or the loss of its host does. Whether there is such a task.
    pub fn end_task(&mut self, caller: &Caller, cluster: &str, task: &str, stop: Stop) -> bool {
        let now = self.now;
        let mut cx = Cx { caller, now, region: self.region(caller) };
        tasks::end(&mut cx, cluster, arn::name(task), stop)
    }

    /// Lets time pass, with everything that happens in it in order. A time that is over already changes nothing.
    pub fn advance(&mut self, to: Time) {
        self.now = self.now.max(to);
        for (caller, region) in &mut self.regions {
            region.run(caller, self.now);
        }
    }

    /// When something happens next, if anything does.
    pub fn next(&self) -> Option<Time> {
        self.regions.values().filter_map(Region::next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_ecs_does_not_have_is_refused() {
        let mut world = World::new(1, Time(0));
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        let answer = world.call(&caller, "MakeCoffee", &json!({}));
        assert_eq!(answer.unwrap_err().code, "UnknownOperationException");
    }
}
