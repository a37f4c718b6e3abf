//! What the operator says, held against what ECS knows from inside, at every status that is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ecs_sim::{
    front::Front,
    world::{Truth as ServiceTruth, services::ServiceStatus},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    api_server::ApiServer,
    journal::{Journal, Who},
    kstatus::{self, Kstatus, condition, kstatus},
    simulation::{Others, Simulation},
};

/// An edit is applied within so long, slow calls and ECS's lag included.
const APPLIED: Duration = Duration::from_secs(30);

/// The checker. Clones are the same.
#[derive(Clone, Debug)]
pub struct Truth {
    front: Front,
    api_server: ApiServer,
    journal: Journal,
    others: Others,
    /// What somebody else changed in ECS so short a time ago, the operator need not have seen.
    unseen: Duration,
    /// When each task definition was last bound to another revision.
    revised: Arc<Mutex<BTreeMap<String, Instant>>>,
    told: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

impl Truth {
    pub(crate) fn new(front: Front, api_server: ApiServer, journal: Journal, sweep: Duration) -> Self {
        Self {
            front,
            api_server,
            journal,
            others: Others::default(),
            unseen: sweep + APPLIED,
            revised: Arc::default(),
            told: Arc::default(),
        }
    }

    /// What others did.
    pub fn others(&self) -> &Others {
        &self.others
    }

    /// A status was written.
    pub fn status_written(&self, before: &Value, after: &Value) {
        self.tell();
        if before.pointer("/status/taskDefinitionArn") != after.pointer("/status/taskDefinitionArn") {
            let mut revised = self.revised.lock().unwrap_or_else(PoisonError::into_inner);
            revised.insert(text(after, "/metadata/name").to_owned(), Instant::now());
        }
        if let Some(text) = difference(before, after) {
            self.journal.note(Who::Status, text);
        }
        let name = format!("{} {}", text(after, "/kind"), text(after, "/metadata/name"));
        for wrong in kstatus::check(Some(before), after) {
            self.journal.violation(format!("{name}: {wrong}"));
        }
        if kstatus(after) == Kstatus::Current && kstatus::is_done(after) {
            for wrong in self.not_so(after) {
                self.journal.violation(format!("{name} is called ready, but {wrong}"));
            }
        }
    }

    /// Why an object is not truly deployed as its manifest asks; empty where it is.
    pub fn not_so(&self, object: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        match text(object, "/kind") {
            "EcsCluster" => self.cluster(object, &mut wrong),
            "EcsTaskDefinition" => self.task_definition(object, &mut wrong),
            _ => self.service(object, &mut wrong),
        }
        wrong
    }

    /// The inner truth about the service of an `EcsService`.
    pub fn of_service(&self, object: &Value) -> Option<ServiceTruth> {
        let reference = text(object, "/spec/clusterRef/name");
        let cluster = match self.api_server.get("EcsCluster", reference) {
            Some(cluster) => name_in_ecs(&cluster, "clusterName"),
            None => text(object, "/status/cluster").to_owned(),
        };
        let name = name_in_ecs(object, "serviceName");
        self.front.simulator().world().truth(&Simulation::caller(), &cluster, &name)
    }

    fn cluster(&self, object: &Value, wrong: &mut Vec<String>) {
        let answer = self.ask("DescribeClusters", &json!({ "clusters": [name_in_ecs(object, "clusterName")] }));
        if text(&answer, "/clusters/0/status") != "ACTIVE" {
            wrong.push("ECS has no such ACTIVE cluster".into());
        }
    }

    fn task_definition(&self, object: &Value, wrong: &mut Vec<String>) {
        let arn = text(object, "/status/taskDefinitionArn");
        let answer = self.ask("DescribeTaskDefinition", &json!({ "taskDefinition": arn }));
        let revision = &answer["taskDefinition"];
        // ECS may answer from before it was deregistered, by a process of the operator that is gone.
        let now = self.front.simulator().clock().now().seconds();
        let gone_since = revision["deregisteredAt"].as_f64().map_or(0.0, |at| now - at);
        let is_seen = gone_since > self.unseen.as_secs_f64();
        if text(revision, "/status") != "ACTIVE" && is_seen && !self.changed_lately(None) {
            wrong.push(format!("its revision is not ACTIVE: {arn}"));
        }
        let (asked, there) = (images(&object["spec"]), images(revision));
        if asked != there {
            wrong.push(format!("its images are {asked:?}, and {arn} has {there:?}"));
        }
    }

