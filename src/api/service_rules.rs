//! The CEL rules of `EcsService` that look at more than one field of its spec. Their twins in Rust are in
//! `service::rules`; one table of cases (`tests/rules/service.yaml`) holds the two together.

mod immutable;

use kube::core::{Message, Rule};

pub use self::immutable::*;

const CONTROLLER: &str = "(has(self.deploymentController) ? self.deploymentController.type : 'ECS')";
const STRATEGY: &str = "(has(self.deploymentConfiguration) && has(self.deploymentConfiguration.strategy) \
                        ? self.deploymentConfiguration.strategy : 'ROLLING')";
const PROVIDERS: &str = "has(self.capacityProviderStrategy) && size(self.capacityProviderStrategy) > 0";
const CONNECTED: &str = "has(self.serviceConnectConfiguration) && self.serviceConnectConfiguration.enabled";
const ROLE_USED: &str = "has(self.loadBalancers) && size(self.loadBalancers) > 0 && !has(self.networkConfiguration)";

/// A state of the spec in which some fields are refused.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Tasks run on Fargate, by launch type or by providers.
    Fargate,
    /// One task an instance.
    Daemon,
    /// Instances outside AWS.
    ExternalInstances,
    /// Tasks are replaced by a controller outside ECS.
    ExternalController,
    /// Tasks are replaced by CodeDeploy or by a controller outside ECS.
    ForeignController,
    /// ECS evens out tasks over Availability Zones.
    Rebalancing,
}

impl When {
    /// The state as CEL on the spec.
    fn rule(self) -> String {
        match self {
            Self::Fargate => format!(
                "(has(self.launchType) && self.launchType == 'FARGATE' || {PROVIDERS} \
                 && self.capacityProviderStrategy.all(s, s.capacityProvider in ['FARGATE', 'FARGATE_SPOT']))"
            ),
            Self::Daemon => "(has(self.schedulingStrategy) && self.schedulingStrategy == 'DAEMON')".into(),
            Self::ExternalInstances => "(has(self.launchType) && self.launchType == 'EXTERNAL')".into(),
            Self::ExternalController => format!("{CONTROLLER} == 'EXTERNAL'"),
            Self::ForeignController => format!("{CONTROLLER} != 'ECS'"),
            Self::Rebalancing => {
                "(has(self.availabilityZoneRebalancing) && self.availabilityZoneRebalancing == 'ENABLED')".into()
            }
        }
    }

    /// The state in words, behind "where".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fargate => "tasks run on Fargate",
            Self::Daemon => "schedulingStrategy is DAEMON",
            Self::ExternalInstances => "launchType is EXTERNAL",
            Self::ExternalController => "deploymentController is EXTERNAL (it stands on task sets)",
            Self::ForeignController => "deploymentController is not ECS",
            Self::Rebalancing => "availabilityZoneRebalancing is ENABLED",
        }
    }
}

fn implies(when: When, then: &str, message: &str, field: &str) -> Rule {
    Rule::new(format!("!({}) || {then}", when.rule())).message(message).field_path(format!(".{field}"))
}

/// `field` must be absent.
pub fn absent(when: When, field: &str) -> Rule {
    refused(when, field, &format!("!has(self.{field})"))
}

/// `field` must be absent or an empty list.
pub fn empty(when: When, field: &str) -> Rule {
    refused(when, field, &format!("(!has(self.{field}) || size(self.{field}) == 0)"))
}

/// Service Connect must be off.
pub fn unconnected(when: When) -> Rule {
    refused(when, "serviceConnectConfiguration", &format!("!({CONNECTED})"))
}

fn refused(when: When, field: &str, then: &str) -> Rule {
    implies(when, then, &format!("{field} must be absent where {}", when.words()), field)
}

/// One of a reference and a name of the cluster.
pub fn one_cluster() -> Rule {
    Rule::new("has(self.clusterRef) != has(self.cluster)")
        .message("exactly one of clusterRef and cluster must be set")
        .field_path(".cluster")
}

/// One of a reference and a name of the task definition.
pub fn one_task_definition() -> Rule {
    Rule::new(format!("{CONTROLLER} == 'EXTERNAL' || has(self.taskDefinitionRef) != has(self.taskDefinition)"))
        .message("exactly one of taskDefinitionRef and taskDefinition must be set")
        .field_path(".taskDefinition")
}

/// A referenced cluster has its own region.
pub fn region_of_reference() -> Rule {
    Rule::new("!has(self.region) || !has(self.clusterRef)")
        .message("region must be absent where clusterRef is set: the cluster's region is used")
        .field_path(".region")
}

/// The region is the one in the cluster's ARN.
pub fn region_of_arn() -> Rule {
    Rule::new(
        "!has(self.region) || !has(self.cluster) || !self.cluster.startsWith('arn:') \
         || self.cluster.contains(':ecs:' + self.region + ':')",
    )
    .message(Message::Expression("'region \\'' + self.region + '\\' must be the region in the ARN of cluster'".into()))
    .field_path(".region")
}

