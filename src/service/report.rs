//! What was observed, written into the status of a service. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::{
    Desired, Observed, acts,
    complaint::complaint,
    detail::{Detail, is_told_to_have_failed, time},
    diagnosis::{self, Cause},
    live_service::{LiveDeployment, LiveService},
    ours::{is_rolled_back, take_over},
};
use crate::{
    api::{
        EcsServiceStatus, Origin,
        deployment_status::{DeploymentOutcome, DeploymentStatus, PastDeployment, TaskFailureStatus},
        service_status::{ResolvedTaskDefinition, ServiceEventStatus},
    },
    ecs::arn,
    reconcile::spec,
    runtime::text,
};

/// How many of the newest events, past deployments and causes of failures the status keeps.
const KEPT: usize = 5;
/// The first deployment of a service is as old as the service, give or take.
const SAME_CALL: SignedDuration = SignedDuration::from_secs(5);
/// The longest text of ECS's that the status takes, in bytes.
const LONGEST: usize = 1000;

/// Writes what was observed into the status.
pub fn report(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus, now: Timestamp) {
    status.common.region = Some(desired.region.clone());
    // Never empty, and no pod matches it: an autoscaler needs one.
    status.selector = Some(format!("ecs-operator.dev/uid={}", desired.uid));
    if let (Some(from), Some(arn)) = (&desired.family, &observed.resolved) {
        let asked = Some(desired.asked.clone());
        status.resolved_task_definition = Some(ResolvedTaskDefinition { from: from.clone(), arn: arn.clone(), asked });
    }
    let Some(service) = observed.service.as_ref().filter(|service| service.status != "INACTIVE") else { return };
    if !desired.stake.concerns(&service.tags) {
        return;
    }
    forget_an_earlier_service(service, status);
    status.common.origin = desired.stake.claim(&service.tags).origin();
    status.common.account_id = spec::account(&service.arn);
    status.service_arn = Some(service.arn.clone());
    status.cluster_arn = service.json.get("clusterArn").and_then(Value::as_str).map(str::to_owned);
    status.cluster = Some(desired.cluster.clone());
    let is_as_asked = desired.units.get("desiredCount").and_then(Value::as_i64) == Some(service.desired_count);
    if is_as_asked && status.desired_count.is_some_and(|told| service.desired_count > i64::from(told)) {
        scaled_out(status);
    }
    status.desired_count = number(service.desired_count);
    status.running_count = number(service.running_count);
    status.pending_count = number(service.pending_count);
    status.events = events(service);
    acts::settle(desired, service, status);
    status.task_definition_arn = service.current().map(|current| current.task_definition.clone());
    status.task_definition = status.task_definition_arn.as_deref().map(|arn| arn::named(arn).to_owned());
    if let Some(primary) = service.primary() {
        deployments(desired, observed, service, primary, status, now);
    } else if let Some(set) = &service.task_set {
        task_set(observed, service, set, status, now);
    } else {
        status.deployment = None;
    }
}

/// What another controller deploys: its deployments are not ours, and ECS rolls none of them back.
fn task_set(
    observed: &Observed,
    service: &LiveService,
    set: &LiveDeployment,
    status: &mut EcsServiceStatus,
    now: Timestamp,
) {
    if set.rollout_state.as_deref() == Some("COMPLETED") {
        status.rolled_out = Some(set.id.clone());
        status.task_failures.clear();
    } else {
        note_woken(status);
        failures(observed, service, Some(&set.id), status);
    }
    note_most_running(service, status);
    let before = status.deployment.take();
    let told = deployment(service, set, None, before, now);
    status.deployment = Some(DeploymentStatus { strategy: None, ..told });
}

/// More tasks are wanted than before, or may be. Those that are to come are no dip of those that ran, and from here on the
/// time runs within which they are to start.
pub fn scaled_out(status: &mut EcsServiceStatus) {
    status.rolled_out = None;
    if let Some(deployment) = &mut status.deployment {
        (deployment.progress_time, deployment.most_running) = (None, None);
    }
}

fn deployments(
    desired: &Desired,
    observed: &Observed,
    service: &LiveService,
    primary: &LiveDeployment,
    status: &mut EcsServiceStatus,
    now: Timestamp,
) {
    take_over(desired, observed, status, primary);
    failures(observed, service, status.own_deployment.clone().as_deref(), status);
    note_rolled_out(desired, service, primary, status);
    note_most_running(service, status);
    let before = status.deployment.take();
    let is_back = is_rolled_back(desired, observed, service, status);
    note_ended(is_back, service, primary, observed.detail.as_ref(), before.as_ref(), status, now);
    // The history is short, and may have forgotten it.
    let told =
        before.as_ref().filter(|before| before.id == primary.id).and_then(|before| before.completion_time.clone());
    let past = status.deployments.iter().find(|past| past.id == primary.id).map(|past| past.completion_time.clone());
    let mut seen = deployment(service, primary, observed.detail.as_ref(), before, now);
    seen.completion_time = told.or(past).filter(|_| !service.is_deploying());
    status.deployment = Some(seen);
}

