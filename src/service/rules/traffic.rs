//! What reaches the tasks: load balancers, Cloud Map, Service Connect, VPC Lattice.

use super::{Found, connected, controller, external_instances, items, strategy};
use crate::{
    api::{EcsServiceSpec, service_rules::When},
    ecs::shapes::{LoadBalancer, LogConfiguration, ServiceConnectConfiguration, ServiceRegistry},
};

pub(super) fn check(spec: &EcsServiceSpec, found: &mut Found) {
    let balancers = items(spec.load_balancers.as_ref());
    for (index, balancer) in balancers.iter().enumerate() {
        load_balancer(&format!("spec.loadBalancers[{index}]"), balancer, found);
    }
    load_balancers(balancers, found);
    found.rule(
        strategy(spec) == "ROLLING" || balancers.iter().all(|balancer| balancer.advanced_configuration.is_some()),
        "spec.loadBalancers",
        "advancedConfiguration is required on all loadBalancers where deploymentConfiguration.strategy is not ROLLING",
    );
    found.rule(
        controller(spec) != "CODE_DEPLOY" || matches!(balancers, [LoadBalancer { target_group_arn: Some(_), .. }]),
        "spec.loadBalancers",
        "loadBalancers must have exactly one item, with a targetGroupArn, where deploymentController is CODE_DEPLOY",
    );
    if controller(spec) != "ECS" {
        found.absent(When::ForeignController, "serviceConnectConfiguration", connected(spec));
        let lattice = !items(spec.vpc_lattice_configurations.as_ref()).is_empty();
        found.absent(When::ForeignController, "vpcLatticeConfigurations", lattice);
    }
    if external_instances(spec) {
        found.absent(When::ExternalInstances, "loadBalancers", !balancers.is_empty());
        found.absent(When::ExternalInstances, "serviceConnectConfiguration", connected(spec));
    }
    for (index, registry) in items(spec.service_registries.as_ref()).iter().enumerate() {
        service_registry(&format!("spec.serviceRegistries[{index}]"), registry, found);
    }
    if let Some(connect) = &spec.service_connect_configuration {
        service_connect(connect, found);
    }
    for (index, lattice) in items(spec.vpc_lattice_configurations.as_ref()).iter().enumerate() {
        if let Some(advanced) = &lattice.advanced_configuration {
            found.rule(
                advanced.test_listener_rule.is_none()
                    || advanced.test_listener_rule != advanced.production_listener_rule,
                format!("spec.vpcLatticeConfigurations[{index}].advancedConfiguration.testListenerRule"),
                "testListenerRule must differ from productionListenerRule",
            );
        }
    }
}

fn load_balancer(field: &str, balancer: &LoadBalancer, found: &mut Found) {
    found.rule(
        balancer.target_group_arn.is_some() != balancer.load_balancer_name.is_some(),
        format!("{field}.targetGroupArn"),
        "exactly one of targetGroupArn and loadBalancerName must be set",
    );
    let Some(advanced) = &balancer.advanced_configuration else { return };
    found.rule(
        balancer.target_group_arn.is_some(),
        format!("{field}.advancedConfiguration"),
        "advancedConfiguration is allowed only where targetGroupArn is set",
    );
    found.rule(
        advanced.test_listener_rule.as_ref().is_none_or(|test| *test != advanced.production_listener_rule),
        format!("{field}.advancedConfiguration.testListenerRule"),
        "testListenerRule must differ from productionListenerRule",
    );
}

fn load_balancers(balancers: &[LoadBalancer], found: &mut Found) {
    const FIELD: &str = "spec.loadBalancers";
    found.rule(
        balancers.len() < 2 || balancers.iter().all(|balancer| balancer.load_balancer_name.is_none()),
        FIELD,
        "a Classic Load Balancer (loadBalancerName) must be the only item of loadBalancers",
    );
    let advanced = balancers.iter().filter(|balancer| balancer.advanced_configuration.is_some()).count();
    found.rule(
        advanced == 0 || advanced == balancers.len(),
        FIELD,
        "either all or none of the loadBalancers must have an advancedConfiguration",
    );
    let mut groups: Vec<&str> = balancers
        .iter()
        .flat_map(|balancer| {
            let alternate =
                balancer.advanced_configuration.as_ref().map(|advanced| &advanced.alternate_target_group_arn);
            balancer.target_group_arn.iter().chain(alternate)
        })
        .map(String::as_str)
        .collect();
    groups.sort_unstable();
    found.rule(
        groups.windows(2).all(|pair| pair[0] != pair[1]),
        FIELD,
        "no target group may stand twice in loadBalancers, neither as targetGroupArn nor as alternateTargetGroupArn",
    );
}

fn service_registry(field: &str, registry: &ServiceRegistry, found: &mut Found) {
    let named = registry.container_name.is_some();
    found.rule(
        named == registry.container_port.is_some_and(|port| port > 0),
        format!("{field}.containerName"),
        "containerName and containerPort must be set together",
    );
    found.rule(
        registry.port.is_none_or(|port| port == 0) || !named,
        format!("{field}.port"),
        "port must be absent where containerName and containerPort are set",
    );
}

fn service_connect(connect: &ServiceConnectConfiguration, found: &mut Found) {
    const FIELD: &str = "spec.serviceConnectConfiguration";
    let (log, access_log) = (connect.log_configuration.is_some(), connect.access_log_configuration.is_some());
    let settings = items(connect.container_configurations.as_ref());
    let more = connect.namespace.is_some()
        || !items(connect.services.as_ref()).is_empty()
        || log
        || access_log
        || !settings.is_empty();
    found.rule(
        connect.enabled || !more,
        format!("{FIELD}.enabled"),
        "serviceConnectConfiguration must hold nothing else where enabled is false: ECS ignores the rest",
    );
    found.rule(
        !access_log || log,
        format!("{FIELD}.logConfiguration"),
        "logConfiguration is required where accessLogConfiguration is set",
    );
    let problem = connect.log_configuration.as_ref().and_then(LogConfiguration::problem);
    found.rule(problem.is_none(), format!("{FIELD}.logConfiguration.options"), problem.unwrap_or_default());
    for (index, setting) in settings.iter().enumerate() {
        found.rule(
            setting.log_level.is_some(),
            format!("{FIELD}.containerConfigurations[{index}]"),
            "an item of containerConfigurations must hold one setting: logLevel",
        );
    }
}
