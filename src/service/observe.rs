//! What ECS shows of a service.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Desired, SHORTLY, acts,
    detail::{self, DeploymentState, Detail, deployment_of},
    diagnosis::{self, StoppedTask},
    live_service::{LiveDeployment, LiveService},
    ours::{Attempt, has_new_primary, may_have_failed_unseen, started},
    report::scaled_out,
};
use crate::{
    api::{
        EcsServiceStatus, Reason,
        deployment_status::{DeploymentOutcome, PastDeployment},
    },
    ecs::{EcsError, Key, Operation, Pace, Seen, arn, canon},
    reconcile::{Context, Refusal, Step, Subject, Verdict, doubt::Untold, tags},
};

/// A rollout that has not got all its tasks after so long is looked into.
const SUSPICIOUS: SignedDuration = SignedDuration::from_mins(2);

/// How long after a deployment began ECS may still answer from before it.
const STALE: SignedDuration = SignedDuration::from_secs(30);

/// A service as ECS shows it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The service that is there or was there, INACTIVE ones too: a name is free again only with them.
    pub service: Option<LiveService>,
    /// The deployment under way, or the one that failed, where there is more to know than the service shows.
    pub detail: Option<Detail>,
    /// The newest deployment in ECS's history, where the status knows none.
    pub attempt: Option<Attempt>,
    /// The newest stopped tasks, where tasks fail.
    pub stopped: Vec<StoppedTask>,
    /// The revision that they ran: the manifest may have changed since.
    pub failed_revision: Option<Value>,
    /// What else was read by way of Live, and how often it is to be looked at.
    pub looks: Vec<(Key, Pace)>,
    /// The revision that a family without one stands for.
    pub resolved: Option<String>,
    /// Whose call may have been made of which no status tells: it got no answer, or its process died.
    pub untold: Untold,
    /// When the observation began.
    pub at: Instant,
    /// It is the answer of a write; no read has shown it yet.
    pub is_answer: bool,
}

impl Observed {
    /// What a deployment of the manifest deploys, as a hash.
    pub fn target(&self, desired: &Desired) -> String {
        desired.target(self.resolved.as_deref())
    }

    /// Nothing is going on: ECS neither starts nor stops a task.
    pub fn is_settled(&self) -> bool {
        self.service.as_ref().is_some_and(|service| {
            service.status == "ACTIVE"
                && !service.is_deploying()
                && service.running_count == service.desired_count
                && service.pending_count == 0
                && service.is_steady()
        })
    }