    fn service(&self, object: &Value, wrong: &mut Vec<String>) {
        let Some(truth) = self.of_service(object) else {
            wrong.push("ECS has no such service".into());
            return;
        };
        let is_external = !matches!(text(object, "/spec/deploymentController/type"), "" | "ECS");
        let changed_lately = self.changed_lately(Some(&name_in_ecs(object, "serviceName")));
        if ready_reason(object) == "NoTaskSet" && truth.primary.is_some() && !changed_lately {
            wrong.push(format!("there is a PRIMARY task set: {truth:?}"));
        }
        if changed_lately || is_external && truth.primary.is_none() {
            return;
        }
        if truth.status != ServiceStatus::Active {
            wrong.push(format!("the service is {}", truth.status.wire()));
            return;
        }
        if !truth.deployed {
            wrong.push(format!("it is not deployed: {truth:?}"));
        }
        if truth.failed && self.is_our_failure(object) {
            wrong.push(format!("the deployment that was asked for was given up: {truth:?}"));
        }
        let reference = text(object, "/spec/taskDefinitionRef/name");
        let revised = self.revised.lock().unwrap_or_else(PoisonError::into_inner).get(reference).copied();
        let edited = self.others.last_edit("EcsTaskDefinition", reference);
        let is_new = edited.into_iter().chain(revised).any(|at| at.elapsed() < APPLIED);
        if let Some(revision) = self.api_server.get("EcsTaskDefinition", reference)
            && !is_new
            && matches!(ready_reason(&revision), "Registered" | "Deleting")
            && revision["status"]["observedGeneration"] == revision["metadata"]["generation"]
            && Some(text(&revision, "/status/taskDefinitionArn")) != truth.task_definition.as_deref()
            && !is_external
        {
            let arn = text(&revision, "/status/taskDefinitionArn");
            wrong.push(format!("{reference} is {arn}, and the service runs {:?}", truth.task_definition));
        }
        let asked = object.pointer("/spec/desiredCount").and_then(Value::as_u64);
        let contested = condition(object, "DesiredCountContested").is_some();
        if asked.is_some_and(|asked| asked != u64::from(truth.desired)) && !contested {
            wrong.push(format!("desiredCount is {asked:?}, and ECS has {}", truth.desired));
        }
        let is_daemon = text(object, "/spec/schedulingStrategy") == "DAEMON";
        if asked.is_some() && !contested && !is_external && !is_daemon && !truth.all_ran {
            wrong.push(format!("its tasks have not all run: {truth:?}"));
        }
        self.differences(object, wrong);
    }

    /// Fields of a service that ECS has otherwise than the manifest.
    fn differences(&self, object: &Value, wrong: &mut Vec<String>) {
        let name = name_in_ecs(object, "serviceName");
        let answer =
            self.ask("DescribeServices", &json!({ "cluster": text(object, "/status/cluster"), "services": [name] }));
        let live = &answer["services"][0];
        let sorted = |value: &Value| {
            let mut items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
            items.sort_unstable();
            if value.is_array() { json!(items) } else { value.clone() }
        };
        for place in [
            "/enableExecuteCommand",
            "/healthCheckGracePeriodSeconds",
            "/networkConfiguration/awsvpcConfiguration/subnets",
            "/networkConfiguration/awsvpcConfiguration/securityGroups",
            "/loadBalancers/0/targetGroupArn",
            "/deploymentConfiguration/minimumHealthyPercent",
            "/deploymentConfiguration/deploymentCircuitBreaker/rollback",
        ] {
            let Some(asked) = object["spec"].pointer(place) else { continue };
            let there = live.pointer(place).cloned().unwrap_or_default();
            if sorted(asked) != sorted(&there) {
                wrong.push(format!("{place} is {asked}, and ECS has {there}"));
            }
        }
    }

    /// Whether the newest deployment is one that the operator began, after the last edit of the manifest.
    fn is_our_failure(&self, object: &Value) -> bool {
        let key = format!("{}/{}", text(object, "/status/cluster"), name_in_ecs(object, "serviceName"));
        let simulator = self.front.simulator();
        let newest = {
            let mut world = simulator.world();
            let service = world.region(&Simulation::caller()).services.get(&key);
            service.and_then(|service| service.deployments.last()).map(|one| (one.id.clone(), one.created))
        };
        let Some((id, created)) = newest else { return false };
        let mut edits = self.others.edits("EcsService", text(object, "/metadata/name"));
        edits.extend(self.others.edits("EcsTaskDefinition", text(object, "/spec/taskDefinitionRef/name")));
        !self.others.began(&id) && edits.iter().all(|edit| *edit <= created)
    }

