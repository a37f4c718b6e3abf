//! Which fields of a service can be changed, by whom, and what removing one means: the whole knowledge in one table.

use serde_json::{Value, json};

use super::Desired;
use crate::ecs::canon::ServiceContext;

/// What becomes of a unit that is removed from the manifest after it was applied.
#[derive(Clone, Copy, Debug)]
pub enum Reset {
    /// It is sent this value.
    To(fn(&ServiceContext) -> Value),
    /// It is simply managed no longer.
    Released,
    /// ECS knows no way back: it stays, and the plan says so.
    Stays,
    /// ECS can't be without it: the service would have to be replaced.
    Replace,
}

/// How a unit can change.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The unit, as in `canon`.
    pub unit: &'static str,
    /// Whether UpdateService takes it.
    pub in_place: bool,
    /// What removing it means.
    pub reset: Reset,
    /// Whether a change of it starts a deployment.
    pub deploys: bool,
    /// Whether it may be changed under the controller CODE_DEPLOY, which changes the others itself.
    pub under_code_deploy: bool,
}

const fn field(unit: &'static str, reset: Reset) -> Field {
    Field { unit, in_place: true, reset, deploys: false, under_code_deploy: false }
}

const fn deploying(unit: &'static str, reset: Reset) -> Field {
    Field { unit, in_place: true, reset, deploys: true, under_code_deploy: false }
}

const fn at_creation(unit: &'static str) -> Field {
    Field { unit, in_place: false, reset: Reset::Stays, deploys: false, under_code_deploy: true }
}

const fn always(unit: &'static str, reset: Reset) -> Field {
    Field { unit, in_place: true, reset, deploys: false, under_code_deploy: true }
}

/// Every unit of a service; `cluster` is identity. A test holds the list against `canon`.
pub const FIELDS: &[Field] = &[
    deploying("taskDefinition", Reset::Stays),
    at_creation("schedulingStrategy"),
    always("desiredCount", Reset::Released),
    at_creation("launchType"),
    deploying("capacityProviderStrategy", Reset::To(|_| json!([]))),
    deploying("platformVersion", Reset::To(|_| json!("LATEST"))),
    at_creation("role"),
    field("deploymentController", Reset::To(|_| json!({ "type": "ECS" }))),
    field("deploymentConfiguration.strategy", Reset::To(|_| json!("ROLLING"))),
    always(
        "deploymentConfiguration.maximumPercent",
        Reset::To(|context| json!(if context.daemon { 100 } else { 200 })),
    ),
    always(
        "deploymentConfiguration.minimumHealthyPercent",
        Reset::To(|context| json!(if context.daemon { 0 } else { 100 })),
    ),
    // `complete_service_unit` writes out what an empty block leaves open.
    field("deploymentConfiguration.deploymentCircuitBreaker", Reset::To(|_| json!({}))),
    field("deploymentConfiguration.alarms", Reset::To(|_| json!({}))),
    field(
        "deploymentConfiguration.bakeTimeInMinutes",
        Reset::To(|context| json!(if context.shifts_traffic { 15 } else { 0 })),
    ),
    field("deploymentConfiguration.lifecycleHooks", Reset::To(|_| json!([]))),
    field("deploymentConfiguration.linearConfiguration", Reset::To(|_| json!({}))),
    field("deploymentConfiguration.canaryConfiguration", Reset::To(|_| json!({}))),
    field("deploymentConfiguration.earlySuccessCriteria", Reset::To(|_| json!({ "enable": false }))),
    field("availabilityZoneRebalancing", Reset::Stays),
    deploying("networkConfiguration", Reset::Replace),
    deploying("loadBalancers", Reset::To(|_| json!([]))),
    deploying("serviceRegistries", Reset::To(|_| json!([]))),
    deploying("serviceConnectConfiguration", Reset::To(|_| json!({ "enabled": false }))),
    deploying("volumeConfigurations", Reset::To(|_| json!([]))),
    deploying("vpcLatticeConfigurations", Reset::To(|_| json!([]))),
    deploying("gatewayConnectors", Reset::To(|_| json!([]))),
    // An empty block is an error on ECS's side; 60 seconds is what it does without one.
    deploying(
        "monitoring",
        Reset::To(|_| {
            let names = ["CPUUtilization", "MemoryUtilization"];
            json!({ "metricConfigurations": [{ "metricNames": names, "resolutionSeconds": 60 }] })
        }),
    ),
    always("healthCheckGracePeriodSeconds", Reset::To(|_| json!(0))),
    always("placementConstraints", Reset::To(|_| json!([]))),
    always("placementStrategy", Reset::To(|_| json!([]))),
    field("enableExecuteCommand", Reset::To(|_| json!(false))),
    always("enableECSManagedTags", Reset::To(|_| json!(false))),
    always("propagateTags", Reset::To(|_| json!("NONE"))),
];

/// Of these an empty list is left out of CreateService: it says nothing, and on Fargate ECS refuses even that.
pub const EMPTY_IS_NONE: &[&str] = &["placementConstraints", "placementStrategy"];

/// What an external deployment controller keeps on its task sets.
const ON_TASK_SETS: &[&str] = &[
    "taskDefinition",
    "launchType",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
    "capacityProviderStrategy",
];

impl Field {
    /// Whether the operator compares the unit after the service was made: what another controller changes by itself
    /// is not ours to put back.
    pub fn is_compared(&self, desired: &Desired) -> bool {
        match desired.controller() {
            "CODE_DEPLOY" => self.under_code_deploy || self.unit == "deploymentController",
            "EXTERNAL" => !ON_TASK_SETS.contains(&self.unit),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ecs::canon;

    /// A unit that is in one list and not in the other would be accepted and never applied.
    #[test]
    fn every_unit_has_its_line() {
        let ours: BTreeSet<&str> = FIELDS.iter().map(|field| field.unit).collect();
        let units: BTreeSet<&str> = canon::service_units().filter(|unit| *unit != "cluster").collect();
        assert_eq!(ours, units);
        assert_eq!(ours.len(), FIELDS.len());
    }
}