    /// The service is from before the rollback that its deployment's detail tells of.
    fn is_behind(&self) -> bool {
        let primary = self.service.as_ref().and_then(LiveService::primary);
        self.detail.as_ref().zip(primary).is_some_and(|(detail, primary)| {
            detail.state == DeploymentState::RollingBack
                && detail.goes_back_to.is_some()
                && detail.deployment == primary.id
        })
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
    let began = Instant::now();
    let observed = look(cx, desired, status, since).await?;
    let observed = if observed.is_behind() { look(cx, desired, status, Some(began)).await? } else { observed };
    let count = observed.service.as_ref().map(|service| service.desired_count);
    if desired.units.get("desiredCount").is_some_and(|asked| asked.as_i64() == count) {
        cx.contests.as_asked(&desired.subject, desired.generation);
    }
    Ok(observed)
}

async fn look(
    cx: &Context,
    desired: &Desired,
    status: &EcsServiceStatus,
    since: Option<Instant>,
) -> Result<Observed, Refusal> {
    let began = Instant::now();
    let seen: Seen = cx
        .live
        .get(&desired.key, since)
        .await
        .map_err(|error| Refusal::Ecs(format!("reading service {}", desired.name), error))?;
    let mut json = seen.json();
    let mut looks = Vec::new();
    if let Some(service) = json.as_mut().filter(|_| asks_the_revision(desired, status)) {
        looks.extend(complete(cx, desired, service).await?);
    }
    let service = json.clone().and_then(LiveService::read);
    let may_be_late = seen.at.saturating_duration_since(cx.doubt.started()) < STALE.unsigned_abs();
    let read_at = cx.clock.now().saturating_sub(SignedDuration::try_from(seen.at.elapsed()).unwrap_or_default());
    let read_at = read_at.unwrap_or_default();
    if may_be_late && service.as_ref().is_some_and(|service| is_from_the_past(service, status, read_at)) {
        cx.live.distrust(&desired.key);
        return Err(Refusal::Later(SHORTLY));
    }
    let resolved = match &desired.family {
        Some(family) => Some(resolve(cx, desired, family).await?),
        None => None,
    };
    let untold = cx.doubt.untold(&desired.subject);
    let (mut detail, mut stopped, mut failed_revision, mut attempt) = (None, Vec::new(), None, None);
    if let (Some(service), Some(json)) = (&service, &json) {
        if let Some(key) = detail::key(desired, service, status) {
            let since = detail::has_moved_on(service, status).then_some(seen.at);
            detail = detail::read(cx, &key, since).await?;
            looks.push((key, Pace::Rolling));
        }
        let target = desired.target(resolved.as_deref());
        if desired.controller() == "ECS" && may_have_failed_unseen(service, status, &target, untold) {
            attempt = newest_attempt(cx, desired, service, json, status).await?;
        }
        if attempt.is_some() || is_failing(service, status, cx.clock.now()) {
            let key = Key::stopped_tasks(&desired.region, &desired.cluster, &desired.name);
            let since = detail::fails_more(service, detail.as_ref(), status).then_some(began);
            stopped = stopped_tasks(cx, &key, since).await?;
            looks.push((key, Pace::Rolling));
            let own = service.task_set.as_ref().map(|set| &set.id).or(status.own_deployment.as_ref());
            if let Some(arn) = diagnosis::revision(&stopped, own.map(String::as_str)) {
                // Read, not kept: it never changes, and who keeps a revision is woken with its task definition.
                let key = Key::task_definition(&desired.region, arn);
                failed_revision = detail::optional(cx, &key, "reading the revision of stopped tasks").await?;
            }
        }
    }
    let (at, is_answer) = (seen.at, seen.is_answer);
    Ok(Observed { service, detail, attempt, stopped, failed_revision, looks, resolved, untold, at, is_answer })
}

/// Whether ECS answers from before the deployment that is ours and began a moment ago. Live knows what it wrote itself;
/// this is for what was written before the operator started. A rollback so soon would still show ours beside the old one.
pub(super) fn is_from_the_past(service: &LiveService, status: &EcsServiceStatus, read_at: Timestamp) -> bool {
    let ours = status.deployment.as_ref().filter(|ours| status.own_deployment.as_ref() == Some(&ours.id));
    let Some((ours, began)) = ours.and_then(|ours| Some((ours, ours.start_time.as_ref()?.0))) else { return false };
    // The status has no fractions of seconds: what nobody knows and began within the same second is another's, made after ours.
    let is_older = |one: &LiveDeployment| {
        status.known_deployments.contains(&one.id) || one.created.is_some_and(|created| created < began)
    };
    read_at.duration_since(began) < STALE
        && service.status == "ACTIVE"
        && service.deployments.iter().all(|one| one.id != ours.id && is_older(one))
}

/// Whether the manifest has, or had, what DescribeServices does not show.
fn asks_the_revision(desired: &Desired, status: &EcsServiceStatus) -> bool {
    let had = |unit: &str| status.common.applied_fields.iter().any(|path| path == unit);
    canon::UNSEEN.iter().any(|unit| desired.units.contains_key(*unit) || had(unit))
}

/// Puts what only the PRIMARY deployment's service revision shows into the service. A revision never changes, so it is
/// read once. `None` where it can't be read, and then edits alone tell what to send.
async fn complete(cx: &Context, desired: &Desired, service: &mut Value) -> Result<Option<(Key, Pace)>, Refusal> {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let deployments = service.get("deployments").and_then(Value::as_array).into_iter().flatten();
    let primary = deployments.into_iter().find(|one| text(one, "status").as_deref() == Some("PRIMARY"));
    let (Some(arn), Some(id)) = (text(service, "serviceArn"), primary.and_then(|primary| text(primary, "id"))) else {
        return Ok(None);
    };
    let key = Key::service_revision(&desired.region, &arn, &id);
    let revision = detail::optional(cx, &key, "reading the service revision").await?;
    let Some((revision, members)) = revision.zip(service.as_object_mut()) else { return Ok(None) };
    for unit in canon::UNSEEN {
        let shown = revision.get(unit).cloned().filter(|shown| !shown.is_null());
        members.insert(unit.into(), shown.unwrap_or_else(|| canon::none_of(unit)));
    }
    Ok(Some((key, Pace::Fixed)))
}

/// Fewer tasks of the PRIMARY deployment run than did: some have died.
fn has_lost_tasks(primary: &LiveDeployment, status: &EcsServiceStatus) -> bool {
    let told = status.deployment.as_ref().filter(|told| told.id == primary.id);
    told.and_then(|told| told.most_running).is_some_and(|ran| primary.running_count < i64::from(ran))
}

/// Whether it is worth while to ask why tasks stopped: they fail, or a rollout hangs, or too few of them are left.
fn is_failing(service: &LiveService, status: &EcsServiceStatus, now: Timestamp) -> bool {
    if service.status != "ACTIVE" {
        return false;
    }
    let has_failed = service.is_on_an_older_deployment(status) || service.is_failed();
    // Once more when a rollback has just ended: by then all is known of the tasks that failed.
    let goes_back = status.deployment.as_ref().is_some_and(|told| told.rollout_state.as_deref() == Some("IN_PROGRESS"));
    if detail::has_ended_badly(service, status) && !goes_back {
        return false;
    }
    let (running, wanted) = service.counts();
    let is_late = |primary: &LiveDeployment| {
        let age = primary.created.map(|created| now.duration_since(created));
        primary.running_count < wanted && (age.is_some_and(|age| age > SUSPICIOUS) || has_lost_tasks(primary, status))
    };
    let is_stabilizing = |set: &&LiveDeployment| status.rolled_out.as_ref() != Some(&set.id);
    let under_way = service.primary().filter(|_| service.is_deploying());
    let under_way = under_way.or_else(|| service.task_set.as_ref().filter(is_stabilizing));
    let hangs = under_way.is_some_and(is_late);
    let is_short = under_way.is_none() && running < service.least_running(status.most_running);
    has_failed || service.has_failing_tasks() || hangs || is_short
}

async fn stopped_tasks(cx: &Context, key: &Key, since: Option<Instant>) -> Result<Vec<StoppedTask>, Refusal> {
    let found = detail::optional_since(cx, key, "reading stopped tasks", since).await?;
    let tasks = found.as_ref().and_then(|found| found.get("tasks")?.as_array());
    Ok(tasks.into_iter().flatten().filter_map(StoppedTask::read).collect())
}

/// The newest deployment in ECS's history, or ours where somebody else has deployed since, and what it deployed if it ended
/// badly.
async fn newest_attempt(
    cx: &Context,
    desired: &Desired,
    service: &LiveService,
    json: &Value,
    status: &EcsServiceStatus,
) -> Result<Option<Attempt>, Refusal> {
    let input = json!({ "cluster": desired.cluster, "service": desired.name, "maxResults": 5 });
    let input = input.as_object().cloned().unwrap_or_default();
    let answer = match cx.live.regions().ecs(&desired.region).call(Operation::ListServiceDeployments, &input).await {
        Ok(answer) => answer,
        Err(error) if !error.is_of_what_was_asked() => {
            return Err(Refusal::Ecs(format!("reading the deployments of service {}", desired.name), error));
        }
        Err(error) => {
            tracing::warn!(
                service = desired.name, %error,
                "whether the newest deployment failed can't be read: what was rolled back may be deployed once more"
            );
            return Ok(None);
        }
    };
    // Nothing says that ECS lists them in order.
    let all = answer.get("serviceDeployments").and_then(Value::as_array).into_iter().flatten();
    let deploys = |one: &Value| one.get("targetServiceRevisionArn").and_then(Value::as_str).map(deployment_of);
    let own = status.own_deployment.as_ref().filter(|_| has_new_primary(service, status));
    let of_own = all.clone().filter(|one| own.is_none() || deploys(one).as_ref() == own);
    let Some(newest) = of_own.max_by_key(|one| detail::time(one.get("createdAt"))) else { return Ok(None) };
    let Some(deployment) = deploys(newest) else { return Ok(None) };
    let is_primary = service.primary().is_some_and(|primary| primary.id == deployment);
    let text = |name: &str| newest.get(name).and_then(Value::as_str);
    let outcome = match DeploymentState::read(text("status").unwrap_or_default()) {
        DeploymentState::RollingBack => DeploymentOutcome::RolledBack,
        // It gave way to a newer one, which the list need not show yet.
        DeploymentState::Stopping | DeploymentState::Stopped if !is_primary => return Ok(None),
        DeploymentState::Stopping | DeploymentState::Stopped | DeploymentState::RollbackFailed => {
            DeploymentOutcome::Failed
        }
        _ => return Ok(None),
    };
    let key = Key::service_revision(&desired.region, &service.arn, &deployment);
    let revision = detail::optional(cx, &key, "reading the service revision").await?;
    let when = |name: &str| detail::time(newest.get(name)).map(Time);
    let past = PastDeployment {
        id: deployment,
        task_definition: None,
        outcome,
        message: text("statusReason").map(str::to_owned),
        complaint: None,
        start_time: when("createdAt"),
        completion_time: when("finishedAt").unwrap_or(Time(cx.clock.now())),
    };
    Ok(revision.and_then(|revision| Attempt::new(past, json, &revision)))
}

/// How often a service looks again for a cluster that is gone; the cluster's object wakes it, too.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How long a family that is not there may be on its way.
const PATIENCE: Duration = Duration::from_secs(60);

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
        Refusal::NotYet(Verdict::stalled(Reason::InvalidReference, message), PATIENCE)
    })
}

