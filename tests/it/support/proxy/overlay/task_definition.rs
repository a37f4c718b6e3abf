//! Task definitions.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{drop_empty, each_of, includes_tags, sent, text};

/// What MiniStack drops.
const DROPPED: &[&str] = &["enableFaultInjection", "inferenceAccelerators"];
/// What MiniStack echoes as an empty text where it was not sent.
const EMPTY: &[&str] = &["executionRoleArn", "taskRoleArn", "pidMode", "ipcMode"];

/// By ARN of the revision.
#[derive(Default)]
pub struct TaskDefinitions {
    kept: HashMap<String, Map<String, Value>>,
}

impl TaskDefinitions {
    pub fn after_register(&mut self, asked: &Value, body: &mut Value) {
        if let Some(arn) = body["taskDefinition"]["taskDefinitionArn"].as_str() {
            self.kept.insert(arn.into(), sent(asked, DROPPED));
        }
        self.show(body);
        // As ECS: the answer has tags only where the call had some.
        if let (None, Some(body)) = (asked.get("tags"), body.as_object_mut()) {
            body.remove("tags");
        }
    }

    pub fn after_others(&self, operation: &str, asked: &Value, body: &mut Value) {
        self.show(body);
        // As ECS: tags are shown where they are asked for.
        if let (false, Some(body)) = (includes_tags(asked) && operation.starts_with("Describe"), body.as_object_mut()) {
            body.remove("tags");
        }
    }

    fn show(&self, body: &mut Value) {
        for task_definition in each_of(body, "taskDefinition") {
            if let Some(kept) = self.kept.get(text(task_definition, "taskDefinitionArn")) {
                task_definition.extend(kept.clone());
            }
            drop_empty(task_definition, EMPTY);
        }
    }
}
