//! The canonical form: a row for each way in which ECS echoes, and properties over everything users can write.

mod cluster;
mod echo;
mod properties;
mod service;
mod task_definition;

use ecs_operator::ecs::canon;
use serde_json::json;

#[test]
fn the_hash_does_not_know_the_order_of_keys_and_never_changes_by_itself() {
    let one = json!({ "a": [1, 2], "b": { "c": "x", "d": true } });
    let other: serde_json::Value = serde_json::from_str(r#"{"b":{"d":true,"c":"x"},"a":[1,2]}"#).unwrap();
    assert_eq!(canon::hash(&one), canon::hash(&other));
    assert_ne!(canon::hash(&one), canon::hash(&json!({ "a": [2, 1], "b": { "c": "x", "d": true } })));
    // printf '{"a":[1,2],"b":{"c":"x","d":true}}' | sha256sum | head -c 32
    assert_eq!(canon::hash(&one), "1c8d6df1ae912e0f2b5f9452ee955bcc");
}

#[test]
fn every_rule_has_a_reason() {
    let tables = [&canon::TASK_DEFINITION_RULES, &canon::SERVICE_RULES, &canon::CLUSTER_RULES];
    for rule in tables.into_iter().flat_map(|table| table.iter()) {
        assert!(!rule.why.is_empty(), "{}", rule.path);
    }
}
