//! What the suite runs against.

use std::{collections::BTreeMap, thread, time::Duration};

use ecs_sim::{Caller, Clock, Simulator};
use regex::Regex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    bed::Bed,
    http::{Answer, Server},
};

/// What a case's texts may name.
pub type Variables = BTreeMap<String, Value>;

/// Something that answers as ECS does.
pub trait Target {
    /// As in `skip`.
    fn name(&self) -> &str;
    /// Begins a case: nothing is there, and these variables are.
    fn begin(&mut self) -> Variables;
    /// One call.
    fn call(&mut self, operation: &str, input: &Value) -> Answer;
    /// Lets a second pass.
    fn pass(&mut self);
    /// As many seconds as are worth waiting where a case would wait for so many.
    fn patience(&self, seconds: u32) -> u32 {
        seconds
    }
}

const REGION: &str = "eu-west-1";

fn variables(account: &str, subnets: [&str; 2], security_groups: [&str; 2]) -> Variables {
    let names = ["account", "region", "subnet", "subnet2", "securityGroup", "securityGroup2"];
    let values = [account, REGION, subnets[0], subnets[1], security_groups[0], security_groups[1]];
    names.into_iter().zip(values).map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn invented(account: &str) -> Variables {
    let subnets = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"];
    variables(account, subnets, ["sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"])
}

/// The simulator, whose clock is stepped.
pub struct Simulated {
    simulator: Simulator,
    caller: Caller,
    /// Where it is talked to over HTTP.
    server: Option<Server>,
    cases: u64,
}

impl Simulated {
    /// Called as a function; each case has one of its own.
    pub fn in_process() -> Self {
        Self {
            simulator: Simulator::new(0, Clock::held()),
            caller: Caller { account: "100000000000".into(), region: REGION.into() },
            server: None,
            cases: 0,
        }
    }
}

impl Target for Simulated {
    fn name(&self) -> &str {
        "simulator"
    }

    fn begin(&mut self) -> Variables {
        self.cases += 1;
        if self.server.is_none() {
            self.simulator = Simulator::new(self.cases, Clock::held());
        }
        self.caller.account = format!("{}", 100_000_000_000 + self.cases);
        invented(&self.caller.account)
    }

    fn call(&mut self, operation: &str, input: &Value) -> Answer {
        if let Some(server) = &self.server {
            return server.call(&self.caller.account, REGION, operation, input);
        }
        match self.simulator.call(&self.caller, operation, input) {
            Ok(body) => Answer { status: 200, code: String::new(), body },
            Err(error) => Answer { status: error.status, code: error.code.clone(), body: error.body() },
        }
    }

    fn pass(&mut self) {
        self.simulator.clock().step(Duration::from_secs(1));
    }
}

/// An emulator: a process of its own, whose time nobody can move.
pub struct Emulator {
    name: &'static str,
    server: Server,
    account: String,
    cases: u64,
    _bed: Bed,
}

impl Emulator {
    /// Keeps accounts apart: each case has its own.
    pub fn ministack() -> Self {
        Self::start("ministack")
    }

    /// Knows one account, but can forget all that it has.
    pub fn moto() -> Self {
        Self::start("moto")
    }

    fn start(name: &'static str) -> Self {
        let bed = Bed::start(name);
        let server = Server::new(Runtime::new().unwrap(), bed.address.clone());
        Self { name, server, account: "123456789012".into(), cases: 0, _bed: bed }
    }

    /// moto wants subnets and security groups that exist; it has some from the beginning.
    fn existing(&self) -> Variables {
        let subnets = self.found("DescribeSubnets", "<subnetId>([^<]+)");
        let group = |name| {
            let action = format!("CreateSecurityGroup&GroupName={name}&GroupDescription=suite");
            self.found(&action, "<groupId>([^<]+)")[0].clone()
        };
        variables(&self.account, [&subnets[0], &subnets[1]], [&group("one"), &group("two")])
    }

    fn found(&self, action: &str, pattern: &str) -> Vec<String> {
        let xml = self.server.ec2(&self.account, REGION, action);
        Regex::new(pattern).unwrap().captures_iter(&xml).map(|found| found[1].to_owned()).collect()
    }
}

impl Target for Emulator {
    fn name(&self) -> &str {
        self.name
    }

    fn begin(&mut self) -> Variables {
        self.cases += 1;
        if self.name == "moto" {
            self.server.post("/moto-api/reset", &[], String::new());
            return self.existing();
        }
        self.account = format!("{}", 100_000_000_000 + self.cases);
        invented(&self.account)
    }

    fn call(&mut self, operation: &str, input: &Value) -> Answer {
        self.server.call(&self.account, REGION, operation, input)
    }

    fn pass(&mut self) {
        thread::sleep(Duration::from_millis(10));
    }

    /// What they do, they do at once.
    fn patience(&self, seconds: u32) -> u32 {
        seconds.min(20)
    }
}
