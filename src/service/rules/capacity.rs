//! Where tasks run: launch type, capacity providers, scheduling strategy, placement, Availability Zones.

use super::{Found, controller, daemon, external_instances, fargate, items, strategy, text};
use crate::{
    api::{EcsServiceSpec, rules, service_rules::When},
    ecs::shapes::{PlacementConstraint, PlacementStrategy},
};

const ZONE: &str = "attribute:ecs.availability-zone";

pub(super) fn check(spec: &EcsServiceSpec, found: &mut Found) {
    let providers = items(spec.capacity_provider_strategy.as_ref());
    found.0.extend(rules::capacity_strategy("spec.capacityProviderStrategy", providers));
    let launch_type = text(spec.launch_type.as_ref());
    found.rule(
        launch_type.is_none() || providers.is_empty(),
        "spec.launchType",
        "at most one of launchType and capacityProviderStrategy may be set",
    );
    found.rule(
        launch_type != Some("MANAGED_INSTANCES"),
        "spec.launchType",
        "launchType must be EC2, FARGATE or EXTERNAL: Managed Instances are used by a capacityProviderStrategy",
    );
    found.rule(
        spec.platform_version.is_none() || launch_type.is_none_or(|launch_type| launch_type == "FARGATE"),
        "spec.platformVersion",
        "platformVersion is allowed only where tasks run on Fargate",
    );
    if fargate(spec) {
        on_fargate(spec, found);
    }
    if daemon(spec) {
        as_daemon(spec, found);
    }
    if text(spec.availability_zone_rebalancing.as_ref()) == Some("ENABLED") {
        rebalanced(spec, found);
    }
    if controller(spec) == "EXTERNAL" {
        by_external_controller(spec, found);
    }
    if external_instances(spec) {
        found.absent(When::ExternalInstances, "networkConfiguration", spec.network_configuration.is_some());
        found.rule(
            strategy(spec) == "ROLLING",
            "spec.deploymentConfiguration.strategy",
            "deploymentConfiguration.strategy must be ROLLING where launchType is EXTERNAL",
        );
    }
    for (index, constraint) in items(spec.placement_constraints.as_ref()).iter().enumerate() {
        placement_constraint(&format!("spec.placementConstraints[{index}].expression"), constraint, found);
    }
    for (index, strategy) in items(spec.placement_strategy.as_ref()).iter().enumerate() {
        placement_strategy(&format!("spec.placementStrategy[{index}].field"), strategy, found);
    }
}

fn on_fargate(spec: &EcsServiceSpec, found: &mut Found) {
    found.rule(
        controller(spec) == "EXTERNAL"
            || spec.network_configuration.as_ref().is_some_and(|network| network.awsvpc_configuration.is_some()),
        "spec.networkConfiguration",
        "networkConfiguration.awsvpcConfiguration is required where tasks run on Fargate",
    );
    found.absent(When::Fargate, "placementConstraints", !items(spec.placement_constraints.as_ref()).is_empty());
    found.absent(When::Fargate, "placementStrategy", !items(spec.placement_strategy.as_ref()).is_empty());
}

fn as_daemon(spec: &EcsServiceSpec, found: &mut Found) {
    found.absent(When::Daemon, "desiredCount", spec.desired_count.is_some());
    found.absent(When::Daemon, "placementStrategy", !items(spec.placement_strategy.as_ref()).is_empty());
    found.absent(When::Daemon, "volumeConfigurations", !items(spec.volume_configurations.as_ref()).is_empty());
    found.rule(
        !fargate(spec),
        "spec.schedulingStrategy",
        "schedulingStrategy must not be DAEMON where tasks run on Fargate",
    );
    found.rule(
        controller(spec) == "ECS",
        "spec.deploymentController",
        "deploymentController must be ECS where schedulingStrategy is DAEMON",
    );
    found.rule(
        maximum_percent(spec).is_none_or(|percent| percent == 100),
        "spec.deploymentConfiguration.maximumPercent",
        "deploymentConfiguration.maximumPercent must be 100 where schedulingStrategy is DAEMON",
    );
}

