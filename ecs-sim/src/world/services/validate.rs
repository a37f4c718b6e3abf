//! What ECS refuses in a service as it is to be (CreateService and UpdateService API references; ECS developer guide,
//! "Troubleshooting Amazon ECS blue/green deployments"). The messages about `advancedConfiguration`, target groups named
//! twice and listener rules are that guide's. Those about a daemon's desired count, placement on Fargate,
//! `maximumPercent` with AZ rebalancing, target groups without a listener, the containers and ports of load balancers,
//! network configurations and volumes are as observed by tools. The words of the others are ours, as nobody published
//! ECS's.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Configuration, Controller, Strategy, revision::is_fargate};
use crate::world::{
    ApiError, Cx,
    tasks::{Shape, place::LaunchType},
};

/// A service as it is to be.
pub(super) struct Intended<'a> {
    pub controller: Controller,
    pub daemon: bool,
    pub configuration: &'a Configuration,
    pub members: &'a Map<String, Value>,
    pub spec: &'a Map<String, Value>,
    pub launch_type: LaunchType,
    /// None with the controller EXTERNAL, where task sets have it.
    pub shape: Option<&'a Shape>,
    /// The names of the members that the call sent.
    pub sent: &'a dyn Fn(&str) -> bool,
}

type Checked = Result<(), ApiError>;

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::invalid(message))
}

