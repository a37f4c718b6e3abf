//! Rules are tightened while objects are stored: one that breaks a rule of today must still take a label, a status
//! and the removal of its finalizer, or it can be neither reconciled nor deleted.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    rule_server::{crd_of, plural},
    rule_table::{By, Case, Table, merge},
    support::{SOON, raw::Raw},
};

/// The copies' group: the CRDs of the operator's own serve other tests.
const GROUP: &str = "lax.ecs-operator.dev";
const FINALIZER: &str = "ecs-operator.dev/test";
const AT_ONCE: usize = 16;

/// A cluster that a new version of the rules would strand: its deletion could never end.
#[tokio::test]
async fn a_stored_cluster_that_breaks_a_rule_can_be_let_go() {
    try_all("cluster").await;
}

/// See the clusters' test.
#[tokio::test]
async fn a_stored_task_definition_that_breaks_a_rule_can_be_let_go() {
    try_all("task_definition").await;
}

/// See the clusters' test.
#[tokio::test]
async fn a_stored_service_that_breaks_a_rule_can_be_let_go() {
    try_all("service").await;
}

async fn try_all(name: &str) {
    let (raw, table) = (Raw::new().await, Table::read(name));
    let strict = copy_of(&crd_of(&table.kind));
    let mut lax = strict.clone();
    without_rules(&mut lax);
    install(&raw, &lax).await;
    let namespace = raw.namespace(&format!("lax-{}", name.replace('_', "-"))).await;
    let path = format!("/apis/{GROUP}/v1alpha1/namespaces/{namespace}/{}", plural(&strict));

    let refused: Vec<(usize, &Case)> =
        table.cases.iter().enumerate().filter(|(_, case)| case.refused.is_some() && case.by == By::Rule).collect();
    let stored: Vec<Value> =
        stream::iter(refused.iter().map(|(number, case)| store(&raw, &path, &table, case, *number)))
            .buffered(AT_ONCE)
            .collect()
            .await;
    install(&raw, &strict).await;
    until_judged(&raw, &path, &stored, &refused).await;

    let wrong: Vec<String> = stream::iter(refused.iter().zip(stored))
        .map(|((_, case), object)| let_go(&raw, &path, case, object))
        .buffer_unordered(AT_ONCE)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(wrong.is_empty(), "{name}.yaml:\n{}", wrong.join("\n"));
}

/// A CRD under another group and other names, so that no short name or category is taken twice.
fn copy_of(crd: &Value) -> Value {
    let mut copy = crd.clone();
    let plural = format!("lax{}", plural(crd));
    let kind = format!("Lax{}", crd["spec"]["names"]["kind"].as_str().unwrap());
    copy["metadata"] = json!({ "name": format!("{plural}.{GROUP}") });
    copy["spec"]["group"] = GROUP.into();
    copy["spec"]["names"] =
        json!({ "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") });
    copy
}

fn without_rules(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // Where a bound says the same as a rule, both are new.
            if object.remove("x-kubernetes-validations").is_some() {
                object.remove("minProperties");
            }
            object.values_mut().for_each(without_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(without_rules),
        _ => {}
    }
}

async fn install(raw: &Raw, crd: &Value) {
    let path = format!(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}",
        crd["metadata"]["name"].as_str().unwrap()
    );
    raw.apply(&format!("{path}?force=true"), crd).await.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"));
    let until = Instant::now() + SOON;
    loop {
        let stored = raw.get(&path).await.unwrap();
        let conditions = stored["status"]["conditions"].as_array().into_iter().flatten();
        if conditions.into_iter().any(|one| one["type"] == "Established" && one["status"] == "True") {
            return;
        }
        assert!(Instant::now() < until, "{path} is not established: {stored}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Stores the object that a case refuses: the created one, or the one after the update.
async fn store(raw: &Raw, path: &str, table: &Table, case: &Case, number: usize) -> Value {
    let mut object = table.created(case, &format!("case-{number}"));
    object["apiVersion"] = format!("{GROUP}/v1alpha1").into();
    object["kind"] = format!("Lax{}", table.kind).into();
    object["metadata"]["finalizers"] = json!([FINALIZER]);
    if let Some(update) = &case.update {
        merge(&mut object["spec"], update.clone());
    }
    let until = Instant::now() + SOON;
    let mut stored = loop {
        match raw.post(path, &object).await {
            Ok(stored) => break stored,
            // Established, and not yet served by every handler.
            Err(refusal) if refusal.code == 404 && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(refusal) => panic!("{}: can't be stored without rules: {refusal:?}", case.name),
        }
    };
    if !case.status.is_null() {
        let path = format!("{path}/{}/status", name(&stored));
        stored = raw.patch(&path, &json!({ "status": case.status })).await.unwrap();
    }
    stored
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// Waits until the rules are in force: the API server refuses to create what it has stored.
async fn until_judged(raw: &Raw, path: &str, stored: &[Value], refused: &[(usize, &Case)]) {
    for (object, (_, case)) in stored.iter().zip(refused).filter(|(_, (_, case))| case.update.is_none()) {
        let mut again = object.clone();
        again["metadata"] = json!({ "name": object["metadata"]["name"] });
        let until = Instant::now() + SOON;
        loop {
            // A name that is taken is found out after the rules were asked.
            match raw.post(&format!("{path}?dryRun=All"), &again).await {
                Err(refusal) if refusal.code == 422 => break,
                answer => assert!(Instant::now() < until, "{}: breaks no rule: {answer:?}", case.name),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What the API server refuses to do to a stored object, if anything.
async fn let_go(raw: &Raw, path: &str, case: &Case, object: Value) -> Option<String> {
    let path = format!("{path}/{}", name(&object));
    let ready = json!({
        "type": "Ready", "status": "False", "reason": "Deleting", "message": "It goes.", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let label = json!({ "metadata": { "labels": { "team": "shop" } } });
    if let Err(refusal) = raw.patch(&path, &label).await {
        return Some(format!("{}: a label is refused: {}", case.name, refusal.message));
    }
    let status = json!({ "status": { "observedGeneration": 1, "conditions": [ready] } });
    if let Err(refusal) = raw.patch(&format!("{path}/status"), &status).await {
        return Some(format!("{}: a status is refused: {}", case.name, refusal.message));
    }
    if let Err(refusal) = raw.patch(&path, &json!({ "metadata": { "finalizers": null } })).await {
        return Some(format!("{}: the finalizer can't be removed: {}", case.name, refusal.message));
    }
    None
}
