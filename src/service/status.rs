//! What the status says of a service: Ready means rolled out. Pure.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Desired, Observed,
    fields::FIELDS,
    observe::{LiveDeployment, LiveService, becomes_ours},
    plan,
};
use crate::{
    api::{
        EcsServiceStatus, Reason,
        service_status::{ResolvedTaskDefinition, ServiceDeploymentStatus, ServiceEventStatus},
        status::{AVAILABLE, DESIRED_COUNT_CONTESTED},
    },
    reconcile::{Verdict, spec},
    runtime::{
        conditions::{self, Truth},
        controller::Next,
    },
};

/// Writes what was observed into the status.
pub fn report(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus) {
    status.common.region = Some(desired.region.clone());
    // Never empty, and no pod matches it: an autoscaler needs one.
    status.selector = Some(format!("ecs-operator.dev/uid={}", desired.uid));
    if let (Some(from), Some(arn)) = (&desired.family, &observed.resolved) {
        status.resolved_task_definition = Some(ResolvedTaskDefinition { from: from.clone(), arn: arn.clone() });
    }
    let Some(service) = observed.service.as_ref().filter(|service| service.status != "INACTIVE") else { return };
    if !desired.stake.concerns(&service.tags) {
        return;
    }
    status.common.origin = desired.stake.claim(&service.tags).origin();
    status.common.account_id = spec::account(&service.arn);
    status.service_arn = Some(service.arn.clone());
    status.cluster_arn = service.json.get("clusterArn").and_then(Value::as_str).map(str::to_owned);
    status.cluster = Some(desired.cluster.clone());
    status.desired_count = i32::try_from(service.desired_count).ok();
    status.running_count = i32::try_from(service.running_count).ok();
    status.pending_count = i32::try_from(service.pending_count).ok();
    status.events = events(service);
    status.deployment = service.primary().map(deployment);
    if let Some(primary) = service.primary() {
        status.task_definition = primary.task_definition.rsplit('/').next().map(str::to_owned);
        status.task_definition_arn = Some(primary.task_definition.clone());
        take_over(desired, observed, status, &primary.id);
        if service.is_rolled_back(status) {
            forget_unseen(status);
        }
        note_rolled_out(desired, service, primary, status);
    }
}

/// ECS went back to a revision of which it is not known what it has where ECS shows nothing.
fn forget_unseen(status: &mut EcsServiceStatus) {
    let deploys = |unit: &str| FIELDS.iter().any(|field| field.unit == unit && field.deploys);
    status.common.applied_fields.retain(|path| spec::unseen_unit(path).is_none_or(|unit| !deploys(unit)));
}

/// Remembers that all tasks of our deployment ran once. An edit that asks for more of them begins anew.
fn note_rolled_out(desired: &Desired, service: &LiveService, primary: &LiveDeployment, status: &mut EcsServiceStatus) {
    let all_run = desired.is_daemon() || service.running_count >= service.desired_count;
    if status.own_deployment.as_deref() == Some(&primary.id) && service.is_completed() && all_run {
        status.rolled_out = Some(primary.id.clone());
    } else if desired.is_edited && !all_run {
        status.rolled_out = None;
    }
}

/// A deployment that no call of ours made becomes ours where nothing managed differs: the first look at an adopted
/// service, or a deployment forced from the console. One known before ours is a rollback and never becomes ours.
fn take_over(desired: &Desired, observed: &Observed, status: &mut EcsServiceStatus, id: &str) {
    let is_new =
        status.own_deployment.as_deref() != Some(id) && !status.known_deployments.iter().any(|known| known == id);
    if is_new && plan::plan(desired, observed, status).is_ok_and(|plan| plan.is_empty()) {
        becomes_ours(status, id, desired);
    }
}

fn deployment(live: &LiveDeployment) -> ServiceDeploymentStatus {
    ServiceDeploymentStatus {
        id: live.id.clone(),
        rollout_state: live.rollout_state.clone(),
        rollout_state_reason: live.rollout_state_reason.clone(),
        task_definition_arn: Some(live.task_definition.clone()),
        desired_count: i32::try_from(live.desired_count).ok(),
        running_count: i32::try_from(live.running_count).ok(),
        pending_count: i32::try_from(live.pending_count).ok(),
        failed_tasks: i32::try_from(live.failed_tasks).ok(),
    }
}