fn rebalanced(spec: &EcsServiceSpec, found: &mut Found) {
    const FIELD: &str = "spec.availabilityZoneRebalancing";
    found.rule(
        !daemon(spec),
        FIELD,
        "availabilityZoneRebalancing must not be ENABLED where schedulingStrategy is DAEMON",
    );
    found.rule(
        !external_instances(spec),
        FIELD,
        "availabilityZoneRebalancing must not be ENABLED where launchType is EXTERNAL",
    );
    found.rule(
        maximum_percent(spec).is_none_or(|percent| percent > 100),
        "spec.deploymentConfiguration.maximumPercent",
        "deploymentConfiguration.maximumPercent must be above 100 where availabilityZoneRebalancing is ENABLED",
    );
    found.rule(
        items(spec.load_balancers.as_ref()).iter().all(|balancer| balancer.load_balancer_name.is_none()),
        "spec.loadBalancers",
        "loadBalancers must not name a Classic Load Balancer where availabilityZoneRebalancing is ENABLED",
    );
    found.rule(
        items(spec.placement_strategy.as_ref())
            .first()
            .is_none_or(|first| first.r#type.as_str() == "spread" && first.field.as_deref() == Some(ZONE)),
        "spec.placementStrategy",
        "placementStrategy must begin with a spread over attribute:ecs.availability-zone where \
         availabilityZoneRebalancing is ENABLED",
    );
    found.rule(
        !items(spec.placement_constraints.as_ref()).iter().any(|constraint| {
            constraint.expression.as_ref().is_some_and(|expression| expression.contains("ecs.availability-zone"))
        }),
        "spec.placementConstraints",
        "placementConstraints must not name ecs.availability-zone where availabilityZoneRebalancing is ENABLED",
    );
}

fn maximum_percent(spec: &EcsServiceSpec) -> Option<i32> {
    spec.deployment_configuration.as_ref().and_then(|deployment| deployment.maximum_percent)
}

/// What stands on task sets can't stand on the service.
fn by_external_controller(spec: &EcsServiceSpec, found: &mut Found) {
    for (field, present) in [
        ("taskDefinition", spec.task_definition.is_some()),
        ("taskDefinitionRef", spec.task_definition_ref.is_some()),
        ("launchType", spec.launch_type.is_some()),
        ("capacityProviderStrategy", !items(spec.capacity_provider_strategy.as_ref()).is_empty()),
        ("platformVersion", spec.platform_version.is_some()),
        ("networkConfiguration", spec.network_configuration.is_some()),
        ("loadBalancers", !items(spec.load_balancers.as_ref()).is_empty()),
        ("serviceRegistries", !items(spec.service_registries.as_ref()).is_empty()),
        ("volumeConfigurations", !items(spec.volume_configurations.as_ref()).is_empty()),
    ] {
        found.absent(When::ExternalController, field, present);
    }
}

fn placement_constraint(field: &str, constraint: &PlacementConstraint, found: &mut Found) {
    let (kind, expression) = (constraint.r#type.as_str(), constraint.expression.is_some());
    found.rule(kind != "memberOf" || expression, field, "expression is required where type is memberOf");
    found.rule(
        kind != "distinctInstance" || !expression,
        field,
        "expression must be absent where type is distinctInstance",
    );
}

fn placement_strategy(field: &str, strategy: &PlacementStrategy, found: &mut Found) {
    let (kind, by) = (strategy.r#type.as_str(), strategy.field.as_deref());
    found.rule(kind != "random" || by.is_none(), field, "field must be absent where type is random");
    found.rule(
        kind != "binpack" || by.is_some_and(|by| by.eq_ignore_ascii_case("cpu") || by.eq_ignore_ascii_case("memory")),
        field,
        "field must be cpu or memory where type is binpack",
    );
}
