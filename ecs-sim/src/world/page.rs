//! The pages of the List calls.

use serde_json::Value;

use super::{ApiError, input};

/// One page of `items`, which are in a fixed order, and the token of the next. The token is the place in the list, in
/// a disguise, as clients must not read it.
pub fn of<T>(
    mut items: Vec<T>,
    call: &Value,
    default: usize,
    most: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size(call, default, most)?;
    let start = match input::text(call, "nextToken")? {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|place| usize::from_str_radix(place, 16).ok())
            .ok_or_else(|| ApiError::invalid("Invalid token."))?,
    };
    items.drain(..start.min(items.len()));
    let more = items.len() > size;
    items.truncate(size);
    Ok((items, more.then(|| format!("page-{:x}", start + size))))
}

/// How many items a page holds.
pub fn size(call: &Value, default: usize, most: usize) -> Result<usize, ApiError> {
    let Some(size) = input::integer(call, "maxResults")? else { return Ok(default) };
    usize::try_from(size)
        .ok()
        .filter(|size| (1..=most).contains(size))
        .ok_or_else(|| ApiError::invalid(format!("maxResults must be between 1 and {most}.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_follow_one_another_until_there_is_no_token() {
        let (first, token) = of((0..5).collect(), &json!({ "maxResults": 3 }), 10, 100).unwrap();
        assert_eq!(first, [0, 1, 2]);
        let next = json!({ "maxResults": 3, "nextToken": token.unwrap() });
        assert_eq!(of((0..5).collect(), &next, 10, 100).unwrap(), (vec![3, 4], None));
        assert!(of(vec![0], &json!({ "maxResults": 101 }), 10, 100).is_err());
        assert!(of(vec![0], &json!({ "nextToken": "x" }), 10, 100).is_err());
    }
}
