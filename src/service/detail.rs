//! What only a service deployment shows: its state, stage, traffic, hooks, breaker and alarms.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;
use tokio::time::Instant;

use super::{Desired, live_service::LiveService};
use crate::{
    api::{
        EcsServiceStatus,
        deployment_status::{CircuitBreakerStatus, HookStatus},
    },
    ecs::{Class, Key, arn},
    reconcile::{Context, Refusal},
};

/// The state of a service deployment (ECS developer guide, "View service deployments").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// Not begun yet, or under way.
    UnderWay,
    /// Rolled out.
    Successful,
    /// Being stopped: the service tells how it ends.
    Stopping,
    /// Stopped: by a newer one, or failed without a rollback.
    Stopped,
    /// ECS goes back to the last good deployment, or has.
    RollingBack,
    /// ECS had nothing to go back to, or could not.
    RollbackFailed,
    /// What ECS may add later: never a failure.
    Other,
}

impl DeploymentState {
    /// Reads ECS's word.
    pub fn read(word: &str) -> Self {
        match word {
            "PENDING" | "IN_PROGRESS" => Self::UnderWay,
            "SUCCESSFUL" => Self::Successful,
            "STOP_REQUESTED" => Self::Stopping,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_SUCCESSFUL" => Self::RollingBack,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            _ => Self::Other,
        }
    }

    /// It has failed, and ECS did not go back.
    pub const fn is_bad_end(&self) -> bool {
        matches!(self, Self::Stopped | Self::RollbackFailed)
    }
}

/// A service deployment.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Its ARN.
    pub arn: String,
    /// The deployment that it rolls out, as services name it: `ecs-svc/…`.
    pub deployment: String,
    /// ECS's word for its state.
    pub word: String,
    /// Its state.
    pub state: DeploymentState,
    /// Why it is in that state, in ECS's words.
    pub reason: Option<String>,
    /// Why ECS rolled back, in ECS's words.
    pub rollback_reason: Option<String>,
    /// The deployment that ECS goes back to, where it has one.
    pub goes_back_to: Option<String>,
    /// The stage of its life cycle.
    pub stage: Option<String>,
    /// Share of the production traffic that the new revision shall get, in percent.
    pub production_traffic: Option<i32>,
    /// Share of the test traffic that the new revision shall get, in percent.
    pub test_traffic: Option<i32>,
    /// The hook that waits for an answer.
    pub hook: Option<HookStatus>,
    /// The function of a hook that runs.
    pub function: Option<HookFunction>,
    /// The circuit breaker.
    pub breaker: Option<CircuitBreakerStatus>,
    /// The alarms that ended it.
    pub alarms: Vec<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// The function of a life-cycle hook, for whose end a deployment waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFunction {
    /// Its ARN.
    pub arn: String,
    /// Until when ECS waits for it.
    pub until: Option<Timestamp>,
    /// What ECS does then: `CONTINUE` or `ROLLBACK`.
    pub then: Option<String>,
}

impl Detail {
    /// A service deployment of DescribeServiceDeployments.
    pub fn read(json: &Value) -> Option<Self> {
        let text = |place: &str| json.pointer(place).and_then(Value::as_str).map(str::to_owned);
        let word = text("/status").unwrap_or_default();
        let revision = text("/targetServiceRevision/arn")?;
        let weight = |place: &str| json.pointer(place).and_then(Value::as_f64).and_then(percent);
        let breaker = json.get("deploymentCircuitBreaker").map(|breaker| CircuitBreakerStatus {
            state: breaker.get("status").and_then(Value::as_str).map(str::to_owned),
            failures: count(breaker.get("failureCount")),
            threshold: count(breaker.get("threshold")),
        });
        let alarms = json.pointer("/alarms/triggeredAlarmNames").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            arn: text("/serviceDeploymentArn")?,
            deployment: deployment_of(&revision),
            state: DeploymentState::read(&word),
            word,
            reason: text("/statusReason"),
            rollback_reason: text("/rollback/reason"),
            goes_back_to: text("/rollback/serviceRevisionArn").map(|arn| deployment_of(&arn)),
            stage: text("/lifecycleStage"),
            production_traffic: weight("/targetServiceRevision/requestedProductionTrafficWeight"),
            test_traffic: weight("/targetServiceRevision/requestedTestTrafficWeight"),
            hook: hook(json),
            function: function(json),
            breaker: breaker.filter(|breaker| breaker.threshold > 0),
            alarms: alarms.filter_map(Value::as_str).map(str::to_owned).collect(),
            created: time(json.get("createdAt")),
        })
    }
}

