//! An ECS for the tests of one module.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{ApiError, Caller, Time, World, world::Region};

/// One account in one region of a world of its own, at a time that the test moves.
pub struct Ecs {
    world: World,
    caller: Caller,
    now: Time,
}

impl Ecs {
    pub fn new() -> Self {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        Self { world: World::new(1, Time(0)), caller, now: Time(0) }
    }

    pub fn call(&mut self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.world.call(&self.caller, operation, input)
    }

    /// The answer to a call that must not be refused.
    pub fn answer(&mut self, operation: &str, input: &Value) -> Value {
        self.call(operation, input).unwrap_or_else(|error| panic!("{operation} {input}: {error}"))
    }

    /// The refusal of a call that must not be answered.
    pub fn refusal(&mut self, operation: &str, input: &Value) -> ApiError {
        self.call(operation, input).err().unwrap_or_else(|| panic!("{operation} {input} was answered"))
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.world.advance(self.now);
    }

    /// A service `web` on Fargate with two tasks, and its task definition, in the cluster `default`.
    pub fn web(&mut self, more: &Value) {
        let container = json!([{ "name": "web", "image": "nginx" }]);
        self.answer(
            "RegisterTaskDefinition",
            &json!({
                "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
                "memory": "512", "containerDefinitions": container,
            }),
        );
        let mut service = json!({
            "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        });
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.answer("CreateService", &service);
    }

    pub fn region(&mut self) -> &mut Region {
        self.world.region(&self.caller)
    }
}
