//! What the status says of a service: Ready means rolled out. Pure.

use serde_json::Value;

use super::{
    Desired, Observed,
    observe::{LiveDeployment, LiveService, becomes_ours},
    plan,
};
use crate::{
    api::{
        EcsServiceStatus, Reason,
        service_status::{ResolvedTaskDefinition, ServiceDeploymentStatus, ServiceEventStatus},
        status::{DESIRED_COUNT_CONTESTED, READY},
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
pub fn verdict(desired: &Desired, observed: &Observed, status: &EcsServiceStatus) -> Verdict {
    let Some(service) = &observed.service else {
        return Verdict::retrying("the service is not there although nothing is left to do");
    };
    let plan = plan::plan(desired, observed, status).unwrap_or_default();
    let rollout = rollout(desired, service, status);
    if rollout.reason != Reason::Deployed {
        return rollout;
    }
    if let Some(withheld) = plan.withheld.first() {
        return Verdict::waiting(Reason::Deploying, withheld.clone(), plan::WITHHELD);
    }
    if let Some(unready) = &desired.unready {
        return Verdict::waiting_for_change(Reason::RefNotReady, unready.clone());
    }
    if desired.is_contested {
        // The hour ends without a sign from ECS.
        return Verdict { also: vec![contested(service)], next: Next::After(plan::WITHHELD), ..rollout };
    }
    rollout
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
        Some("COMPLETED") => settled(desired, service, primary, status, &counts),
        None if service.deployments.len() == 1 => settled(desired, service, primary, status, &counts),
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
    let ready = status.common.conditions.iter().any(|condition| condition.type_ == READY && condition.status == "True");
    let was_ready = ready && !desired.is_edited && status.own_deployment.as_deref() == Some(&primary.id);
    if !desired.is_daemon() && !was_ready && service.running_count < service.desired_count {
        return Verdict::progressing(
            Reason::Deploying,
            format!("{counts}, {} is deployed ({}).", revision(primary), primary.id),
        );
    }
    Verdict::ready(Reason::Deployed, format!("{} is deployed ({}).", revision(primary), primary.id))
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
