//! Acts by annotation: a restart, an answer to a waiting hook, a stop. Each value is done once. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Desired, Observed, call::Call, detail::Detail, live_service::LiveService, ours::is_new};
use crate::{
    api::{
        CONTINUE_HOOK, EcsServiceStatus, RESTARTED_AT, ROLLBACK_HOOK, STOP_DEPLOYMENT,
        deployment_status::HandledAnnotations,
    },
    ecs::Operation,
    reconcile::{Difference, Plan, Step},
};

/// The path that a restart has among the differences of a call.
pub const RESTART: &str = "metadata.annotations[ecs-operator.dev/restartedAt]";

/// What the annotations of a service ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acts {
    /// A deployment of the same once more, for this value.
    pub restarted_at: Option<String>,
    /// The hook that shall go on.
    pub continue_hook: Option<String>,
    /// The hook that shall roll back.
    pub rollback_hook: Option<String>,
    /// The deployment that shall be stopped and rolled back.
    pub stop_deployment: Option<String>,
    /// The annotations whose value the status could not keep.
    pub too_long: Vec<&'static str>,
}

/// How long a value may be, in bytes: the status keeps it.
const LONGEST: usize = 255;

impl Acts {
    /// Reads the annotations. A value that the status could not keep counts as none.
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let given = |key: &str| annotations.get(key).filter(|value| !value.is_empty());
        let value = |key: &str| given(key).filter(|value| value.len() <= LONGEST).cloned();
        let is_too_long = |key: &&str| given(key).is_some_and(|value| value.len() > LONGEST);
        let all = [RESTARTED_AT, CONTINUE_HOOK, ROLLBACK_HOOK, STOP_DEPLOYMENT];
        Self {
            too_long: all.into_iter().filter(is_too_long).collect(),
            restarted_at: value(RESTARTED_AT),
            continue_hook: value(CONTINUE_HOOK),
            rollback_hook: value(ROLLBACK_HOOK),
            stop_deployment: value(STOP_DEPLOYMENT),
        }
    }
}

fn handled(status: &EcsServiceStatus) -> HandledAnnotations {
    status.handled.clone().unwrap_or_default()
}

/// Whether the annotation has a value that was not handled yet.
pub fn asks_to_restart(desired: &Desired, status: &EcsServiceStatus) -> bool {
    let asked = &desired.acts.restarted_at;
    asked.is_some() && *asked != handled(status).restarted_at
}

/// Whether a restart is asked for that is still to be made.
fn is_restart_due(desired: &Desired, live: &LiveService, status: &EcsServiceStatus) -> bool {
    if !asks_to_restart(desired, status) || desired.controller() != "ECS" {
        return false;
    }
    let asked = desired.acts.restarted_at.as_deref();
    let Some(primary) = live.primary() else { return false };
    // A deployment that is new to us was begun by a call of ours whose answer was lost, or by somebody just now; and where
    // there is no record, all are. Then only a time can tell: restarting once more than asked would be worse than not at all.
    let is_known = status.own_deployment.is_some() && !is_new(status, &primary.id);
    is_known || asked.and_then(time).zip(primary.created).is_some_and(|(asked, created)| asked > created)
}

/// The time that a value of `restartedAt` tells: RFC 3339, or seconds since 1970.
fn time(value: &str) -> Option<Timestamp> {
    value.parse().ok().or_else(|| Timestamp::from_second(value.parse().ok()?).ok())
}

/// Puts a restart that is due into the call.
pub fn restart(call: &mut Call, desired: &Desired, live: &LiveService, status: &EcsServiceStatus) {
    if is_restart_due(desired, live, status) {
        let before = handled(status).restarted_at.map_or(Value::Null, Value::from);
        call.force(Difference::new(RESTART, before, json!(desired.acts.restarted_at)));
    }
}

/// The steps that answer a waiting hook or stop a deployment.
pub fn steps(desired: &Desired, observed: &Observed, live: &LiveService, status: &EcsServiceStatus, plan: &mut Plan) {
    let done = handled(status);
    if let Some(detail) = &observed.detail {
        // A hook takes one answer, and of two at once the careful one.
        let mut hooks =
            [(&desired.acts.rollback_hook, "ROLLBACK"), (&desired.acts.continue_hook, "CONTINUE")].into_iter();
        let open = hooks.find_map(|(asked, action)| {
            let id = asked.as_ref().filter(|id| waits(observed, id) && !is_answered(&done, id))?;
            Some(answer(detail, id, action))
        });
        plan.steps.extend(open);
    }
    let asked = desired.acts.stop_deployment.as_ref().filter(|asked| done.stop_deployment.as_ref() != Some(asked));
    if let Some((id, arn)) = asked.filter(|id| is_under_way(live, id)).zip(deployment_arn(observed, live)) {
        plan.steps.push(Step::new(
            Operation::StopServiceDeployment,
            format!("deployment {id} of service {}", desired.name),
            json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }),
            Vec::new(),
        ));
    }
}

