//! What to say of a service where no call is left to make: Ready means rolled out. Pure.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Desired, Observed, acts,
    availability::{available, despite_dips, is_uncounted},
    complaint::complaint,
    detail::{DeploymentState, Detail, HookFunction},
    diagnosis::{self, TroubleKind},
    ending::Ending,
    live_service::{LiveDeployment, LiveService},
    ours::{is_replaced, is_rolled_back},
    plan::WITHHELD,
};
use crate::{
    api::{
        EcsServiceStatus, Origin, Reason, STOP_DEPLOYMENT, deployment_status::TaskFailureStatus,
        status::DESIRED_COUNT_CONTESTED,
    },
    ecs::arn,
    reconcile::{Plan, State, Verdict},
    runtime::{
        conditions::{self, Truth},
        controller::Next,
    },
};

/// So many failed tasks are no accident: the least at which a circuit breaker ends a deployment.
const MANY: i64 = 3;

/// The verdict on a service that is as asked for as far as calls go: `plan` has none.
pub fn verdict(
    desired: &Desired,
    observed: &Observed,
    status: &EcsServiceStatus,
    plan: &Plan,
    now: Timestamp,
) -> Verdict {
    let Some(service) = &observed.service else {
        return Verdict::retrying("the service is not there although nothing is left to do");
    };
    let mut rollout = rollout(desired, observed, service, status, plan, now);
    for idle in acts::idle(desired, observed, service, status) {
        let _ = write!(rollout.message, " {idle}");
    }
    let available = available(desired, service, status);
    if rollout.state != State::Ready {
        return rollout.with(available);
    }
    let verdict = if let Some(withheld) = plan.withheld.first() {
        Verdict { next: Next::After(WITHHELD), ..Verdict::progressing(Reason::Deploying, withheld.clone()) }
    } else if let Some(unready) = &desired.unready {
        Verdict::waiting_for_change(Reason::RefNotReady, unready.clone())
    } else if available.is_none() {
        rollout
    } else if desired.is_contested {
        // The hour ends without a sign from ECS.
        let contested = Verdict { next: Next::After(WITHHELD), ..rollout }.with(Some(contested()));
        despite_dips(contested, service, status, now)
    } else {
        despite_dips(rollout, service, status, now)
    };
    verdict.with(available)
}

/// A correction that waits, until ECS has rolled back say, must not look as if nobody had read it.
fn withholding(rollout: Verdict, withheld: &[String]) -> Verdict {
    let Some(withheld) = withheld.first() else { return rollout };
    if rollout.state == State::Ready {
        return rollout;
    }
    let message = format!("{} A change of the manifest waits: {withheld}.", rollout.message);
    Verdict { message, ..rollout }
}

fn contested() -> conditions::Desired {
    conditions::Desired {
        type_: DESIRED_COUNT_CONTESTED,
        status: Truth::True,
        reason: "MovedByOthers".into(),
        message: "spec.desiredCount was put back three times in 15 minutes: something else moves it too, and it is left alone for \
                  an hour. If something scales the service, remove spec.desiredCount from the manifest."
            .to_owned(),
    }
}

// === How far the rollout is ===

fn rollout(
    desired: &Desired,
    observed: &Observed,
    service: &LiveService,
    status: &EcsServiceStatus,
    plan: &Plan,
    now: Timestamp,
) -> Verdict {
    if desired.controller() != "ECS" {
        return task_set(desired, service, status, now);
    }
    let Some(primary) = service.primary() else {
        return Verdict::progressing(Reason::Deploying, "ECS shows no deployment yet.");
    };
    let own = observed.detail.as_ref().filter(|detail| status.own_deployment.as_ref() == Some(&detail.deployment));
    let state = own.map(|own| &own.state);
    let is_back = is_rolled_back(desired, observed, service, status);
    let ending = Ending { desired, service, primary, own, status, plan };
    let goes_back = state == Some(&DeploymentState::RollingBack) && own.is_some_and(|own| own.goes_back_to.is_some());
    let goes_on = service.is_deploying() && (goes_back || service.is_on_an_older_deployment(status));
    let is_corrected = status.own_target.as_ref().is_some_and(|own| *own != observed.target(desired));
    if goes_on && is_corrected && !plan.withheld.is_empty() {
        let asked = desired.input.get("taskDefinition").and_then(Value::as_str);
        return ending.going_back(observed.resolved.as_deref().or(asked));
    }
    if is_replaced(service, status) && !plan.rolled_back.is_empty() {
        return withholding(ending.replaced(), &plan.withheld);
    }
    let rollout = if is_back || goes_back { ending.rolled_back() } else { forward(&ending, now) };
    withholding(rollout, &plan.withheld)
}

