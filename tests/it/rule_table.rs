//! The tables of `tests/rules/`: cases that a kind's rules accept or refuse. Here they are put to the twins in Rust;
//! `rule_server` asks the API server the same questions.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ecs_operator::{
    api::{EcsCluster, EcsService, EcsTaskDefinition, crd, rules::Violation},
    cluster, service, task_definition,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A file of `tests/rules/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub kind: String,
    pub bases: BTreeMap<String, Value>,
    pub cases: Vec<Case>,
}

/// One case of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub base: String,
    #[serde(default)]
    pub metadata: Value,
    /// A merge patch on the base.
    #[serde(default)]
    pub patch: Value,
    /// The status that the stored object has before the update.
    #[serde(default)]
    pub status: Value,
    /// A merge patch on the stored object's spec; the verdict is the update's.
    pub update: Option<Value>,
    /// A part of the message that must come. Without it the case is accepted.
    pub refused: Option<String>,
    /// Who refuses: a rule, or a type, an enum or a bound of the schema.
    #[serde(default)]
    pub by: By,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum By {
    #[default]
    Rule,
    Schema,
}

impl Table {
    /// Reads `tests/rules/<name>.yaml`.
    pub fn read(name: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/rules/{name}.yaml"));
        let text = fs::read_to_string(&file).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The object that a case creates. `name` is its `metadata.name` where the case gives none.
    pub fn created(&self, case: &Case, name: &str) -> Value {
        let base = self.bases.get(&case.base).unwrap_or_else(|| panic!("{}: no base {}", case.name, case.base));
        let mut object = json!({
            "apiVersion": "ecs-operator.dev/v1alpha1",
            "kind": self.kind,
            "metadata": { "name": name },
            "spec": base,
        });
        merge(&mut object["metadata"], or_nothing(&case.metadata));
        merge(&mut object["spec"], or_nothing(&case.patch));
        object
    }
}

fn or_nothing(patch: &Value) -> Value {
    if patch.is_null() { json!({}) } else { patch.clone() }
}

/// A JSON merge patch: objects merge, null removes, everything else replaces.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The twins of a kind.
pub type Twins = fn(&Value, Option<&Value>) -> Vec<Violation>;

fn read<K: DeserializeOwned>(object: &Value) -> K {
    serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"))
}

pub const CLUSTER: Twins =
    |new, old| cluster::rules::violations(&read::<EcsCluster>(new), old.map(read::<EcsCluster>).as_ref());
pub const TASK_DEFINITION: Twins = |new, old| {
    task_definition::rules::violations(&read::<EcsTaskDefinition>(new), old.map(read::<EcsTaskDefinition>).as_ref())
};
pub const SERVICE: Twins =
    |new, old| service::rules::violations(&read::<EcsService>(new), old.map(read::<EcsService>).as_ref());

#[test]
fn the_twins_judge_services_by_the_table() {
    judge("service", SERVICE);
}

#[test]
fn the_twins_judge_clusters_by_the_table() {
    judge("cluster", CLUSTER);
}

#[test]
fn the_twins_judge_task_definitions_by_the_table() {
    judge("task_definition", TASK_DEFINITION);
}

/// Puts a table to the twins, and checks that each rule of the CRD is met by a case that breaks it.
fn judge(name: &str, twins: Twins) {
    let table = Table::read(name);
    let mut wrong = Vec::new();
    let mut said = Vec::new();
    for case in table.cases.iter().filter(|case| case.by == By::Rule) {
        let created = table.created(case, "case");
        let found = match &case.update {
            None => twins(&created, None),
            Some(update) => {
                let before = twins(&created, None);
                assert!(before.is_empty(), "{}: can't be created: {before:?}", case.name);
                let mut old = created;
                if !case.status.is_null() {
                    old["status"] = case.status.clone();
                }
                let mut new = old.clone();
                merge(&mut new["spec"], update.clone());
                twins(&new, Some(&old))
            }
        };
        let as_wanted = match &case.refused {
            None => found.is_empty(),
            Some(text) => found.iter().any(|violation| violation.message.contains(text.as_str())),
        };
        if !as_wanted {
            wrong.push(format!("{}: wanted {:?}, got {found:?}", case.name, case.refused));
        }
        said.extend(found.into_iter().map(|violation| violation.message));
    }
    for words in words_of(&table.kind) {
        if !said.iter().any(|message| message.contains(&words)) {
            wrong.push(format!("no case breaks the rule that says: {words}"));
        }
    }
    assert!(wrong.is_empty(), "{name}.yaml:\n{}", wrong.join("\n"));
}

/// What the rules of a kind's CRD say: the message, or the first text in the messageExpression.
fn words_of(kind: &str) -> Vec<String> {
    let crds = crd::all().unwrap();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == kind).unwrap();
    let mut words = Vec::new();
    collect(crd, &mut words);
    assert!(!words.is_empty());
    words
}

fn collect(schema: &Value, words: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for rule in object.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                words.push(self::words(rule));
            }
            object.values().for_each(|value| collect(value, words));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, words)),
        _ => {}
    }
}

/// What a rule says: its message, or the first text in its messageExpression.
pub fn words(rule: &Value) -> String {
    match (rule["message"].as_str(), rule["messageExpression"].as_str()) {
        (Some(message), _) => message.to_owned(),
        (_, Some(expression)) => first_text(expression),
        _ => panic!("a rule without a message: {rule}"),
    }
}

/// The first text between single quotes in a CEL expression.
fn first_text(expression: &str) -> String {
    let mut text = String::new();
    let mut letters = expression.chars().skip_while(|letter| *letter != '\'').skip(1);
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => break,
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    text
}
