//! What a person should hear of a deployment as it goes on, told by comparing two statuses: once each. Pure.

use super::diagnosis::{self, CauseKind, TroubleKind};
use crate::{
    api::{
        EcsServiceStatus,
        deployment_status::{DeploymentOutcome, DeploymentStatus, PastDeployment},
        status::READY,
    },
    reconcile::News,
};

/// What is new in `after`. How a deployment ends is told by the verdict.
pub fn news(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Vec<News> {
    let mut news = Vec::new();
    if let Some(deployment) = &after.deployment {
        let old = before.deployment.as_ref().filter(|old| old.id == deployment.id);
        news.extend(stage(old, deployment));
        news.extend(hook(old, deployment));
    }
    let told = |past: &PastDeployment| {
        before.deployments.iter().any(|known| known.id == past.id && known.outcome == past.outcome)
    };
    for past in after.deployments.iter().filter(|past| !told(past)) {
        news.extend(ended(past, after));
    }
    news.extend(failures(before, after));
    news.extend(troubles(before, after));
    let restart = |of: &EcsServiceStatus| of.handled.as_ref().and_then(|handled| handled.restarted_at.clone());
    if restart(before) != restart(after) && after.own_deployment.is_none() && after.service_arn.is_some() {
        let note =
            "The annotation restartedAt was not acted upon: only the service's own deployment controller may deploy";
        news.push(News::warning("RestartRefused", note));
    }
    news
}

/// How a deployment ended; that it was rolled out is told by the verdict.
fn ended(past: &PastDeployment, after: &EcsServiceStatus) -> Option<News> {
    match past.outcome {
        DeploymentOutcome::Deployed => None,
        DeploymentOutcome::Superseded => {
            Some(News::normal("Superseded", format!("Deployment {} was replaced before it was rolled out", past.id)))
        }
        DeploymentOutcome::Failed | DeploymentOutcome::RolledBack => {
            let ready = after.common.conditions.iter().find(|condition| condition.type_ == READY)?;
            Some(News::warning(&ready.reason, ready.message.clone()))
        }
    }
}

fn stage(old: Option<&DeploymentStatus>, new: &DeploymentStatus) -> Option<News> {
    let place = |of: &DeploymentStatus| (of.stage.clone(), of.production_traffic_percent, of.test_traffic_percent);
    let stage = new.stage.as_ref().filter(|_| old.map(place) != Some(place(new)))?;
    let is_over = old.is_none() && new.rollout_state.as_deref() == Some("COMPLETED");
    if is_over || new.strategy.as_deref() == Some("ROLLING") {
        return None;
    }
    let traffic = |percent: Option<i32>, kind: &str| {
        percent.map_or_else(String::new, |percent| format!(", {percent} % of the {kind} traffic"))
    };
    let note = format!(
        "Deployment {} is at {stage}{}{}",
        new.id,
        traffic(new.production_traffic_percent, "production"),
        traffic(new.test_traffic_percent, "test")
    );
    Some(News::normal("DeploymentStage", note))
}

fn hook(old: Option<&DeploymentStatus>, new: &DeploymentStatus) -> Option<News> {
    let hook = new.hook.as_ref()?;
    if old.and_then(|old| old.hook.as_ref()).is_some_and(|old| old.id == hook.id) {
        return None;
    }
    let until = hook.expiration_time.as_ref().map_or_else(String::new, |until| format!(" until {}", until.0));
    let note = format!(
        "Deployment {} waits for an answer{until}: annotate with ecs-operator.dev/continueHook={1} or \
         ecs-operator.dev/rollbackHook={1}",
        new.id, hook.id
    );
    Some(News::normal("AwaitingHook", note))
}

fn failures(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Vec<News> {
    let is_known = |cause: &str, container: Option<&String>| {
        before.task_failures.iter().any(|known| known.cause == cause && known.container.as_ref() == container)
    };
    let new = after.task_failures.iter().filter(|one| !is_known(&one.cause, one.container.as_ref()));
    new.map(|one| {
        let what = diagnosis::what_failed(&one.cause, one.container.as_deref(), one.exit_code.map(i64::from));
        News::warning("TaskFailed", format!("{what}: {}. ECS says: {}", one.advice, one.reason))
    })
    .collect()
}

/// Complaints of ECS that are not the same as one before but for ids and numbers.
fn troubles(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Vec<News> {
    let known: Vec<String> = before
        .events
        .iter()
        .filter_map(|event| diagnosis::trouble(&event.message).map(|trouble| trouble.normalized().to_owned()))
        .collect();
    let is_settled = after.rolled_out.is_some() && after.rolled_out == after.own_deployment;
    let mut told: Vec<String> = Vec::new();
    let mut news = Vec::new();
    for event in after.events.iter().rev() {
        let Some(trouble) = diagnosis::trouble(&event.message) else { continue };
        // How a deployment ends is told once, with all that is known of it.
        let is_end = matches!(trouble.kind, TroubleKind::DeploymentFailed | TroubleKind::RollingBack);
        // Targets of a deployed service come and go, and heal by themselves.
        let is_routine = is_settled && trouble.kind == TroubleKind::Task(CauseKind::LoadBalancerHealthCheck);
        if is_end || is_routine {
            continue;
        }
        let text = trouble.normalized().to_owned();
        if known.contains(&text) || told.contains(&text) {
            continue;
        }
        news.push(News::warning(trouble.kind.as_str(), trouble.to_string()));
        told.push(text);
    }
    news
}
