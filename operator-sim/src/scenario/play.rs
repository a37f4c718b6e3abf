//! A script played: a log, and what was wrong.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{Script, Step};
use crate::{
    Simulation,
    api_server::NAMESPACE,
    journal::{OPERATOR, Who},
    kstatus::{is_done, reason},
    process::REGION,
    simulation::Setting,
};

/// A step that waits for something gives up after so long.
const LONGEST: Duration = Duration::from_secs(4 * 3600);
/// In the end the operator gets so long to come to rest …
const REST: Duration = Duration::from_secs(900);
/// … and then must write nothing for so long.
const QUIET: Duration = Duration::from_secs(1800);

/// What came of a script.
#[derive(Debug)]
pub struct Played {
    /// The story as it went.
    pub log: String,
    /// What must not be.
    pub wrong: Vec<String>,
}

/// Plays a script from its beginning to its end, in a runtime of its own whose time is paused.
pub fn play(script: &Script) -> std::io::Result<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(Player::new(script).play()))
}

struct Player<'a> {
    script: &'a Script,
    simulation: Simulation,
    wrong: Vec<String>,
}

impl<'a> Player<'a> {
    fn new(script: &'a Script) -> Self {
        Self { script, simulation: Simulation::new(Setting::default()), wrong: Vec::new() }
    }

    async fn play(mut self) -> Played {
        self.simulation.start();
        for step in &self.script.story.steps {
            self.step(step).await;
        }
        if self.script.story.ends_quietly {
            self.pass(REST).await;
            let before = self.simulation.journal().writes();
            self.pass(QUIET).await;
            let after = self.simulation.journal().writes();
            if before != after {
                self.wrong.push(format!(
                    "there were writes in a quiet half hour: {} to ECS, {} to the API server",
                    after.0 - before.0,
                    after.1 - before.1
                ));
            }
        }
        for (key, expected) in &self.script.story.then {
            let found = self.object(key).map_or_else(|| "nothing".into(), |object| reason(&object).to_owned());
            if found != *expected {
                self.wrong.push(format!("{key} ends as {found}, not as {expected}"));
            }
        }
        self.wrong.extend(self.simulation.journal().violations());
        self.end();
        let story = &self.script.story;
        let log = format!("# {} ({})\n\n{}", story.about, self.script.strategy, self.simulation.journal().text());
        Played { log, wrong: self.wrong }
    }

    /// How all objects are in the end.
    fn end(&self) {
        self.simulation.truth().tell();
        for object in self.simulation.api_server().objects() {
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let text = format!("in the end {} {} is {}{}", text(kind), text(name), reason(&object), told(&object));
            self.simulation.journal().note(Who::World, text);
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Apply(keys) => self.apply(keys),
            Step::Until(what) => self.until(what).await,
            Step::UntilStage(stage) => {
                let newest = |player: &Self| player.newest("stage");
                self.wait_for(&format!("the stage {stage}"), |player| newest(player).as_deref() == Some(stage)).await;
            }
            Step::Wait(seconds) => self.pass(Duration::from_secs(*seconds)).await,
            Step::Edit(patches) => {
                for (key, patch) in patches {
                    self.edit(key, patch, &format!("edits {key}: {patch}"));
                }
            }
            Step::Image(image) => self.image(image),
            Step::Annotate(annotations) => self.annotate(annotations),
            Step::Delete(keys) => {
                for key in keys {
                    let (kind, name) = split(key);
                    self.simulation.delete(kind, name);
                }
            }
            Step::Call(calls) => {
                for (operation, input) in calls {
                    let input = self.filled(input);
                    // What ECS says is in the log.
                    let _ = self.simulation.call(operation, &input);
                }
            }
            Step::Control(calls) => self.control(calls),
            Step::Restart(seconds) => {
                self.simulation.kill();
                self.pass(Duration::from_secs(*seconds)).await;
                self.simulation.start();
            }
            Step::LoseStatus(key) => {
                let (kind, name) = split(key);
                self.simulation.journal().note(Who::User, format!("the status of {key} is lost"));
                self.simulation.api_server().lose_status(kind, name);
            }
        }
    }

    fn apply(&self, keys: &[String]) {
        for key in keys {
            let (kind, name) = split(key);
            let is_it = |one: &&Value| one["kind"] == kind && (name.is_empty() || one["metadata"]["name"] == name);
            for manifest in self.script.manifests.iter().filter(is_it) {
                let what = format!("applies {kind} {}", manifest["metadata"]["name"].as_str().unwrap_or_default());
                self.simulation.apply(manifest, &what);
            }
        }
    }

    fn edit(&mut self, key: &str, patch: &Value, what: &str) {
        let Some(mut object) = self.object(key) else {
            self.wrong.push(format!("{key} is not there to be edited"));
            return;
        };
        json_patch::merge(&mut object["spec"], patch);
        self.simulation.apply(&object, what);
    }

    fn image(&mut self, image: &str) {
        let key = "EcsTaskDefinition/web";
        let mut containers = self.object(key).map(|object| object["spec"]["containerDefinitions"].clone());
        if let Some(container) = containers.as_mut().and_then(|containers| containers.get_mut(0)) {
            container["image"] = image.into();
        }
        self.edit(key, &json!({ "containerDefinitions": containers }), &format!("sets the image of {key} to {image}"));
    }

