//! Tags: ours and the user's are set, those the user removed from the manifest are removed, everybody else's stay.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Context,
    plan::{Difference, Step},
};
use crate::ecs::{Key, Operation, shapes::Tag};

/// Keys and values.
pub type Tags = BTreeMap<String, String>;

/// The tags in a JSON list of ECS, without those of AWS itself.
pub fn from_json(list: Option<&Value>) -> Tags {
    let text = |tag: &Value, member: &str| tag.get(member).and_then(Value::as_str).map(str::to_owned);
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default())))
        .filter(|(key, _)| !key.to_ascii_lowercase().starts_with("aws:"))
        .collect()
}

/// The tags of a manifest.
pub fn of_user(tags: Option<&[Tag]>) -> Tags {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.clone(), tag.value.clone().unwrap_or_default())).collect()
}

/// As ECS's list of key and value.
pub fn to_json(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// How a tag that the last apply set is written in `status.appliedFields`.
pub fn applied_path(key: &str) -> String {
    format!("tags[{key}]")
}

/// The steps that bring the live tags of `arn` to `want`. `applied` is `status.appliedFields`: only what we set
/// before is ever removed.
pub fn steps(what: &str, arn: &str, want: &Tags, have: &Tags, applied: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    let differing: Vec<(&String, &String)> = want.iter().filter(|(key, value)| have.get(*key) != Some(value)).collect();
    if !differing.is_empty() {
        let set: Tags = differing.iter().map(|(key, value)| ((*key).clone(), (*value).clone())).collect();
        let because = differing
            .iter()
            .map(|(key, value)| {
                Difference::new(applied_path(key), have.get(*key).map_or(Value::Null, |have| json!(have)), json!(value))
            })
            .collect();
        steps.push(Step::new(
            Operation::TagResource,
            what,
            json!({ "resourceArn": arn, "tags": to_json(&set) }),
            because,
        ));
    }
    let removed: Vec<&String> = have
        .keys()
        .filter(|key| !want.contains_key(*key) && applied.iter().any(|path| *path == applied_path(key)))
        .collect();
    if !removed.is_empty() {
        let because =
            removed.iter().map(|key| Difference::new(applied_path(key), json!(have.get(*key)), Value::Null)).collect();
        steps.push(Step::new(
            Operation::UntagResource,
            what,
            json!({ "resourceArn": arn, "tagKeys": removed }),
            because,
        ));
    }
    steps
}

/// The tags of what a call made, as ECS answers without them. It may answer with what an earlier call made that got no answer:
/// a tag in `applied` that this call does not set counts as there, so that it is taken away whether it is or not.
pub fn of_created(step: &Step, applied: &[String]) -> Value {
    let mut tags = from_json(step.input.get("tags"));
    for key in applied.iter().filter_map(|path| path.strip_prefix("tags[")?.strip_suffix(']')) {
        tags.entry(key.to_owned()).or_default();
    }
    to_json(&tags)
}

/// Brings what Live holds of an object in line with a TagResource or UntagResource that succeeded.
pub fn absorb(cx: &Context, key: &Key, step: &Step) {
    let Some(mut held) = cx.live.peek(key).and_then(|seen| seen.json()) else { return };
    let mut tags: Vec<Value> = held.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let set = step.input.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let removed = step.input.get("tagKeys").and_then(Value::as_array).cloned().unwrap_or_default();
    tags.retain(|tag| {
        let key = tag.get("key");
        !removed.iter().any(|removed| Some(removed) == key) && !set.iter().any(|set| set.get("key") == key)
    });
    tags.extend(set);
    if let Some(members) = held.as_object_mut() {
        members.insert("tags".into(), tags.into());
        cx.absorb(key, held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Cost allocation and backup tools put tags on services too; taking them away would break other teams.
    #[test]
    fn tags_of_others_stay() {
        let have = tags(&[("Team", "a"), ("Old", "1"), ("Backup", "daily")]);
        let want = tags(&[("Team", "b")]);
        let applied = vec![applied_path("Team"), applied_path("Old")];
        let steps = steps("service web", "arn", &want, &have, &applied);
        assert_eq!(
            steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["TagResource service web (tags[Team]: a → b)", "UntagResource service web (tags[Old]: 1 → (nothing))"]
        );
    }

    #[test]
    fn equal_tags_make_no_step() {
        let same = tags(&[("Team", "a")]);
        assert!(steps("x", "arn", &same, &same, &[]).is_empty());
    }

    /// ECS takes a call to create something again for the same, and its tags with it.
    #[test]
    fn a_tag_of_an_earlier_call_is_taken_away() {
        let want = tags(&[("Team", "b")]);
        let input = json!({ "tags": to_json(&want) });
        let step = Step::new(Operation::CreateService, "service web", input, Vec::new());
        let applied = vec![applied_path("Old"), applied_path("Team"), "desiredCount".to_owned()];
        let have = from_json(Some(&of_created(&step, &applied)));
        assert_eq!(have, tags(&[("Old", ""), ("Team", "b")]));
        let steps = super::steps("service web", "arn", &want, &have, &applied);
        assert_eq!(steps.iter().map(|step| step.operation).collect::<Vec<_>>(), [Operation::UntagResource]);
    }

    #[test]
    fn tags_of_aws_are_not_seen() {
        let list = json!([{ "key": "aws:cloudformation:stack-name", "value": "x" }, { "key": "a" }]);
        assert_eq!(from_json(Some(&list)), tags(&[("a", "")]));
    }
}