/// A rollout that ECS does not take back.
fn forward(ending: &Ending<'_>, now: Timestamp) -> Verdict {
    let Ending { desired, service, primary, own, status, .. } = *ending;
    let is_over = own.is_some_and(|own| own.state.is_bad_end());
    if service.is_failed() || is_over && !service.is_completed() {
        return ending.failed();
    }
    if service.is_completed() {
        return settled(desired, service, primary, status, now);
    }
    // IN_PROGRESS, what ECS may add later, or an old deployment behind a Classic Load Balancer.
    under_way(desired, service, primary, own, status, now)
}

fn under_way(
    desired: &Desired,
    service: &LiveService,
    primary: &LiveDeployment,
    own: Option<&Detail>,
    status: &EcsServiceStatus,
    now: Timestamp,
) -> Verdict {
    let older: i64 = service.deployments.iter().skip(1).map(|deployment| deployment.running_count).sum();
    let older = if older > 0 { format!(", beside {older} of older deployments") } else { String::new() };
    let stage = own.map(|own| stage(service, own, status)).unwrap_or_default();
    let of = format!(" of {}", revision(primary));
    let what = if is_uncounted(desired, service) {
        format!("ECS has not counted the instances yet, so no task{of} has started")
    } else if service.desired_count == 0 && primary.running_count == 0 {
        format!("No tasks{of} are wanted")
    } else {
        tasks(primary.running_count, service.desired_count, &of)
    };
    let mut message = format!("{what} ({}){older}{stage}.", primary.id);
    if let Some(hook) = own.and_then(|own| own.hook.as_ref()) {
        let until = until_then(hook.expiration_time.as_ref().map(|until| until.0), hook.timeout_action.as_deref());
        let _ = write!(
            message,
            " It waits for an answer{until}: annotate (with --overwrite) ecs-operator.dev/continueHook={0} or \
             ecs-operator.dev/rollbackHook={0}.",
            hook.id
        );
        return Verdict::progressing(Reason::AwaitingHook, message);
    }
    if let Some(stopping) = own.filter(|own| own.state == DeploymentState::Stopping) {
        let why = stopping.reason.as_deref().map_or_else(String::new, |reason| format!(" {}", says(reason)));
        let _ = write!(message, " ECS is stopping the deployment.{why}");
    }
    let function = own.and_then(|own| own.function.as_ref());
    if let Some(function) = function {
        let _ = write!(message, " {}", waits_for(function));
    }
    if let Some(trouble) = trouble(service, primary, status) {
        let _ = write!(message, " {trouble}");
    }
    if desired.progress_deadline.is_none() && is_without_end(service, primary) {
        let _ = write!(message, " {}", stop_it(service, primary));
    }
    if own.is_some_and(|own| bakes_without_an_end(own, status)) {
        return Verdict::progressing(Reason::Deploying, message);
    }
    let remedy = if function.is_some() {
        format!("See what keeps the function, or stop the deployment with {STOP_DEPLOYMENT}={}.", primary.id)
    } else {
        stop_it(service, primary)
    };
    until_deadline(desired, status, &message, &remedy, now)
}

/// What the deployment does while a hook's function runs.
fn waits_for(function: &HookFunction) -> String {
    let until = until_then(function.until, function.then.as_deref());
    let name = function.arn.split_once(":function:").map_or(function.arn.as_str(), |(_, name)| name);
    format!("It waits for the hook's function {name}{until}.")
}

/// Until when ECS waits for a hook, and what it does then: " until 2026-01-01T00:05:00Z, then ROLLBACK".
pub fn until_then(until: Option<Timestamp>, then: Option<&str>) -> String {
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let then = then.map_or_else(String::new, |then| format!(", then {then}"));
    until + &then
}

