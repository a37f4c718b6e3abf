//! Control of a simulation over HTTP, for what a test in the same process does by calling [`Front`] and
//! [`World`](crate::World): every endpoint is a few lines around one of their functions.
//!
//! `GET /_sim/` lists the endpoints. Bodies and answers are JSON; members of the body that are strings can be in the
//! query instead. Where a call is about one account, the members `account` and `region` say which; they are
//! `000000000000` and `us-east-1` if left out.

mod faults;
mod objects;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{ApiError, Caller, front::Front};

/// Where it is.
pub const PATH: &str = "/_sim";

/// One endpoint.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    /// What it does, with the members of the body.
    about: &'static str,
    answer: fn(&Front, &Call<'_>) -> Result<Value, Refusal>,
}

/// What a caller wants of an endpoint.
struct Call<'a> {
    /// What follows the endpoint's path, such as a rule's number.
    rest: &'a str,
    body: Value,
}

/// Why an endpoint does nothing.
struct Refusal(u16, String);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(400, error.to_string())
    }
}

impl Call<'_> {
    /// The body, or the part of it that a type knows.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_value(self.body.clone()).map_err(|error| Refusal(400, error.to_string()))
    }

    fn member<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let value = self.body.get(name).filter(|value| !value.is_null()).cloned();
        value.map(serde_json::from_value).transpose().map_err(|error| Refusal(400, format!("{name}: {error}")))
    }

    fn required<T: DeserializeOwned>(&self, name: &str) -> Result<T, Refusal> {
        self.member(name)?.ok_or_else(|| Refusal(400, format!("{name} is missing")))
    }

    fn caller(&self) -> Result<Caller, Refusal> {
        Ok(Caller {
            account: self.member("account")?.unwrap_or_else(|| "000000000000".into()),
            region: self.member("region")?.unwrap_or_else(|| "us-east-1".into()),
        })
    }
}

/// Answers a call to `/_sim` + `path`, which may have a query, with an HTTP status and a body.
pub fn answer(front: &Front, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.trim_matches('/');
    let endpoints = || faults::ENDPOINTS.iter().chain(objects::ENDPOINTS);
    if path.is_empty() {
        let list = endpoints().map(|one| (format!("{} {PATH}/{}", one.method, one.path), json!(one.about)));
        return (200, Value::Object(list.collect()));
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(endpoint) = endpoints().find(|one| one.method == method && one.path == first) else {
        return (404, json!({ "message": format!("There is no {method} {PATH}/{first}.") }));
    };
    let body = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(body) };
    let body = body.map(|mut body: Value| {
        if let Some(members) = body.as_object_mut() {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            members.extend(pairs.map(|(name, value)| (name.into(), json!(value))));
        }
        body
    });
    let answered = match body {
        Ok(body) => (endpoint.answer)(front, &Call { rest, body }),
        Err(error) => Err(Refusal(400, error.to_string())),
    };
    match answered {
        Ok(answer) => (200, answer),
        Err(Refusal(status, message)) => (status, json!({ "message": message })),
    }
}
