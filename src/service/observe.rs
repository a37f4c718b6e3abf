//! What ECS shows of a service.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Desired;
use crate::{
    api::{EcsServiceStatus, Reason},
    ecs::{
        Class, Key, Operation, Seen,
        canon::{self, Units},
    },
    reconcile::{
        Context, Refusal, Step, Verdict,
        tags::{self, Tags},
    },
};

/// How many deployments before ours are remembered.
const KNOWN: usize = 10;

/// A service as ECS shows it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The service that is there or was there, INACTIVE ones too: a name is free again only with them.
    pub service: Option<LiveService>,
    /// The service revision that was read for it.
    pub revision: Option<Key>,
    /// The revision that a family without one stands for.
    pub resolved: Option<String>,
    /// When the observation began.
    pub at: Instant,
    /// It is the answer of a write; no read has shown it yet.
    pub is_answer: bool,
}

/// A service.
#[derive(Clone, Debug)]
pub struct LiveService {
    /// Its ARN.
    pub arn: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// Its tags, without those of AWS.
    pub tags: Tags,
    /// What it is made of, unit by unit.
    pub units: Units,
    /// How many tasks ECS keeps.
    pub desired_count: i64,
    /// How many run.
    pub running_count: i64,
    /// How many are being started.
    pub pending_count: i64,
    /// Its deployments, the PRIMARY one first.
    pub deployments: Vec<LiveDeployment>,
    /// The whole answer.
    pub json: Value,
}

/// A deployment of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveDeployment {
    /// Its id, `ecs-svc/…`.
    pub id: String,
    /// PRIMARY, ACTIVE, INACTIVE, DRAINING.
    pub status: String,
    /// IN_PROGRESS, COMPLETED, FAILED; absent behind a Classic Load Balancer.
    pub rollout_state: Option<String>,
    /// Why.
    pub rollout_state_reason: Option<String>,
    /// The revision it runs.
    pub task_definition: String,
    /// How many tasks it shall run.
    pub desired_count: i64,
    /// How many of its tasks run.
    pub running_count: i64,
    /// How many of its tasks are being started.
    pub pending_count: i64,
    /// How many failed in a row.
    pub failed_tasks: i64,
    /// Its capacity provider strategy.
    pub capacity: Value,
}

impl Observed {
    /// Nothing is going on.
    pub fn is_settled(&self) -> bool {
        self.service.as_ref().is_some_and(|service| {
            service.status == "ACTIVE" && !service.is_deploying() && service.running_count >= service.desired_count
        })
    }
}

impl LiveService {
    /// The PRIMARY deployment.
    pub fn primary(&self) -> Option<&LiveDeployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// ECS went back to a deployment from before ours. It comes back under its old id, which is how a rollback is told.
    pub fn is_rolled_back(&self, status: &EcsServiceStatus) -> bool {
        self.primary().is_some_and(|primary| status.known_deployments.contains(&primary.id))
    }

    /// A deployment is under way.
    pub fn is_deploying(&self) -> bool {
        self.primary().is_some_and(|primary| match primary.rollout_state.as_deref() {
            Some(state) => state == "IN_PROGRESS",
            None => self.deployments.len() > 1,
        })
    }

    /// The PRIMARY deployment is rolled out. Behind a Classic Load Balancer ECS gives no state: then it is the only one.
    pub fn is_completed(&self) -> bool {
        self.primary().is_some_and(|primary| match primary.rollout_state.as_deref() {
            Some(state) => state == "COMPLETED",
            None => self.deployments.len() == 1,
        })
    }

    /// How many tasks `minimumHealthyPercent` asks for.
    pub fn least_running(&self) -> i64 {
        let daemon = self.json.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON");
        let percent = self.json.pointer("/deploymentConfiguration/minimumHealthyPercent").and_then(Value::as_i64);
        let percent = percent.unwrap_or(if daemon { 0 } else { 100 });
        self.desired_count.saturating_mul(percent).saturating_add(99) / 100
    }