/// What a failed step means. A cluster or a revision that is one of ours and not there comes back: its object makes it
/// anew, and is told.
pub fn refusal(cx: &Context, desired: &Desired, step: &Step, error: EcsError) -> Refusal {
    let definition = desired.definition.as_ref();
    let revision = definition.and_then(|object| object.status.as_ref()?.task_definition_arn.as_deref());
    if let Some(arn) = revision.filter(|_| error.message.contains("TaskDefinition is inactive")) {
        cx.live.look(&Key::task_definition(&desired.region, arn));
        let message = format!(
            "spec.taskDefinitionRef: somebody else has deregistered {}; waiting for its EcsTaskDefinition to register it anew",
            arn::named(arn)
        );
        return Verdict::waiting(Reason::RefNotReady, message, LOOK_AGAIN).into();
    }
    let is_gone = error.code == "ClusterNotFoundException" || error.message.contains("Cluster was not ACTIVE");
    if !is_gone || desired.cluster_arn.is_none() {
        return Refusal::Ecs(step.what.clone(), error);
    }
    cx.live.look(&Key::cluster(&desired.region, &desired.cluster));
    let message =
        format!("spec.clusterRef: ECS has no ACTIVE cluster '{}'; waiting for its EcsCluster", desired.cluster);
    Verdict::waiting(Reason::RefNotReady, message, LOOK_AGAIN).into()
}

