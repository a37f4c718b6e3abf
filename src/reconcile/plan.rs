//! A plan is a value: it prints, it compares, it counts. An empty plan makes no call.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Map, Value};

use crate::{
    api::Reason,
    ecs::{Operation, arn},
    runtime::text::shortened,
};

/// One difference between what the manifest asks and what ECS shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The field, by its path in the spec.
    pub path: String,
    /// What ECS shows.
    pub have: Value,
    /// What the manifest asks, or what a removed field is reset to.
    pub want: Value,
}

impl Difference {
    /// A difference at `path`.
    pub fn new(path: impl Into<String>, have: Value, want: Value) -> Self {
        Self { path: path.into(), have, want }
    }
}

/// Every place at which `want` differs from `have`. Lists of named things are compared name by name, others whole.
pub fn differences(path: &str, have: &Value, want: &Value) -> Vec<Difference> {
    match (have, want) {
        (have, want) if have == want => Vec::new(),
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let member = |of: &Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or_default();
            names.into_iter().flat_map(|name| differences(&at(name), &member(old, name), &member(new, name))).collect()
        }
        (Value::Array(old), Value::Array(new)) => match (by_name(old), by_name(new)) {
            (Some(old), Some(new)) => {
                let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
                let member =
                    |of: &BTreeMap<&str, &Value>, name: &str| of.get(name).map_or(Value::Null, |item| (*item).clone());
                names
                    .into_iter()
                    .flat_map(|name| differences(&format!("{path}[{name}]"), &member(&old, name), &member(&new, name)))
                    .collect()
            }
            _ => vec![Difference::new(path, have.clone(), want.clone())],
        },
        _ => vec![Difference::new(path, have.clone(), want.clone())],
    }
}

fn by_name(items: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    items.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect()
}

/// The longest form of a value in a message, in bytes, and the most leaves of one field.
const LONGEST_VALUE: usize = 160;
const MOST_LEAVES: usize = 5;

/// Members whose values only readers of the spec should see.
const PRIVATE: [&str; 3] = ["environment", "options", "driverOpts"];

/// Whether such a member is anywhere in it.
fn holds_private(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| PRIVATE.contains(&name.as_str()) || holds_private(value))
        }
        Value::Array(items) => items.iter().any(holds_private),
        _ => false,
    }
}

impl Difference {
    /// Whether the values may hold what only readers of the spec should see: the environment, options of drivers, and
    /// whole containers, which contain them.
    fn is_private(&self) -> bool {
        let whole = |value: &Value| value.is_object() || value.is_array();
        PRIVATE.iter().any(|member| self.path.contains(member))
            || [&self.have, &self.want].into_iter().any(holds_private)
            || (self.path.starts_with("containerDefinitions") && (whole(&self.have) || whole(&self.want)))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The leaf says more than the head of the whole.
        if self.have.is_object() && self.want.as_object().is_some_and(|want| !want.is_empty()) {
            let leaves = differences(&self.path, &self.have, &self.want);
            for (index, leaf) in leaves.iter().take(MOST_LEAVES).enumerate() {
                write!(f, "{}{leaf}", if index == 0 { "" } else { ", " })?;
            }
            let more = leaves.len().saturating_sub(MOST_LEAVES);
            return if more > 0 { write!(f, ", and {more} more") } else { Ok(()) };
        }
        // Events and logs are read by more people than specs are.
        if self.is_private() {
            let what = match (&self.have, &self.want) {
                (Value::Null, _) => "added",
                (_, Value::Null) => "removed",
                _ => "changed",
            };
            return write!(f, "{}: {what}", self.path);
        }
        if let Some(annotation) = self.path.strip_prefix("metadata.annotations[ecs-operator.dev/") {
            return write!(f, "annotation {}: {}", annotation.trim_end_matches(']'), short(&self.want));
        }
        if self.want.as_object().is_some_and(Map::is_empty) {
            return write!(f, "{}: reset", self.path);
        }
        write!(f, "{}: {} → {}", self.path, short(&self.have), short(&self.want))
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "(nothing)".to_owned(),
        // The region and the account are the object's own; what follows them is what differs.
        Value::String(arn) if arn.starts_with("arn:") => {
            let named = arn.splitn(6, ':').last().unwrap_or(arn);
            named.strip_prefix("task-definition/").unwrap_or(named).to_owned()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    shortened(text, LONGEST_VALUE)
}

/// One call, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The call.
    pub operation: Operation,
    /// Its input, the JSON of the wire.
    pub input: Map<String, Value>,
    /// The differences that caused it; none where the object is made or deleted.
    pub because: Vec<Difference>,
    /// What it does it to, for people: "service web in cluster shop".
    pub what: String,
    /// Whether it starts a deployment.
    pub deploys: bool,
}

impl Step {
    /// A step; `input` must be a JSON object.
    pub fn new(operation: Operation, what: impl Into<String>, input: Value, because: Vec<Difference>) -> Self {
        let input = match input {
            Value::Object(input) => input,
            _ => Map::new(),
        };
        let deploys = operation == Operation::CreateService;
        Self { operation, input, because, what: what.into(), deploys }
    }

    /// Whether an annotation asked for it, and nothing differs.
    pub fn is_asked_for(&self) -> bool {
        !self.because.is_empty() && self.because.iter().all(|difference| difference.path.starts_with("metadata."))
    }

