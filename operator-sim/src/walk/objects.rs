//! The manifests of a walk, and how they change.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::{Simulation, api_server::Name};

/// Images that run, and such that don't.
const GOOD: [&str; 3] = ["app:1", "app:2", "slow/40"];
/// Those that fail in a way that ends every deployment.
const HOPELESS: [&str; 4] = ["fail/pull", "fail/crash:3", "fail/healthcheck", "fail/secret"];
const BAD: [&str; 6] = ["fail/pull", "fail/crash:3", "fail/oom:40", "fail/healthcheck", "fail/secret", "fail/flaky:40"];

/// What the user wants, by kind and name; an object that was deleted is not among them.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    wanted: BTreeMap<Name, Value>,
    deleted: BTreeMap<Name, Value>,
}

impl Objects {
    pub(super) fn new(random: &mut Rng) -> Self {
        let mut wanted = BTreeMap::new();
        let clusters = random.usize(1..3);
        let revisions = random.usize(1..3);
        for index in 0..clusters {
            add(
                &mut wanted,
                "EcsCluster",
                &format!("cluster-{index}"),
                &json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"] }),
            );
        }
        for index in 0..revisions {
            let spec = json!({
                "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
                "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
                "containerDefinitions": [{
                    "name": "app", "image": GOOD[random.usize(..GOOD.len())], "essential": true,
                    "portMappings": [{ "containerPort": 80 }],
                    "healthCheck": { "command": ["CMD", "true"] },
                }],
            });
            add(&mut wanted, "EcsTaskDefinition", &format!("app-{index}"), &spec);
        }
        for index in 0..random.usize(1..4) {
            let mut spec = json!({
                "clusterRef": { "name": format!("cluster-{}", random.usize(..clusters)) },
                "taskDefinitionRef": { "name": format!("app-{}", random.usize(..revisions)) },
                "desiredCount": random.u8(..4), "launchType": "FARGATE",
                "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
                "deploymentConfiguration": {
                    "deploymentCircuitBreaker": { "enable": true, "rollback": random.u8(..4) > 0 },
                    "alarms": { "alarmNames": ["errors"], "enable": random.bool(), "rollback": true },
                },
                "tags": [{ "key": "Team", "value": "a" }],
            });
            shift_traffic(&mut spec, random);
            add(&mut wanted, "EcsService", &format!("web-{index}"), &spec);
        }
        Self { wanted, deleted: BTreeMap::new() }
    }

    pub(super) fn manifests(&self) -> Vec<Value> {
        self.wanted.values().cloned().collect()
    }

    /// One of the objects of a kind that are wanted.
    pub(super) fn pick(&self, kind: &str, random: &mut Rng) -> Option<String> {
        let names: Vec<&Name> = self.wanted.keys().filter(|name| name.0 == kind).collect();
        random.choice(names).map(|name| name.1.clone())
    }

    pub(super) fn is_wanted(&self, kind: &str, name: &str) -> bool {
        self.wanted.contains_key(&(kind.to_owned(), name.to_owned()))
    }

    /// Takes an object out of those that are wanted.
    pub(super) fn delete(&mut self, kind: &str, name: &str) {
        let key = (kind.to_owned(), name.to_owned());
        if let Some(manifest) = self.wanted.remove(&key) {
            self.deleted.insert(key, manifest);
        }
    }

    /// Takes all objects out of those that are wanted; their names.
    pub(super) fn delete_all(&mut self) -> Vec<Name> {
        let names: Vec<Name> = self.wanted.keys().cloned().collect();
        for name in &names {
            self.delete(&name.0, &name.1);
        }
        names
    }

    /// One that was deleted, wanted again once the API server has let it go.
    pub(super) fn restore(&mut self, simulation: &Simulation, random: &mut Rng) -> Option<Value> {
        let gone: Vec<Name> = self
            .deleted
            .keys()
            .filter(|name| simulation.api_server().get(&name.0, &name.1).is_none())
            .cloned()
            .collect();
        let name = random.choice(gone)?;
        let manifest = self.deleted.remove(&name)?;
        self.wanted.insert(name, manifest.clone());
        Some(manifest)
    }

    /// A changed manifest.
    pub(super) fn edit(&mut self, kind: &str, name: &str, random: &mut Rng) -> Option<Value> {
        let revisions: Vec<String> =
            self.wanted.keys().filter(|key| key.0 == "EcsTaskDefinition").map(|key| key.1.clone()).collect();
        let manifest = self.wanted.get_mut(&(kind.to_owned(), name.to_owned()))?;
        let spec = &mut manifest["spec"];
        match kind {
            "EcsCluster" => edit_cluster(spec, random),
            "EcsTaskDefinition" => edit_task_definition(spec, random),
            _ => edit_service(spec, &revisions, random),
        }
        Some(manifest.clone())
    }