fn waits(observed: &Observed, hook: &str) -> bool {
    observed.detail.as_ref().and_then(|detail| detail.hook.as_ref()).is_some_and(|waiting| waiting.id == hook)
}

fn is_answered(done: &HandledAnnotations, hook: &str) -> bool {
    [&done.rollback_hook, &done.continue_hook].into_iter().any(|answered| answered.as_deref() == Some(hook))
}

fn is_under_way(live: &LiveService, deployment: &str) -> bool {
    live.is_deploying() && live.primary().is_some_and(|primary| primary.id == deployment)
}

/// What annotations ask for that there is nothing to do about, as sentences: who set them must not believe that it was done.
pub fn idle(desired: &Desired, observed: &Observed, live: &LiveService, status: &EcsServiceStatus) -> Vec<String> {
    let (acts, done) = (&desired.acts, handled(status));
    let too_long = acts.too_long.iter();
    let mut idle: Vec<String> =
        too_long.map(|key| format!("The annotation {key} is ignored: it is longer than {LONGEST} bytes.")).collect();
    // Of two answers at once the careful one is given; who asks for it later must know that it is too late.
    let answers = [
        (CONTINUE_HOOK, acts.continue_hook.as_ref().filter(|hook| !is_answered(&done, hook))),
        (ROLLBACK_HOOK, acts.rollback_hook.as_ref().filter(|hook| done.rollback_hook.as_ref() != Some(hook))),
    ];
    for (key, unheeded) in answers {
        if let Some(hook) = unheeded.filter(|hook| !waits(observed, hook)) {
            idle.push(format!("The annotation {key} does nothing: no hook {hook} waits for an answer, or it had one."));
        }
    }
    let stop = acts.stop_deployment.as_ref().filter(|id| done.stop_deployment.as_ref() != Some(id));
    if let Some(id) = stop.filter(|id| !is_under_way(live, id)) {
        idle.push(format!("The annotation {STOP_DEPLOYMENT} does nothing: no deployment {id} is under way."));
    }
    idle
}

fn answer(detail: &Detail, hook: &str, action: &str) -> Step {
    Step::new(
        Operation::ContinueServiceDeployment,
        format!("hook {hook} of deployment {}: {action}", detail.deployment),
        json!({ "serviceDeploymentArn": detail.arn, "hookId": hook, "action": action }),
        Vec::new(),
    )
}

fn deployment_arn(observed: &Observed, live: &LiveService) -> Option<String> {
    let current = live.json.get("currentServiceDeployment").and_then(Value::as_str).map(str::to_owned);
    current.or_else(|| observed.detail.as_ref().map(|detail| detail.arn.clone()))
}

/// Remembers what a step that succeeded has done.
pub fn done(desired: &Desired, step: &Step, status: &mut EcsServiceStatus) {
    let mut handled = handled(status);
    let acts = &desired.acts;
    match step.operation {
        // What is made anew is started anew.
        Operation::CreateService => handled.restarted_at.clone_from(&acts.restarted_at),
        Operation::UpdateService if step.because.iter().any(|difference| difference.path == RESTART) => {
            handled.restarted_at.clone_from(&acts.restarted_at);
        }
        Operation::ContinueServiceDeployment if step.input.get("action").is_some_and(|action| action == "CONTINUE") => {
            handled.continue_hook.clone_from(&acts.continue_hook);
        }
        Operation::ContinueServiceDeployment => handled.rollback_hook.clone_from(&acts.rollback_hook),
        Operation::StopServiceDeployment => handled.stop_deployment.clone_from(&acts.stop_deployment),
        _ => return,
    }
    remember(status, handled);
}

/// What needs no call any more is remembered as well: a restart that was made by a deployment that is new to us, or
/// that only another controller could make.
pub fn settle(desired: &Desired, live: &LiveService, status: &mut EcsServiceStatus) {
    if desired.acts.restarted_at.is_some() && !is_restart_due(desired, live, status) {
        restarted(desired, status);
    }
}

/// Remembers that the restart that is asked for was made.
pub fn restarted(desired: &Desired, status: &mut EcsServiceStatus) {
    let mut handled = handled(status);
    handled.restarted_at.clone_from(&desired.acts.restarted_at);
    remember(status, handled);
}

fn remember(status: &mut EcsServiceStatus, handled: HandledAnnotations) {
    status.handled = Some(handled).filter(|handled| *handled != HandledAnnotations::default());
}
