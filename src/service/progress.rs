//! What in a status is worth a write of its own. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{EcsServiceStatus, deployment_status::DeploymentStatus};

/// States of a service deployment that tell no more than the service does, or does in a moment.
const NO_NEWS: [&str; 4] = ["PENDING", "IN_PROGRESS", "SUCCESSFUL", "STOP_REQUESTED"];

/// For how long a deployment that is not rolled out, or that has not got its tasks, has got no further.
pub fn stands_still(status: &EcsServiceStatus, now: Timestamp) -> Duration {
    let deployment = status.deployment.as_ref();
    let is_short = status.running_count < status.desired_count;
    let open = deployment.filter(|deployment| is_short || deployment.rollout_state.as_deref() != Some("COMPLETED"));
    let since = open.and_then(|deployment| deployment.progress_time.as_ref());
    since.and_then(|since| now.duration_since(since.0).try_into().ok()).unwrap_or_default()
}

fn hide_incidentals(deployment: &mut DeploymentStatus) {
    (deployment.arn, deployment.circuit_breaker) = (None, None);
    (deployment.pending_count, deployment.desired_count) = (None, None);
    if deployment.stage.is_none() {
        // Until its first stage a deployment has none of the traffic, which is no news.
        deployment.production_traffic_percent = None;
        (deployment.step, deployment.steps) = (None, None);
    }
    let tells = |word: &String| !NO_NEWS.contains(&word.as_str());
    deployment.state = deployment.state.take().filter(tells);
}

/// Whether two statuses differ only in what is written with the next thing that somebody looks for.
pub fn is_incidental(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
    let is_over = |deployment: &DeploymentStatus| deployment.rollout_state.as_deref() == Some("COMPLETED");
    if after.deployment.as_ref().is_some_and(is_over) {
        // Nothing may follow.
        return false;
    }
    let without = |status: &EcsServiceStatus| {
        let mut status = status.clone();
        status.pending_count = None;
        status.deployment.iter_mut().for_each(hide_incidentals);
        status
    };
    without(before) == without(after)
}

/// Whether two statuses differ only in how many tasks run: a rollout of a thousand tasks is no reason for a thousand
/// writes.
pub fn is_progress(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
    let without_counts = |status: &EcsServiceStatus| {
        let mut status = status.clone();
        (status.running_count, status.pending_count, status.most_running) = (None, None, None);
        if let Some(deployment) = &mut status.deployment {
            (deployment.running_count, deployment.most_running) = (None, None);
            (deployment.progress_time, deployment.failed_tasks) = (None, None);
            hide_incidentals(deployment);
            if deployment.strategy.as_deref() == Some("ROLLING") {
                (deployment.stage, deployment.bake_end_time) = (None, None);
            }
        }
        for failure in &mut status.task_failures {
            (failure.count, failure.looked_at, failure.last_seen_time) = (1, 1, Time(Timestamp::UNIX_EPOCH));
        }
        for condition in &mut status.common.conditions {
            condition.message.clear();
        }
        status
    };
    without_counts(before) == without_counts(after)
}