/// Once nothing is rolled out any more, revisions that the service ran may be pruned, where that waits for it.
pub fn release(cx: &Context, desired: &Desired, observed: &Observed) {
    let Some(definition) = desired.definition.as_ref().filter(|_| observed.is_settled()) else { return };
    let arn = definition.status.as_ref().and_then(|status| status.task_definition_arn.as_deref());
    if let Some(arn) = arn
        && cx.leftovers.are_due(&Subject::of(&**definition), definition.metadata.generation)
    {
        cx.live.wake(&Key::task_definition(&desired.region, arn));
    }
}

/// Takes over the answer of a step: what is there now, and which deployment is ours.
pub fn absorb(cx: &Context, desired: &Desired, step: &Step, mut answer: Value, status: &mut EcsServiceStatus) {
    acts::done(desired, step, status);
    let tags = match step.operation {
        Operation::CreateService => Some(tags::of_created(step, &status.common.applied_fields)),
        Operation::UpdateService => {
            if step.because.iter().any(|difference| difference.path == "desiredCount") {
                cx.contests.accepted(&desired.subject, desired.generation, Instant::now());
            }
            if step.scales_out() {
                scaled_out(status);
            }
            None
        }
        Operation::TagResource | Operation::UntagResource => return tags::absorb(cx, &desired.key, step),
        _ => return,
    };
    let service = answer.get_mut("service").map(Value::take).unwrap_or_default();
    let before = cx.live.peek(&desired.key).and_then(|seen| seen.json());
    if let Some(live) = LiveService::read(service.clone())
        && let Some(primary) = live.primary()
    {
        let known = before.and_then(LiveService::read).map(|before| before.deployments).unwrap_or_default();
        let revision = step.input.get("taskDefinition").and_then(Value::as_str).filter(|_| desired.family.is_some());
        let target = desired.target(revision);
        started(status, &primary.id, &known, target);
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
