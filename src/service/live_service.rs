//! A service as DescribeServices shows it.

use jiff::Timestamp;
use serde_json::Value;

use super::detail::time;

use crate::{
    api::EcsServiceStatus,
    ecs::canon::{self, Units},
    reconcile::tags::{self, Tags},
};

/// A service.
#[derive(Clone, Debug)]
pub struct LiveService {
    /// Its ARN.
    pub arn: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// Its tags, without those of AWS.
    pub tags: Tags,
    /// What it is made of, unit by unit.
    pub units: Units,
    /// How many tasks ECS keeps.
    pub desired_count: i64,
    /// How many run.
    pub running_count: i64,
    /// How many are being started.
    pub pending_count: i64,
    /// Its deployments, the PRIMARY one first.
    pub deployments: Vec<LiveDeployment>,
    /// Its PRIMARY task set: what it has instead of deployments under another controller.
    pub task_set: Option<LiveDeployment>,
    /// The whole answer.
    pub json: Value,
}

/// A deployment of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveDeployment {
    /// Its id, `ecs-svc/…`.
    pub id: String,
    /// PRIMARY, ACTIVE, INACTIVE, DRAINING.
    pub status: String,
    /// IN_PROGRESS, COMPLETED, FAILED; absent behind a Classic Load Balancer.
    pub rollout_state: Option<String>,
    /// Why.
    pub rollout_state_reason: Option<String>,
    /// The revision it runs.
    pub task_definition: String,
    /// How many tasks it shall run.
    pub desired_count: i64,
    /// How many of its tasks run.
    pub running_count: i64,
    /// How many of its tasks are being started.
    pub pending_count: i64,
    /// How many failed in a row.
    pub failed_tasks: i64,
    /// Its capacity provider strategy.
    pub capacity: Value,
    /// When it was made.
    pub created: Option<Timestamp>,
}

impl LiveService {
    /// The PRIMARY deployment.
    pub fn primary(&self) -> Option<&LiveDeployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// The PRIMARY deployment is one from before ours. ECS gives it its old id again, which is how a rollback is told.
    pub fn is_on_an_older_deployment(&self, status: &EcsServiceStatus) -> bool {
        self.primary().is_some_and(|primary| status.known_deployments.contains(&primary.id))
    }

    /// A deployment is under way.
    pub fn is_deploying(&self) -> bool {
        self.primary().is_some_and(|primary| match primary.rollout_state.as_deref() {
            Some(state) => state == "IN_PROGRESS",
            None => self.deployments.len() > 1,
        })
    }