fn events(service: &LiveService) -> Vec<ServiceEventStatus> {
    let all = service.json.get("events").and_then(Value::as_array).into_iter().flatten();
    let text = |event: &Value, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    all.take(5)
        .map(|event| ServiceEventStatus {
            id: text(event, "id"),
            time: time(event.get("createdAt")),
            message: text(event, "message"),
        })
        .collect()
}

/// ECS's times are seconds since 1970.
fn time(value: Option<&Value>) -> String {
    #[allow(clippy::cast_possible_truncation)] // seconds since 1970
    let seconds = value.and_then(Value::as_f64).unwrap_or_default() as i64;
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// What to say where no call is left to make.
pub fn verdict(desired: &Desired, observed: &Observed, status: &EcsServiceStatus, now: Timestamp) -> Verdict {
    let Some(service) = &observed.service else {
        return Verdict::retrying("the service is not there although nothing is left to do");
    };
    let plan = plan::plan(desired, observed, status).unwrap_or_default();
    let rollout = rollout(desired, service, status);
    if rollout.reason != Reason::Deployed {
        return rollout.with(available(desired, service));
    }
    let verdict = if let Some(withheld) = plan.withheld.first() {
        Verdict::waiting(Reason::Deploying, withheld.clone(), plan::WITHHELD)
    } else if let Some(unready) = &desired.unready {
        Verdict::waiting_for_change(Reason::RefNotReady, unready.clone())
    } else if desired.is_contested {
        // The hour ends without a sign from ECS.
        Verdict { next: Next::After(plan::WITHHELD), ..rollout }.with(Some(contested(service)))
    } else {
        unavailable(service, status, now).unwrap_or(rollout)
    };
    verdict.with(available(desired, service))
}

/// Whether enough of a service's tasks run. Without deployments of its own, ECS does not say how many that is.
fn available(desired: &Desired, service: &LiveService) -> Option<conditions::Desired> {
    if desired.controller() != "ECS" {
        return None;
    }
    let (running, wanted, least) = (service.running_count, service.desired_count, service.least_running());
    let counts = format!("{running} of {wanted} tasks run");
    let (status, reason, message) = if running < least {
        (Truth::False, "TooFewTasks", format!("{counts}; minimumHealthyPercent asks for {least}."))
    } else if running < wanted {
        (Truth::True, "TasksMissing", format!("{counts}; ECS starts the others."))
    } else {
        (Truth::True, "TasksRun", "All tasks run.".to_owned())
    };
    Some(conditions::Desired { type_: AVAILABLE, status, reason: reason.into(), message })
}

/// How long too few tasks may run before a deployed service is Ready no more: ECS replaces what stops within a minute.
const DIP: SignedDuration = SignedDuration::from_secs(60);

/// A deployed service of which too few tasks run: looked at again when the dip is over, and then said.
fn unavailable(service: &LiveService, status: &EcsServiceStatus, now: Timestamp) -> Option<Verdict> {
    let least = service.least_running();
    if service.running_count >= least {
        return None;
    }
    let mut conditions = status.common.conditions.iter();
    let since = conditions.find(|condition| condition.type_ == AVAILABLE && condition.status == "False");
    let lasts = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since.last_transition_time.0));
    if lasts < DIP {
        let left = (DIP - lasts).max(SignedDuration::from_secs(1)).unsigned_abs();
        let message = deployed(service.primary()?);
        return Some(Verdict { next: Next::After(left), ..Verdict::ready(Reason::Deployed, message) });
    }
    let message = format!(
        "{} of {} tasks run, fewer than the {least} that minimumHealthyPercent asks for, for more than a minute; {}",
        service.running_count,
        service.desired_count,
        newest_event(service)
    );
    Some(Verdict::waiting_for_change(Reason::Unavailable, message))
}

fn contested(service: &LiveService) -> conditions::Desired {
    conditions::Desired {
        type_: DESIRED_COUNT_CONTESTED,
        status: Truth::True,
        reason: "MovedByOthers".into(),
        message: format!(
            "spec.desiredCount was put back three times in 15 minutes and moved again each time; it is left at {} for an hour. If \
             something scales the service, remove spec.desiredCount from the manifest.",
            service.desired_count
        ),
    }
}

