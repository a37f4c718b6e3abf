//! What a person should hear of a deployment as it goes on, told by comparing two statuses: once each. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    diagnosis::{self, CauseKind, Trouble, TroubleKind},
    verdict::{says, until_then},
};
use crate::{
    api::{
        EcsServiceStatus, Reason,
        deployment_status::{DeploymentOutcome, DeploymentStatus, PastDeployment},
        status::{DESIRED_COUNT_CONTESTED, READY},
    },
    ecs::Operation,
    reconcile::{News, Step},
};

/// What is new in `after`, which `applied` led to. How a deployment ends is told by the verdict.
pub fn news(before: &EcsServiceStatus, after: &EcsServiceStatus, applied: &[Step]) -> Vec<News> {
    let mut news: Vec<News> = remade(before, applied).into_iter().chain(task_set(before, after)).collect();
    if let Some(deployment) = &after.deployment {
        let old = before.deployment.as_ref().filter(|old| old.id == deployment.id);
        news.extend(somebody_elses(before, after, deployment, applied));
        // A stage that waits for an answer is told with that.
        let asks = hook(old, deployment);
        news.extend(went_on(before, after, old, deployment));
        news.extend(if asks.is_some() { asks } else { stage(old, deployment) });
        news.extend(back(old, deployment, after));
    }
    let told = |past: &PastDeployment| {
        before.deployments.iter().any(|known| known.id == past.id && known.outcome == past.outcome)
    };
    let mut is_bad = false;
    for past in after.deployments.iter().filter(|past| !told(past)) {
        is_bad |= past.outcome.bad_end().is_some();
        news.extend(ended(past, after));
    }
    // How a deployment ended badly is told with why its tasks failed.
    if !is_bad {
        news.extend(failures(before, after));
        news.extend(troubles(before, after));
    }
    news.extend(contested(before, after));
    let restart = |of: &EcsServiceStatus| of.handled.as_ref().and_then(|handled| handled.restarted_at.clone());
    if restart(before) != restart(after) && after.own_deployment.is_none() && after.service_arn.is_some() {
        let note =
            "The annotation restartedAt was not acted upon: only the service's own deployment controller may deploy";
        news.push(News::warning("RestartRefused", note));
    }
    news
}

/// Whether what is deployed in `after` was deployed before, so that no more than its tasks came and went.
pub fn was_deployed(before: &EcsServiceStatus, after: &EcsServiceStatus) -> bool {
    let primary = after.deployment.as_ref().map(|deployment| &deployment.id);
    let mut known = before.deployments.iter().filter(|past| past.outcome == DeploymentOutcome::Deployed);
    known.any(|past| Some(&past.id) == primary)
}

/// A service that was there has been made anew: somebody else deleted it.
fn remade(before: &EcsServiceStatus, applied: &[Step]) -> Option<News> {
    before.service_arn.as_ref()?;
    applied.iter().any(|step| step.operation == Operation::CreateService).then(|| {
        News::warning(
            "Recreated",
            "The service was deleted by somebody else, and is made anew. What others kept on it is gone: an Application Auto \
             Scaling target with its policies, for one",
        )
    })
}

/// How a deployment ended; that it was rolled out is told by the verdict.
fn ended(past: &PastDeployment, after: &EcsServiceStatus) -> Option<News> {
    if let Some(reason) = past.outcome.bad_end() {
        return Some(ended_badly(past, reason, after));
    }
    (past.outcome == DeploymentOutcome::Superseded).then(|| {
        let of = past.task_definition.as_ref().map_or_else(String::new, |revision| format!(" of {revision}"));
        News::normal("Superseded", format!("Deployment {}{of} was replaced before it was rolled out", past.id))
    })
}

/// In the words of Ready, unless something else is in the way as well and is what Ready says.
fn ended_badly(past: &PastDeployment, reason: Reason, after: &EcsServiceStatus) -> News {
    let is_told = |ready: &&Condition| ready.type_ == READY && ready.reason == reason.as_str();
    if let Some(ready) = after.common.conditions.iter().find(is_told) {
        return News::warning(&ready.reason, ready.message.clone());
    }
    let of = past.task_definition.as_ref().map_or_else(String::new, |revision| format!(" of {revision}"));
    let verb = if reason == Reason::DeploymentFailed { "failed" } else { "was rolled back" };
    let why = past.message.as_deref().map_or_else(String::new, |why| format!(" {}", says(why)));
    News::warning(reason.as_str(), format!("Deployment {}{of} {verb}.{why}", past.id))
}