/// Remembers that all tasks of our deployment ran once.
fn note_rolled_out(desired: &Desired, service: &LiveService, primary: &LiveDeployment, status: &mut EcsServiceStatus) {
    let all_run = desired.is_daemon() || service.has_all_tasks();
    if service.running_count < service.desired_count && !all_run {
        note_woken(status);
    } else if all_run && status.own_deployment.as_deref() == Some(&primary.id) && service.is_completed() {
        status.rolled_out = Some(primary.id.clone());
        status.task_failures.clear();
    }
}

/// Somebody else wants tasks where none was wanted, and not all of them run: that they start is not proven by what ran
/// before.
fn note_woken(status: &mut EcsServiceStatus) {
    if status.most_running == Some(0) && status.rolled_out.is_some() {
        scaled_out(status);
    }
}

/// A service that was deleted by hand and made anew has never run, whatever the one before it did.
fn forget_an_earlier_service(service: &LiveService, status: &mut EcsServiceStatus) {
    let made = time(service.json.get("createdAt"));
    let known = status.deployment.as_ref().and_then(|deployment| deployment.start_time.as_ref());
    if known.zip(made).is_some_and(|(known, made)| known.0 < made - SAME_CALL) {
        (status.rolled_out, status.most_running) = (None, None);
    }
}

/// From its first rollout on, a service is to keep the tasks that ran. It has not lost those that somebody no longer wants,
/// nor those that are wanted since a moment ago.
fn note_most_running(service: &LiveService, status: &mut EcsServiceStatus) {
    let has_run =
        status.most_running.is_some() || status.rolled_out.is_some() || status.common.origin == Some(Origin::Adopted);
    if has_run {
        let of_deployment = || status.deployment.as_ref().and_then(|deployment| deployment.most_running);
        let ran = status.most_running.or_else(of_deployment);
        let (running, wanted) = service.counts();
        status.most_running = number(running).max(ran).min(number(wanted));
    }
}

/// Why tasks of our deployment (or of the PRIMARY task set) stopped. Kept as it was where no stopped task is seen any more:
/// ECS forgets them.
fn failures(observed: &Observed, service: &LiveService, own: Option<&str>, status: &mut EcsServiceStatus) {
    let causes = diagnosis::causes(&observed.stopped, observed.failed_revision.as_ref(), own);
    let newest = causes.iter().map(|cause| cause.last_seen.as_second()).max();
    let known = status.task_failures.iter().map(|failure| failure.last_seen_time.0.as_second()).max();
    let looked_at = causes.iter().map(|cause| number(i64::try_from(cause.of).unwrap_or(i64::MAX))).max().flatten();
    let known_at = status.task_failures.iter().map(|failure| failure.looked_at).max();
    // ECS forgets stopped tasks after a while, which is no news of them.
    if newest.is_none() || newest < known || newest == known && looked_at <= known_at {
        return;
    }
    // That it ended badly is told; a task more that stops while ECS goes back is no news of it, only another cause is.
    let is_known = |cause: &Cause| status.task_failures.iter().any(|known| known.cause == cause.kind.as_str());
    let is_told = is_told_to_have_failed(status) && !status.task_failures.is_empty();
    if is_told && service.is_deploying() && causes.iter().all(is_known) {
        return;
    }
    let told = causes.into_iter().take(KEPT).map(|cause| TaskFailureStatus {
        cause: cause.kind.as_str().to_owned(),
        advice: shortened(cause.what_to_do()),
        container: cause.container,
        exit_code: cause.exit_code.and_then(|code| i32::try_from(code).ok()),
        reason: shortened(cause.reason),
        count: i32::try_from(cause.count).unwrap_or(i32::MAX),
        looked_at: i32::try_from(cause.of).unwrap_or(i32::MAX),
        last_seen_time: Time(Timestamp::from_second(cause.last_seen.as_second()).unwrap_or(cause.last_seen)),
    });
    status.task_failures = told.collect();
}

