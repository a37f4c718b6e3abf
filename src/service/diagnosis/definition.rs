//! What a task definition says about a failure: the present values that advice names.

use serde_json::Value;

use super::text::shortened;
use crate::ecs::arn;

/// How long a value may get in advice: an image in ECR with its digest fits.
const VALUE: usize = 160;

/// A task definition, as RegisterTaskDefinition takes or DescribeTaskDefinition shows it, or none.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'a>(Option<&'a Value>);

impl<'a> Definition<'a> {
    pub fn new(json: Option<&'a Value>) -> Self {
        Self(json.map(|json| json.get("taskDefinition").filter(|inner| inner.is_object()).unwrap_or(json)))
    }

    pub fn get(self, pointer: &str) -> Option<&'a Value> {
        self.0?.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text or number at a pointer.
    pub fn value(self, pointer: &str) -> Option<String> {
        self.get(pointer).and_then(plain)
    }

    /// The name in an ARN, or a bare name.
    pub fn role(self, pointer: &str) -> Option<&'a str> {
        self.get(pointer)?.as_str().map(arn::named)
    }

    pub fn containers(self) -> &'a [Value] {
        self.get("/containerDefinitions").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub fn container(self, name: &str) -> Option<&'a Value> {
        self.containers().iter().find(|container| container.get("name").is_some_and(|found| found == name))
    }

    /// A container without which the task stops: each, unless it says otherwise.
    pub fn is_essential(self, name: &str) -> bool {
        let essential = self.container(name).and_then(|container| container.get("essential")).and_then(Value::as_bool);
        essential != Some(false)
    }

    /// The name of the only container that has something at a pointer.
    pub fn only_with(self, pointer: &str) -> Option<&'a str> {
        let has = |value: &&Value| value.pointer(pointer).is_some_and(|found| !is_empty(found));
        let mut having = self.containers().iter().filter(has);
        let only = having.next()?;
        if having.next().is_some() { None } else { only.get("name")?.as_str() }
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// A text, a number, or a list of them as one line.
pub fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(words) => words.iter().filter_map(plain).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| shortened(&text, VALUE))
}

/// Memory with its unit: a bare number is MiB.
pub fn memory(value: &Value) -> Option<String> {
    let text = plain(value)?;
    Some(if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text} MiB") } else { text })
}
