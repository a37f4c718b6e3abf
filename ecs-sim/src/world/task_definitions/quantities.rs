//! The task's `cpu` and `memory`: text with a unit comes in, whole numbers as text go out ("Task size", ECS developer
//! guide; units in any case, observed by tools).

use serde_json::Value;

use crate::world::{ApiError, input};

/// CPU units, of `512`, `.5 vCPU` and the like.
pub(super) fn cpu(call: &Value) -> Result<Option<u64>, ApiError> {
    read(call, "cpu", &[("vcpus", 1024.0), ("vcpu", 1024.0)])
}

/// MiB, of `1024`, `1 GB` and the like.
pub(super) fn memory(call: &Value) -> Result<Option<u64>, ApiError> {
    read(call, "memory", &[("gib", 1024.0), ("gb", 1024.0), ("mib", 1.0), ("mb", 1.0)])
}

fn read(call: &Value, name: &str, units: &[(&str, f64)]) -> Result<Option<u64>, ApiError> {
    let Some(text) = input::text(call, name)? else { return Ok(None) };
    let lower = text.trim().to_ascii_lowercase();
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?.trim_end(), *factor)))
        .unwrap_or((&lower, 1.0));
    let amount = number.parse::<f64>().ok().map(|number| number * factor);
    match amount {
        Some(amount) if amount >= 1.0 && amount <= f64::from(i32::MAX) && amount.fract() == 0.0 => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number in the range of i32
            Ok(Some(amount as u64))
        }
        _ => Err(invalid(name)),
    }
}

/// The refusal of a task's `cpu` or `memory` ("Troubleshoot task definition invalid CPU or memory errors", ECS
/// developer guide).
pub(super) fn invalid(name: &str) -> ApiError {
    ApiError::client(format!(
        "Invalid '{name}' setting for task. For more information, see the Troubleshooting section of the Amazon ECS \
         Developer Guide."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn units_become_numbers() {
        for (text, units) in [("256", 256), ("1 vCPU", 1024), (".25vcpu", 256), ("2 VCPUS", 2048)] {
            assert_eq!(cpu(&json!({ "cpu": text })), Ok(Some(units)), "{text}");
        }
        for (text, mebibytes) in [("512", 512), ("1GB", 1024), ("0.5 GiB", 512), ("300 mb", 300)] {
            assert_eq!(memory(&json!({ "memory": text })), Ok(Some(mebibytes)), "{text}");
        }
        for text in ["", "much", "1 TB", "-5", "0", "0.3", "inf"] {
            let message = memory(&json!({ "memory": text })).unwrap_err().message;
            assert!(message.starts_with("Invalid 'memory' setting for task."), "{text}");
        }
        assert_eq!(cpu(&json!({})), Ok(None));
        assert_eq!(cpu(&json!({ "cpu": 256 })).unwrap_err().code, "SerializationException");
    }
}