/// Remembers how deployments of ours ended.
fn note_ended(
    is_back: bool,
    service: &LiveService,
    primary: &LiveDeployment,
    detail: Option<&Detail>,
    before: Option<&DeploymentStatus>,
    status: &mut EcsServiceStatus,
    now: Timestamp,
) {
    let Some(own) = status.own_deployment.clone() else { return };
    let is_ours = own == primary.id;
    let of_own = detail.filter(|detail| detail.deployment == own);
    let is_over = of_own.is_some_and(|detail| detail.state.is_bad_end()) && !service.is_completed();
    let outcome = match () {
        () if is_back => Some(DeploymentOutcome::RolledBack),
        () if is_ours && (service.is_failed() || is_over) => Some(DeploymentOutcome::Failed),
        () if is_ours && status.rolled_out.as_deref() == Some(&own) => Some(DeploymentOutcome::Deployed),
        () => None,
    };
    let shown = service.deployments.iter().find(|deployment| deployment.id == own);
    if let Some(outcome) = outcome {
        let seen = before.filter(|before| before.id == own);
        let revision = shown.map(|shown| shown.task_definition.clone());
        let revision = revision.or_else(|| seen.and_then(|seen| seen.task_definition_arn.clone()));
        let told = of_own.and_then(|detail| detail.rollback_reason.clone().or_else(|| detail.reason.clone()));
        // Of what is in progress it says nothing but that.
        let in_service = shown.filter(|shown| shown.rollout_state.as_deref() == Some("FAILED"));
        let in_service = in_service.and_then(|shown| shown.rollout_state_reason.clone());
        // The detail of a deployment that finds nothing to go back to speaks of a rollback all the same.
        let why = if outcome == DeploymentOutcome::Failed { in_service.or(told) } else { told.or(in_service) };
        let start = shown.and_then(|shown| shown.created).or_else(|| of_own.and_then(|detail| detail.created));
        let is_bad = outcome != DeploymentOutcome::Deployed;
        let complained = start.filter(|_| is_bad).and_then(|start| complaint(service, Some(start), Some(now)));
        let past = PastDeployment {
            id: own.clone(),
            task_definition: revision.map(|arn| arn::named(&arn).to_owned()),
            outcome,
            message: why.filter(|_| is_bad).map(shortened),
            complaint: complained.map(|trouble| trouble.normalized().to_owned()),
            start_time: start.map(Time).or_else(|| seen.and_then(|seen| seen.start_time.clone())),
            completion_time: Time(now),
        };
        remember(status, past);
    }
    if let Some(before) =
        before.filter(|before| is_ours && before.id != own && status.known_deployments.contains(&before.id))
        // What had been rolled out when we came to it was not cut short.
        && before.rollout_state.as_deref() != Some("COMPLETED")
    {
        let revision = before.task_definition_arn.as_deref().map(arn::named);
        let past = PastDeployment {
            id: before.id.clone(),
            task_definition: revision.map(str::to_owned),
            outcome: DeploymentOutcome::Superseded,
            message: None,
            complaint: None,
            start_time: before.start_time.clone(),
            completion_time: Time(now),
        };
        remember(status, past);
    }
}

/// What ended once has ended, for the reason that was told first; only that it failed may turn out to be a rollback, and
/// the reason may come later.
pub fn remember(status: &mut EcsServiceStatus, past: PastDeployment) {
    match status.deployments.iter_mut().find(|known| known.id == past.id) {
        Some(known) if known.outcome == DeploymentOutcome::Failed && past.outcome == DeploymentOutcome::RolledBack => {
            *known = past;
        }
        Some(known) if known.outcome == past.outcome && known.message.is_none() => known.message = past.message,
        Some(_) => {}
        None => status.deployments.insert(0, past),
    }
    status.deployments.truncate(KEPT);
}

fn deployment(
    service: &LiveService,
    live: &LiveDeployment,
    detail: Option<&Detail>,
    before: Option<DeploymentStatus>,
    now: Timestamp,
) -> DeploymentStatus {
    let of_live = detail.filter(|detail| detail.deployment == live.id);
    let known_arn = before.as_ref().and_then(|before| before.arn.clone());
    let before = before.filter(|before| before.id == live.id);
    let running = number(live.running_count);
    let mut deployment = DeploymentStatus {
        id: live.id.clone(),
        arn: detail.map(|detail| detail.arn.clone()).or(known_arn),
        strategy: Some(service.strategy().to_owned()),
        rollout_state: live.rollout_state.clone(),
        rollout_state_reason: live.rollout_state_reason.clone().map(shortened),
        task_definition_arn: Some(live.task_definition.clone()),
        desired_count: number(live.desired_count),
        running_count: running,
        pending_count: number(live.pending_count),
        failed_tasks: number(live.failed_tasks),
        // One more than is wanted replaces another: no progress.
        most_running: running
            .min(number(service.counts().1))
            .max(before.as_ref().and_then(|before| before.most_running)),
        start_time: live.created.map(Time),
        ..DeploymentStatus::default()
    };
    if let Some(detail) = of_live {
        deployment.state = Some(detail.word.clone());
        deployment.state_reason = detail.reason.clone().map(shortened);
        deployment.stage.clone_from(&detail.stage);
        deployment.production_traffic_percent = detail.production_traffic;
        (deployment.step, deployment.steps) =
            detail.production_traffic.and_then(|percent| service.steps(percent)).unzip();
        // ECS gives a share of the test traffic even where there is none.
        deployment.test_traffic_percent = detail.test_traffic.filter(|_| service.has_test_traffic());
        deployment.hook.clone_from(&detail.hook);
        deployment.circuit_breaker.clone_from(&detail.breaker);
        deployment.alarms.clone_from(&detail.alarms);
        deployment.bake_end_time = bake_end(service, &deployment, before.as_ref(), now);
    }
    if let (None, Some(before), Some("FAILED")) = (of_live, &before, live.rollout_state.as_deref()) {
        keep_detail(&mut deployment, before);
    }
    let moved = before.as_ref().is_none_or(|before| before.progress_time.is_none() || has_moved(before, &deployment));
    deployment.progress_time = if moved { Some(Time(now)) } else { before.and_then(|before| before.progress_time) };
    deployment
}