/// A deployment that no call of this pass began, and that is followed as if one had.
fn somebody_elses(
    before: &EcsServiceStatus,
    after: &EcsServiceStatus,
    deployment: &DeploymentStatus,
    applied: &[Step],
) -> Option<News> {
    let is_ours = |step: &Step| matches!(step.operation, Operation::CreateService | Operation::UpdateService);
    let own = before.own_deployment.as_ref()?;
    let is_new = deployment.id != *own && !before.known_deployments.contains(&deployment.id);
    if !is_new || after.own_deployment.as_ref() != Some(&deployment.id) || applied.iter().any(is_ours) {
        return None;
    }
    let revision = after.task_definition.as_ref().map_or_else(String::new, |revision| format!(" of {revision}"));
    let note = format!(
        "Deployment {}{revision} was begun by somebody else, or by a call whose answer was lost. It deploys what the manifest \
         asks for, and is followed as the operator's own",
        deployment.id
    );
    Some(News::normal("DeploymentFound", note))
}

/// ECS has gone back to what ran before our deployment.
fn back(old: Option<&DeploymentStatus>, new: &DeploymentStatus, after: &EcsServiceStatus) -> Option<News> {
    let is = |of: &DeploymentStatus, state: &str| of.rollout_state.as_deref() == Some(state);
    let is_ours = after.own_deployment.as_ref() == Some(&new.id);
    if is_ours || !after.known_deployments.contains(&new.id) || !is(new, "COMPLETED") || !is(old?, "IN_PROGRESS") {
        return None;
    }
    let revision = after.task_definition.as_deref().unwrap_or_default();
    Some(News::normal("RollbackEnded", format!("ECS is back at {revision} ({})", new.id)))
}

