//! Blocks that ECS merges although we want them replaced: what is left out of them would keep its live value.

use serde_json::{Value, json};

/// A unit of a service as it must be sent, in the form of the input: blocks in which ECS keeps or invents what is
/// left out have its defaults written out. Any other unit comes back as it is.
pub fn complete_service_unit(unit: &str, value: &Value) -> Value {
    match (unit, value) {
        ("deploymentConfiguration.lifecycleHooks", Value::Array(hooks)) => hooks.iter().map(hook).collect(),
        // Off is off; on, both members are demanded.
        ("deploymentConfiguration.earlySuccessCriteria", block) if block.get("enable") != Some(&json!(true)) => {
            over(json!({ "enable": false }), block)
        }
        _ => over(defaults(unit), value),
    }
}

/// ECS's defaults of the members of a block.
fn defaults(unit: &str) -> Value {
    match unit.strip_prefix("deploymentConfiguration.").unwrap_or(unit) {
        // Sent without these two, the breaker keeps the live ones.
        "deploymentCircuitBreaker" => json!({
            "enable": false, "rollback": false, "resetOnHealthyTask": true,
            "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 },
        }),
        // All three are demanded.
        "alarms" => json!({ "alarmNames": [], "enable": false, "rollback": false }),
        // A missing member becomes the default whatever was live: written out, so that the call says what happens.
        "linearConfiguration" => json!({ "stepPercent": 10.0, "stepBakeTimeInMinutes": 6 }),
        "canaryConfiguration" => json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10 }),
        "earlySuccessCriteria" => json!({ "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING" }),
        _ => Value::Null,
    }
}

/// A hook with both members of its timeout: a partial one would get the action ROLLBACK.
fn hook(hook: &Value) -> Value {
    let timeout = json!({ "timeoutConfiguration": { "timeoutInMinutes": 1440, "action": "ROLLBACK" } });
    over(timeout, hook)
}

/// `value` over `defaults`, member by member. `null` counts as absent.
fn over(defaults: Value, value: &Value) -> Value {
    match (defaults, value) {
        (Value::Object(mut merged), Value::Object(written)) => {
            for (name, value) in written {
                let default = merged.remove(name).unwrap_or_default();
                merged.insert(name.clone(), over(default, value));
            }
            Value::Object(merged)
        }
        (defaults, Value::Null) => defaults,
        (_, value) => value.clone(),
    }
}
