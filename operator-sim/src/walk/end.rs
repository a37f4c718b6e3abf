//! How a walk has to end.

use std::{collections::BTreeMap, time::Duration};

use ecs_operator::api::Reason;
use ecs_sim::{Time, world::deployments::ServiceDeployment};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Walker;
use crate::{
    Simulation,
    kstatus::{Kstatus, kstatus, reason},
};

/// All has to be at rest after so long; a deployment that fails slowly takes hours.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// Tasks that end again and again after they ran end no deployment; nothing is waited for after so long.
const LONG: Duration = Duration::from_secs(2 * 3600);
/// Nothing is written for so long.
const QUIET: Duration = Duration::from_secs(1200);

impl Walker {
    /// The faults are over: everything converges, says the truth, and is quiet.
    pub(super) async fn come_to_rest(&mut self) {
        if !self.rests_within(LONGEST).await {
            self.wrong.push("it does not come to rest".into());
        }
        self.judge();
        if self.random.u8(..3) == 0 {
            for (kind, name) in self.objects.delete_all() {
                self.simulation.delete(&kind, &name);
            }
            if !self.rests_within(LONGEST).await {
                self.wrong.push("it does not come to rest after everything was deleted".into());
            }
            self.judge();
        }
    }

    /// Whether twenty minutes without a write come within so long, with nothing under way.
    async fn rests_within(&mut self, longest: Duration) -> bool {
        let began = Instant::now();
        let mut since = Instant::now();
        let mut writes = self.simulation.journal().writes();
        while began.elapsed() < longest {
            sleep(Duration::from_secs(30)).await;
            let now = self.simulation.journal().writes();
            if now != writes || !self.is_settled() {
                (writes, since) = (now, Instant::now());
            }
            if since.elapsed() >= QUIET || began.elapsed() >= LONG && self.flaps() {
                return true;
            }
        }
        for object in self.simulation.api_server().objects() {
            if kstatus(&object) != Kstatus::Current {
                self.wrong.push(format!(
                    "{} is {:?}: {}",
                    named(&object),
                    kstatus(&object),
                    object["status"]["conditions"]
                ));
            }
        }
        false
    }

    fn is_settled(&self) -> bool {
        self.simulation.api_server().objects().iter().all(|object| {
            // A cluster or a revision that is deleted is held by what refers to it.
            let is_held = object["kind"] != "EcsService" && reason(object) == "Deleting";
            let waits = matches!(reason(object), "RefNotReady" | "DeletionBlocked") || is_held;
            let is_at_rest = matches!(kstatus(object), Kstatus::Current | Kstatus::Failed) || waits;
            let truth = self.simulation.truth().of_service(object);
            let moves = object["kind"] == "EcsService" && truth.is_some_and(|truth| truth.under_way);
            is_at_rest && !moves || self.is_hopeless(object)
        })
    }

    /// Whether the tasks of a service fail for ever in a way that ends no deployment, or without one: ECS tries on.
    fn is_hopeless(&self, object: &Value) -> bool {
        let reference = text(object, "/spec/taskDefinitionRef/name");
        let asked = self.simulation.api_server().get("EcsTaskDefinition", reference).unwrap_or_default();
        // An edit of a task definition that is being deleted comes to nothing: its service stays on what it runs. And what is
        // left beside what failed, or what ECS goes back to, need not run.
        let truth = self.simulation.truth().of_service(object);
        let goes_back = truth.is_some_and(|truth| truth.rolled_back && truth.under_way);
        let has_failed = matches!(reason(object), "RolledBack" | "DeploymentFailed");
        if asked.pointer("/metadata/deletionTimestamp").is_some() || has_failed || goes_back {
            return self.images_in_ecs(object).iter().any(|image| image.starts_with("fail/"));
        }
        text(&asked, "/spec/containerDefinitions/0/image").starts_with("fail/")
    }

    /// The images of all deployments of a service.
    fn images_in_ecs(&self, object: &Value) -> Vec<String> {
        let truth = self.simulation.truth();
        let name = text(object, "/metadata/name");
        let input = json!({ "cluster": text(object, "/status/cluster"), "services": [name] });
        let services = truth.ask("DescribeServices", &input);
        let deployments = services.pointer("/services/0/deployments").and_then(Value::as_array).cloned();
        let images = deployments.unwrap_or_default().into_iter().map(|one| {
            let revision = truth.ask("DescribeTaskDefinition", &json!({ "taskDefinition": one["taskDefinition"] }));
            text(&revision, "/taskDefinition/containerDefinitions/0/image").to_owned()
        });
        images.collect()
    }

    /// Whether tasks of a service run, fail, and run again for ever.
    fn flaps(&self) -> bool {
        let objects = self.simulation.api_server().objects();
        objects.iter().any(|object| object["kind"] == "EcsService" && self.is_hopeless(object))
    }