    fn annotate(&self, annotations: &BTreeMap<String, BTreeMap<String, Option<String>>>) {
        for (key, values) in annotations {
            let (kind, name) = split(key);
            for (annotation, value) in values {
                let value = value.as_deref().map(|value| match value {
                    "HOOK" => self.in_status(key, "/status/deployment/hook/id"),
                    "DEPLOYMENT" => self.in_status(key, "/status/deployment/id"),
                    other => other.to_owned(),
                });
                self.simulation.annotate(kind, name, annotation, value.as_deref());
            }
        }
    }

    fn control(&mut self, calls: &BTreeMap<String, Value>) {
        for (endpoint, body) in calls {
            let (method, path) = endpoint.split_once(' ').unwrap_or(("POST", endpoint));
            let mut full = self.filled(body);
            full["account"] = OPERATOR.into();
            full["region"] = REGION.into();
            let (status, answer) =
                ecs_sim::control::answer(self.simulation.ecs(), method, path, full.to_string().as_bytes());
            self.simulation.outside(&format!("{endpoint} {body}"), |_| ());
            if status != 200 {
                self.wrong.push(format!("{endpoint} {body}: {answer}"));
            }
        }
    }

    async fn until(&mut self, what: &str) {
        let (key, expected) = what.split_once(' ').unwrap_or((what, ""));
        let is_so = |player: &Self| match player.object(key) {
            Some(object) => {
                object["status"]["observedGeneration"] == object["metadata"]["generation"]
                    && if expected.is_empty() { is_done(&object) } else { reason(&object) == expected }
            }
            None => expected == "gone",
        };
        self.wait_for(what, is_so).await;
    }

    async fn wait_for(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            if began.elapsed() > LONGEST {
                self.wrong.push(format!("waited in vain for {what}"));
                self.simulation.journal().note(Who::World, format!("waited in vain for {what}"));
                return;
            }
            self.pass(Duration::from_secs(1)).await;
        }
    }

    /// Time passes; what becomes of the services in ECS meanwhile is told when it happens.
    async fn pass(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            sleep_until(until.min(Instant::now() + Duration::from_secs(1))).await;
            self.simulation.truth().tell();
        }
    }

    fn object(&self, key: &str) -> Option<Value> {
        let (kind, name) = split(key);
        self.simulation.api_server().get(kind, name)
    }

    fn in_status(&self, key: &str, place: &str) -> String {
        let object = self.object(key).unwrap_or_default();
        object.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A part of the newest service deployment of the service `web`: its ARN, or its stage.
    fn newest(&self, part: &str) -> Option<String> {
        let simulator = self.simulation.ecs().simulator();
        let call = |operation: &str, input: Value| simulator.call(&Simulation::caller(), operation, &input).ok();
        let listed = call("ListServiceDeployments", json!({ "cluster": NAMESPACE, "service": "web" }))?;
        let newest = listed.pointer("/serviceDeployments/0/serviceDeploymentArn")?.clone();
        if part == "arn" {
            return newest.as_str().map(str::to_owned);
        }
        let answer = call("DescribeServiceDeployments", json!({ "serviceDeploymentArns": [newest] }))?;
        answer.pointer("/serviceDeployments/0/lifecycleStage")?.as_str().map(str::to_owned)
    }

    fn task(&self) -> Option<String> {
        let simulator = self.simulation.ecs().simulator();
        let input = json!({ "cluster": NAMESPACE, "serviceName": "web", "desiredStatus": "RUNNING" });
        let listed = simulator.call(&Simulation::caller(), "ListTasks", &input).ok()?;
        listed.pointer("/taskArns/0")?.as_str().map(str::to_owned)
    }

    fn task_set(&self) -> Option<String> {
        let simulator = self.simulation.ecs().simulator();
        let input = json!({ "cluster": NAMESPACE, "service": "web" });
        let answer = simulator.call(&Simulation::caller(), "DescribeTaskSets", &input).ok()?;
        let sets = answer["taskSets"].as_array()?.iter();
        let made = |set: &Value| set["createdAt"].as_f64().unwrap_or_default();
        let newest = sets.max_by(|a, b| made(a).total_cmp(&made(b)));
        newest?["id"].as_str().map(str::to_owned)
    }

    fn filled(&self, input: &Value) -> Value {
        match input {
            Value::String(text) if text == "DEPLOYMENT" => self.newest("arn").into(),
            Value::String(text) if text == "TASK" => self.task().into(),
            Value::String(text) if text == "TASK_SET" => self.task_set().into(),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            other => other.clone(),
        }
    }
}

fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or((key, ""))
}

/// What the status of a service tells beside its conditions: its rollouts above all.
fn told(object: &Value) -> String {
    let Some(status) = object["status"].as_object().filter(|_| object["kind"] == "EcsService") else {
        return String::new();
    };
    let mut status = status.clone();
    for told_already in ["conditions", "events", "appliedFields"] {
        status.remove(told_already);
    }
    format!(": {}", Value::Object(status))
}
