//! A cluster and an AWS account with the operator in between.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ecs_operator::{api::RESTARTED_AT, ecs::Cadence};
use ecs_sim::{
    Caller, Clock, Simulator, Time,
    front::{Fault, Front, Operations, Rule, RuleId, When},
    world::Region,
};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    api_server::ApiServer,
    journal::{Journal, OPERATOR, Who},
    process::{Ground, Process, REGION},
    truth::Truth,
};

/// How a simulation is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How often Live looks.
    pub cadence: Cadence,
    /// How long the operator's watch of the API server lags behind.
    pub watch_lag: Duration,
}

impl Default for Setting {
    fn default() -> Self {
        let cadence = Cadence { quiet: Duration::from_secs(60), rolling: Duration::from_secs(5) };
        Self { seed: 1, cadence, watch_lag: Duration::from_millis(5) }
    }
}

/// A cluster and an AWS account with the operator in between, begun on 2026-01-01. It lives in a paused tokio runtime of
/// one thread.
#[derive(Debug)]
pub struct Simulation {
    ground: Ground,
    process: Option<Process>,
    truth: Truth,
}

/// What others than the operator did, and when: the truth is told with that in mind.
#[derive(Clone, Debug, Default)]
pub struct Others(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By service, where it was about one.
    in_aws: BTreeMap<Option<String>, Instant>,
    /// By kind and name; when by the operator's timers, and when by ECS's clock, which goes on where the machine is suspended.
    edits: BTreeMap<(String, String), Vec<(Instant, Time)>>,
    deployments: Vec<String>,
}

impl Others {
    /// When somebody else last changed something in AWS that may be about this service, or about anything.
    pub fn last_in_aws(&self, service: Option<&str>) -> Option<Instant> {
        let state = self.state();
        let is_about = |of: &Option<String>| service.is_none() || of.is_none() || of.as_deref() == service;
        state.in_aws.iter().filter(|(of, _)| is_about(of)).map(|(_, at)| *at).max()
    }

    /// The operator's process stood still for so long: in that time it could see nothing of what others changed.
    pub fn stood_still(&self, duration: Duration) {
        self.state().in_aws.values_mut().for_each(|at| *at += duration);
    }

    /// When the user last edited an object.
    pub fn last_edit(&self, kind: &str, name: &str) -> Option<Instant> {
        self.state().edits.get(&(kind.to_owned(), name.to_owned()))?.last().map(|(at, _)| *at)
    }

    /// When the user edited a manifest or asked for a restart, by ECS's clock and the oldest first.
    pub fn edits(&self, kind: &str, name: &str) -> Vec<Time> {
        let state = self.state();
        let edits = state.edits.get(&(kind.to_owned(), name.to_owned())).into_iter().flatten();
        edits.map(|(_, at)| *at).collect()
    }

