//! How tasks are replaced.

use super::{Found, controller, items, strategy, text};
use crate::{
    api::EcsServiceSpec,
    ecs::shapes::{DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentLifecycleHook},
};

const PATH: &str = "spec.deploymentConfiguration";

pub(super) fn check(spec: &EcsServiceSpec, found: &mut Found) {
    let Some(deployment) = &spec.deployment_configuration else { return };
    percentages(deployment, found);
    strategies(deployment, found);
    if let Some(breaker) = &deployment.deployment_circuit_breaker {
        circuit_breaker(breaker, found);
    }
    hooks(items(deployment.lifecycle_hooks.as_ref()), found);
    if controller(spec) != "ECS" {
        by_foreign_controller(spec, deployment, found);
    }
}

fn percentages(deployment: &DeploymentConfiguration, found: &mut Found) {
    if let (Some(most), Some(least)) = (deployment.maximum_percent, deployment.minimum_healthy_percent) {
        found.rule(
            least < most,
            format!("{PATH}.minimumHealthyPercent"),
            "minimumHealthyPercent must be below maximumPercent: otherwise no task can ever be replaced",
        );
    }
    let linear = deployment.linear_configuration.as_ref().and_then(|linear| linear.step_percent);
    found.rule(
        linear.is_none_or(tenths),
        format!("{PATH}.linearConfiguration.stepPercent"),
        "stepPercent must be a multiple of 0.1",
    );
    let canary = deployment.canary_configuration.as_ref().and_then(|canary| canary.canary_percent);
    found.rule(
        canary.is_none_or(tenths),
        format!("{PATH}.canaryConfiguration.canaryPercent"),
        "canaryPercent must be a multiple of 0.1",
    );
}

fn tenths(percent: f64) -> bool {
    let tenths = percent * 10.0;
    // As the CEL rule rounds: half up, toward zero after that.
    ((tenths + 0.5).trunc() - tenths).abs() < 0.000_001
}

fn strategies(deployment: &DeploymentConfiguration, found: &mut Found) {
    let strategy = text(deployment.strategy.as_ref());
    found.rule(
        deployment.linear_configuration.is_none() || strategy == Some("LINEAR"),
        format!("{PATH}.linearConfiguration"),
        "linearConfiguration is allowed only where strategy is LINEAR",
    );
    found.rule(
        deployment.canary_configuration.is_none() || strategy == Some("CANARY"),
        format!("{PATH}.canaryConfiguration"),
        "canaryConfiguration is allowed only where strategy is CANARY",
    );
    let Some(early) = &deployment.early_success_criteria else { return };
    let field = format!("{PATH}.earlySuccessCriteria");
    found.rule(
        !early.enable || strategy.is_none_or(|strategy| strategy == "ROLLING"),
        &field,
        "earlySuccessCriteria can be enabled only where strategy is ROLLING",
    );
    found.rule(
        !early.enable || early.healthy_percent.is_some() && early.source_service_revision_cleanup.is_some(),
        format!("{field}.healthyPercent"),
        "healthyPercent and sourceServiceRevisionCleanup are required where enable is true",
    );
    if let (Some(healthy), Some(least)) = (early.healthy_percent, deployment.minimum_healthy_percent) {
        found.rule(
            healthy >= least,
            format!("{field}.healthyPercent"),
            "earlySuccessCriteria.healthyPercent must be at least minimumHealthyPercent",
        );
    }
}

fn circuit_breaker(breaker: &DeploymentCircuitBreaker, found: &mut Found) {
    let field = format!("{PATH}.deploymentCircuitBreaker");
    found.rule(
        breaker.enable || !breaker.rollback,
        format!("{field}.rollback"),
        "rollback must be false where enable is false: ECS ignores it",
    );
    if let Some(threshold) = &breaker.threshold_configuration {
        found.rule(
            threshold.r#type.as_str() == "COUNT" || threshold.value <= 100,
            format!("{field}.thresholdConfiguration.value"),
            "value must be 1 to 100 where type is BOUNDED_PERCENT or UNBOUNDED_PERCENT",
        );
    }
}

fn hooks(hooks: &[DeploymentLifecycleHook], found: &mut Found) {
    let pauses = hooks.iter().filter(|hook| pause(hook)).count();
    found.rule(
        pauses <= 10 && hooks.len() - pauses <= 10,
        format!("{PATH}.lifecycleHooks"),
        "lifecycleHooks may have at most 10 Lambda hooks and at most 10 PAUSE hooks",
    );
    for (index, hook) in hooks.iter().enumerate() {
        let field = format!("{PATH}.lifecycleHooks[{index}]");
        if pause(hook) {
            pause_hook(&field, hook, found);
        } else {
            lambda_hook(&field, hook, found);
        }
    }
}

fn pause(hook: &DeploymentLifecycleHook) -> bool {
    text(hook.target_type.as_ref()) == Some("PAUSE")
}

fn pause_hook(field: &str, hook: &DeploymentLifecycleHook, found: &mut Found) {
    found.rule(
        hook.hook_target_arn.is_none() && hook.role_arn.is_none(),
        format!("{field}.hookTargetArn"),
        "hookTargetArn and roleArn must be absent where targetType is PAUSE",
    );
    found.rule(
        hook.lifecycle_stages
            .iter()
            .all(|stage| !matches!(stage.as_str(), "TEST_TRAFFIC_SHIFT" | "PRODUCTION_TRAFFIC_SHIFT")),
        format!("{field}.lifecycleStages"),
        "lifecycleStages must not contain TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT where targetType is PAUSE",
    );
}

fn lambda_hook(field: &str, hook: &DeploymentLifecycleHook, found: &mut Found) {
    found.rule(
        hook.hook_target_arn.is_some() && hook.role_arn.is_some(),
        format!("{field}.hookTargetArn"),
        "hookTargetArn and roleArn are required unless targetType is PAUSE (absent means AWS_LAMBDA)",
    );
    let minutes = hook.timeout_configuration.as_ref().and_then(|timeout| timeout.timeout_in_minutes);
    found.rule(
        minutes.is_none_or(|minutes| minutes <= 1440),
        format!("{field}.timeoutConfiguration.timeoutInMinutes"),
        "timeoutInMinutes must be at most 1440 for a Lambda hook (20160 for a PAUSE hook)",
    );
}

fn by_foreign_controller(spec: &EcsServiceSpec, deployment: &DeploymentConfiguration, found: &mut Found) {
    found.rule(
        strategy(spec) == "ROLLING"
            && !deployment.deployment_circuit_breaker.as_ref().is_some_and(|breaker| breaker.enable)
            && !deployment.alarms.as_ref().is_some_and(|alarms| alarms.enable)
            && items(deployment.lifecycle_hooks.as_ref()).is_empty()
            && !deployment.early_success_criteria.as_ref().is_some_and(|early| early.enable)
            && deployment.bake_time_in_minutes.is_none_or(|minutes| minutes <= 0),
        PATH,
        "deploymentConfiguration must have no strategy but ROLLING, and no deploymentCircuitBreaker, alarms, \
         lifecycleHooks, earlySuccessCriteria or bakeTimeInMinutes, where deploymentController is not ECS",
    );
    found.rule(
        text(spec.launch_type.as_ref()) != Some("EC2")
            || deployment.maximum_percent.is_none_or(|percent| percent == 200)
                && deployment.minimum_healthy_percent.is_none_or(|percent| percent == 100),
        PATH,
        "deploymentConfiguration.maximumPercent must be 200 and minimumHealthyPercent 100, or absent, where \
         deploymentController is not ECS and launchType is EC2",
    );
}
