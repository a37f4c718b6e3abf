//! The one UpdateService of a plan: every difference in it, and what must not go into the same call, or not now. Pure.

use serde_json::{Map, Value, json};

use super::{Desired, acts::RESTART, fields::FIELDS, live_service::LiveService};
use crate::{
    ecs::{Operation, canon},
    reconcile::{Difference, Step},
};

const STRATEGY: &str = "deploymentConfiguration.strategy";
/// The strategy and the blocks that ECS refuses without it.
const WITH_STRATEGY: &[&str] =
    &[STRATEGY, "deploymentConfiguration.linearConfiguration", "deploymentConfiguration.canaryConfiguration"];
const BAKE_TIME: &str = "deploymentConfiguration.bakeTimeInMinutes";
const CONTROLLER: &str = "deploymentController";
const CAPACITY: &str = "capacityProviderStrategy";
const COUNT: &str = "desiredCount";
const FORCE: &str = "forceNewDeployment";

/// An UpdateService that is being put together.
#[derive(Default)]
pub struct Call {
    input: Map<String, Value>,
    because: Vec<Difference>,
}

impl Call {
    /// Puts one field in.
    pub fn add(&mut self, value: &Value, difference: Difference) {
        let unit = difference.path.as_str();
        canon::insert_unit(&mut self.input, unit, canon::complete_service_unit(unit, value));
        self.because.push(difference);
    }

    /// Makes ECS deploy anew although nothing else may differ.
    pub fn force(&mut self, because: Difference) {
        self.input.insert(FORCE.into(), json!(true));
        self.because.push(because);
    }

    /// The fields in it.
    pub fn units(&self) -> Vec<String> {
        self.because.iter().map(|difference| difference.path.clone()).collect()
    }

    /// Whether a field is in it.
    pub fn has(&self, unit: &str) -> bool {
        self.because.iter().any(|difference| difference.path == unit)
    }

    /// Takes out what waits for something in ECS, and says what it waits for.
    pub fn hold_back(&mut self, live: &LiveService, is_rolling_back: bool, withheld: &mut Vec<String>) {
        if is_rolling_back && self.deploys() {
            let units: Vec<&str> = FIELDS.iter().filter(|field| field.deploys).map(|field| field.unit).collect();
            self.leave_out(&units);
            self.leave_out(&[RESTART, FORCE]);
            withheld.push("what starts a deployment is sent once ECS has rolled back".into());
        }
        if self.raises_the_count(live) && (self.has(CAPACITY) || is_moving(live)) {
            self.leave_out(&[COUNT]);
            withheld.push(
                "desiredCount stays until the old deployment is gone, because ECS would put the new tasks on the old capacity too"
                    .into(),
            );
        }
        if live.is_deploying() && (self.has(CONTROLLER) || self.has(STRATEGY)) {
            self.leave_out(&[CONTROLLER]);
            self.leave_out(WITH_STRATEGY);
            withheld.push("deployment strategy and controller are changed once the running deployment is over".into());
        }
        if self.has(STRATEGY) && self.has("loadBalancers") && self.strategy() != Some("ROLLING") {
            self.leave_out(WITH_STRATEGY);
            withheld.push(
                "the deployment strategy is changed once the load balancers have their advanced configuration".into(),
            );
        }
    }

    /// The step, if anything is left to send.
    pub fn into_step(mut self, desired: &Desired) -> Option<Step> {
        if self.because.is_empty() {
            return None;
        }
        if self.has(CAPACITY) {
            // ECS refuses the change otherwise, although it says that none is needed.
            self.input.insert(FORCE.into(), json!(true));
        }
        let configuration = desired.input.get("deploymentConfiguration").filter(|_| self.has(STRATEGY));
        let bake = configuration.and_then(|block| block.get("bakeTimeInMinutes"));
        if let Some(bake) = bake.filter(|_| !self.has(BAKE_TIME)) {
            // Another strategy begins with a time of its own.
            canon::insert_unit(&mut self.input, BAKE_TIME, bake.clone());
            self.because.push(Difference::new(BAKE_TIME, Value::Null, bake.clone()));
        }
        self.input.insert("cluster".into(), json!(desired.cluster));
        self.input.insert("service".into(), json!(desired.name));
        let (what, deploys) = (format!("service {}", desired.name), self.deploys());
        Some(Step { deploys, ..Step::new(Operation::UpdateService, what, self.input.into(), self.because) })
    }

    fn deploys(&self) -> bool {
        self.input.contains_key(FORCE) || FIELDS.iter().any(|field| field.deploys && self.has(field.unit))
    }

    fn raises_the_count(&self, live: &LiveService) -> bool {
        let raises = |difference: &Difference| difference.want.as_i64() > Some(live.desired_count);
        self.because.iter().any(|difference| difference.path == COUNT && raises(difference))
    }

    fn strategy(&self) -> Option<&str> {
        self.input.get("deploymentConfiguration")?.get("strategy")?.as_str()
    }

    fn leave_out(&mut self, units: &[&str]) {
        self.because.retain(|difference| !units.contains(&difference.path.as_str()));
        for unit in units {
            let (block, member) = unit.split_once('.').unwrap_or((unit, ""));
            let is_empty = self.input.get_mut(block).and_then(Value::as_object_mut).is_none_or(|block| {
                block.remove(member);
                block.is_empty() || member.is_empty()
            });
            if is_empty {
                self.input.remove(block);
            }
        }
    }
}

/// An old deployment runs on other capacity than the new one.
fn is_moving(live: &LiveService) -> bool {
    let primary = live.primary();
    live.deployments.iter().skip(1).any(|old| primary.is_some_and(|new| new.capacity != old.capacity))
}