/// At work, until nothing has got any further for as long as the manifest allows. Time in which it bakes does not count.
fn until_deadline(
    desired: &Desired,
    status: &EcsServiceStatus,
    message: &str,
    remedy: &str,
    now: Timestamp,
) -> Verdict {
    let told = status.deployment.as_ref();
    let began = told.and_then(|told| Some(told.progress_time.as_ref()?).max(told.bake_end_time.as_ref()));
    let Some((deadline, began)) = desired.progress_deadline.zip(began) else {
        return Verdict::progressing(Reason::Deploying, message);
    };
    let left = deadline - now.duration_since(began.0);
    if left <= SignedDuration::ZERO {
        let seconds = deadline.as_secs();
        let message = format!("No progress for {seconds} seconds (spec.progressDeadlineSeconds). {message} {remedy}");
        return Verdict::stalled(Reason::DeadlineExceeded, message);
    }
    Verdict { next: Next::After(left.unsigned_abs()), ..Verdict::progressing(Reason::Deploying, message) }
}

/// Many tasks have failed, and no circuit breaker will ever end it.
fn is_without_end(service: &LiveService, primary: &LiveDeployment) -> bool {
    primary.failed_tasks >= MANY && !service.breaker_does("enable")
}

/// What to do about a deployment that gets no further.
fn stop_it(service: &LiveService, primary: &LiveDeployment) -> String {
    let then =
        if service.breaker_does("enable") && service.breaker_does("rollback") { "" } else { " and rolls nothing back" };
    format!("ECS goes on trying{then}: correct the manifest, or stop it with {STOP_DEPLOYMENT}={}.", primary.id)
}

/// What keeps a rollout from going on: tasks that fail, else what ECS complained of since it got further.
fn trouble(service: &LiveService, primary: &LiveDeployment, status: &EcsServiceStatus) -> Option<String> {
    let progress = status.deployment.as_ref().filter(|told| told.id == primary.id);
    let progress = progress.and_then(|told| told.progress_time.as_ref()).map(|time| time.0);
    let is_over = |failure: &TaskFailureStatus| {
        primary.running_count >= service.desired_count && Some(failure.last_seen_time.0) < progress
    };
    let failures: Vec<TaskFailureStatus> =
        status.task_failures.iter().filter(|failure| !is_over(failure)).cloned().collect();
    let lately = || complaint(service, primary.created.max(progress), None);
    let still =
        || complaint(service, primary.created, None).filter(|trouble| still_holds(trouble.kind, service, primary));
    diagnosed(&failures).or_else(|| Some(sentence(&lately().or_else(still)?.to_string())))
}

/// Whether a complaint from before the deployment got further is to be told still. That there was no place for a task is
/// over once one was started; a stage that moves on takes no protection from a task.
fn still_holds(kind: TroubleKind, service: &LiveService, primary: &LiveDeployment) -> bool {
    let has_older = service.deployments.iter().skip(1).any(|older| older.running_count > 0);
    match kind {
        TroubleKind::TasksProtected => has_older,
        TroubleKind::DeploymentStuck
        | TroubleKind::TargetGroupMissing
        | TroubleKind::TargetsNotRegistered
        | TroubleKind::RoleMisconfigured => has_older || primary.running_count < service.desired_count,
        _ => false,
    }
}

/// A deployment bakes for as long as its alarms ask, and ECS does not say how long.
fn bakes_without_an_end(own: &Detail, status: &EcsServiceStatus) -> bool {
    let told = status.deployment.as_ref().filter(|told| told.id == own.deployment);
    own.stage.as_deref() == Some("BAKE_TIME") && told.is_none_or(|told| told.bake_end_time.is_none())
}

fn stage(service: &LiveService, own: &Detail, status: &EcsServiceStatus) -> String {
    let Some(stage) = own.stage.as_deref().filter(|_| service.is_staged()) else { return String::new() };
    let traffic = own.production_traffic.filter(|_| service.strategy() != "ROLLING");
    let traffic = traffic.map_or_else(String::new, |percent| format!(", {percent} % of the production traffic"));
    let told = status.deployment.as_ref().filter(|told| told.id == own.deployment);
    let until = told.and_then(|told| told.bake_end_time.as_ref());
    let until = until.map_or_else(String::new, |until| format!(" until {}", until.0));
    format!(", {} at {stage}{until}{traffic}", service.strategy())
}

