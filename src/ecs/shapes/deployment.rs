//! Shapes of deployments: strategy, percentages, circuit breaker, alarms, hooks.

use kube::core::Rule;
use mirror::mirror;

use super::{Enum, Json, sdk, sdk_enums};

sdk_enums!(
    DeploymentLifecycleHookAction,
    DeploymentLifecycleHookStage,
    DeploymentLifecycleHookTargetType,
    DeploymentStrategy,
    ServiceRevisionCleanup,
    ThresholdType,
);

/// How ECS replaces the tasks of a service, and when it calls a deployment failed. Each member that is absent
/// is not managed on its own.
#[mirror(sdk::DeploymentConfiguration)]
#[x_kube(
    validation = Rule::new("!has(self.maximumPercent) || !has(self.minimumHealthyPercent) || self.minimumHealthyPercent < self.maximumPercent")
        .message("minimumHealthyPercent must be below maximumPercent: otherwise no task can ever be replaced")
        .field_path(".minimumHealthyPercent"),
    validation = Rule::new("!has(self.linearConfiguration) || has(self.strategy) && self.strategy == 'LINEAR'")
        .message("linearConfiguration is allowed only where strategy is LINEAR")
        .field_path(".linearConfiguration"),
    validation = Rule::new("!has(self.canaryConfiguration) || has(self.strategy) && self.strategy == 'CANARY'")
        .message("canaryConfiguration is allowed only where strategy is CANARY")
        .field_path(".canaryConfiguration"),
    validation = Rule::new("!has(self.earlySuccessCriteria) || !self.earlySuccessCriteria.enable || !has(self.strategy) || self.strategy == 'ROLLING'")
        .message("earlySuccessCriteria can be enabled only where strategy is ROLLING")
        .field_path(".earlySuccessCriteria"),
    validation = Rule::new(
        "!has(self.earlySuccessCriteria) || !has(self.earlySuccessCriteria.healthyPercent) \
         || !has(self.minimumHealthyPercent) || self.earlySuccessCriteria.healthyPercent >= self.minimumHealthyPercent",
    )
    .message("earlySuccessCriteria.healthyPercent must be at least minimumHealthyPercent")
    .field_path(".earlySuccessCriteria.healthyPercent")
)]
pub struct DeploymentConfiguration {
    /// Whether a deployment whose tasks keep failing is stopped, and rolled back. Absent: not managed.
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// The most tasks that may run or start during a deployment, in percent of `desiredCount`, rounded down. ECS's
    /// default is 200, for DAEMON 100.
    #[schemars(range(min = 1, max = 10000))]
    pub maximum_percent: Option<i32>,
    /// The least tasks that must be healthy during a deployment, in percent of `desiredCount`, rounded up. ECS's default
    /// is 100, for DAEMON 0.
    #[schemars(range(min = 0, max = 10000))]
    pub minimum_healthy_percent: Option<i32>,
    /// CloudWatch alarms that make a deployment fail. Only under the controller ECS.
    pub alarms: Option<DeploymentAlarms>,
    /// `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`. ECS's default is `ROLLING`. The others need the controller ECS, and an
    /// `advancedConfiguration` on each of the `loadBalancers`.
    pub strategy: Option<Enum<sdk::DeploymentStrategy>>,
    /// Minutes (0 to 1440) for which the old tasks are kept once all traffic is on the new ones. ECS's default is 0 for
    /// `ROLLING` and 15 for the other strategies.
    #[schemars(range(min = 0, max = 1440))]
    pub bake_time_in_minutes: Option<i32>,
    /// Lambda functions or pauses at stages of a deployment; at most 10 of each.
    #[schemars(length(max = 20))]
    #[x_kube(validation = Rule::new(
        "[self.filter(h, has(h.targetType) && h.targetType == 'PAUSE').size()].all(p, p <= 10 && size(self) - p <= 10)"
    ).message("lifecycleHooks may have at most 10 Lambda hooks and at most 10 PAUSE hooks"))]
    pub lifecycle_hooks: Option<Vec<DeploymentLifecycleHook>>,
    /// Steps of a `LINEAR` deployment.
    pub linear_configuration: Option<LinearConfiguration>,
    /// Size and time of the first step of a `CANARY` deployment.
    pub canary_configuration: Option<CanaryConfiguration>,
    /// Lets a `ROLLING` deployment succeed before all of its tasks run.
    pub early_success_criteria: Option<DeploymentEarlySuccessCriteria>,
}

