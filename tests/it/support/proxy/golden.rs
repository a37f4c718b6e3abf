//! Calls as lines of text that are the same on every run.

use serde_json::Value;

/// Replaces what differs from run to run.
#[derive(Clone, Debug, Default)]
pub struct Golden {
    /// Texts of this run and what stands for them, such as the namespace.
    pub redactions: Vec<(String, String)>,
    /// Whether the revisions of task definitions are hidden too.
    pub hide_revisions: bool,
}

impl Golden {
    /// `UpdateService {"desiredCount":2,"service":"web"}`
    pub fn line(&self, operation: &str, body: &Value) -> String {
        format!("{operation} {}", self.value(None, body))
    }

    fn value(&self, name: Option<&str>, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.member(members, name, member))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.value(name, item)).collect(),
            Value::String(_) if name == Some("clientToken") => "TOKEN".into(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    /// A member of an object; that a tag's value is a hash is told by the tag's key.
    fn member(&self, members: &serde_json::Map<String, Value>, name: &str, member: &Value) -> Value {
        let hash_tag = members.get("key").and_then(Value::as_str) == Some(ecs_operator::api::tags::HASH);
        if name == "value" && hash_tag { "HASH".into() } else { self.value(Some(name), member) }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.redactions {
            text = text.replace(from, to);
        }
        let text = hide_account(&hide_uuids(&text));
        if self.hide_revisions { hide_revision(&text) } else { text }
    }
}

/// The account of an ARN, which is its fifth part.
fn hide_account(text: &str) -> String {
    if !text.starts_with("arn:") {
        return text.into();
    }
    let mut parts: Vec<&str> = text.splitn(6, ':').collect();
    if parts.len() == 6 && parts[4].len() == 12 && parts[4].bytes().all(|byte| byte.is_ascii_digit()) {
        parts[4] = "ACCOUNT";
    }
    parts.join(":")
}

/// `…:task-definition/web:7` as `…:task-definition/web:REVISION`.
fn hide_revision(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((family, revision))
            if family.contains(":task-definition/") && revision.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{family}:REVISION")
        }
        _ => text.into(),
    }
}

fn hide_uuids(text: &str) -> String {
    const LENGTH: usize = 36;
    let is_uuid = |candidate: &str| {
        candidate.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let (mut hidden, mut rest) = (String::new(), text);
    while let Some(next) = rest.chars().next() {
        if rest.get(..LENGTH).is_some_and(is_uuid) {
            hidden.push_str("UUID");
            rest = &rest[LENGTH..];
        } else {
            hidden.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_hidden() {
        let body = json!({
            "taskDefinition": "arn:aws:ecs:eu-west-1:100000000007:task-definition/web:7",
            "clientToken": "abc",
            "tags": [
                { "key": "ecs-operator.dev/owner", "value": "1b4e28ba-2fa1-11d2-883f-0016d3cca427/EcsService/t-3/web" },
                { "key": "ecs-operator.dev/hash", "value": "v1:0123456789abcdef" },
            ],
            "desiredCount": 2,
        });
        let mut golden = Golden { redactions: vec![("t-3".into(), "NAMESPACE".into())], ..Golden::default() };
        let line = golden.line("CreateService", &body);
        assert_eq!(
            line,
            "CreateService {\"clientToken\":\"TOKEN\",\"desiredCount\":2,\
             \"tags\":[{\"key\":\"ecs-operator.dev/owner\",\"value\":\"UUID/EcsService/NAMESPACE/web\"},\
             {\"key\":\"ecs-operator.dev/hash\",\"value\":\"HASH\"}],\
             \"taskDefinition\":\"arn:aws:ecs:eu-west-1:ACCOUNT:task-definition/web:7\"}"
        );
        golden.hide_revisions = true;
        assert!(golden.line("CreateService", &body).contains("task-definition/web:REVISION"));
    }
}
