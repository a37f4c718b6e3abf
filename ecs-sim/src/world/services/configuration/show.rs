//! `deploymentConfiguration` as services and service deployments show it.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::{Configuration, EarlySuccess, Shift, Strategy, Threshold};

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (kind, value) = match self {
            Self::Count(value) => ("COUNT", value),
            Self::BoundedPercent(value) => ("BOUNDED_PERCENT", value),
            Self::UnboundedPercent(value) => ("UNBOUNDED_PERCENT", value),
        };
        let mut shown = to.serialize_map(Some(2))?;
        shown.serialize_entry("type", kind)?;
        shown.serialize_entry("value", value)?;
        shown.end()
    }
}

impl Serialize for Configuration {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut shown = to.serialize_map(None)?;
        shown.serialize_entry("strategy", self.strategy.wire())?;
        shown.serialize_entry("maximumPercent", &self.maximum)?;
        shown.serialize_entry("minimumHealthyPercent", &self.minimum)?;
        shown.serialize_entry("bakeTimeInMinutes", &self.bake)?;
        shown.serialize_entry("deploymentCircuitBreaker", &self.breaker)?;
        if let Some(alarms) = &self.alarms {
            shown.serialize_entry("alarms", alarms)?;
        }
        if let Some((name, shift)) = self.shift.and_then(|shift| shown_shift(shift, self.strategy)) {
            shown.serialize_entry(name, &shift)?;
        }
        if let Some(early) = self.early {
            shown.serialize_entry("earlySuccessCriteria", &shown_early(early))?;
        }
        if !self.hooks.is_empty() {
            let hooks: Vec<&Value> = self.hooks.iter().map(|hook| &hook.shown).collect();
            shown.serialize_entry("lifecycleHooks", &hooks)?;
        }
        shown.end()
    }
}

fn shown_shift(Shift { percent, bake }: Shift, strategy: Strategy) -> Option<(&'static str, Value)> {
    match strategy {
        Strategy::Linear => {
            Some(("linearConfiguration", json!({ "stepPercent": percent, "stepBakeTimeInMinutes": bake })))
        }
        Strategy::Canary => {
            Some(("canaryConfiguration", json!({ "canaryPercent": percent, "canaryBakeTimeInMinutes": bake })))
        }
        Strategy::Rolling | Strategy::BlueGreen => None,
    }
}

fn shown_early(early: EarlySuccess) -> Value {
    json!({
        "enable": early.enable,
        "healthyPercent": early.healthy_percent,
        "sourceServiceRevisionCleanup": if early.deferred { "DEFERRED" } else { "BLOCKING" },
    })
}
