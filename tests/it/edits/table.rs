//! The table-driven walk of both kinds: every field is made, edited, removed and put back, each row on an object of
//! its own, all rows at once.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{concerns, next, reads};
use crate::support::{Call, Kstatus, SOON, Scene, condition, kstatus, reason};

/// What removing the field from the manifest does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Removed {
    /// It is reset, by one call.
    Reset,
    /// Nothing is called: live already is so, or the field is simply not managed any longer.
    Silent,
    /// Nothing is called, and the status says that ECS can't unset it.
    Noted,
    /// Nothing is called, and the object is not ready for that reason.
    Replace,
    /// The API server refuses the removal, with these words.
    Refused(&'static str),
    /// Nothing is called; and the API server refuses to put the first value back, with these words.
    OneWay(&'static str),
}

/// A field, and two values of it that both differ from what ECS does without it, where there are two.
pub struct Row {
    /// As in the table of the code: `deploymentConfiguration.maximumPercent`.
    pub field: &'static str,
    /// The rest of the spec.
    pub base: Value,
    pub a: Value,
    pub b: Value,
    pub removed: Removed,
}

impl Row {
    fn name(&self) -> String {
        self.field.to_lowercase().replace('.', "-")
    }

    fn takes_call(&self, step: &str) -> bool {
        match step {
            "remove" => self.removed == Removed::Reset,
            "put back" if matches!(self.removed, Removed::OneWay(_)) => false,
            // The table has one value for what can't be changed.
            _ => self.a != self.b,
        }
    }

    fn manifest(&self, kind: &str, value: Option<&Value>) -> Value {
        let mut spec = self.base.clone();
        let value = value.cloned().unwrap_or_default();
        merge(&mut spec, self.field.rsplit('.').fold(value, |value, name| json!({ name: value })));
        json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind,
                "metadata": { "name": self.name() }, "spec": spec })
    }
}

/// Objects are merged, anything else takes the place of what was there; null removes, and what that leaves empty.
pub fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else {
        *into = from;
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let members = into.as_object_mut().unwrap();
    for (name, value) in from {
        merge(members.entry(name).or_insert(Value::Null), value);
    }
    members.retain(|_, value| !value.is_null() && *value != json!({}));
}

/// Walks a table and answers the golden log: a paragraph a row, a line a step.
pub async fn walk(scene: &Scene, kind: &str, rows: &[Row]) -> String {
    let mut log: Vec<String> = rows.iter().map(|row| format!("{}\n", row.field)).collect();
    let mut wrong = Vec::new();
    for step in ["make", "edit", "remove", "put back"] {
        let from = next(scene);
        join_all(rows.iter().map(|row| take(scene, kind, row, step))).await;
        // What is still to come, comes within a sweep.
        reads(scene, &rows.iter().map(Row::name).collect::<Vec<_>>(), 2).await;
        let calls = scene.proxy.calls();
        for (row, log) in rows.iter().zip(&mut log).filter(|_| step != "make") {
            let ours = |call: &&Call| call.seq >= from && call.is_write() && concerns(call, &row.name());
            let writes: Vec<&Call> = calls.iter().filter(ours).collect();
            let lines: String = writes.iter().map(|call| scene.proxy.line(call)).collect();
            let expected = usize::from(row.takes_call(step));
            if writes.len() != expected {
                wrong.push(format!("{step} {} took {} calls instead of {expected}:\n{lines}", row.field, writes.len()));
            }
            for call in writes.iter().filter(|call| changed(call, row) != [row.field]) {
                wrong.push(format!("{step} {} changed {:?}:\n{lines}", row.field, changed(call, row)));
            }
            log.push_str(&format!("  {step}: {}\n", if lines.is_empty() { "-" } else { lines.trim_end() }));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), log.concat());
    log.concat()
}

async fn take(scene: &Scene, kind: &str, row: &Row, step: &str) {
    let value = match step {
        "make" | "put back" => Some(&row.a),
        "edit" => Some(&row.b),
        _ => None,
    };
    let key = format!("{kind}/{}", row.name());
    let applied = scene.try_apply(&row.manifest(kind, value).to_string()).await;
    match (step, row.removed) {
        ("remove", Removed::Refused(words)) | ("put back", Removed::OneWay(words)) => {
            let error = applied.expect_err(&format!("{step} {} is accepted", row.field)).to_string();
            assert!(error.contains(words), "{}: {error}", row.field);
        }
        ("remove", Removed::Replace) => {
            applied.unwrap();
            scene.reason(&key, "ReplaceRequired").await;
            // Another look must not forget it.
            scene.kubectl(&["annotate", &key.replace("EcsService", "ecssvc"), "looked=again"]);
            reads(scene, &[row.name()], 2).await;
            let object = scene.reason(&key, "ReplaceRequired").await;
            let message = condition(&object, "Ready").unwrap()["message"].as_str().unwrap();
            assert!(message.contains(&format!("spec.{}", row.field)), "{message}");
        }
        _ => {
            applied.unwrap_or_else(|error| panic!("{step} {}: {error}", row.field));
            let object = scene.wait(&key, SOON, |object| kstatus(object) == Kstatus::Current).await;
            let message = condition(&object, "Ready").unwrap()["message"].as_str().unwrap();
            let noted = message.contains(&format!("{} was removed from the manifest", row.field));
            assert_eq!(noted, step == "remove" && row.removed == Removed::Noted, "{}: {message}", row.field);
            assert!(matches!(reason(&object), "Deployed" | "Active" | "NoTaskSet"), "{}", reason(&object));
        }
    }
}

/// Which fields a call changes; what only says where it goes is left out, and so is the force that a strategy needs.
fn changed(call: &Call, row: &Row) -> Vec<String> {
    if matches!(&*call.operation, "TagResource" | "UntagResource") {
        return vec!["tags".into()];
    }
    let forced = call.body.get("capacityProviderStrategy").is_some();
    // Both lists are replaced together; the log shows that the other one is as it was.
    let other = match (&*call.operation, row.field) {
        ("PutClusterCapacityProviders", "capacityProviders") => "defaultCapacityProviderStrategy",
        ("PutClusterCapacityProviders", _) => "capacityProviders",
        _ => "",
    };
    let aside = |name: &str| ["cluster", "service", other].contains(&name) || (forced && name == "forceNewDeployment");
    let members = call.body.as_object().unwrap().iter().filter(|(name, _)| !aside(name));
    members
        .flat_map(|(name, value)| match (&**name, value) {
            ("deploymentConfiguration", Value::Object(members)) => {
                members.keys().map(|member| format!("{name}.{member}")).collect()
            }
            // It is replaced whole.
            ("configuration", Value::Object(members)) => {
                members.keys().map(|member| format!("{name}.{member}")).filter(|member| member == row.field).collect()
            }
            _ => vec![name.clone()],
        })
        .collect()
}