    /// Ready iff truly deployed, nothing twice, nothing lost, nothing left.
    fn judge(&mut self) {
        self.simulation.truth().tell();
        for object in self.simulation.api_server().objects() {
            self.judge_object(&object);
        }
        self.judge_revisions();
        self.judge_tries();
        self.judge_services();
    }

    fn judge_object(&mut self, object: &Value) {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        if !self.objects.is_wanted(kind, name) {
            // A cluster or a revision is held by what is wanted and refers to it.
            let waits = matches!(reason(object), "Deleting" | "DeletionBlocked" | "RefNotReady");
            if !waits || kind == "EcsService" {
                self.wrong.push(format!("{} was deleted and is still there: {}", named(object), reason(object)));
            }
            return;
        }
        let not_so = self.simulation.truth().not_so(object);
        let failed = self.simulation.truth().of_service(object).is_some_and(|truth| truth.failed);
        let expected = [Reason::RolledBack, Reason::DeploymentFailed, Reason::RefNotReady, Reason::DeletionBlocked];
        let is_expected = expected.iter().any(|one| one.as_str() == reason(object));
        match reason(object) {
            "Deployed" | "Registered" | "Active" => {
                self.wrong
                    .extend(not_so.into_iter().map(|wrong| format!("{} is called ready, but {wrong}", named(object))));
                let wrong = self.other_tags(object);
                self.wrong.extend(wrong);
            }
            "Deploying" if self.is_hopeless(object) => {}
            "RefNotReady" if !self.lacks(object) => {
                self.wrong.push(format!(
                    "{} waits for what is there: {}",
                    named(object),
                    object["status"]["conditions"]
                ));
            }
            "DeletionBlocked" if object.pointer("/metadata/deletionTimestamp").is_none() => {
                self.wrong.push(format!("{} is not to be deleted and waits", named(object)));
            }
            "RolledBack" | "DeploymentFailed" if self.is_untried(object) => {
                self.wrong.push(format!(
                    "{} is called {}, and what it asks for was never tried",
                    named(object),
                    reason(object)
                ));
            }
            _ if !is_expected => {
                self.wrong.push(format!("{} ends as {}", named(object), object["status"]["conditions"]));
            }
            "RolledBack" | "DeploymentFailed" if not_so.is_empty() && !failed => {
                self.wrong.push(format!("{} is called {}, and is deployed", named(object), reason(object)));
            }
            _ => {}
        }
    }

    /// Whether something that a service refers to is not there, or not ready.
    fn lacks(&self, object: &Value) -> bool {
        [("EcsCluster", "/spec/clusterRef/name"), ("EcsTaskDefinition", "/spec/taskDefinitionRef/name")].iter().any(
            |(kind, place)| {
                let found = self.simulation.api_server().get(kind, text(object, place));
                found.is_none_or(|found| {
                    kstatus(&found) != Kstatus::Current || found.pointer("/metadata/deletionTimestamp").is_some()
                })
            },
        )
    }

    /// Whether no deployment of a service had the revision that its manifest asks for.
    fn is_untried(&self, object: &Value) -> bool {
        let definition = text(object, "/spec/taskDefinitionRef/name");
        let Some(definition) = self.simulation.api_server().get("EcsTaskDefinition", definition) else { return false };
        if kstatus(&definition) != Kstatus::Current {
            return false;
        }
        let key = format!("{}/{}", text(object, "/status/cluster"), text(object, "/metadata/name"));
        let mut world = self.simulation.ecs().simulator().world();
        let Some(service) = world.region(&Simulation::caller()).services.get(&key) else { return false };
        let asked = text(&definition, "/status/taskDefinitionArn");
        let of = |target: u64| service.revisions.iter().find(|one| one.number == target);
        let mut tried = service.deployments.iter().filter_map(|one| of(one.target));
        tried.all(|revision| revision.shape.task_definition != asked)
    }

    /// The tags of a service where ECS has others than the manifest.
    fn other_tags(&self, object: &Value) -> Option<String> {
        // With its status, an object loses what has to be reset once it is managed no more.
        if object["kind"] != "EcsService" || self.forgetful.contains(text(object, "/metadata/name")) {
            return None;
        }
        let cluster = text(object, "/status/cluster");
        let input = json!({
            "cluster": cluster, "services": [text(object, "/metadata/name")], "include": ["TAGS"],
        });
        let live = self.simulation.truth().ask("DescribeServices", &input)["services"][0].clone();
        let theirs = |tag: &&Value| !text(tag, "/key").starts_with("ecs-operator.dev/");
        let tags: Vec<&Value> = live["tags"].as_array().into_iter().flatten().filter(theirs).collect();
        let asked: Vec<&Value> = object["spec"]["tags"].as_array().into_iter().flatten().collect();
        (tags != asked).then(|| format!("{}: the tags are {asked:?}, and ECS has {tags:?}", named(object)))
    }