/// Deployed once, a service stays Ready through dips: tasks that are replaced are steady-state noise.
fn settled(
    desired: &Desired,
    service: &LiveService,
    primary: &LiveDeployment,
    status: &EcsServiceStatus,
    now: Timestamp,
) -> Verdict {
    let all_run = desired.is_daemon() || service.has_all_tasks();
    if !all_run && status.rolled_out.as_deref() != Some(&primary.id) {
        let counts = tasks(service.running_count, service.desired_count, "");
        let more = if service.running_count < service.desired_count { "" } else { " and others are being started" };
        let mut message = format!("{counts}{more}, {}", deployed(primary));
        if let Some(trouble) = trouble(service, primary, status) {
            let _ = write!(message, " {trouble}");
        }
        let remedy = "ECS goes on trying: see why no more tasks start, or ask for fewer.";
        return until_deadline(desired, status, &message, remedy, now);
    }
    let mut message = deployed(primary);
    if service.desired_count == 0 {
        message.push_str(&none_wanted(primary, status));
    }
    Verdict::ready(Reason::Deployed, message)
}

/// A deployment without tasks is rolled out, and proves nothing of its revision.
fn none_wanted(primary: &LiveDeployment, status: &EcsServiceStatus) -> String {
    let told = status.deployment.as_ref().filter(|told| told.id == primary.id);
    let has_run = told.is_none_or(|told| told.most_running.unwrap_or_default() > 0);
    if has_run || status.common.origin != Some(Origin::Created) {
        return " No tasks are wanted.".to_owned();
    }
    format!(" No tasks are wanted, so none of {} has started yet.", revision(primary))
}

/// How many tasks run of those wanted: "1 of 2 tasks of web:2 run".
pub fn tasks(running: i64, wanted: i64, of: &str) -> String {
    if wanted == 1 { format!("{running} of 1 task{of} runs") } else { format!("{running} of {wanted} tasks{of} run") }
}

/// What is deployed.
pub fn deployed(primary: &LiveDeployment) -> String {
    format!("{} is deployed ({}).", revision(primary), primary.id)
}

/// Under another controller there are no deployments: its PRIMARY task set must have been steady.
fn task_set(desired: &Desired, service: &LiveService, status: &EcsServiceStatus, now: Timestamp) -> Verdict {
    let controller = desired.controller();
    let Some(primary) = &service.task_set else {
        let message = format!("Nothing is outstanding: {controller} has no PRIMARY task set yet.");
        return Verdict::ready(Reason::NoTaskSet, message);
    };
    let set = format!("the PRIMARY task set {} of {controller}", primary.id);
    let is_steady = primary.rollout_state.as_deref() == Some("COMPLETED");
    if is_steady || status.rolled_out.as_deref() == Some(&primary.id) {
        let is = if is_steady { "is" } else { "has been" };
        return Verdict::ready(Reason::Deployed, format!("{} runs: {set} {is} steady.", revision(primary)));
    }
    let counts = tasks(primary.running_count, primary.desired_count, &format!(" of {}", revision(primary)));
    let mut message = format!("{counts}: {set} is stabilizing.");
    if let Some(trouble) = trouble(service, primary, status) {
        let _ = write!(message, " {trouble}");
    }
    let remedy = format!("What is deployed is {controller}'s: correct it there.");
    until_deadline(desired, status, &message, &remedy, now)
}

/// The revision that a deployment runs, as `family:revision`.
pub fn revision(deployment: &LiveDeployment) -> &str {
    arn::named(&deployment.task_definition)
}

/// Why tasks stop, the most frequent cause first.
pub fn diagnosed(failures: &[TaskFailureStatus]) -> Option<String> {
    let told = failures.iter().map(|failure| {
        let code = failure.exit_code.map(i64::from);
        let what = diagnosis::what_failed(&failure.cause, failure.container.as_deref(), code);
        (failure.count, failure.looked_at, format!("{what}: {}", failure.advice))
    });
    diagnosis::summary(&told.collect::<Vec<_>>())
}

/// ECS's own words.
pub fn says(text: &str) -> String {
    format!("ECS says: \"{}\".", text.trim_end_matches('.'))
}

/// The text with one full stop.
pub fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}
