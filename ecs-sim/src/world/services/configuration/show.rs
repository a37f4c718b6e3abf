//! `deploymentConfiguration` as services and service deployments show it.

use serde_json::{Value, json};

use super::{Configuration, Shift, Strategy, Threshold};

impl Threshold {
    fn shown(self) -> Value {
        let (kind, value) = match self {
            Self::Count(value) => ("COUNT", value),
            Self::BoundedPercent(value) => ("BOUNDED_PERCENT", value),
            Self::UnboundedPercent(value) => ("UNBOUNDED_PERCENT", value),
        };
        json!({ "type": kind, "value": value })
    }
}

impl Configuration {
    /// As services and service deployments show it.
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "strategy": self.strategy.wire(),
            "maximumPercent": self.maximum,
            "minimumHealthyPercent": self.minimum,
            "bakeTimeInMinutes": self.bake,
            "deploymentCircuitBreaker": {
                "enable": self.breaker.enable,
                "rollback": self.breaker.rollback,
                "resetOnHealthyTask": self.breaker.reset_on_healthy_task,
                "thresholdConfiguration": self.breaker.threshold.shown(),
            },
        });
        if let Some(alarms) = &self.alarms {
            shown["alarms"] =
                json!({ "alarmNames": alarms.names, "enable": alarms.enable, "rollback": alarms.rollback });
        }
        match (self.shift, self.strategy) {
            (Some(Shift { percent, bake }), Strategy::Linear) => {
                shown["linearConfiguration"] = json!({ "stepPercent": percent, "stepBakeTimeInMinutes": bake });
            }
            (Some(Shift { percent, bake }), Strategy::Canary) => {
                shown["canaryConfiguration"] = json!({ "canaryPercent": percent, "canaryBakeTimeInMinutes": bake });
            }
            _ => {}
        }
        if let Some(early) = &self.early {
            shown["earlySuccessCriteria"] = json!({
                "enable": early.enable,
                "healthyPercent": early.healthy_percent,
                "sourceServiceRevisionCleanup": if early.deferred { "DEFERRED" } else { "BLOCKING" },
            });
        }
        if !self.hooks.is_empty() {
            shown["lifecycleHooks"] = self.hooks.iter().map(|hook| hook.shown.clone()).collect();
        }
        shown
    }
}