/// Another controller has made another task set the PRIMARY one.
fn task_set(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Option<News> {
    // A task set is shown as a deployment without a strategy.
    let has_strategy = |of: &EcsServiceStatus| of.deployment.as_ref().is_some_and(|one| one.strategy.is_some());
    let has_deployments = has_strategy(before) || has_strategy(after);
    let (old, new) = (before.task_definition.as_ref()?, after.task_definition.as_ref()?);
    let note = || format!("The PRIMARY task set runs {new} now, instead of {old}");
    (!has_deployments && old != new).then(|| News::normal("TaskSetChanged", note()))
}

/// The operator begins to give way to somebody who moves the count.
fn contested(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Option<News> {
    let find = |of: &EcsServiceStatus| -> Option<Condition> {
        of.common.conditions.iter().find(|condition| condition.type_ == DESIRED_COUNT_CONTESTED).cloned()
    };
    let begun = find(after).filter(|_| find(before).is_none())?;
    Some(News::warning(DESIRED_COUNT_CONTESTED, begun.message))
}

fn stage(old: Option<&DeploymentStatus>, new: &DeploymentStatus) -> Option<News> {
    let place = |of: &DeploymentStatus| (of.stage.clone(), of.production_traffic_percent, of.test_traffic_percent);
    let stage = new.stage.as_ref().filter(|_| old.map(place) != Some(place(new)))?;
    let is_over = old.is_none() && new.rollout_state.as_deref() == Some("COMPLETED");
    // The stages of the way back are not those of the deployment, and the way back is told.
    let goes_back = new.state.as_deref().is_some_and(|state| state.starts_with("ROLLBACK"));
    if is_over || goes_back || new.strategy.as_deref() == Some("ROLLING") {
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
    let until = until_then(hook.expiration_time.as_ref().map(|until| until.0), hook.timeout_action.as_deref());
    let at = new.stage.as_ref().map_or_else(String::new, |stage| format!(" at {stage}"));
    let note = format!(
        "Deployment {} waits{at} for an answer{until}: annotate (with --overwrite) ecs-operator.dev/continueHook={1} or \
         ecs-operator.dev/rollbackHook={1}",
        new.id, hook.id
    );
    Some(News::normal("AwaitingHook", note))
}

/// A hook that nobody answered has let the deployment go on.
fn went_on(
    before: &EcsServiceStatus,
    after: &EcsServiceStatus,
    old: Option<&DeploymentStatus>,
    new: &DeploymentStatus,
) -> Option<News> {
    let hook = old?.hook.as_ref()?;
    let is_answered = |of: &EcsServiceStatus| {
        let handled = of.handled.as_ref();
        handled
            .is_some_and(|handled| [&handled.continue_hook, &handled.rollback_hook].contains(&&Some(hook.id.clone())))
    };
    let waits = new.hook.as_ref().is_some_and(|now| now.id == hook.id);
    let goes_back =
        new.state.as_deref().is_some_and(|state| state.starts_with("ROLLBACK") || state.starts_with("STOP"));
    let goes_on = hook.timeout_action.as_deref() == Some("CONTINUE");
    if waits || goes_back || !goes_on || is_answered(before) || is_answered(after) {
        return None;
    }
    let until = hook.expiration_time.as_ref().map(|until| until.0);
    let is_over = until.zip(new.progress_time.as_ref()).is_some_and(|(until, now)| now.0 >= until);
    Some(if is_over {
        let note =
            format!("Nobody answered hook {} of deployment {} in time: it goes on, as the hook asks", hook.id, new.id);
        News::normal("HookTimedOut", note)
    } else {
        let note = format!(
            "Deployment {} goes on at hook {} without an answer from here: somebody else gave one, or its time ran out",
            new.id, hook.id
        );
        News::normal("HookAnswered", note)
    })
}

fn failures(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Vec<News> {
    let began = after.deployment.as_ref().and_then(|deployment| deployment.start_time.as_ref()).map(|began| began.0);
    let complained: Vec<Trouble> = before
        .events
        .iter()
        .filter(|event| event.time.parse::<Timestamp>().ok() >= began)
        .filter_map(|event| diagnosis::trouble(&event.message))
        .collect();
    let is_known = |cause: &str, container: Option<&String>| {
        before.task_failures.iter().any(|known| known.cause == cause && known.container.as_ref() == container)
            || complained.iter().any(|trouble| trouble.kind.as_str() == cause)
    };
    let new = after.task_failures.iter().filter(|one| !is_known(&one.cause, one.container.as_ref()));
    new.map(|one| {
        let what = diagnosis::what_failed(&one.cause, one.container.as_deref(), one.exit_code.map(i64::from));
        News::warning("TaskFailed", format!("{what}: {}. ECS says: {}", one.advice, one.reason))
    })
    .collect()
}

/// Complaints of ECS about what is deployed that are not the same as one before but for ids and numbers.
fn troubles(before: &EcsServiceStatus, after: &EcsServiceStatus) -> Vec<News> {
    let known: Vec<String> = before
        .events
        .iter()
        .filter_map(|event| diagnosis::trouble(&event.message).map(|trouble| trouble.normalized().to_owned()))
        .collect();
    let is_settled = after.rolled_out.is_some() && after.rolled_out == after.own_deployment;
    if is_settled && before.deployment.is_none() {
        // What ECS complained of before the first look at what is rolled out is over.
        return Vec::new();
    }
    let began = after.deployment.as_ref().and_then(|deployment| deployment.start_time.as_ref()).map(|began| began.0);
    let of_now: Vec<_> = after.events.iter().filter(|event| event.time.parse::<Timestamp>().ok() >= began).collect();
    let is_end = |kind: TroubleKind| matches!(kind, TroubleKind::DeploymentFailed | TroubleKind::RollingBack);
    let says_why = |kind: TroubleKind| !kind.is_vague() && !is_end(kind);
    let mut complaints = of_now.iter().filter_map(|event| diagnosis::trouble(&event.message));
    let knows_why = complaints.any(|trouble| says_why(trouble.kind));
    let mut told: Vec<String> = Vec::new();
    let mut news = Vec::new();
    for event in of_now.iter().rev() {
        let Some(trouble) = diagnosis::trouble(&event.message) else { continue };
        // How a deployment ends is told once, with all that is known of it.
        let is_end = is_end(trouble.kind);
        // Targets of a deployed service come and go, and heal by themselves.
        let is_routine = is_settled && trouble.kind == TroubleKind::Task(CauseKind::LoadBalancerHealthCheck);
        let is_told = after.task_failures.iter().any(|failure| failure.cause == trouble.kind.as_str());
        // That tasks don't start is no news where ECS says why.
        let is_vague = trouble.kind.is_vague() && knows_why;
        if is_end || is_routine || is_told || is_vague {
            continue;
        }
        let text = trouble.normalized().to_owned();
        if known.contains(&text) || told.contains(&text) {
            continue;
        }
        news.push(News::warning(trouble.kind.as_str(), trouble.says()));
        told.push(text);
    }
    news
}
