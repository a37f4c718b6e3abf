//! A world for one test, with a cluster in it.

use std::time::Duration;

use ecs_sim::{ApiError, Caller, Time, World, world::Region};
use serde_json::{Value, json};

/// Seconds since the beginning of the test.
pub type Seconds = u64;

pub struct Bed {
    pub world: World,
    pub caller: Caller,
    pub now: Time,
}

impl Bed {
    pub fn new() -> Self {
        Self::with_seed(7)
    }

    pub fn with_seed(seed: u64) -> Self {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        let mut bed = Self { world: World::new(seed, Time(0)), caller, now: Time(0) };
        bed.ok("CreateCluster", &json!({ "clusterName": "c", "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }));
        bed.pass(60);
        bed
    }

    pub fn call(&mut self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.world.call(&self.caller, operation, input)
    }

    /// Changes the world behind everybody's back.
    pub fn tamper(&mut self, change: impl FnOnce(&mut Region)) {
        let caller = self.caller.clone();
        self.world.tamper(&caller, change);
    }

    /// The answer of a call that has to succeed.
    pub fn ok(&mut self, operation: &str, input: &Value) -> Value {
        self.call(operation, input).unwrap_or_else(|refused| panic!("{operation}: {refused}"))
    }

    /// The message of a call that has to be refused.
    pub fn refused(&mut self, operation: &str, input: &Value) -> String {
        match self.call(operation, input) {
            Err(refused) => format!("{}: {}", refused.code, refused.message),
            Ok(answer) => panic!("{operation} was answered with {answer}"),
        }
    }

    /// Registers a revision of the family `app` with that image, and gives its ARN.
    pub fn image(&mut self, image: &str) -> String {
        self.register(image, &json!({}))
    }

    pub fn register(&mut self, image: &str, container: &Value) -> String {
        let mut one = json!({
            "name": "web", "image": image, "essential": true, "portMappings": [{ "containerPort": 80 }],
        });
        for (name, value) in container.as_object().unwrap() {
            one[name] = value.clone();
        }
        let input = json!({
            "family": "app", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE", "EC2"], "containerDefinitions": [one],
            "executionRoleArn": "arn:aws:iam::111122223333:role/execution",
        });
        let answer = self.ok("RegisterTaskDefinition", &input);
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    }

    /// Creates the service `web` on Fargate with that image and these members besides.
    pub fn create(&mut self, image: &str, members: &Value) -> Value {
        let task_definition = self.image(image);
        let input = service(&task_definition, members);
        self.ok("CreateService", &input)["service"].clone()
    }

    pub fn update(&mut self, members: &Value) -> Value {
        let mut input = json!({ "cluster": "c", "service": "web" });
        merge(&mut input, members);
        self.ok("UpdateService", &input)["service"].clone()
    }

    /// Deploys another image.
    pub fn deploy(&mut self, image: &str) -> Value {
        let task_definition = self.image(image);
        self.update(&json!({ "taskDefinition": task_definition }))
    }

    pub fn service(&mut self) -> Value {
        let answer = self.ok("DescribeServices", &json!({ "cluster": "c", "services": ["web"] }));
        answer["services"][0].clone()
    }

    /// The newest service deployment, whole; null where none is listed yet.
    pub fn deployment(&mut self) -> Value {
        self.deployments().first().cloned().unwrap_or_default()
    }

    /// All service deployments, the newest first.
    pub fn deployments(&mut self) -> Vec<Value> {
        let listed = self.ok("ListServiceDeployments", &json!({ "cluster": "c", "service": "web" }));
        let arns: Vec<Value> = listed["serviceDeployments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["serviceDeploymentArn"].clone())
            .collect();
        if arns.is_empty() {
            return Vec::new();
        }
        let answer = self.ok("DescribeServiceDeployments", &json!({ "serviceDeploymentArns": arns }));
        answer["serviceDeployments"].as_array().unwrap().clone()
    }

    pub fn events(&mut self) -> Vec<String> {
        let service = self.service();
        service["events"].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The service's tasks with that desired status.
    pub fn tasks(&mut self, desired: &str) -> Vec<Value> {
        let listed = self.ok("ListTasks", &json!({ "cluster": "c", "serviceName": "web", "desiredStatus": desired }));
        if listed["taskArns"] == json!([]) {
            return Vec::new();
        }
        let answer = self.ok("DescribeTasks", &json!({ "cluster": "c", "tasks": listed["taskArns"] }));
        answer["tasks"].as_array().unwrap().clone()
    }

    pub fn pass(&mut self, seconds: Seconds) {
        self.now = self.now + Duration::from_secs(seconds);
        self.world.advance(self.now);
    }

    /// Lets time pass until it is so, and tells how long it took.
    pub fn until(&mut self, what: &str, limit: Seconds, mut is_so: impl FnMut(&mut Self) -> bool) -> Seconds {
        for second in 0..limit {
            if is_so(self) {
                return second;
            }
            self.pass(1);
        }
        panic!("{what} did not happen in {limit} s: {}\n{:#}", self.service()["events"], self.deployment());
    }

    /// Until the PRIMARY deployment is COMPLETED.
    pub fn until_completed(&mut self) -> Seconds {
        self.until("COMPLETED", 7200, |bed| bed.service()["deployments"][0]["rolloutState"] == "COMPLETED")
    }

    /// Until the newest service deployment has that status.
    pub fn until_status(&mut self, status: &str) -> Seconds {
        self.until(status, 100_000, |bed| bed.deployment()["status"] == status)
    }

    /// Until the newest service deployment is at that stage.
    pub fn until_stage(&mut self, stage: &str) -> Seconds {
        self.until(stage, 100_000, |bed| bed.deployment()["lifecycleStage"] == stage)
    }
}

/// What CreateService is called with.
pub fn service(task_definition: &str, members: &Value) -> Value {
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"] } });
    let mut input = json!({
        "cluster": "c", "serviceName": "web", "taskDefinition": task_definition, "desiredCount": 2,
        "launchType": "FARGATE", "networkConfiguration": network,
    });
    merge(&mut input, members);
    input
}

/// Null takes a member away.
fn merge(input: &mut Value, members: &Value) {
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            input.as_object_mut().unwrap().remove(name);
        } else {
            input[name] = value.clone();
        }
    }
}
