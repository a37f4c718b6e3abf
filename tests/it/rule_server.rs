//! The tables of `tests/rules/` put to a real API server: it accepts and refuses what the twins accept and refuse,
//! and says the same of the same field.

use std::{collections::BTreeSet, fmt::Write as _};

use ecs_operator::api::crd;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    rule_table::{By, CLUSTER, Case, SERVICE, TASK_DEFINITION, Table, Twins, merge},
    support::raw::{Raw, Refusal},
};

/// Requests under way at once.
const AT_ONCE: usize = 16;

/// A manifest that `validate` passes and the API server refuses, or the other way round, would be found only by
/// applying it.
#[tokio::test]
async fn the_api_server_judges_clusters_as_the_twins_do() {
    judge("cluster", CLUSTER).await;
}

/// See the clusters' test.
#[tokio::test]
async fn the_api_server_judges_task_definitions_as_the_twins_do() {
    judge("task_definition", TASK_DEFINITION).await;
}

/// See the clusters' test.
#[tokio::test]
async fn the_api_server_judges_services_as_the_twins_do() {
    judge("service", SERVICE).await;
}

async fn judge(name: &str, twins: Twins) {
    let (raw, table) = (Raw::new().await, Table::read(name));
    let namespace = raw.namespace(&name.replace('_', "-")).await;
    let crd = crd_of(&table.kind);
    let path = format!("/apis/ecs-operator.dev/v1alpha1/namespaces/{namespace}/{}", plural(&crd));
    let verdicts: Vec<(String, Vec<(String, String)>)> = stream::iter(table.cases.iter().enumerate())
        .map(|(number, case)| ask(&raw, &path, &table, case, number, twins))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut wrong: String = verdicts.iter().map(|(wrong, _)| wrong.as_str()).collect();
    let said: Vec<_> = verdicts.into_iter().flat_map(|(_, said)| said).collect();
    for (field, words) in rules_of(&crd) {
        if !said.iter().any(|(at, message)| *at == field && message.contains(&words)) {
            let _ = writeln!(wrong, "no case breaks the rule of {field} that says: {words}");
        }
    }
    assert!(wrong.is_empty(), "{name}.yaml:\n{wrong}");
}

/// What is wrong with the API server's verdict on a case, and what it said.
async fn ask(
    raw: &Raw,
    path: &str,
    table: &Table,
    case: &Case,
    number: usize,
    twins: Twins,
) -> (String, Vec<(String, String)>) {
    let created = table.created(case, &format!("case-{number}"));
    let answer = raw.post(path, &created).await;
    let (answer, new, old) = match (&case.update, answer) {
        (None, answer) => (answer, created, None),
        (Some(_), Err(refusal)) => return (format!("{}: can't be created: {refusal:?}\n", case.name), Vec::new()),
        (Some(update), Ok(mut stored)) => {
            let path = format!("{path}/{}", created["metadata"]["name"].as_str().unwrap_or_default());
            if !case.status.is_null() {
                let status = raw.patch(&format!("{path}/status"), &json!({ "status": case.status })).await;
                stored = status.unwrap_or_else(|refusal| panic!("{}: its status: {refusal:?}", case.name));
            }
            let mut new = stored.clone();
            merge(&mut new["spec"], update.clone());
            (raw.put(&path, &new).await, new, Some(stored))
        }
    };
    let refusal = answer.err();
    let mut wrong = misjudged(case, refusal.as_ref());
    if wrong.is_empty() && case.by == By::Rule {
        wrong = disagreement(refusal.as_ref(), twins(&new, old.as_ref()));
    }
    let wrong = if wrong.is_empty() { wrong } else { format!("{}: {wrong}\n", case.name) };
    let causes = refusal.map(|refusal| refusal.causes).unwrap_or_default();
    (wrong, causes.into_iter().map(|(field, message)| (plain(&field), message)).collect())
}

/// The verdict against the table's.
fn misjudged(case: &Case, refusal: Option<&Refusal>) -> String {
    match (&case.refused, refusal) {
        (None, None) => String::new(),
        (None, Some(refusal)) => format!("is refused: {}", refusal.message),
        (Some(words), None) => format!("is accepted, and should be refused: {words}"),
        (Some(words), Some(refusal)) if refusal.code == 422 && refusal.message.contains(words.as_str()) => {
            String::new()
        }
        (Some(words), Some(refusal)) => format!("is refused with {} instead of: {words}", refusal.message),
    }
}

/// The causes against the twins' violations: each of the one is in the other, with the same field and words.
fn disagreement(refusal: Option<&Refusal>, violations: Vec<ecs_operator::api::rules::Violation>) -> String {
    let mut causes: Vec<(String, String)> = refusal
        .map(|refusal| refusal.causes.iter().map(|(field, message)| (plain(field), message.clone())).collect())
        .unwrap_or_default();
    let mut wrong = String::new();
    for violation in violations {
        let field = plain(&violation.field);
        match causes.iter().position(|(at, message)| *at == field && message.ends_with(&violation.message)) {
            Some(place) => drop(causes.remove(place)),
            None => wrong += &format!("\n  only the twin says: {violation}"),
        }
    }
    // A bound of the schema is broken as well, and doesn't keep the rules from being asked.
    for (field, message) in causes.into_iter().filter(|(_, message)| !message.contains(" in body should ")) {
        wrong += &format!("\n  only the API server says: {field}: {message}");
    }
    wrong
}

/// A field without its indices and keys: `spec.containerDefinitions[0].image`, `spec.containerDefinitions[web].image`.
fn plain(field: &str) -> String {
    let mut depth = 0_i32;
    let mut plain = String::new();
    for letter in field.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            other if depth == 0 => plain.push(other),
            _ => {}
        }
    }
    plain
}

/// The CRD of a kind.
pub fn crd_of(kind: &str) -> Value {
    crd::all().unwrap().into_iter().find(|crd| crd["spec"]["names"]["kind"] == kind).unwrap()
}

/// Its name in paths.
pub fn plural(crd: &Value) -> &str {
    crd["spec"]["names"]["plural"].as_str().unwrap()
}

/// The rules of a CRD: the field that each speaks of, and what it says.
fn rules_of(crd: &Value) -> BTreeSet<(String, String)> {
    let mut rules = BTreeSet::new();
    collect("", &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut rules);
    assert!(!rules.is_empty());
    rules
}

fn collect(path: &str, schema: &Value, rules: &mut BTreeSet<(String, String)>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let field = format!("{path}{}", rule["fieldPath"].as_str().unwrap_or_default());
        let field = if field.is_empty() { "<nil>".into() } else { field.trim_start_matches('.').to_owned() };
        rules.insert((plain(&field), crate::rule_table::words(rule)));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        collect(&format!("{path}.{name}"), below, rules);
    }
    for below in ["items", "additionalProperties"] {
        if schema[below].is_object() {
            collect(path, &schema[below], rules);
        }
    }
}
