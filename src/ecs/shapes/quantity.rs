//! CPU and memory of a task, which ECS takes as numbers and as text with a unit.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Like, Strip, Walk};

/// A quantity that may be written as a number or as text; it stays as written and is compared by meaning.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(untagged)]
        pub enum $name {
            /// A whole number.
            Number(i64),
            /// Text, with or without a unit.
            Text(String),
        }

        impl $name {
            /// The pattern that the text form must match.
            pub const PATTERN: &str = $pattern;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Number(number) => number.fmt(f),
                    Self::Text(text) => text.fmt(f),
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
                json_schema!({
                    "x-kubernetes-int-or-string": true,
                    "anyOf": [{ "type": "integer" }, { "type": "string" }],
                    "minimum": 1, "maximum": 2_147_483_647,
                    "maxLength": 32, "pattern": $pattern,
                })
            }
        }

        impl Walk for $name {}
        impl Strip for $name {
            type Inner = $name;
        }
        impl Like<String> for $name {}
    };
}
quantity!(
    /// CPU: `1024`, `"1024"` (units, 1024 to a vCPU) or `"1 vCPU"`.
    CpuUnits,
    "^([0-9]{1,9}|([0-9]{0,3}[.])?[0-9]{1,4} ?[vV][cC][pP][uU])$"
);
quantity!(
    /// Memory: `2048`, `"2048"` (MiB) or `"2 GB"`.
    MemoryMiB,
    "^([0-9]{1,9}|([0-9]{0,3}[.])?[0-9]{1,4} ?[gG][bB])$"
);

impl CpuUnits {
    /// The quantity in CPU units, 1024 to a vCPU; none where the text is no quantity.
    pub fn units(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => whole(text, "vcpu"),
        }
    }
}

impl MemoryMiB {
    /// The quantity in MiB; none where the text is no quantity.
    pub fn mebibytes(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => whole(text, "gb"),
        }
    }
}

/// A plain number as it is, a number with the unit times 1024, cut to a whole.
fn whole(text: &str, unit: &str) -> Option<i64> {
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if digits(text, 1..=9) {
        return text.parse().ok();
    }
    let lower = text.to_ascii_lowercase();
    let number = lower.strip_suffix(unit)?;
    let number = number.strip_suffix(' ').unwrap_or(number);
    let (before, after) = number.split_once('.').map_or((None, number), |(before, after)| (Some(before), after));
    if !digits(after, 1..=4) || before.is_some_and(|before| !digits(before, 0..=3)) {
        return None;
    }
    // In ten-thousandths, to stay with whole numbers.
    let (wholes, parts) = match before {
        None => (after.parse::<i64>().ok()?, 0),
        Some(before) => {
            (if before.is_empty() { 0 } else { before.parse().ok()? }, format!("{after:0<4}").parse().ok()?)
        }
    };
    Some((wholes * 10_000 + parts) * 1024 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_quantity_or_none() {
        let cpu = |text: &str| CpuUnits::Text(text.into()).units();
        let memory = |text: &str| MemoryMiB::Text(text.into()).mebibytes();
        assert_eq!(CpuUnits::Number(512).units(), Some(512));
        for (text, units) in [
            ("512", Some(512)),
            ("1 vCPU", Some(1024)),
            (".5 vcpu", Some(512)),
            ("0.25VCPU", Some(256)),
            ("1.25 vCPU", Some(1280)),
            ("0.1 vCPU", Some(102)),
            ("1.5", None),
            ("1  vCPU", None),
            ("vCPU", None),
            ("1. vCPU", None),
            ("1 GB", None),
            ("", None),
            ("1234567890", None),
        ] {
            assert_eq!(cpu(text), units, "{text}");
        }
        for (text, mebibytes) in
            [("2048", Some(2048)), ("2 GB", Some(2048)), ("0.5gb", Some(512)), ("2G", None), ("2 MB", None)]
        {
            assert_eq!(memory(text), mebibytes, "{text}");
        }
    }
}