    /// Whoever left something in a state that never ends sets it right.
    pub(super) fn calm(&mut self, simulation: &Simulation, random: &mut Rng) {
        let leaves_bad_images = random.u8(..3) == 0;
        for object in simulation.api_server().objects() {
            if let (Some(kind), Some(name)) = (object["kind"].as_str(), object["metadata"]["name"].as_str())
                && !object["metadata"]["annotations"]["ecs-operator.dev/paused"].is_null()
            {
                simulation.annotate(kind, name, "ecs-operator.dev/paused", None);
            }
        }
        for ((kind, name), manifest) in &mut self.wanted {
            if kind == "EcsTaskDefinition" {
                let image = manifest.pointer_mut("/spec/containerDefinitions/0/image");
                let stays = |image: &Value| {
                    let is_in = |list: &[&str]| list.iter().any(|one| *image == **one);
                    is_in(&GOOD) || leaves_bad_images && is_in(&HOPELESS)
                };
                if let Some(image) = image.filter(|image| !stays(image)) {
                    *image = GOOD[0].into();
                    simulation.apply(manifest, &format!("sets the image of {name} to {}", GOOD[0]));
                }
            }
        }
    }
}

/// Half of the services shift traffic, and some of these wait for an answer that never comes.
fn shift_traffic(spec: &mut Value, random: &mut Rng) {
    let configuration = &mut spec["deploymentConfiguration"];
    match random.u8(..6) {
        0 => configuration["strategy"] = "BLUE_GREEN".into(),
        1 => {
            configuration["strategy"] = "CANARY".into();
            configuration["canaryConfiguration"] = json!({ "canaryPercent": 10, "canaryBakeTimeInMinutes": 1 });
        }
        2 => {
            configuration["strategy"] = "LINEAR".into();
            configuration["linearConfiguration"] = json!({ "stepPercent": 50, "stepBakeTimeInMinutes": 1 });
        }
        _ => return,
    }
    configuration["bakeTimeInMinutes"] = random.u8(1..4).into();
    if random.u8(..4) == 0 {
        let action = ["CONTINUE", "ROLLBACK"][random.usize(..2)];
        configuration["lifecycleHooks"] = json!([{
            "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
            "timeoutConfiguration": { "timeoutInMinutes": 5, "action": action },
        }]);
    }
    let balancing = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
    spec["loadBalancers"] = json!([{
        "targetGroupArn": format!("{balancing}:targetgroup/blue/1"), "containerName": "app", "containerPort": 80,
        "advancedConfiguration": {
            "alternateTargetGroupArn": format!("{balancing}:targetgroup/green/2"),
            "productionListenerRule": format!("{balancing}:listener-rule/app/web/1/2/3"),
            "roleArn": "arn:aws:iam::123456789012:role/traffic",
        },
    }]);
}

fn add(wanted: &mut BTreeMap<Name, Value>, kind: &str, name: &str, spec: &Value) {
    let manifest = json!({ "kind": kind, "metadata": { "name": name }, "spec": spec });
    wanted.insert((kind.to_owned(), name.to_owned()), manifest);
}

fn edit_cluster(spec: &mut Value, random: &mut Rng) {
    match random.u8(..3) {
        0 => {
            let value = ["enabled", "disabled", "enhanced"][random.usize(..3)];
            spec["settings"] = json!([{ "name": "containerInsights", "value": value }]);
        }
        1 => spec["tags"] = tags(random),
        _ => {
            let weight = random.u8(1..5);
            spec["defaultCapacityProviderStrategy"] = json!([{ "capacityProvider": "FARGATE", "weight": weight }]);
        }
    }
}

fn edit_task_definition(spec: &mut Value, random: &mut Rng) {
    match random.u8(..5) {
        0 | 1 => spec["containerDefinitions"][0]["image"] = GOOD[random.usize(..GOOD.len())].into(),
        2 => spec["containerDefinitions"][0]["image"] = BAD[random.usize(..BAD.len())].into(),
        3 => spec["tags"] = tags(random),
        _ => {
            let value = random.u8(..3).to_string();
            spec["containerDefinitions"][0]["environment"] = json!([{ "name": "LEVEL", "value": value }]);
        }
    }
}

fn edit_service(spec: &mut Value, revisions: &[String], random: &mut Rng) {
    match random.u8(..9) {
        0 | 1 => spec["desiredCount"] = random.u8(..5).into(),
        2 => {
            let subnet = format!("subnet-{}", random.u8(1..4));
            spec["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!([subnet]);
        }
        3 => spec["enableExecuteCommand"] = random.bool().into(),
        4 => spec["tags"] = tags(random),
        5 => {
            if let Some(name) = random.choice(revisions) {
                spec["taskDefinitionRef"] = json!({ "name": name });
            }
        }
        6 => {
            let percent = [50, 100][random.usize(..2)];
            spec["deploymentConfiguration"]["minimumHealthyPercent"] = percent.into();
        }
        7 => spec["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = random.bool().into(),
        _ => drop(spec.as_object_mut().and_then(|spec| spec.remove("desiredCount"))),
    }
}

fn tags(random: &mut Rng) -> Value {
    let all = [("Team", "a"), ("Team", "b"), ("CostCenter", "1")];
    let (key, value) = all[random.usize(..all.len())];
    json!([{ "key": key, "value": value }])
}