/// What was read once and is not read again, since all that it tells is told: how a deployment failed, above all.
fn keep_detail(deployment: &mut DeploymentStatus, before: &DeploymentStatus) {
    deployment.state.clone_from(&before.state);
    deployment.state_reason.clone_from(&before.state_reason);
    deployment.stage.clone_from(&before.stage);
    deployment.production_traffic_percent = before.production_traffic_percent;
    (deployment.step, deployment.steps) = (before.step, before.steps);
    deployment.test_traffic_percent = before.test_traffic_percent;
    deployment.circuit_breaker.clone_from(&before.circuit_breaker);
    deployment.alarms.clone_from(&before.alarms);
}

/// Whether a deployment came further, as a person would say. A detail that is read for the first time is no step.
fn has_moved(before: &DeploymentStatus, now: &DeploymentStatus) -> bool {
    fn moved<T: PartialEq>(before: Option<&T>, now: Option<&T>) -> bool {
        before.is_some() && before != now
    }
    let hook = |of: &DeploymentStatus| of.hook.as_ref().map(|hook| hook.id.clone());
    moved(before.rollout_state.as_ref(), now.rollout_state.as_ref())
        || moved(before.stage.as_ref(), now.stage.as_ref())
        || moved(before.production_traffic_percent.as_ref(), now.production_traffic_percent.as_ref())
        || moved(before.test_traffic_percent.as_ref(), now.test_traffic_percent.as_ref())
        || hook(before) != hook(now)
        || now.most_running > before.most_running
}

/// When the pause is over that a deployment is in: with all of the traffic on the new revision, or with a part of it.
fn bake_end(
    service: &LiveService,
    now_is: &DeploymentStatus,
    before: Option<&DeploymentStatus>,
    now: Timestamp,
) -> Option<Time> {
    let is_partly = now_is.production_traffic_percent.is_some_and(|percent| (1..100).contains(&percent));
    let place = match (now_is.stage.as_deref()?, service.strategy()) {
        ("BAKE_TIME", _) => "/bakeTimeInMinutes",
        ("PRODUCTION_TRAFFIC_SHIFT", "CANARY") if is_partly => "/canaryConfiguration/canaryBakeTimeInMinutes",
        ("PRODUCTION_TRAFFIC_SHIFT", "LINEAR") if is_partly => "/linearConfiguration/stepBakeTimeInMinutes",
        _ => return None,
    };
    let step = |of: &DeploymentStatus| (of.stage.clone(), of.production_traffic_percent);
    if let Some(before) = before.filter(|before| step(before) == step(now_is)) {
        return before.bake_end_time.clone();
    }
    let minutes = service.json.pointer(&format!("/deploymentConfiguration{place}")).and_then(Value::as_i64)?;
    // Without a time of its own a deployment bakes as long as its alarms ask for. The API server keeps whole seconds.
    let end = now.as_second().checked_add(minutes.checked_mul(60).filter(|seconds| *seconds > 0)?)?;
    Timestamp::from_second(end).ok().map(Time)
}

fn events(service: &LiveService) -> Vec<ServiceEventStatus> {
    let all = service.json.get("events").and_then(Value::as_array).into_iter().flatten();
    let text = |event: &Value, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    all.take(KEPT)
        .map(|event| ServiceEventStatus {
            id: text(event, "id"),
            time: time(event.get("createdAt")).unwrap_or_default().to_string(),
            message: shortened(text(event, "message")),
        })
        .collect()
}

fn number(count: i64) -> Option<i32> {
    i32::try_from(count).ok()
}

fn shortened(text: String) -> String {
    text::shortened(text, LONGEST)
}
