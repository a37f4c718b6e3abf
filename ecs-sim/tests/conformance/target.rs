//! What the suite runs against.

use std::{collections::BTreeMap, future, thread, time::Duration};

use ecs_sim::{Caller, Clock, Simulator, front::Front};
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
    fn name(&self) -> &'static str;
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

/// The account of the so-many-th case.
fn account(case: u64) -> String {
    format!("{}", 100_000_000_000 + case)
}

fn variables(account: &str, subnets: [&str; 2], security_groups: [&str; 2]) -> Variables {
    let network = json!({ "awsvpcConfiguration": { "subnets": [subnets[0]], "securityGroups": [security_groups[0]] } });
    let other = json!({ "awsvpcConfiguration": { "subnets": [subnets[1]], "securityGroups": [security_groups[1]] } });
    [
        ("account", json!(account)),
        ("region", json!(REGION)),
        ("subnet", json!(subnets[0])),
        ("subnet2", json!(subnets[1])),
        ("securityGroup", json!(security_groups[0])),
        ("securityGroup2", json!(security_groups[1])),
        ("network", network),
        ("otherNetwork", other),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
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
            caller: Caller { account: account(0), region: REGION.into() },
            server: None,
            cases: 0,
        }
    }

    /// Called over HTTP; each case has an account of its own.
    pub fn on_a_port() -> Self {
        let simulated = Self::in_process();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let front = Front::new(simulated.simulator.clone(), 0);
        runtime.spawn(ecs_sim::http::serve(listener, front, future::pending()));
        Self { server: Some(Server::new(runtime, address)), ..simulated }
    }
}

impl Target for Simulated {
    fn name(&self) -> &'static str {
        "simulator"
    }

    fn begin(&mut self) -> Variables {
        self.cases += 1;
        if self.server.is_none() {
            self.simulator = Simulator::new(self.cases, Clock::held());
        }
        self.caller.account = account(self.cases);
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

/// An emulator: a process of its own, whose time nobody can move. Each case has an account of its own.
pub struct Emulator {
    name: &'static str,
    server: Server,
    cases: u64,
    account: String,
    /// moto wants networks that exist; it has some from the beginning.
    has_networks: bool,
    _bed: Bed,
}

impl Emulator {
    /// MiniStack.
    pub fn ministack() -> Self {
        Self::start("ministack", false)
    }

    /// moto.
    pub fn moto() -> Self {
        Self::start("moto", true)
    }

    fn start(name: &'static str, has_networks: bool) -> Self {
        let bed = Bed::start(name);
        let server = Server::new(Runtime::new().unwrap(), bed.address.clone());
        Self { name, server, cases: 0, account: String::new(), has_networks, _bed: bed }
    }

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
    fn name(&self) -> &'static str {
        self.name
    }

    fn begin(&mut self) -> Variables {
        self.cases += 1;
        self.account = account(self.cases);
        if self.has_networks { self.existing() } else { invented(&self.account) }
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
