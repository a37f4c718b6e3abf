//! `deploymentConfiguration`: its defaults, what ECS refuses in it, and how an update is merged into it member by
//! member (CreateService API reference, "DeploymentConfiguration"; the merge as observed by tools).

mod hook;
mod show;

use serde::Serialize;
use serde_json::Value;

pub use self::hook::Hook;
use super::{Controller, percent_up};
use crate::world::{
    ApiError,
    input::{self, member},
};

/// `strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // named as the wire names them
pub enum Strategy {
    #[default]
    Rolling,
    BlueGreen,
    Linear,
    Canary,
}

impl Strategy {
    const ALL: [Self; 4] = [Self::Rolling, Self::BlueGreen, Self::Linear, Self::Canary];

    /// As the wire has it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Linear => "LINEAR",
            Self::Canary => "CANARY",
        }
    }
}

/// `deploymentCircuitBreaker`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// Whether it watches.
    pub enable: bool,
    /// Whether it rolls back.
    pub rollback: bool,
    /// Whether a healthy task sets the count of failures back.
    pub reset_on_healthy_task: bool,
    /// When it trips.
    #[serde(rename = "thresholdConfiguration")]
    pub threshold: Threshold,
}

/// `thresholdConfiguration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// So many failures.
    Count(u32),
    /// So many percent of the desired count, at least 3 and at most 200.
    BoundedPercent(u32),
    /// So many percent of the desired count.
    UnboundedPercent(u32),
}

impl Threshold {
    /// So many failures trip the breaker of a service of that size (ECS developer guide, "How the Amazon ECS
    /// deployment circuit breaker detects failures").
    pub fn failures(self, desired: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::BoundedPercent(percent) => percent_up(percent, desired).clamp(3, 200),
            Self::UnboundedPercent(percent) => percent_up(percent, desired).max(1),
        }
    }
}

/// `alarms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarms {
    /// `alarmNames`.
    #[serde(rename = "alarmNames")]
    pub names: Vec<String>,
    /// Whether they are watched.
    pub enable: bool,
    /// Whether one of them rolls back.
    pub rollback: bool,
}

/// A step of traffic and what follows it: `linearConfiguration` or `canaryConfiguration`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Percent of the traffic.
    pub percent: f64,
    /// Minutes.
    pub bake: u32,
}

/// `earlySuccessCriteria`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlySuccess {
    /// Whether it holds.
    pub enable: bool,
    /// So many percent of the tasks have to be healthy.
    pub healthy_percent: u32,
    /// Whether the old tasks may be there still.
    pub deferred: bool,
}

/// `deploymentConfiguration`, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// `strategy`.
    pub strategy: Strategy,
    /// `maximumPercent`.
    pub maximum: u32,
    /// `minimumHealthyPercent`.
    pub minimum: u32,
    /// `bakeTimeInMinutes`.
    pub bake: u32,
    /// `deploymentCircuitBreaker`.
    pub breaker: Breaker,
    /// `alarms`, once they were ever set.
    pub alarms: Option<Alarms>,
    /// `linearConfiguration` or `canaryConfiguration`, whichever the strategy has.
    pub shift: Option<Shift>,
    /// `earlySuccessCriteria`.
    pub early: Option<EarlySuccess>,
    /// `lifecycleHooks`.
    pub hooks: Vec<Hook>,
}

/// CloudFormation's default for the strategies that shift traffic; ECS states none of its own.
const BAKE: u32 = 15;

impl Configuration {
    /// What a service has that sets nothing.
    pub fn new(daemon: bool) -> Self {
        Self {
            strategy: Strategy::Rolling,
            maximum: if daemon { 100 } else { 200 },
            minimum: if daemon { 0 } else { 100 },
            bake: 0,
            breaker: Breaker {
                enable: false,
                rollback: false,
                reset_on_healthy_task: true,
                threshold: Threshold::BoundedPercent(50),
            },
            alarms: None,
            shift: None,
            early: None,
            hooks: Vec::new(),
        }
    }

