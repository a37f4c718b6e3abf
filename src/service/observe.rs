//! What ECS shows of a service.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Desired;
use crate::{
    api::{EcsServiceStatus, Reason},
    ecs::{
        Key, Operation, Seen,
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
    /// The revision that a family without one stands for.
    pub resolved: Option<String>,
    /// When the observation began.
    pub at: Instant,
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

/// Reads the service, and the revision of a family that the manifest leaves open.
pub async fn observe(cx: &Context, desired: &Desired, since: Option<Instant>) -> Result<Observed, Refusal> {
    let seen: Seen = cx
        .live
        .get(&desired.key, since)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading service {}", desired.name), error))?;
    let resolved = match &desired.family {
        Some(family) => Some(resolve(cx, desired, family).await?),
        None => None,
    };
    Ok(Observed { service: seen.json().and_then(LiveService::read), resolved, at: seen.at })
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
    let before = cx.live.peek(&desired.key).and_then(|seen| seen.json());
    let tags = match step.operation {
        Operation::CreateService => step.input.get("tags").cloned(),
        Operation::UpdateService => {
            if desired.is_edited {
                cx.contests.forget(&desired.subject);
            } else if step.because.iter().any(|difference| difference.path == "desiredCount") {
                cx.contests.corrected(&desired.subject, Instant::now());
            }
            before.as_ref().and_then(|held| held.get("tags").cloned())
        }
        _ => return tags::absorb(&cx.live, &desired.key, step),
    };
    let Some(mut service) = answer.get_mut("service").map(Value::take) else { return };
    let Some(members) = service.as_object_mut() else { return };
    members.insert("tags".into(), tags.unwrap_or_else(|| json!([])));
    if let Some(live) = LiveService::read(service.clone())
        && let Some(primary) = live.primary()
    {
        let known = before.and_then(LiveService::read).map(|before| before.deployments).unwrap_or_default();
        started(status, &primary.id, known.into_iter().map(|deployment| deployment.id), desired);
    }
    cx.live.absorb(&desired.key, service);
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