fn rollout(desired: &Desired, service: &LiveService, status: &EcsServiceStatus) -> Verdict {
    if desired.controller() != "ECS" {
        return task_set(desired, service);
    }
    let Some(primary) = service.primary() else {
        return Verdict::progressing(Reason::Deploying, "ECS shows no deployment yet.");
    };
    if service.is_rolled_back(status) {
        return Verdict::stalled(
            Reason::RolledBack,
            format!(
                "ECS rolled back to {} ({}); deployment {} failed. Correct the manifest; {}",
                revision(primary),
                primary.id,
                status.own_deployment.as_deref().unwrap_or("of this generation"),
                newest_event(service)
            ),
        );
    }
    let counts = format!("{} of {} tasks run", service.running_count, service.desired_count);
    match primary.rollout_state.as_deref() {
        Some("FAILED") => Verdict::stalled(
            Reason::DeploymentFailed,
            format!(
                "Deployment {} of {} failed: {}; {}",
                primary.id,
                revision(primary),
                primary.rollout_state_reason.as_deref().unwrap_or("ECS gives no reason"),
                newest_event(service)
            ),
        ),
        _ if service.is_completed() => settled(desired, service, primary, status, &counts),
        // IN_PROGRESS, what ECS may add later, or an old deployment behind a Classic Load Balancer.
        _ => Verdict::progressing(
            Reason::Deploying,
            format!("{counts}, {} is being deployed ({}).", revision(primary), primary.id),
        ),
    }
}

/// Deployed once, a service stays Ready through dips: tasks that are replaced are steady-state noise.
fn settled(
    desired: &Desired,
    service: &LiveService,
    primary: &LiveDeployment,
    status: &EcsServiceStatus,
    counts: &str,
) -> Verdict {
    let all_run = desired.is_daemon() || service.running_count >= service.desired_count;
    if !all_run && status.rolled_out.as_deref() != Some(&primary.id) {
        let message = format!("{counts}, {}", deployed(primary));
        return Verdict::progressing(Reason::Deploying, message);
    }
    Verdict::ready(Reason::Deployed, deployed(primary))
}

fn deployed(primary: &LiveDeployment) -> String {
    format!("{} is deployed ({}).", revision(primary), primary.id)
}

/// Under another controller there are no deployments: its PRIMARY task set must be steady.
fn task_set(desired: &Desired, service: &LiveService) -> Verdict {
    let sets = service.json.get("taskSets").and_then(Value::as_array).into_iter().flatten();
    let text = |set: &Value, name: &str| set.get(name).and_then(Value::as_str).map(str::to_owned);
    let controller = desired.controller();
    let primary = sets.into_iter().find(|set| text(set, "status").as_deref() == Some("PRIMARY"));
    match primary.map(|set| text(set, "stabilityStatus")) {
        None => Verdict::ready(
            Reason::Deployed,
            format!("Nothing is outstanding: {controller} has no PRIMARY task set yet."),
        ),
        Some(Some(stability)) if stability == "STEADY_STATE" => {
            Verdict::ready(Reason::Deployed, format!("The PRIMARY task set of {controller} is steady."))
        }
        Some(_) => {
            Verdict::progressing(Reason::Deploying, format!("The PRIMARY task set of {controller} is stabilizing."))
        }
    }
}

fn revision(deployment: &LiveDeployment) -> &str {
    deployment.task_definition.rsplit('/').next().unwrap_or(&deployment.task_definition)
}

fn newest_event(service: &LiveService) -> String {
    let message = service.json.pointer("/events/0/message").and_then(Value::as_str);
    message.map_or_else(|| "see the service's events in ECS".to_owned(), |message| format!("ECS says: {message}"))
}

/// Whether two statuses differ only in how many tasks run: a rollout of a thousand tasks is no reason for a thousand
/// writes.
pub fn is_progress(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
    let without_counts = |status: &EcsServiceStatus| {
        let mut status = status.clone();
        (status.running_count, status.pending_count) = (None, None);
        if let Some(deployment) = &mut status.deployment {
            (deployment.running_count, deployment.pending_count, deployment.desired_count) = (None, None, None);
        }
        for condition in &mut status.common.conditions {
            condition.message.clear();
        }
        status
    };
    without_counts(before) == without_counts(after)
}