/// The id of a deployment is the end of the ARN of the revision that it rolls out.
pub fn deployment_of(revision_arn: &str) -> String {
    format!("ecs-svc/{}", arn::named(revision_arn))
}

/// ECS's times are seconds since 1970.
pub fn time(value: Option<&Value>) -> Option<Timestamp> {
    #[allow(clippy::cast_possible_truncation)] // seconds since 1970
    let seconds = value.and_then(Value::as_f64)? as i64;
    Timestamp::from_second(seconds).ok()
}

fn percent(weight: f64) -> Option<i32> {
    #[allow(clippy::cast_possible_truncation)] // in range
    (0.0..=100.0).contains(&weight).then_some(weight.round() as i32)
}

fn count(value: Option<&Value>) -> i32 {
    value.and_then(Value::as_i64).and_then(|count| i32::try_from(count).ok()).unwrap_or_default()
}

fn hook_in<'a>(json: &'a Value, state: &str) -> Option<&'a Value> {
    let mut hooks = json.get("lifecycleHookDetails").and_then(Value::as_array)?.iter();
    hooks.find(|hook| hook.get("status").is_some_and(|status| status == state))
}

/// The first hook with a function that runs.
fn function(json: &Value) -> Option<HookFunction> {
    let hook = hook_in(json, "IN_PROGRESS")?;
    let text = |name: &str| hook.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(HookFunction { arn: text("targetArn")?, until: time(hook.get("expiresAt")), then: text("timeoutAction") })
}

/// The first hook that waits.
fn hook(json: &Value) -> Option<HookStatus> {
    let hook = hook_in(json, "AWAITING_ACTION")?;
    let text = |name: &str| hook.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(HookStatus {
        id: text("hookId")?,
        stage: json.get("lifecycleStage").and_then(Value::as_str).map(str::to_owned),
        expiration_time: time(hook.get("expiresAt")).map(Time),
        timeout_action: text("timeoutAction"),
    })
}

// === Reading it ===

/// The service deployment that tells more than the service, where there is more to tell.
pub fn key(desired: &Desired, service: &LiveService, status: &EcsServiceStatus) -> Option<Key> {
    if desired.controller() != "ECS" || service.status != "ACTIVE" {
        return None;
    }
    if has_ended_badly(service, status) {
        return None;
    }
    let rolled_back = service.is_on_an_older_deployment(status);
    let is_over = !service.is_deploying() && !rolled_back && !service.is_failed();
    if is_over || !(rolled_back || service.is_failed() || service.is_staged() || service.has_failing_tasks()) {
        return None;
    }
    let current = service.json.get("currentServiceDeployment").and_then(Value::as_str);
    let known = status.deployment.as_ref().and_then(|deployment| deployment.arn.as_deref());
    Some(Key::service_deployment(&desired.region, &service.arn, current.or(known)?))
}

/// Our deployment failed or was rolled back, nothing is under way any more, and all of it is in the status: there is
/// nothing left to ask.
pub fn has_ended_badly(service: &LiveService, status: &EcsServiceStatus) -> bool {
    let told = status.deployment.as_ref().filter(|told| status.own_deployment.as_ref() == Some(&told.id));
    let word = told.and_then(|told| told.state.as_deref()).unwrap_or_default();
    // What failed may still look for something to go back to.
    let goes_on = matches!(DeploymentState::read(word), DeploymentState::UnderWay)
        || matches!(word, "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS");
    !service.is_deploying() && !goes_on && is_told_to_have_failed(status)
}

/// The status tells that our deployment failed or was rolled back.
pub fn is_told_to_have_failed(status: &EcsServiceStatus) -> bool {
    let own = status.deployments.iter().find(|past| status.own_deployment.as_ref() == Some(&past.id));
    own.is_some_and(|own| own.outcome.bad_end().is_some())
}