    /// No two ACTIVE revisions of a family are the same, and none is left of a task definition that is gone.
    fn judge_revisions(&mut self) {
        let simulator = self.simulation.ecs().simulator();
        let ask = |operation: &str, input: Value| {
            simulator.call(&Simulation::caller(), operation, &input).unwrap_or_default()
        };
        let listed = ask("ListTaskDefinitions", json!({ "status": "ACTIVE" }));
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let mut wrong = Vec::new();
        for arn in listed["taskDefinitionArns"].as_array().into_iter().flatten() {
            let mut revision =
                ask("DescribeTaskDefinition", json!({ "taskDefinition": arn }))["taskDefinition"].clone();
            let (arn, family) =
                (text(&revision, "/taskDefinitionArn").to_owned(), text(&revision, "/family").to_owned());
            if self.simulation.api_server().get("EcsTaskDefinition", &family).is_none() {
                wrong.push(format!("{arn} is left of a task definition that is gone"));
            }
            if let Some(members) = revision.as_object_mut() {
                members.retain(|name, _| {
                    !matches!(name.as_str(), "taskDefinitionArn" | "revision" | "registeredAt" | "registeredBy")
                });
            }
            if let Some(twin) = known.insert(revision.to_string(), arn.clone()) {
                wrong.push(format!("{arn} is a twin of {twin}"));
            }
        }
        self.wrong.extend(wrong);
    }

    /// What ended badly was not deployed again by the operator without a word of the user.
    fn judge_tries(&mut self) {
        let simulator = self.simulation.ecs().simulator();
        let others = self.simulation.truth().others();
        let mut world = simulator.world();
        let services = world.region(&Simulation::caller()).services.values();
        let mut wrong = Vec::new();
        for service in services.filter(|service| !self.forgetful.contains(&service.name)) {
            let reference = self.simulation.api_server().get("EcsService", &service.name).unwrap_or_default();
            if reference.is_null() {
                continue;
            }
            // It may have referred to any of them.
            let definitions = self.simulation.api_server().objects().into_iter();
            let definitions = definitions.filter(|object| object["kind"] == "EcsTaskDefinition");
            let mut edits: Vec<Time> = definitions
                .flat_map(|object| others.edits("EcsTaskDefinition", text(&object, "/metadata/name")))
                .collect();
            edits.extend(others.edits("EcsService", &service.name));
            let content = |target: u64| {
                let revision = service.revisions.iter().find(|one| one.number == target);
                revision.map(|one| (one.shape.task_definition.clone(), Value::Object(one.spec.clone())))
            };
            for (index, after) in service.deployments.iter().enumerate().filter(|(_, one)| !others.began(&one.id)) {
                let again = |before: &&ServiceDeployment| {
                    let failed = before.tripped || before.rollback.is_some();
                    let is_edited = edits.iter().any(|edit| (before.created..=after.created).contains(edit));
                    failed && !is_edited && content(before.target) == content(after.target)
                };
                if let Some(before) = service.deployments[..index].iter().find(again) {
                    let (name, id, failed) = (&service.name, &after.id, &before.id);
                    wrong.push(format!("{name} was deployed again by {id} after it had failed as {failed}"));
                }
            }
        }
        drop(world);
        self.wrong.extend(wrong);
    }

    /// All services and clusters in ECS have an object, and all objects what they are about.
    fn judge_services(&mut self) {
        let simulator = self.simulation.ecs().simulator();
        let mut world = simulator.world();
        let region = world.region(&Simulation::caller());
        let services = region.services.values().filter(|service| service.status.wire() == "ACTIVE");
        let services: Vec<String> = services.map(|service| service.name.clone()).collect();
        let clusters: Vec<String> = region.clusters.keys().cloned().collect();
        drop(world);
        let api_server = self.simulation.api_server();
        let lost = |kind: &str, names: &[String]| -> Vec<String> {
            let gone = names.iter().filter(|name| api_server.get(kind, name).is_none());
            gone.map(|name| format!("{kind} {name} is gone, and ECS still has it")).collect()
        };
        let mut wrong = lost("EcsService", &services);
        if self.simulation.api_server().objects().is_empty() {
            let answer = simulator.call(&Simulation::caller(), "DescribeClusters", &json!({ "clusters": clusters }));
            let answer = answer.unwrap_or_default();
            let left = answer["clusters"].as_array().into_iter().flatten().filter(|one| one["status"] == "ACTIVE");
            wrong.extend(left.map(|cluster| format!("the cluster {} is left", cluster["clusterName"])));
        }
        self.wrong.extend(wrong);
    }
}

fn named(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))
}

fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}