/// A launch type or a strategy.
pub fn launch_type_or_strategy() -> Rule {
    Rule::new(format!("!has(self.launchType) || !({PROVIDERS})"))
        .message("at most one of launchType and capacityProviderStrategy may be set")
        .field_path(".launchType")
}

/// Managed Instances have no launch type that CreateService takes.
pub fn launch_type() -> Rule {
    Rule::new("self != 'MANAGED_INSTANCES'").message(
        "launchType must be EC2, FARGATE or EXTERNAL: Managed Instances are used by a capacityProviderStrategy",
    )
}

/// Fargate tasks are in a VPC.
pub fn fargate_network() -> Rule {
    implies(
        When::Fargate,
        &format!(
            "{CONTROLLER} == 'EXTERNAL' \
             || has(self.networkConfiguration) && has(self.networkConfiguration.awsvpcConfiguration)"
        ),
        "networkConfiguration.awsvpcConfiguration is required where tasks run on Fargate",
        "networkConfiguration",
    )
}

/// Only Fargate has platform versions.
pub fn platform_version() -> Rule {
    Rule::new("!has(self.platformVersion) || !has(self.launchType) || self.launchType == 'FARGATE'")
        .message("platformVersion is allowed only where tasks run on Fargate")
        .field_path(".platformVersion")
}

/// A DAEMON service doesn't run on Fargate.
pub fn daemon_capacity() -> Rule {
    implies(
        When::Daemon,
        &format!("!{}", When::Fargate.rule()),
        "schedulingStrategy must not be DAEMON where tasks run on Fargate",
        "schedulingStrategy",
    )
}

/// A DAEMON service is deployed by ECS.
pub fn daemon_controller() -> Rule {
    implies(
        When::Daemon,
        &format!("{CONTROLLER} == 'ECS'"),
        "deploymentController must be ECS where schedulingStrategy is DAEMON",
        "deploymentController",
    )
}

/// A DAEMON service never runs two tasks on an instance.
pub fn daemon_percent() -> Rule {
    implies(
        When::Daemon,
        "!has(self.deploymentConfiguration) || !has(self.deploymentConfiguration.maximumPercent) \
         || self.deploymentConfiguration.maximumPercent == 100",
        "deploymentConfiguration.maximumPercent must be 100 where schedulingStrategy is DAEMON",
        "deploymentConfiguration.maximumPercent",
    )
}

/// Rebalancing is for replicas.
pub fn rebalancing_scheduling() -> Rule {
    implies(
        When::Rebalancing,
        &format!("!{}", When::Daemon.rule()),
        "availabilityZoneRebalancing must not be ENABLED where schedulingStrategy is DAEMON",
        "availabilityZoneRebalancing",
    )
}

/// Rebalancing starts a task before it stops one.
pub fn rebalancing_percent() -> Rule {
    implies(
        When::Rebalancing,
        "!has(self.deploymentConfiguration) || !has(self.deploymentConfiguration.maximumPercent) \
         || self.deploymentConfiguration.maximumPercent > 100",
        "deploymentConfiguration.maximumPercent must be above 100 where availabilityZoneRebalancing is ENABLED",
        "deploymentConfiguration.maximumPercent",
    )
}

/// Rebalancing doesn't go with a Classic Load Balancer.
pub fn rebalancing_load_balancers() -> Rule {
    implies(
        When::Rebalancing,
        "!has(self.loadBalancers) || !self.loadBalancers.exists(l, has(l.loadBalancerName))",
        "loadBalancers must not name a Classic Load Balancer where availabilityZoneRebalancing is ENABLED",
        "loadBalancers",
    )
}

/// Rebalancing is for instances in AWS.
pub fn rebalancing_instances() -> Rule {
    implies(
        When::Rebalancing,
        &format!("!{}", When::ExternalInstances.rule()),
        "availabilityZoneRebalancing must not be ENABLED where launchType is EXTERNAL",
        "availabilityZoneRebalancing",
    )
}

/// Rebalancing is what the first placement strategy asks for.
pub fn rebalancing_placement() -> Rule {
    implies(
        When::Rebalancing,
        "!has(self.placementStrategy) || size(self.placementStrategy) == 0 \
         || self.placementStrategy[0].type == 'spread' && has(self.placementStrategy[0].field) \
         && self.placementStrategy[0].field == 'attribute:ecs.availability-zone'",
        "placementStrategy must begin with a spread over attribute:ecs.availability-zone where \
         availabilityZoneRebalancing is ENABLED",
        "placementStrategy",
    )
}

/// Nothing ties a rebalanced service to a zone.
pub fn rebalancing_constraints() -> Rule {
    implies(
        When::Rebalancing,
        "!has(self.placementConstraints) \
         || !self.placementConstraints.exists(c, has(c.expression) && c.expression.contains('ecs.availability-zone'))",
        "placementConstraints must not name ecs.availability-zone where availabilityZoneRebalancing is ENABLED",
        "placementConstraints",
    )
}