/// Whether the service shows more than the status tells of its deployment. A detail that was read before that would
/// tell the past.
pub fn has_moved_on(service: &LiveService, status: &EcsServiceStatus) -> bool {
    let Some((primary, told)) = service.primary().zip(status.deployment.as_ref()) else { return true };
    let running = i64::from(told.running_count.unwrap_or_default());
    let all = i64::from(status.running_count.unwrap_or_default());
    let wanted = i64::from(status.desired_count.unwrap_or_default());
    let then = (running >= wanted, all > running);
    let now = (primary.running_count >= service.desired_count, service.running_count > primary.running_count);
    told.id != primary.id
        || told.rollout_state != primary.rollout_state
        || told.failed_tasks.map(i64::from) != Some(primary.failed_tasks)
        || then != now
}

/// Whether more tasks failed than the status tells.
pub fn fails_more(service: &LiveService, detail: Option<&Detail>, status: &EcsServiceStatus) -> bool {
    let told = status.deployment.as_ref();
    let failures = |breaker: &CircuitBreakerStatus| breaker.failures;
    let breaker = detail.and_then(|detail| detail.breaker.as_ref()).map(failures);
    let known = told.and_then(|told| told.circuit_breaker.as_ref()).map(failures);
    let failed = service.primary().map(|primary| primary.failed_tasks);
    breaker.unwrap_or_default() > known.unwrap_or_default()
        || failed > told.and_then(|told| told.failed_tasks).map(i64::from)
}

/// Reads a service deployment by way of Live; what was read before `since` is not good enough. What can't be read is
/// not told; the service itself tells how it ends.
pub async fn read(cx: &Context, key: &Key, since: Option<Instant>) -> Result<Option<Detail>, Refusal> {
    Ok(optional_since(cx, key, "reading the service deployment", since).await?.and_then(|json| Detail::read(&json)))
}

/// Something that helps to explain and that the operator may not be allowed to read.
pub async fn optional(cx: &Context, key: &Key, what: &str) -> Result<Option<Value>, Refusal> {
    optional_since(cx, key, what, None).await
}

/// The same, not older than `since`.
pub async fn optional_since(
    cx: &Context,
    key: &Key,
    what: &str,
    since: Option<Instant>,
) -> Result<Option<Value>, Refusal> {
    match cx.live.get(key, since).await {
        Ok(seen) => Ok(seen.json()),
        Err(error) if !error.is_of_what_was_asked() => Err(Refusal::Ecs(what.to_owned(), error)),
        Err(error) => {
            if error.class == Class::Denied {
                tracing::warn!(name = &*key.name, %error, what, "is not allowed; less is told without it");
            }
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_staged_deployment_is_read_whole() {
        let detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:aws:ecs:eu-west-1:1:service-deployment/shop/web/abc",
            "status": "IN_PROGRESS", "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
            "targetServiceRevision": {
                "arn": "arn:aws:ecs:eu-west-1:1:service-revision/shop/web/123",
                "requestedProductionTrafficWeight": 10.0, "requestedTestTrafficWeight": 100.0,
            },
            "deploymentCircuitBreaker": { "status": "MONITORING", "failureCount": 1, "threshold": 3 },
            "lifecycleHookDetails": [
                { "hookId": "h1", "status": "SUCCEEDED" },
                { "hookId": "h2", "status": "AWAITING_ACTION", "expiresAt": 1_800_000_000, "timeoutAction": "ROLLBACK" },
            ],
        }))
        .unwrap();
        assert_eq!(detail.deployment, "ecs-svc/123");
        assert_eq!((detail.state, detail.production_traffic), (DeploymentState::UnderWay, Some(10)));
        assert_eq!(detail.hook.unwrap().id, "h2");
        assert_eq!(detail.breaker.unwrap().threshold, 3);
    }

    /// What ECS adds later must never be called a failure.
    #[test]
    fn an_unknown_state_is_no_failure() {
        assert_eq!(DeploymentState::read("PAUSED_FOR_LUNCH"), DeploymentState::Other);
    }
}