    fn changed_lately(&self, service: Option<&str>) -> bool {
        self.others.last_in_aws(service).is_some_and(|at| at.elapsed() < self.unseen)
    }

    /// Asks ECS, past all faults.
    pub fn ask(&self, operation: &str, input: &Value) -> Value {
        self.front.simulator().call(&Simulation::caller(), operation, input).unwrap_or_default()
    }

    /// Writes down what has become of services in ECS since the last time.
    pub fn tell(&self) {
        for object in self.api_server.objects().iter().filter(|object| object["kind"] == "EcsService") {
            let name = text(object, "/metadata/name").to_owned();
            let now = self.of_service(object).map_or_else(|| "is not there".to_owned(), |truth| state(&truth));
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let key = ("EcsService".to_owned(), name.clone());
            let before = told.insert(key, now.clone());
            drop(told);
            if before.is_some_and(|before| before != now) {
                self.journal.note(Who::World, format!("in ECS, {name} {now}"));
            }
        }
    }
}

fn state(truth: &ServiceTruth) -> String {
    let revision = truth.task_definition.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or("nothing");
    let id = truth.primary.as_deref().unwrap_or("no deployment");
    match truth.status {
        ServiceStatus::Active if truth.rolled_back && truth.under_way => format!("rolls back to {revision} ({id})"),
        ServiceStatus::Active if truth.rolled_back => format!("is back at {revision} ({id})"),
        ServiceStatus::Active if truth.under_way => format!("rolls out {revision} ({id})"),
        ServiceStatus::Active if truth.failed => format!("failed to roll out {revision} ({id})"),
        ServiceStatus::Active if truth.deployed => format!("runs {revision} ({id})"),
        ServiceStatus::Active => format!("has {revision} ({id})"),
        ServiceStatus::Draining => "drains".into(),
        ServiceStatus::Inactive => "is gone".into(),
    }
}

/// What a person sees change in a status: conditions, and where a rollout is.
fn difference(before: &Value, after: &Value) -> Option<String> {
    let mut changes = Vec::new();
    let all = |object: &Value| object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    for new in all(after) {
        let kind = text(&new, "/type");
        let old = condition(before, kind);
        let same = |member: &str| old.is_some_and(|old| old[member] == new[member]);
        if same("status") && same("reason") && same("message") {
            continue;
        }
        changes.push(match kind {
            "Reconciling" | "Stalled" if old.is_none() => format!("+{kind}"),
            "Reconciling" | "Stalled" => continue,
            _ => format!("{kind}={} {}: {}", text(&new, "/status"), text(&new, "/reason"), text(&new, "/message")),
        });
    }
    for old in all(before) {
        let kind = text(&old, "/type");
        if condition(after, kind).is_none() {
            changes.push(format!("-{kind}"));
        }
    }
    if changes.is_empty() {
        changes.push(details(before, after)?);
    }
    let mut text = format!("{} {}:", text(after, "/kind"), text(after, "/metadata/name"));
    for change in changes {
        let _ = write!(text, " {change}");
    }
    Some(text)
}

/// What else differs between two statuses: which members, and single values before and after.
fn details(before: &Value, after: &Value) -> Option<String> {
    let mut changes = Vec::new();
    changed("", &before["status"], &after["status"], &mut changes);
    changes.retain(|change| !change.starts_with("conditions"));
    (!changes.is_empty()).then(|| changes.join(", "))
}

fn changed(place: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    if before == after {
        return;
    }
    let members = |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<BTreeSet<_>>());
    match (members(before), members(after)) {
        (Some(old), Some(new)) => {
            for name in old.union(&new) {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                changed(&place, &before[name], &after[name], changes);
            }
        }
        _ if [before, after].iter().any(|value| value.is_object() || value.is_array()) => {
            changes.push(place.to_owned());
        }
        _ => changes.push(format!("{place} {before}→{after}")),
    }
}

fn ready_reason(object: &Value) -> &str {
    condition(object, "Ready").map_or("", |ready| text(ready, "/reason"))
}

fn name_in_ecs(object: &Value, member: &str) -> String {
    let given = object["spec"][member].as_str();
    given.unwrap_or_else(|| text(object, "/metadata/name")).to_owned()
}

/// Images by the names of their containers: ECS does not keep the order.
fn images(task_definition: &Value) -> BTreeMap<&str, &str> {
    let containers = task_definition["containerDefinitions"].as_array().into_iter().flatten();
    containers.map(|container| (text(container, "/name"), text(container, "/image"))).collect()
}

fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}