    /// Whether it asks for more tasks than before.
    pub fn scales_out(&self) -> bool {
        let mut counts = self.because.iter().filter(|difference| difference.path == "desiredCount");
        counts.any(|count| count.want.as_i64() > count.have.as_i64())
    }

    /// What ECS's answer says was made, where the step does not name it.
    pub fn made(&self, answer: &Value) -> Option<String> {
        let made = answer.pointer("/taskDefinition/taskDefinitionArn").and_then(Value::as_str);
        let made = made.filter(|_| self.operation == Operation::RegisterTaskDefinition);
        made.map(arn::named).map(str::to_owned)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation.as_str(), self.what)?;
        let mut separator = " (";
        for difference in &self.because {
            write!(f, "{separator}{difference}")?;
            separator = ", ";
        }
        if self.because.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

/// What one pass would do, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The calls.
    pub steps: Vec<Step>,
    /// Differences that can't be closed in place: why, and a sentence with the field and what to do.
    pub refused: Vec<(Reason, String)>,
    /// What waits for something in ECS before it can be sent, a sentence each.
    pub withheld: Vec<String>,
    /// What is left alone on purpose, a sentence each: shown, not acted upon.
    pub notes: Vec<String>,
    /// The fields that ECS rolled back, by their paths: not sent again before they change.
    pub rolled_back: Vec<String>,
    /// Fields that ECS can't be without, or whose change waits. They stay in `status.appliedFields` although they were
    /// removed from the manifest, or the removal would be forgotten with this pass.
    pub kept: Vec<String>,
}

impl Plan {
    /// Nothing differs that is ours to change.
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty() && self.withheld.is_empty()
    }

    /// Nothing to call.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step would make a second one of what is there already.
    pub fn makes_twins(&self) -> bool {
        self.steps.iter().any(|step| step.operation.makes_twins())
    }

    /// Whether a step makes what is not there.
    pub fn creates(&self) -> bool {
        self.steps.iter().any(|step| step.operation.creates())
    }

    /// One line a step, a refusal or a note.
    pub fn lines(&self) -> Vec<String> {
        let steps = self.steps.iter().map(ToString::to_string);
        let refused = self.refused.iter().map(|(_, sentence)| format!("refused: {sentence}"));
        let withheld = self.withheld.iter().map(|sentence| format!("withheld: {sentence}"));
        steps.chain(refused).chain(withheld).chain(self.notes.iter().map(|note| format!("note: {note}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_named_to_the_leaf_and_values_of_the_environment_are_not_told() {
        let content = |image: &str, password: &str| {
            json!({ "containerDefinitions": [
                { "name": "app", "image": image, "environment": [{ "name": "PASSWORD", "value": password }] },
                { "name": "logs", "image": "fluent" },
            ] })
        };
        let found = differences("", &content("a:1", "old"), &content("a:2", "new"));
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "containerDefinitions[app].environment[PASSWORD].value: changed",
                "containerDefinitions[app].image: a:1 → a:2"
            ]
        );
    }

    /// Tokens of log drivers and passwords of volumes stand in blocks that are added or changed as a whole.
    #[test]
    fn what_a_block_hides_is_not_told() {
        let splunk = json!({ "logDriver": "splunk", "options": { "splunk-token": "secret" } });
        let with = |log: &Value| json!({ "enabled": true, "logConfiguration": log });
        let added = Difference::new("serviceConnectConfiguration", json!({ "enabled": true }), with(&splunk));
        assert_eq!(added.to_string(), "serviceConnectConfiguration.logConfiguration: added");
        let volume = |password: &str| json!([{ "name": "x", "driverOpts": { "o": password } }]);
        let changed = Difference::new("volumes", volume("old"), volume("new"));
        assert_eq!(changed.to_string(), "volumes: changed");
    }

    #[test]
    fn an_arn_is_shown_by_what_it_names() {
        let arn = |revision: u8| json!(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"));
        let difference = Difference::new("taskDefinition", arn(1), arn(2));
        assert_eq!(difference.to_string(), "taskDefinition: web:1 → web:2");
    }

    #[test]
    fn of_a_block_the_leaf_is_shown_that_differs() {
        let network = |subnet: &str| {
            let groups = vec!["sg-0123456789"; 8];
            json!({ "awsvpcConfiguration": { "securityGroups": groups, "subnets": [subnet] } })
        };
        let difference = Difference::new("networkConfiguration", network("subnet-1"), network("subnet-2"));
        let leaf = "networkConfiguration.awsvpcConfiguration.subnets: [\"subnet-1\"] → [\"subnet-2\"]";
        assert_eq!(difference.to_string(), leaf);
        let reset = Difference::new("deploymentConfiguration.alarms", json!({ "enable": true }), json!({}));
        assert_eq!(reset.to_string(), "deploymentConfiguration.alarms: reset");
    }

    #[test]
    fn a_step_reads_as_a_line() {
        let step = Step::new(
            Operation::UpdateService,
            "service web",
            json!({"desiredCount": 3}),
            vec![
                Difference::new("desiredCount", json!(2), json!(3)),
                Difference::new("platformVersion", Value::Null, json!("1.4.0")),
            ],
        );
        assert_eq!(
            step.to_string(),
            "UpdateService service web (desiredCount: 2 → 3, platformVersion: (nothing) → 1.4.0)"
        );
    }
}