/// Traffic that is shifted needs to know how.
pub fn strategy_load_balancers() -> Rule {
    Rule::new(format!(
        "{STRATEGY} == 'ROLLING' || !has(self.loadBalancers) || self.loadBalancers.all(l, has(l.advancedConfiguration))"
    ))
    .message(
        "advancedConfiguration is required on all loadBalancers where deploymentConfiguration.strategy is not ROLLING",
    )
    .field_path(".loadBalancers")
}

/// Members of `deploymentConfiguration` that only ECS's own controller knows.
pub fn controller_deployment() -> Rule {
    implies(
        When::ForeignController,
        &format!(
            "!has(self.deploymentConfiguration) || {STRATEGY} == 'ROLLING' \
             && !(has(self.deploymentConfiguration.deploymentCircuitBreaker) && self.deploymentConfiguration.deploymentCircuitBreaker.enable) \
             && !(has(self.deploymentConfiguration.alarms) && self.deploymentConfiguration.alarms.enable) \
             && !(has(self.deploymentConfiguration.lifecycleHooks) && size(self.deploymentConfiguration.lifecycleHooks) > 0) \
             && !(has(self.deploymentConfiguration.earlySuccessCriteria) && self.deploymentConfiguration.earlySuccessCriteria.enable) \
             && !(has(self.deploymentConfiguration.bakeTimeInMinutes) && self.deploymentConfiguration.bakeTimeInMinutes > 0)"
        ),
        "deploymentConfiguration must have no strategy but ROLLING, and no deploymentCircuitBreaker, alarms, lifecycleHooks, \
         earlySuccessCriteria or bakeTimeInMinutes, where deploymentController is not ECS",
        "deploymentConfiguration",
    )
}

/// ECS keeps the percentages of a foreign controller's EC2 tasks.
pub fn controller_percent() -> Rule {
    implies(
        When::ForeignController,
        "!has(self.launchType) || self.launchType != 'EC2' || !has(self.deploymentConfiguration) \
         || (!has(self.deploymentConfiguration.maximumPercent) || self.deploymentConfiguration.maximumPercent == 200) \
         && (!has(self.deploymentConfiguration.minimumHealthyPercent) || self.deploymentConfiguration.minimumHealthyPercent == 100)",
        "deploymentConfiguration.maximumPercent must be 200 and minimumHealthyPercent 100, or absent, where \
         deploymentController is not ECS and launchType is EC2",
        "deploymentConfiguration",
    )
}

/// CodeDeploy moves one target group.
pub fn code_deploy_load_balancer() -> Rule {
    Rule::new(format!(
        "{CONTROLLER} != 'CODE_DEPLOY' || has(self.loadBalancers) && size(self.loadBalancers) == 1 \
         && has(self.loadBalancers[0].targetGroupArn)"
    ))
    .message(
        "loadBalancers must have exactly one item, with a targetGroupArn, where deploymentController is CODE_DEPLOY",
    )
    .field_path(".loadBalancers")
}

/// External instances know rolling deployments only.
pub fn external_strategy() -> Rule {
    implies(
        When::ExternalInstances,
        &format!("{STRATEGY} == 'ROLLING'"),
        "deploymentConfiguration.strategy must be ROLLING where launchType is EXTERNAL",
        "deploymentConfiguration.strategy",
    )
}

/// A role is for a load balancer of tasks without their own network interface.
pub fn role_use() -> Rule {
    Rule::new(format!("!has(self.role) || {ROLE_USED}"))
    .message("role is allowed only with loadBalancers and without networkConfiguration: else ECS uses its service-linked role")
    .field_path(".role")
}

/// A Classic Load Balancer stands alone. On `loadBalancers`.
pub fn classic_alone() -> Rule {
    Rule::new("size(self) < 2 || !self.exists(l, has(l.loadBalancerName))")
        .message("a Classic Load Balancer (loadBalancerName) must be the only item of loadBalancers")
}

/// `advancedConfiguration` on all or none. On `loadBalancers`.
pub fn advanced_on_all() -> Rule {
    Rule::new("self.all(l, has(l.advancedConfiguration)) || !self.exists(l, has(l.advancedConfiguration))")
        .message("either all or none of the loadBalancers must have an advancedConfiguration")
}

/// No target group twice, neither as first nor as alternate one. On `loadBalancers`.
pub fn distinct_target_groups() -> Rule {
    const ALTERNATE: &str = "has(o.advancedConfiguration) && o.advancedConfiguration.alternateTargetGroupArn ==";
    Rule::new(format!(
        "self.all(l, !has(l.targetGroupArn) \
         || self.filter(o, has(o.targetGroupArn) && o.targetGroupArn == l.targetGroupArn).size() == 1 \
         && !self.exists(o, {ALTERNATE} l.targetGroupArn)) \
         && self.all(l, !has(l.advancedConfiguration) \
         || self.filter(o, {ALTERNATE} l.advancedConfiguration.alternateTargetGroupArn).size() == 1)"
    ))
    .message(
        "no target group may stand twice in loadBalancers, neither as targetGroupArn nor as alternateTargetGroupArn",
    )
}