    /// Under another controller there are no deployments but task sets: one that is steady, or none.
    pub fn is_steady(&self) -> bool {
        let sets = self.json.get("taskSets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_steady = |set: &Value| set.get("stabilityStatus").is_none_or(|status| status == "STEADY_STATE");
        sets.len() <= 1 && sets.iter().all(is_steady)
    }

    /// What it runs: its PRIMARY deployment, or its PRIMARY task set.
    pub fn current(&self) -> Option<&LiveDeployment> {
        self.primary().or(self.task_set.as_ref())
    }

    /// How many tasks run, and how many are wanted: of the PRIMARY task set under another controller, as what is beside it
    /// is on trial.
    pub fn counts(&self) -> (i64, i64) {
        let of_set = self.task_set.as_ref().map(|set| (set.running_count, set.desired_count));
        of_set.unwrap_or((self.running_count, self.desired_count))
    }

    /// Some of the traffic is for tests: a listener rule, or a header that Service Connect looks at.
    pub fn has_test_traffic(&self) -> bool {
        let list = |of: &Value, place: &str| of.pointer(place).and_then(Value::as_array).cloned().unwrap_or_default();
        let is_test = |alias: &Value| alias.get("testTrafficRules").is_some_and(|rules| !rules.is_null());
        let is_tested = |service: &Value| list(service, "/clientAliases").iter().any(is_test);
        let has_rule = |balancer: &Value| balancer.pointer("/advancedConfiguration/testListenerRule").is_some();
        list(&self.json, "/loadBalancers").iter().any(has_rule)
            || list(&self.json, "/deployments")
                .iter()
                .any(|one| list(one, "/serviceConnectConfiguration/services").iter().any(is_tested))
    }

    /// The PRIMARY deployment failed.
    pub fn is_failed(&self) -> bool {
        self.primary().is_some_and(|primary| primary.rollout_state.as_deref() == Some("FAILED"))
    }

    /// Its deployments have stages, hooks, alarms or a bake time, of which DescribeServices says nothing.
    pub fn is_staged(&self) -> bool {
        let part = |place: &str| self.json.pointer(&format!("/deploymentConfiguration{place}"));
        self.strategy() != "ROLLING"
            || part("/bakeTimeInMinutes").and_then(Value::as_i64) > Some(0)
            || part("/lifecycleHooks").and_then(Value::as_array).is_some_and(|hooks| !hooks.is_empty())
            || part("/alarms/enable").and_then(Value::as_bool) == Some(true)
    }

    /// Whether its circuit breaker has that switch on: `enable`, `rollback`.
    pub fn breaker_does(&self, switch: &str) -> bool {
        let breaker = self.json.pointer("/deploymentConfiguration/deploymentCircuitBreaker");
        breaker.and_then(|breaker| breaker.get(switch)?.as_bool()) == Some(true)
    }

    /// How its deployments replace tasks.
    pub fn strategy(&self) -> &str {
        self.json.pointer("/deploymentConfiguration/strategy").and_then(Value::as_str).unwrap_or("ROLLING")
    }

    /// How many of how many steps the production traffic has taken where `percent` of it is shifted. None where it is not
    /// shifted in steps.
    pub fn steps(&self, percent: i32) -> Option<(i32, i32)> {
        let configured = |place: &str| self.json.pointer(&format!("/deploymentConfiguration{place}"))?.as_f64();
        match self.strategy() {
            "LINEAR" => {
                let step = configured("/linearConfiguration/stepPercent").filter(|step| *step > 0.0)?;
                #[allow(clippy::cast_possible_truncation)] // steps of 3 percent at least
                let steps = |percent: f64| (percent / step).ceil() as i32;
                // Percents are whole here: 12.5 is told as 13. The last step goes to 100, however far that is.
                let taken = if percent >= 100 { steps(100.0) } else { steps(f64::from(percent) - 0.5).max(0) };
                Some((taken, steps(100.0)))
            }
            "CANARY" => Some((i32::from(percent > 0) + i32::from(percent >= 100), 2)),
            _ => None,
        }
    }

    /// Whether all tasks run that are wanted, and none is on its way: of more than are wanted ECS may stop those that run.
    pub fn has_all_tasks(&self) -> bool {
        self.running_count >= self.desired_count && (self.pending_count == 0 || self.desired_count == 0)
    }

    /// Tasks of the PRIMARY deployment fail.
    pub fn has_failing_tasks(&self) -> bool {
        self.primary().is_some_and(|primary| primary.failed_tasks > 0)
    }

    /// The PRIMARY deployment is rolled out. Behind a Classic Load Balancer ECS gives no state: then it is the only one.
    pub fn is_completed(&self) -> bool {
        self.primary().is_some_and(|primary| match primary.rollout_state.as_deref() {
            Some(state) => state == "COMPLETED",
            None => self.deployments.len() == 1,
        })
    }

    /// How many tasks `minimumHealthyPercent` asks for, of so many as ran at once since they were deployed: those that
    /// somebody asks for more are on their way, and not missing.
    pub fn least_running(&self, most_running: Option<i32>) -> i64 {
        let daemon = self.json.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON");
        let percent = self.json.pointer("/deploymentConfiguration/minimumHealthyPercent").and_then(Value::as_i64);
        let percent = percent.unwrap_or(if daemon { 0 } else { 100 });
        let (_, wanted) = self.counts();
        let ran = most_running.map_or(wanted, i64::from).min(wanted);
        ran.saturating_mul(percent).saturating_add(99) / 100
    }

    /// A service in an answer of ECS's.
    pub fn read(json: Value) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| json.get(name).and_then(Value::as_i64).unwrap_or_default();
        let mut deployments: Vec<LiveDeployment> =
            json.get("deployments").and_then(Value::as_array).into_iter().flatten().map(LiveDeployment::read).collect();
        deployments.sort_by_key(|deployment| deployment.status != "PRIMARY");
        let sets = json.get("taskSets").and_then(Value::as_array).into_iter().flatten();
        let task_set = sets.map(LiveDeployment::of_task_set).find(|set| set.status == "PRIMARY");
        Some(Self {
            arn: text("serviceArn"),
            status: text("status"),
            tags: tags::from_json(json.get("tags")),
            units: canon::observed_service(&json).ok()?,
            desired_count: number("desiredCount"),
            running_count: number("runningCount"),
            pending_count: number("pendingCount"),
            deployments,
            task_set,
            json,
        })
    }
}

impl LiveDeployment {
    /// A task set, as the deployment that it stands for: rolled out once it is steady and has all its tasks.
    fn of_task_set(json: &Value) -> Self {
        let desired_count = json.get("computedDesiredCount").and_then(Value::as_i64).unwrap_or_default();
        let set = Self { desired_count, ..Self::read(json) };
        let is_steady = json.get("stabilityStatus").is_some_and(|status| status == "STEADY_STATE");
        let state = if is_steady && set.running_count >= desired_count { "COMPLETED" } else { "IN_PROGRESS" };
        Self { rollout_state: Some(state.to_owned()), ..set }
    }

    fn read(json: &Value) -> Self {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| json.get(name).and_then(Value::as_i64).unwrap_or_default();
        Self {
            id: text("id").unwrap_or_default(),
            status: text("status").unwrap_or_default(),
            rollout_state: text("rolloutState"),
            rollout_state_reason: text("rolloutStateReason").filter(|reason| !reason.is_empty()),
            task_definition: text("taskDefinition").unwrap_or_default(),
            desired_count: number("desiredCount"),
            running_count: number("runningCount"),
            pending_count: number("pendingCount"),
            failed_tasks: number("failedTasks"),
            capacity: json.get("capacityProviderStrategy").cloned().unwrap_or_default(),
            created: time(json.get("createdAt")),
        }
    }
}
