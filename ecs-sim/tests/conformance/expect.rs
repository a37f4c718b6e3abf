//! Comparing an answer with what is expected of it.
//!
//! An object expects its members and lets others be; a list expects as many elements, each as told at its place; a
//! scalar expects itself. An object with one of these members alone expects something else:
//!
//! | member | expects |
//! |---|---|
//! | `$absent: true` | nothing, or null |
//! | `$present: true` | anything |
//! | `$text: regex` | a text that the regular expression matches |
//! | `$min: number`, `$max: number` | a number not below, not above |
//! | `$contains: […]` | a list with an element for each of these, in any order |
//! | `$set: […]` | a list of these alone, in any order |
//! | `$lacks: part` | a list without such an element |
//! | `$count: number` | a list of so many elements |
//! | `$either: […]` | one of these |
//! | `$not: part` | anything else |
//! | `$all: […]` | all of these |

use regex::Regex;
use serde_json::Value;

/// The first thing that differs, as a sentence with the place of it; None where all is as expected.
pub fn difference(expected: &Value, got: Option<&Value>) -> Option<String> {
    differ("", expected, got)
}

fn differ(at: &str, expected: &Value, got: Option<&Value>) -> Option<String> {
    let got = got.filter(|got| !got.is_null());
    if let Some((operator, operand)) = operator(expected) {
        return operated(at, operator, operand, got);
    }
    let Some(got) = got else {
        return (!expected.is_null()).then(|| format!("{at}: expected {expected}, got nothing"));
    };
    match (expected, got) {
        (Value::Object(members), Value::Object(_)) => {
            members.iter().find_map(|(name, part)| differ(&format!("{at}/{name}"), part, got.get(name)))
        }
        (Value::Array(parts), Value::Array(elements)) if parts.len() == elements.len() => {
            parts.iter().zip(elements).enumerate().find_map(|(i, (p, e))| differ(&format!("{at}/{i}"), p, Some(e)))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if expected == got => None,
        _ => Some(unlike(at, &expected.to_string(), got)),
    }
}

/// The operator that an expectation consists of.
fn operator(expected: &Value) -> Option<(&str, &Value)> {
    let members = expected.as_object().filter(|members| members.len() == 1)?;
    let (name, operand) = members.iter().next()?;
    Some((name.strip_prefix('$')?, operand))
}

fn operated(at: &str, operator: &str, operand: &Value, got: Option<&Value>) -> Option<String> {
    let matches = |part: &Value, got: Option<&Value>| differ(at, part, got).is_none();
    let parts = || operand.as_array().unwrap_or_else(|| panic!("{at}: ${operator} takes a list"));
    let number = || operand.as_f64().unwrap_or_else(|| panic!("{at}: ${operator} takes a number"));
    let list = got.and_then(Value::as_array);
    let as_expected = match operator {
        "absent" => got.is_none(),
        "present" => got.is_some(),
        "either" => parts().iter().any(|part| matches(part, got)),
        "not" => !matches(operand, got),
        "all" => return parts().iter().find_map(|part| differ(at, part, got)),
        "text" => got.and_then(Value::as_str).is_some_and(|text| {
            let pattern = operand.as_str().unwrap_or_default();
            Regex::new(pattern).unwrap_or_else(|error| panic!("{at}: {error}")).is_match(text)
        }),
        "min" => got.and_then(Value::as_f64).is_some_and(|got| got >= number()),
        "max" => got.and_then(Value::as_f64).is_some_and(|got| got <= number()),
        "count" => list.is_some_and(|list| Some(list.len() as u64) == operand.as_u64()),
        "lacks" => list.is_some_and(|list| !list.iter().any(|element| matches(operand, Some(element)))),
        "contains" => list.is_some_and(|list| found_apart(at, parts(), list)),
        "set" => list.is_some_and(|list| list.len() == parts().len() && found_apart(at, parts(), list)),
        _ => panic!("{at}: ${operator} is nothing that can be expected"),
    };
    let wanted = format!("${operator} {operand}");
    (!as_expected).then(|| unlike(at, &wanted, got.unwrap_or(&Value::Null)))
}

/// Whether each part has an element of its own.
fn found_apart(at: &str, parts: &[Value], elements: &[Value]) -> bool {
    let mut left: Vec<&Value> = elements.iter().collect();
    parts.iter().all(|part| {
        let found = left.iter().position(|element| differ(at, part, Some(element)).is_none());
        found.map(|place| left.remove(place)).is_some()
    })
}

/// Long answers are cut: the place tells where to look.
fn unlike(at: &str, expected: &str, got: &Value) -> String {
    let mut got = got.to_string();
    if let Some((cut, _)) = got.char_indices().nth(600) {
        got.truncate(cut);
        got.push('…');
    }
    format!("{at}: expected {expected}, got {got}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn expectations_are_met_or_told() {
        let got = json!({ "name": "a", "list": [{ "n": 1 }, { "n": 2.0 }], "none": null });
        for met in [
            json!({}),
            json!({ "name": "a", "list": [{}, { "n": 2 }] }),
            json!({ "none": { "$absent": true }, "other": { "$absent": true } }),
            json!({ "list": { "$set": [{ "n": 2 }, { "n": 1 }] } }),
            json!({ "list": { "$contains": [{ "n": 2 }] } }),
            json!({ "list": { "$all": [{ "$count": 2 }, { "$lacks": { "n": 3 } }] } }),
            json!({ "name": { "$text": "^[a-c]$" } }),
            json!({ "name": { "$either": ["b", "a"] } }),
        ] {
            assert_eq!(difference(&met, Some(&got)), None);
        }
        for (unmet, at) in [
            (json!({ "name": "b" }), "/name"),
            (json!({ "other": 1 }), "/other"),
            (json!({ "list": [{}] }), "/list"),
            (json!({ "list": [{}, { "n": 3 }] }), "/list/1/n"),
            (json!({ "list": { "$contains": [{ "n": 1 }, { "n": 1 }] } }), "/list"),
            (json!({ "list": { "$lacks": { "n": 1 } } }), "/list"),
            (json!({ "name": { "$min": 1 } }), "/name"),
            (json!({ "name": { "$not": "a" } }), "/name"),
        ] {
            assert!(difference(&unmet, Some(&got)).unwrap().starts_with(&format!("{at}: ")), "{unmet}");
        }
    }
}