    /// A service in an observation.
    pub fn read(json: Value) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| json.get(name).and_then(Value::as_i64).unwrap_or_default();
        let mut deployments: Vec<LiveDeployment> =
            json.get("deployments").and_then(Value::as_array).into_iter().flatten().map(LiveDeployment::read).collect();
        deployments.sort_by_key(|deployment| deployment.status != "PRIMARY");
        Some(Self {
            arn: text("serviceArn"),
            status: text("status"),
            tags: tags::from_json(json.get("tags")),
            units: canon::observed_service(&json).ok()?,
            desired_count: number("desiredCount"),
            running_count: number("runningCount"),
            pending_count: number("pendingCount"),
            deployments,
            json,
        })
    }
}

impl LiveDeployment {
    fn read(json: &Value) -> Self {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| json.get(name).and_then(Value::as_i64).unwrap_or_default();
        Self {
            id: text("id").unwrap_or_default(),
            status: text("status").unwrap_or_default(),
            rollout_state: text("rolloutState"),
            rollout_state_reason: text("rolloutStateReason").filter(|reason| !reason.is_empty()),
            task_definition: text("taskDefinition").unwrap_or_default(),
            desired_count: number("desiredCount"),
            running_count: number("runningCount"),
            pending_count: number("pendingCount"),
            failed_tasks: number("failedTasks"),
            capacity: json.get("capacityProviderStrategy").cloned().unwrap_or_default(),
        }
    }
}

/// Reads the service; where the manifest speaks of what only a service revision shows, that; and the revision of a
/// family that the manifest leaves open.
pub async fn observe(
    cx: &Context,
    desired: &Desired,
    status: &EcsServiceStatus,
    since: Option<Instant>,
) -> Result<Observed, Refusal> {
    let seen: Seen = cx
        .live
        .get(&desired.key, since)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading service {}", desired.name), error))?;
    let mut service = seen.json();
    let revision = match service.as_mut().filter(|_| asks_the_revision(desired, status)) {
        Some(service) => complete(cx, desired, service).await?,
        None => None,
    };
    let resolved = match &desired.family {
        Some(family) => Some(resolve(cx, desired, family).await?),
        None => None,
    };
    let service = service.and_then(LiveService::read);
    Ok(Observed { service, revision, resolved, at: seen.at, is_answer: seen.is_answer })
}

/// Whether the manifest has, or had, what DescribeServices does not show.
fn asks_the_revision(desired: &Desired, status: &EcsServiceStatus) -> bool {
    let had = |unit: &str| status.common.applied_fields.iter().any(|path| path == unit);
    canon::UNSEEN.iter().any(|unit| desired.units.contains_key(*unit) || had(unit))
}

/// Puts what only the PRIMARY deployment's service revision shows into the service. A revision never changes, so it is
/// read once. `None` where it can't be read, and then edits alone tell what to send.
async fn complete(cx: &Context, desired: &Desired, service: &mut Value) -> Result<Option<Key>, Refusal> {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let deployments = service.get("deployments").and_then(Value::as_array).into_iter().flatten();
    let primary = deployments.into_iter().find(|one| text(one, "status").as_deref() == Some("PRIMARY"));
    let (Some(arn), Some(id)) = (text(service, "serviceArn"), primary.and_then(|primary| text(primary, "id"))) else {
        return Ok(None);
    };
    let key = Key::service_revision(&desired.region, &arn, &id);
    let revision = match cx.live.get(&key, None).await {
        Ok(seen) => seen.json(),
        Err(error) if matches!(error.class, Class::Throttled | Class::Transient) => {
            return Err(Refusal::Ecs(format!("reading the revision of service {}", desired.name), error));
        }
        Err(error) => {
            tracing::debug!(service = desired.name, %error, "the service's revision can't be read");
            None
        }
    };
    let Some((revision, members)) = revision.zip(service.as_object_mut()) else { return Ok(None) };
    for unit in canon::UNSEEN {
        let shown = revision.get(unit).cloned().filter(|shown| !shown.is_null());
        members.insert(unit.into(), shown.unwrap_or_else(|| canon::none_of(unit)));
    }
    Ok(Some(key))
}