    /// Merges what a call sent into it.
    pub fn merge(&mut self, sent: &Value, controller: Controller) -> Result<(), ApiError> {
        let strategy = match input::text(sent, "strategy")? {
            None => self.strategy,
            Some(name) => one_of("strategy", name, &Strategy::ALL, Strategy::wire)?,
        };
        if strategy != self.strategy {
            self.shift = None;
            self.bake = if strategy == Strategy::Rolling { 0 } else { BAKE };
        }
        self.strategy = strategy;
        if strategy != Strategy::Rolling && controller != Controller::Ecs {
            return Err(ApiError::invalid(format!(
                "The {} deployment strategy is only supported with the ECS deployment controller.",
                strategy.wire()
            )));
        }
        for (name, member) in [("maximumPercent", &mut self.maximum), ("minimumHealthyPercent", &mut self.minimum)] {
            *member = whole(sent, name, 0, i64::from(u32::MAX))?.unwrap_or(*member);
        }
        self.bake = whole(sent, "bakeTimeInMinutes", 0, 1440)?.unwrap_or(self.bake);
        self.merge_shift(sent)?;
        if let Some(breaker) = member(sent, "deploymentCircuitBreaker") {
            self.merge_breaker(breaker)?;
        }
        if let Some(alarms) = member(sent, "alarms") {
            self.alarms = Some(Alarms {
                names: input::texts(alarms, "alarmNames")?.into_iter().map(str::to_owned).collect(),
                enable: flag(alarms, "enable", "alarms")?,
                rollback: flag(alarms, "rollback", "alarms")?,
            });
        }
        if let Some(early) = member(sent, "earlySuccessCriteria") {
            self.merge_early(early)?;
        }
        if member(sent, "lifecycleHooks").is_some() {
            self.hooks = Hook::read_all(sent)?;
        }
        self.check()
    }

    fn merge_shift(&mut self, sent: &Value) -> Result<(), ApiError> {
        for (name, percent, bake, strategy, least, defaults) in [
            ("linearConfiguration", "stepPercent", "stepBakeTimeInMinutes", Strategy::Linear, 3.0, (10.0, 6)),
            ("canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes", Strategy::Canary, 0.1, (5.0, 10)),
        ] {
            let kind = if strategy == Strategy::Linear { "Linear" } else { "Canary" };
            match member(sent, name) {
                Some(_) if self.strategy != strategy => {
                    return Err(ApiError::invalid(format!(
                        "{kind} configuration can only be present with {} deployment strategy",
                        strategy.wire()
                    )));
                }
                Some(shift) => {
                    let share = input::number(shift, percent)?.unwrap_or(defaults.0);
                    if !(least..=100.0).contains(&share) {
                        return Err(ApiError::invalid(format!("{percent} must be between {least:.1} and 100.0.")));
                    }
                    self.shift =
                        Some(Shift { percent: share, bake: whole(shift, bake, 0, 1440)?.unwrap_or(defaults.1) });
                }
                None if self.strategy == strategy && self.shift.is_none() => {
                    self.shift = Some(Shift { percent: defaults.0, bake: defaults.1 });
                }
                None => {}
            }
        }
        Ok(())
    }

    fn merge_breaker(&mut self, sent: &Value) -> Result<(), ApiError> {
        let breaker = &mut self.breaker;
        breaker.enable = flag(sent, "enable", "deploymentCircuitBreaker")?;
        breaker.rollback = breaker.enable && input::boolean(sent, "rollback")?.unwrap_or(false);
        if let Some(reset) = input::boolean(sent, "resetOnHealthyTask")? {
            breaker.reset_on_healthy_task = reset;
        }
        if let Some(threshold) = member(sent, "thresholdConfiguration") {
            let invalid = || ApiError::invalid("Invalid deployment circuit breaker threshold value.");
            let value = input::integer(threshold, "value")?.and_then(|value| u32::try_from(value).ok());
            let value = value.filter(|value| *value > 0).ok_or_else(invalid)?;
            breaker.threshold = match input::text(threshold, "type")? {
                Some("COUNT") => Threshold::Count(value),
                Some("BOUNDED_PERCENT") if value <= 100 => Threshold::BoundedPercent(value),
                Some("UNBOUNDED_PERCENT") if value <= 100 => Threshold::UnboundedPercent(value),
                _ => return Err(invalid()),
            };
        }
        Ok(())
    }

    fn merge_early(&mut self, sent: &Value) -> Result<(), ApiError> {
        let deferred = match input::text(sent, "sourceServiceRevisionCleanup")? {
            None | Some("BLOCKING") => false,
            Some("DEFERRED") => true,
            Some(_) => return Err(ApiError::invalid("sourceServiceRevisionCleanup must be BLOCKING or DEFERRED.")),
        };
        self.early = Some(EarlySuccess {
            enable: flag(sent, "enable", "earlySuccessCriteria")?,
            healthy_percent: whole(sent, "healthyPercent", 0, 100)?.unwrap_or(100),
            deferred,
        });
        Ok(())
    }

    fn check(&self) -> Result<(), ApiError> {
        if self.maximum == 100 && self.minimum == 100 {
            return Err(ApiError::invalid(
                "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
            ));
        }
        let Some(early) = self.early.filter(|early| early.enable) else { return Ok(()) };
        if self.strategy != Strategy::Rolling {
            return Err(ApiError::invalid(
                "earlySuccessCriteria can only be used with the ROLLING deployment strategy.",
            ));
        }
        // DeploymentEarlySuccessCriteria data type; the words are ours, as nobody published ECS's.
        if early.healthy_percent < self.minimum.min(100) {
            return Err(ApiError::invalid(
                "healthyPercent of earlySuccessCriteria must be between minimumHealthyPercent and 100.",
            ));
        }
        Ok(())
    }
}

