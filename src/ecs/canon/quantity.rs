//! CPU and memory as ECS writes them: whole numbers of CPU units and of MiB, as text.

use serde_json::Value;

/// What ECS makes of a quantity written as a number, as digits, or with a unit: the digits alone. Text that is no
/// quantity stays as it is, for ECS to refuse.
pub fn quantity(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(parse(text).map_or_else(|| text.clone(), |number| number.to_string())),
        // `1024` and, from clients that know only floats, `1024.0`.
        Value::Number(number) => {
            let text = number.to_string();
            Value::String(text.strip_suffix(".0").unwrap_or(&text).to_owned())
        }
        other => other.clone(),
    }
}

/// Every unit, in any case, and how many of ECS's own (CPU units, MiB) it stands for. Longer names first.
const UNITS: [(&str, u64); 7] =
    [("vcpus", 1024), ("vcpu", 1024), ("gib", 1024), ("gb", 1024), ("mib", 1), ("mb", 1), ("", 1)];

fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    let (whole, fraction) = number.trim_end().split_once('.').unwrap_or((number.trim_end(), ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Exact: in whole numbers, cut off below the unit as ECS does.
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(digits.parse::<u64>().ok()?.checked_mul(factor)? / scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::quantity;

    #[test]
    fn every_spelling_becomes_digits() {
        for (written, canonical) in [
            (json!(1024), "1024"),
            (json!(1024.0), "1024"),
            (json!("1024"), "1024"),
            (json!("0512"), "512"),
            (json!("1 vCPU"), "1024"),
            (json!("1vcpu"), "1024"),
            (json!("2 vCPUs"), "2048"),
            (json!(".25 vCPU"), "256"),
            (json!("0.5 VCPU"), "512"),
            (json!("1.1 vCPU"), "1126"),
            (json!("2 GB"), "2048"),
            (json!("2gib"), "2048"),
            (json!("0.5GB"), "512"),
            (json!("512 MiB"), "512"),
            (json!("512MB"), "512"),
            (json!("a lot"), "a lot"),
            (json!("."), "."),
            (json!("-1"), "-1"),
            (json!(""), ""),
            (json!("99999999999999999999 GB"), "99999999999999999999 GB"),
        ] {
            assert_eq!(quantity(&written), json!(canonical), "{written}");
        }
    }
}