/// Stops a deployment whose tasks keep failing.
#[mirror(sdk::DeploymentCircuitBreaker)]
#[x_kube(validation = Rule::new("self.enable || !self.rollback")
    .message("rollback must be false where enable is false: ECS ignores it")
    .field_path(".rollback"))]
pub struct DeploymentCircuitBreaker {
    /// Whether the circuit breaker is on.
    pub enable: bool,
    /// Whether a stopped deployment is rolled back to the last one that succeeded. Must be false where `enable` is.
    pub rollback: bool,
    /// Whether a healthy task sets the count of failures back to 0. ECS's default is true.
    pub reset_on_healthy_task: Option<bool>,
    /// How many failed tasks stop a deployment. ECS's default is `BOUNDED_PERCENT` 50.
    pub threshold_configuration: Option<ThresholdConfiguration>,
}

/// How many failed tasks stop a deployment.
#[mirror(sdk::ThresholdConfiguration)]
#[x_kube(validation = Rule::new("self.type == 'COUNT' || self.value <= 100")
    .message("value must be 1 to 100 where type is BOUNDED_PERCENT or UNBOUNDED_PERCENT")
    .field_path(".value"))]
pub struct ThresholdConfiguration {
    /// `COUNT`: `value` is the number of tasks. `UNBOUNDED_PERCENT`: percent of the desired count. `BOUNDED_PERCENT`: the
    /// same, but at least 3 and at most 200 tasks.
    pub r#type: Enum<sdk::ThresholdType>,
    /// Number of tasks, or percent (1 to 100), as `type` says.
    #[schemars(range(min = 1, max = 10000))]
    pub value: i32,
}

/// CloudWatch alarms that make a deployment fail.
#[mirror(sdk::DeploymentAlarms)]
pub struct DeploymentAlarms {
    /// Names of the alarms, at most 100. One that is in alarm when a deployment starts is ignored during it.
    #[schemars(length(max = 100), inner(length(min = 1, max = 255)))]
    pub alarm_names: Vec<String>,
    /// Whether a deployment that an alarm fails is rolled back.
    pub rollback: bool,
    /// Whether the alarms are watched.
    pub enable: bool,
}

/// Something that ECS does, or waits for, at a stage of a deployment.
#[mirror(sdk::DeploymentLifecycleHook)]
#[x_kube(
    validation = Rule::new("has(self.targetType) && self.targetType == 'PAUSE' || has(self.hookTargetArn) && has(self.roleArn)")
        .message("hookTargetArn and roleArn are required unless targetType is PAUSE (absent means AWS_LAMBDA)")
        .field_path(".hookTargetArn"),
    validation = Rule::new("!has(self.targetType) || self.targetType != 'PAUSE' || !has(self.hookTargetArn) && !has(self.roleArn)")
        .message("hookTargetArn and roleArn must be absent where targetType is PAUSE")
        .field_path(".hookTargetArn"),
    validation = Rule::new(
        "!has(self.targetType) || self.targetType != 'PAUSE' \
         || !self.lifecycleStages.exists(s, s in ['TEST_TRAFFIC_SHIFT', 'PRODUCTION_TRAFFIC_SHIFT'])",
    )
    .message("lifecycleStages must not contain TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT where targetType is PAUSE")
    .field_path(".lifecycleStages"),
    validation = Rule::new(
        "has(self.targetType) && self.targetType == 'PAUSE' || !has(self.timeoutConfiguration) \
         || !has(self.timeoutConfiguration.timeoutInMinutes) || self.timeoutConfiguration.timeoutInMinutes <= 1440",
    )
    .message("timeoutInMinutes must be at most 1440 for a Lambda hook (20160 for a PAUSE hook)")
    .field_path(".timeoutConfiguration.timeoutInMinutes")
)]
pub struct DeploymentLifecycleHook {
    /// `AWS_LAMBDA` (if absent) calls a function; `PAUSE` waits for ContinueServiceDeployment.
    pub target_type: Option<Enum<sdk::DeploymentLifecycleHookTargetType>>,
    /// ARN of the Lambda function. Required unless `targetType` is `PAUSE`, and not allowed there.
    #[schemars(length(min = 1, max = 2048))]
    pub hook_target_arn: Option<String>,
    /// ARN of the role with which ECS calls the function. Required unless `targetType` is `PAUSE`, and not allowed there.
    #[schemars(length(min = 1, max = 2048))]
    pub role_arn: Option<String>,
    /// Stages at which the hook runs, at least one. `PAUSE` can't be at `TEST_TRAFFIC_SHIFT` nor `PRODUCTION_TRAFFIC_SHIFT`.
    #[schemars(length(min = 1, max = 8))]
    pub lifecycle_stages: Vec<Enum<sdk::DeploymentLifecycleHookStage>>,
    /// Any JSON, passed to the Lambda function as it is.
    pub hook_details: Option<Json>,
    /// How long ECS waits for the hook, and what it does then.
    pub timeout_configuration: Option<DeploymentLifecycleHookTimeoutConfiguration>,
}