impl Intended<'_> {
    pub fn check(&self, cx: &Cx<'_>) -> Checked {
        self.check_daemon()?;
        self.check_controller()?;
        self.check_percents()?;
        self.check_strategy()?;
        self.check_external()?;
        self.check_placement()?;
        self.check_rebalancing()?;
        self.check_load_balancers(cx)?;
        self.shape.map_or(Ok(()), |shape| self.check_task_definition(shape))
    }

    fn list(&self, name: &str) -> &[Value] {
        self.spec.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn on_fargate(&self) -> bool {
        let providers = self.list("capacityProviderStrategy");
        if providers.is_empty() {
            return self.launch_type == LaunchType::Fargate;
        }
        providers.iter().any(|one| is_fargate(one["capacityProvider"].as_str().unwrap_or_default()))
    }

    fn check_daemon(&self) -> Checked {
        if !self.daemon {
            return Ok(());
        }
        if (self.sent)("desiredCount") {
            return refuse(
                "The daemon scheduling strategy does not support a desired count for services. Remove the desired \
                 count value and try again.",
            );
        }
        if (self.sent)("placementStrategy") {
            return refuse(
                "The daemon scheduling strategy does not support placement strategies for services. Remove the \
                 placement strategy and try again.",
            );
        }
        if self.on_fargate() {
            return refuse("The daemon scheduling strategy is not supported for tasks using the Fargate launch type.");
        }
        if self.controller != Controller::Ecs {
            return refuse(format!(
                "The daemon scheduling strategy is not supported with the {} deployment controller.",
                self.controller.wire()
            ));
        }
        if self.configuration.maximum != 100 {
            return refuse("The daemon scheduling strategy does not support a maximumPercent other than 100.");
        }
        if !self.list("volumeConfigurations").is_empty() {
            return refuse("The daemon scheduling strategy does not support volume configurations.");
        }
        Ok(())
    }

    fn check_controller(&self) -> Checked {
        if self.controller == Controller::Ecs {
            return Ok(());
        }
        let name = self.controller.wire();
        if self.configuration.breaker.enable {
            return refuse(format!(
                "Deployment circuit breaker is not supported with the {name} deployment controller."
            ));
        }
        if self.configuration.alarms.as_ref().is_some_and(|alarms| alarms.enable) {
            return refuse(format!("Deployment alarms are not supported with the {name} deployment controller."));
        }
        if self.controller == Controller::External {
            for (member, words) in [
                ("taskDefinition", "TaskDefinition must be blank"),
                ("launchType", "LaunchType must be blank"),
                ("platformVersion", "PlatformVersion must be blank"),
                ("networkConfiguration", "NetworkConfiguration must be blank"),
                ("loadBalancers", "LoadBalancers must be blank"),
                ("capacityProviderStrategy", "CapacityProviderStrategy must be blank"),
            ] {
                if (self.sent)(member) {
                    return refuse(words);
                }
            }
        } else if self.list("loadBalancers").len() != 1 {
            return refuse("The CODE_DEPLOY deployment controller requires exactly one load balancer.");
        }
        Ok(())
    }

    /// CodeDeploy's services on EC2 take no percents but the defaults (DeploymentConfiguration data type,
    /// `maximumPercent` and `minimumHealthyPercent`; the words are ours). Those of the controller EXTERNAL have their
    /// launch types in task sets.
    fn check_percents(&self) -> Checked {
        let percents = (self.configuration.maximum, self.configuration.minimum);
        if self.controller == Controller::CodeDeploy && !self.on_fargate() && percents != (200, 100) {
            return refuse(
                "maximumPercent and minimumHealthyPercent can not be changed for services of the CODE_DEPLOY \
                 deployment controller that use the EC2 launch type.",
            );
        }
        Ok(())
    }

    /// Only BLUE_GREEN goes without anything that shifts traffic (ECS developer guide, "Amazon ECS linear deployments"
    /// and "Amazon ECS canary deployments"; the words are ours).
    fn check_strategy(&self) -> Checked {
        let strategy = self.configuration.strategy;
        let shifted = self.uses_service_connect()
            || ["loadBalancers", "vpcLatticeConfigurations"].iter().any(|name| !self.list(name).is_empty());
        if matches!(strategy, Strategy::Linear | Strategy::Canary) && !shifted {
            return refuse(format!(
                "The {} deployment strategy requires a load balancer, Service Connect or VPC Lattice.",
                strategy.wire()
            ));
        }
        Ok(())
    }

    fn uses_service_connect(&self) -> bool {
        self.spec.get("serviceConnectConfiguration").is_some_and(|one| one["enabled"] == true)
    }

    /// What machines outside of AWS can't have (ECS developer guide, on Amazon ECS Anywhere; the words are ours). That
    /// task definitions with `awsvpc` don't fit them is in what those are compatible with.
    fn check_external(&self) -> Checked {
        if self.launch_type != LaunchType::External {
            return Ok(());
        }
        let rolling = self.configuration.strategy == Strategy::Rolling;
        for (has, words) in [
            (!self.list("loadBalancers").is_empty(), "Load balancers are"),
            (self.uses_service_connect(), "Service Connect is"),
            (!rolling, "Deployment strategies other than ROLLING are"),
        ] {
            if has {
                return refuse(format!("{words} not supported with the EXTERNAL launch type."));
            }
        }
        Ok(())
    }

    fn check_placement(&self) -> Checked {
        if !self.on_fargate() {
            return Ok(());
        }
        for (member, words) in
            [("placementStrategy", "Placement strategies"), ("placementConstraints", "Placement constraints")]
        {
            if (self.sent)(member) {
                return refuse(format!("{words} are not valid for tasks using the Fargate launch type."));
            }
        }
        Ok(())
    }

    fn check_rebalancing(&self) -> Checked {
        if self.members.get("availabilityZoneRebalancing").is_none_or(|value| value != "ENABLED") {
            return Ok(());
        }
        match self.obstacle_to_rebalancing() {
            Some(words) => refuse(format!("Availability Zone Rebalancing does not support {words}.")),
            None => Ok(()),
        }
    }

    /// What keeps AZ rebalancing from being enabled (ECS developer guide, "Balancing an Amazon ECS service across
    /// Availability Zones"), as its refusal has it: with `maximumPercent` in ECS's words, else in ours.
    pub fn obstacle_to_rebalancing(&self) -> Option<&'static str> {
        if self.configuration.maximum <= 100 {
            return Some("maximumPercent <= 100 % as deployment configuration");
        }
        if self.daemon {
            return Some("the DAEMON scheduling strategy");
        }
        if self.launch_type == LaunchType::External {
            return Some("the EXTERNAL launch type");
        }
        if self.list("loadBalancers").iter().any(|one| one["loadBalancerName"].is_string()) {
            return Some("Classic Load Balancers");
        }
        self.placement_against_zones()
    }

    /// A placement strategy that does not begin with the spread over zones, or a constraint to some of them.
    fn placement_against_zones(&self) -> Option<&'static str> {
        const ZONE: &str = "attribute:ecs.availability-zone";
        let placement = |name: &str| self.members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let spreads = |first: &Value| first["type"] == "spread" && first["field"] == ZONE;
        if placement("placementStrategy").first().is_some_and(|first| !spreads(first)) {
            return Some("a placement strategy that does not begin with a spread on attribute:ecs.availability-zone");
        }
        let constraints = placement("placementConstraints").iter().filter_map(|one| one["expression"].as_str());
        constraints
            .into_iter()
            .any(|expression| expression.contains(ZONE))
            .then_some("placement constraints on attribute:ecs.availability-zone")
    }

    fn check_load_balancers(&self, cx: &Cx<'_>) -> Checked {
        let balancers = self.list("loadBalancers");
        if balancers.len() > 5 {
            return refuse("load balancers can have at most 5 items.");
        }
        let advanced = balancers.iter().filter(|one| one["advancedConfiguration"].is_object()).count();
        if advanced != 0 && advanced != balancers.len() {
            return refuse("Either all or none of the provided loadBalancers must have advancedConfiguration defined");
        }
        if advanced != balancers.len() && self.configuration.strategy != Strategy::Rolling {
            return refuse(
                "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment \
                 strategy",
            );
        }
        let mut seen = BTreeSet::new();
        for balancer in balancers {
            if balancer["targetGroupArn"].is_string() == balancer["loadBalancerName"].is_string() {
                return refuse("A load balancer must have either a targetGroupArn or a loadBalancerName.");
            }
            let extra = &balancer["advancedConfiguration"];
            for group in [&balancer["targetGroupArn"], &extra["alternateTargetGroupArn"]] {
                let Some(group) = group.as_str() else { continue };
                if !seen.insert(group) {
                    return refuse(format!("Duplicate targetGroupArn found: {group}"));
                }
                if cx.region.outside.target_groups_without_listener.contains(group) {
                    return refuse(format!(
                        "The target group with targetGroupArn {group} does not have an associated load balancer."
                    ));
                }
            }
            if extra.is_object() {
                check_rules(extra)?;
            }
        }
        Ok(())
    }

    fn check_task_definition(&self, shape: &Shape) -> Checked {
        let network = self.spec.get("networkConfiguration").is_some_and(|one| one["awsvpcConfiguration"].is_object());
        if shape.awsvpc && !network {
            return refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
        }
        if !shape.awsvpc && network {
            return refuse("Network Configuration is not valid for the given networkMode of this task definition.");
        }
        let providers = self.list("capacityProviderStrategy").iter();
        let providers: Vec<&str> = providers.filter_map(|one| one["capacityProvider"].as_str()).collect();
        shape.check_runs_on(self.launch_type, &providers)?;
        for balancer in self.list("loadBalancers") {
            let name = balancer["containerName"].as_str().unwrap_or_default();
            let Some(container) = shape.containers.iter().find(|one| one.name == name) else {
                return refuse(format!("The container {name} does not exist in the task definition."));
            };
            let port = balancer["containerPort"].as_u64().unwrap_or(0);
            if !container.ports.contains(&port) {
                return refuse(format!("The container {name} did not have a container port {port} defined."));
            }
        }
        if shape.configured_at_launch && self.list("volumeConfigurations").is_empty() {
            return refuse(
                "Task definition has configuredAtLaunch volume but no volume configuration provided at runtime",
            );
        }
        let connect = self.spec.get("serviceConnectConfiguration").filter(|one| one["enabled"] == true);
        for service in connect.and_then(|one| one["services"].as_array()).into_iter().flatten() {
            let port = service["portName"].as_str().unwrap_or_default();
            if !shape.port_names.iter().any(|name| name == port) {
                return refuse(format!("No port mapping is named {port} in the task definition."));
            }
        }
        Ok(())
    }
}

fn check_rules(advanced: &Value) -> Checked {
    for name in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
        if !advanced[name].is_string() {
            return refuse(format!("{name} is required in advancedConfiguration."));
        }
    }
    for name in ["productionListenerRule", "testListenerRule"] {
        let rule = advanced[name].as_str();
        if rule.is_some_and(|arn| !arn.contains(":listener-rule/") && !arn.contains(":listener/")) {
            return refuse(format!(
                "{name} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB."
            ));
        }
    }
    if advanced["productionListenerRule"] == advanced["testListenerRule"] {
        return refuse("productionListenerRule and testListenerRule must be different.");
    }
    Ok(())
}