fn flag(sent: &Value, name: &str, of: &str) -> Result<bool, ApiError> {
    input::boolean(sent, name)?.ok_or_else(|| ApiError::invalid(format!("{of}.{name} cannot be null.")))
}

/// A whole number within bounds.
fn whole(sent: &Value, name: &str, least: i64, most: i64) -> Result<Option<u32>, ApiError> {
    let Some(number) = input::integer(sent, name)? else { return Ok(None) };
    let legal = u32::try_from(number).ok().filter(|_| (least..=most).contains(&number));
    legal.map(Some).ok_or_else(|| ApiError::invalid(format!("{name} must be between {least} and {most}.")))
}

/// The value of an enum that the wire calls so.
fn one_of<T: Copy>(what: &str, name: &str, all: &[T], wire: fn(T) -> &'static str) -> Result<T, ApiError> {
    all.iter().copied().find(|one| wire(*one) == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| wire(*one)).collect();
        ApiError::invalid(format!("{what} must be one of [{}].", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(base: &Configuration, sent: &Value) -> Result<Value, String> {
        let mut configuration = base.clone();
        configuration.merge(sent, Controller::Ecs).map_err(|refused| refused.message)?;
        Ok(json!(configuration))
    }

    #[test]
    fn an_omitted_member_keeps_its_value_and_a_sent_one_is_merged_by_its_own_rule() {
        let mut base = Configuration::new(false);
        let threshold = json!({ "type": "COUNT", "value": 7 });
        let sent = json!({
            "maximumPercent": 150,
            "deploymentCircuitBreaker": { "enable": true, "rollback": true, "thresholdConfiguration": threshold },
        });
        base.merge(&sent, Controller::Ecs).unwrap();
        let now = merged(&base, &json!({ "deploymentCircuitBreaker": { "enable": true } })).unwrap();
        assert_eq!(now["maximumPercent"], 150);
        assert_eq!(now["deploymentCircuitBreaker"]["rollback"], false);
        assert_eq!(now["deploymentCircuitBreaker"]["thresholdConfiguration"], threshold);
    }

    #[test]
    fn a_part_of_the_linear_configuration_takes_the_default_for_the_rest() {
        let mut base = Configuration::new(false);
        let sent =
            json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 33.0, "stepBakeTimeInMinutes": 9 } });
        base.merge(&sent, Controller::Ecs).unwrap();
        let now = merged(&base, &json!({ "linearConfiguration": { "stepPercent": 44.0 } })).unwrap();
        assert_eq!(now["linearConfiguration"], json!({ "stepPercent": 44.0, "stepBakeTimeInMinutes": 6 }));
        let rolling = merged(&base, &json!({ "strategy": "ROLLING" })).unwrap();
        assert_eq!(rolling.get("linearConfiguration"), None);
    }

    #[test]
    fn the_refusals_are_ecs_own() {
        let base = Configuration::new(false);
        for (sent, message) in [
            (
                json!({ "maximumPercent": 100 }),
                "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
            ),
            (
                json!({ "linearConfiguration": {} }),
                "Linear configuration can only be present with LINEAR deployment strategy",
            ),
            (
                json!({ "lifecycleHooks": [{ "targetType": "PAUSE" }] }),
                "Lifecycle stage cannot be null or empty for any deployment lifecycle hooks",
            ),
            (
                json!({ "lifecycleHooks": [{ "lifecycleStages": ["PRE_SCALE_UP"] }] }),
                "Role arn or Hook Target arn is missing for one or more deployment lifecycle hooks",
            ),
            (
                json!({ "deploymentCircuitBreaker": { "enable": true, "thresholdConfiguration": { "type": "COUNT" } } }),
                "Invalid deployment circuit breaker threshold value.",
            ),
        ] {
            assert_eq!(merged(&base, &sent), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_threshold_is_bounded_and_rounds_up() {
        assert_eq!(Threshold::BoundedPercent(50).failures(1), 3);
        assert_eq!(Threshold::BoundedPercent(50).failures(25), 13);
        assert_eq!(Threshold::BoundedPercent(50).failures(1000), 200);
        assert_eq!(Threshold::UnboundedPercent(50).failures(1000), 500);
        assert_eq!(Threshold::Count(7).failures(1000), 7);
    }

    #[test]
    fn a_breaker_that_is_off_does_not_roll_back() {
        let sent = json!({ "deploymentCircuitBreaker": { "enable": false, "rollback": true } });
        let now = merged(&Configuration::new(false), &sent).unwrap();
        assert_eq!(now["deploymentCircuitBreaker"]["rollback"], false);
    }
}