/// How long ECS waits for a hook, and what it does then.
#[mirror(sdk::DeploymentLifecycleHookTimeoutConfiguration)]
pub struct DeploymentLifecycleHookTimeoutConfiguration {
    /// Minutes: 1 to 1440 for a Lambda hook, 1 to 20160 for a pause. Absent means 1440.
    #[schemars(range(min = 1, max = 20160))]
    pub timeout_in_minutes: Option<i32>,
    /// What happens then: `ROLLBACK` (if absent) or `CONTINUE`.
    pub action: Option<Enum<sdk::DeploymentLifecycleHookAction>>,
}

/// ECS takes percentages of traffic in tenths.
fn tenths(field: &str) -> Rule {
    Rule::new(
        "self * 10.0 - double(int(self * 10.0 + 0.5)) < 0.000001 \
         && double(int(self * 10.0 + 0.5)) - self * 10.0 < 0.000001",
    )
    .message(format!("{field} must be a multiple of 0.1").as_str())
}

/// Steps of a `LINEAR` deployment.
#[mirror(sdk::LinearConfiguration)]
pub struct LinearConfiguration {
    /// Percent of the traffic that each step moves: 3.0 to 100.0, in tenths. Absent means 10.0.
    #[schemars(range(min = 3.0, max = 100.0))]
    #[x_kube(validation = tenths("stepPercent"))]
    pub step_percent: Option<f64>,
    /// Minutes between two steps: 0 to 1440. Absent means 6.
    #[schemars(range(min = 0, max = 1440))]
    pub step_bake_time_in_minutes: Option<i32>,
}

/// The first step of a `CANARY` deployment.
#[mirror(sdk::CanaryConfiguration)]
pub struct CanaryConfiguration {
    /// Percent of the traffic that the first step moves: 0.1 to 100.0, in tenths. Absent means 5.0.
    #[schemars(range(min = 0.1, max = 100.0))]
    #[x_kube(validation = tenths("canaryPercent"))]
    pub canary_percent: Option<f64>,
    /// Minutes until the rest follows: 0 to 1440. Absent means 10.
    #[schemars(range(min = 0, max = 1440))]
    pub canary_bake_time_in_minutes: Option<i32>,
}

/// Lets a `ROLLING` deployment succeed before all of its tasks run.
#[mirror(sdk::DeploymentEarlySuccessCriteria)]
#[x_kube(validation = Rule::new("!self.enable || has(self.healthyPercent) && has(self.sourceServiceRevisionCleanup)")
    .message("healthyPercent and sourceServiceRevisionCleanup are required where enable is true")
    .field_path(".healthyPercent"))]
pub struct DeploymentEarlySuccessCriteria {
    /// Whether the criteria are used. Under `true` the other two fields are required.
    pub enable: bool,
    /// Percent of `desiredCount` that must be healthy on the new revision: `minimumHealthyPercent` to 100.
    #[schemars(range(min = 0, max = 100))]
    pub healthy_percent: Option<i32>,
    /// When the old tasks go: `BLOCKING` before the deployment succeeds, `DEFERRED` in the background after it.
    pub source_service_revision_cleanup: Option<Enum<sdk::ServiceRevisionCleanup>>,
}
