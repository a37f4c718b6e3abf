//! Reading the members of a call's input. A member of the wrong JSON type never reaches ECS's own code: its front
//! answers `SerializationException`.

use serde_json::{Map, Value};

use super::ApiError;

/// What ECS calls a JSON value in its serialization errors.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(_) => "TRUE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

fn mistyped(value: &Value, wanted: &str) -> ApiError {
    ApiError::refused("SerializationException", format!("{} can not be converted to {wanted}", token(value)))
}

/// The member, where it is there and not null.
pub fn member<'a>(input: &'a Value, name: &str) -> Option<&'a Value> {
    input.get(name).filter(|value| !value.is_null())
}

fn read<'a, T>(
    input: &'a Value,
    name: &str,
    wanted: &str,
    as_type: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    member(input, name).map(|value| as_type(value).ok_or_else(|| mistyped(value, wanted))).transpose()
}

/// A string.
pub fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, ApiError> {
    read(input, name, "a String", Value::as_str)
}

/// A string that ECS demands; blank is as good as absent.
pub fn required_text<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    let label = label(name);
    text(input, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::invalid(format!("{label} cannot be null or empty.")))
}

/// A whole number.
pub fn integer(input: &Value, name: &str) -> Result<Option<i64>, ApiError> {
    read(input, name, "an Integer", Value::as_i64)
}

/// A number with fractions.
pub fn number(input: &Value, name: &str) -> Result<Option<f64>, ApiError> {
    read(input, name, "a Double", Value::as_f64)
}

/// True or false.
pub fn boolean(input: &Value, name: &str) -> Result<Option<bool>, ApiError> {
    read(input, name, "a Boolean", Value::as_bool)
}

/// A structure or map.
pub fn object<'a>(input: &'a Value, name: &str) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    read(input, name, "an Object", Value::as_object)
}

/// A list; empty where it is absent.
pub fn list<'a>(input: &'a Value, name: &str) -> Result<&'a [Value], ApiError> {
    Ok(read(input, name, "a List", Value::as_array)?.map_or(&[], Vec::as_slice))
}

/// A list of strings; empty where it is absent.
pub fn texts<'a>(input: &'a Value, name: &str) -> Result<Vec<&'a str>, ApiError> {
    list(input, name)?.iter().map(|value| value.as_str().ok_or_else(|| mistyped(value, "a String"))).collect()
}

/// Whether the list of strings `include` holds this one, as the Describe calls have it.
pub fn includes(input: &Value, what: &str) -> Result<bool, ApiError> {
    Ok(texts(input, "include")?.contains(&what))
}

/// The member's name as ECS begins a sentence with it.
fn label(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_of_the_wrong_type_is_a_serialization_error() {
        let input = json!({ "name": 7, "count": "seven", "flag": null });
        assert_eq!(text(&input, "name").unwrap_err().code, "SerializationException");
        assert_eq!(integer(&input, "count").unwrap_err().message, "STRING_VALUE can not be converted to an Integer");
        assert_eq!(boolean(&input, "flag"), Ok(None));
        assert_eq!(required_text(&input, "absent").unwrap_err().message, "Absent cannot be null or empty.");
    }
}