async fn resolve(cx: &Context, desired: &Desired, family: &str) -> Result<String, Refusal> {
    let key = Key::task_definition(&desired.region, family);
    let seen = cx
        .live
        .get(&key, Some(Instant::now()))
        .await
        .map_err(|error| Refusal::Ecs(format!("reading task definition {family}"), error))?;
    let arn = seen.json().and_then(|revision| revision.get("taskDefinitionArn")?.as_str().map(str::to_owned));
    arn.ok_or_else(|| {
        let message =
            format!("spec.taskDefinition: ECS has no ACTIVE revision of '{family}'; register one, or name another");
        Verdict::stalled(Reason::InvalidReference, message).into()
    })
}

/// Takes over the answer of a step: what is there now, and which deployment is ours.
pub fn absorb(cx: &Context, desired: &Desired, step: &Step, mut answer: Value, status: &mut EcsServiceStatus) {
    let tags = match step.operation {
        Operation::CreateService => step.input.get("tags").cloned(),
        Operation::UpdateService => {
            if desired.is_edited {
                cx.contests.forget(&desired.subject);
            } else if step.because.iter().any(|difference| difference.path == "desiredCount") {
                cx.contests.corrected(&desired.subject, Instant::now());
            }
            None
        }
        _ => return tags::absorb(cx, &desired.key, step),
    };
    let service = answer.get_mut("service").map(Value::take).unwrap_or_default();
    let before = cx.live.peek(&desired.key).and_then(|seen| seen.json());
    if let Some(live) = LiveService::read(service.clone())
        && let Some(primary) = live.primary()
    {
        let known = before.and_then(LiveService::read).map(|before| before.deployments).unwrap_or_default();
        started(status, &primary.id, known.into_iter().map(|deployment| deployment.id), desired);
    }
    absorb_service(cx, &desired.key, service, tags);
}

/// Takes over a service that a write was answered with. ECS answers without tags: those that were sent or held go on.
pub fn absorb_service(cx: &Context, key: &Key, mut service: Value, tags: Option<Value>) {
    let held =
        || cx.live.peek(key).and_then(|seen| seen.json()).and_then(|mut held| Some(held.get_mut("tags")?.take()));
    if let Some(members) = service.as_object_mut() {
        members.insert("tags".into(), tags.or_else(held).unwrap_or_else(|| json!([])));
        cx.absorb(key, service);
    }
}

/// A call of ours was answered with the PRIMARY deployment `id`; `before` are those there were before it. Where the call
/// started none (a mere change of the count, say), nothing becomes ours: not even what ECS rolled back to.
pub fn started(status: &mut EcsServiceStatus, id: &str, before: impl Iterator<Item = String>, desired: &Desired) {
    let before: Vec<String> = before.collect();
    if before.iter().any(|known| known == id) {
        return;
    }
    becomes_ours(status, id, desired);
    // Whoever made them: ECS may go back to any of them.
    for known in before {
        if !status.known_deployments.contains(&known) {
            status.known_deployments.push(known);
        }
    }
    status.known_deployments.truncate(KNOWN);
}

/// From now on `id` is the deployment that Ready needs; what was before it is remembered.
pub fn becomes_ours(status: &mut EcsServiceStatus, id: &str, desired: &Desired) {
    if status.own_deployment.as_deref() == Some(id) {
        return;
    }
    status.own_target = Some(desired.target());
    if let Some(before) = status.own_deployment.replace(id.to_owned()) {
        status.known_deployments.insert(0, before);
        status.known_deployments.truncate(KNOWN);
    }
    status.known_deployments.retain(|known| known != id);
}