    /// Whether somebody else began that service deployment.
    pub fn began(&self, deployment: &str) -> bool {
        self.state().deployments.iter().any(|one| one == deployment)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulation {
    /// An empty cluster and an empty account; the operator does not run yet.
    pub fn new(setting: Setting) -> Self {
        fastrand::seed(setting.seed);
        let front = Front::new(Simulator::new(setting.seed, Clock::running(1.0)), setting.seed);
        let journal = Journal::new(front.clone());
        let api_server = ApiServer::new(journal.clone(), setting.seed);
        let truth = Truth::new(front.clone(), api_server.clone(), journal.clone(), setting.cadence.quiet);
        let observer = truth.clone();
        api_server.observe(Arc::new(move |before, after| observer.status_written(before, after)));
        let ground = Ground {
            ecs: front,
            api_server,
            journal,
            ahead: SignedDuration::ZERO,
            cadence: setting.cadence,
            watch_lag: setting.watch_lag,
        };
        Self { ground, process: None, truth }
    }

    /// The account and region of everything.
    pub fn caller() -> Caller {
        Caller { account: OPERATOR.into(), region: REGION.into() }
    }

    /// ECS, as it is called.
    pub fn ecs(&self) -> &Front {
        &self.ground.ecs
    }

    /// The API server.
    pub fn api_server(&self) -> &ApiServer {
        &self.ground.api_server
    }

    /// What happened so far.
    pub fn journal(&self) -> &Journal {
        &self.ground.journal
    }

    /// What is really so.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Starts the operator, or another one after it was killed.
    pub fn start(&mut self) {
        self.journal().note(Who::World, "the operator starts");
        self.process = Some(Process::start(&self.ground));
    }

    /// The clock of the machine that the operator starts on next is ahead of ECS's, or behind it.
    pub fn set_ahead(&mut self, ahead: SignedDuration) {
        self.ground.ahead = ahead;
        let (seconds, wrong) = (ahead.as_secs(), if ahead.is_negative() { "behind" } else { "ahead" });
        self.journal().note(Who::World, format!("the operator's clock will be {} s {wrong}", seconds.abs()));
    }

    /// The machine is suspended: the date goes on, and ECS with it, but no timer of the operator's does.
    pub fn suspend(&self, duration: Duration) {
        self.journal().note(Who::World, format!("the operator's machine is suspended for {} s", duration.as_secs()));
        self.ecs().simulator().clock().step(duration);
        self.truth.others().state().in_aws.insert(None, Instant::now());
    }

    /// Kills the operator in the middle of whatever it is doing.
    pub fn kill(&mut self) {
        self.process = None;
        self.journal().note(Who::World, "the operator is killed");
    }

    /// The user applies a manifest.
    pub fn apply(&self, manifest: &Value, what: &str) {
        if self.api_server().apply(manifest) {
            self.journal().note(Who::User, what.to_owned());
            self.edited(manifest["kind"].as_str(), manifest["metadata"]["name"].as_str());
        }
    }

    /// The user sets an annotation, or takes it away.
    pub fn annotate(&self, kind: &str, name: &str, key: &str, value: Option<&str>) {
        let what = value.map_or_else(|| format!("{key}-"), |value| format!("{key}={value}"));
        self.journal().note(Who::User, format!("annotates {kind} {name} with {what}"));
        self.api_server().annotate(kind, name, key, value);
        if key == RESTARTED_AT {
            self.edited(Some(kind), Some(name));
        }
    }

    /// The user deletes an object.
    pub fn delete(&self, kind: &str, name: &str) {
        self.journal().note(Who::User, format!("deletes {kind} {name}"));
        self.api_server().delete(kind, name);
        self.edited(Some(kind), Some(name));
    }

    /// Somebody else calls ECS, with the operator's account and past all faults.
    pub fn call(&self, operation: &str, input: &Value) -> Result<Value, ecs_sim::ApiError> {
        let before = self.newest_deployments();
        let answer = self.ecs().simulator().call(&Self::caller(), operation, input);
        let outcome = answer.as_ref().err().map_or_else(String::new, |refused| format!(" → {refused}"));
        self.journal().note(Who::User, format!("calls ECS: {operation} {input}{outcome}"));
        let after = self.newest_deployments();
        let mut others = self.truth.others().state();
        others.in_aws.insert(input["service"].as_str().map(str::to_owned), Instant::now());
        others.deployments.extend(after.into_iter().filter(|one| !before.contains(one)));
        drop(others);
        answer
    }

    /// Changes what is around ECS: alarms, capacity, images, roles.
    pub fn outside(&self, what: &str, change: impl FnOnce(&mut Region)) {
        self.journal().note(Who::World, what.to_owned());
        self.ecs().simulator().world().tamper(&Self::caller(), change);
        self.truth.others().state().in_aws.insert(None, Instant::now());
    }

    /// The next of the operator's calls to ECS that writes (or reads, too) never gets an answer.
    pub fn hang_next_call(&self, operations: Operations, nth: u64, took_effect: bool) -> RuleId {
        self.ecs().add(Rule::of(operations, Fault::Hang { took_effect }).when(When::Nth(nth)))
    }

    fn newest_deployments(&self) -> Vec<String> {
        let mut world = self.ecs().simulator().world();
        let services = world.region(&Self::caller()).services.values();
        services.filter_map(|service| service.deployments.last().map(|one| one.id.clone())).collect()
    }

    fn edited(&self, kind: Option<&str>, name: Option<&str>) {
        if let (Some(kind), Some(name)) = (kind, name) {
            let now = self.ecs().simulator().clock().now();
            let mut others = self.truth.others().state();
            others.edits.entry((kind.to_owned(), name.to_owned())).or_default().push((Instant::now(), now));
        }
    }
}
