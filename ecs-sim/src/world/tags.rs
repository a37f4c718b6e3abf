//! Tags of resources: TagResource, UntagResource and ListTagsForResource API references.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, Cx, Operation, arn::EcsArn, clusters::ClusterStatus, input};

/// The tags of one resource, by key.
pub type Tags = BTreeMap<String, String>;

/// So many at most, not counting AWS's own.
const MOST: usize = 50;

/// Reads and judges `tags` of an input. The code of the refusal is the resource's: ClientException for task
/// definitions, InvalidParameterException for the others.
pub fn read(call: &Value, code: &str) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in input::list(call, "tags")? {
        let key = input::text(tag, "key")?.ok_or_else(|| ApiError::refused(code, "Tag key can not be null."))?;
        let value = input::text(tag, "value")?.ok_or_else(|| ApiError::refused(code, "Tag value can not be null."))?;
        if !is_legal(key, 1, 128) || !is_legal(value, 0, 256) || is_of_aws(key) {
            return Err(ApiError::refused(code, "Invalid tag key or value."));
        }
        if tags.insert(key.into(), value.into()).is_some() {
            return Err(ApiError::refused(code, "Duplicate tag keys are not allowed."));
        }
    }
    check_count(&tags, code)?;
    Ok(tags)
}

/// One tag as answers show it.
#[derive(Serialize)]
pub(super) struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

/// Tags as answers list them.
pub(super) fn listed(tags: &Tags) -> Vec<Tag<'_>> {
    tags.iter().map(|(key, value)| Tag { key, value }).collect()
}

/// The same as a value.
pub fn shown(tags: &Tags) -> Value {
    json!(listed(tags))
}

fn is_legal(text: &str, shortest: usize, longest: usize) -> bool {
    let legal = |letter: char| letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter);
    (shortest..=longest).contains(&text.chars().count()) && text.chars().all(legal)
}

fn is_of_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

fn check_count(tags: &Tags, code: &str) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !is_of_aws(key)).count() > MOST {
        return Err(ApiError::refused(code, format!("The maximum number of tags per resource is {MOST}.")));
    }
    Ok(())
}

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "TagResource" => tag,
        "UntagResource" => untag,
        "ListTagsForResource" => list,
        _ => return None,
    })
}

fn tag(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let (tags, code) = target(cx, call)?;
    let mut all = tags.clone();
    all.extend(read(call, code)?);
    check_count(&all, code)?;
    *tags = all;
    Ok(json!({}))
}

fn untag(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let keys = input::texts(call, "tagKeys")?;
    let (tags, _) = target(cx, call)?;
    tags.retain(|key, _| is_of_aws(key) || !keys.contains(&key.as_str()));
    Ok(json!({}))
}

fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let (tags, _) = target(cx, call)?;
    Ok(json!({ "tags": shown(tags) }))
}

const INVALID: &str = "InvalidParameterException";

/// The tags that a call is about, and the code of refusals.
fn target<'a>(cx: &'a mut Cx<'_>, call: &Value) -> Result<(&'a mut Tags, &'static str), ApiError> {
    let text = input::required_text(call, "resourceArn")?;
    let arn = EcsArn::read(text)
        .filter(|arn| arn.account == cx.caller.account && arn.region == cx.caller.region)
        .ok_or_else(|| ApiError::invalid(format!("Invalid identifier: {text}")))?;
    let missing = |kind: &str| ApiError::invalid(format!("The specified {kind} does not exist."));
    match (arn.kind, arn.path.as_slice()) {
        ("service" | "task" | "container-instance", [_]) => {
            Err(ApiError::invalid("Long arn format must be used for tagging operations"))
        }
        ("task-definition", [name]) => {
            let found = name.contains(':').then(|| cx.region.task_definitions.find_mut(name)).flatten();
            let found = found.ok_or_else(|| ApiError::client("Unable to describe task definition."))?;
            Ok((&mut found.tags, "ClientException"))
        }
        ("cluster", [name]) => {
            let now = cx.now;
            let cluster = cx.region.clusters.get_mut(*name).ok_or_else(|| missing("cluster"))?;
            if cluster.status(now) == ClusterStatus::Inactive {
                return Err(ApiError::invalid(
                    "The specified cluster is inactive. Specify an active cluster and try again.",
                ));
            }
            Ok((&mut cluster.tags, INVALID))
        }
        ("capacity-provider", [name]) => {
            let provider = cx.region.capacity_providers.get_mut(*name).ok_or_else(|| missing("capacity provider"))?;
            Ok((&mut provider.tags, INVALID))
        }
        ("container-instance", [cluster, id]) => {
            let instance = cx.region.instances.get_mut(cluster, id);
            let instance = instance.ok_or_else(|| missing("container instance"))?;
            Ok((&mut instance.tags, INVALID))
        }
        ("service", [cluster, name]) => {
            let service = super::services::find_mut(cx.region, cluster, name);
            Ok((&mut service.map_err(|_| missing("service"))?.tags, INVALID))
        }
        ("task", [cluster, id]) => {
            let task = super::tasks::find_mut(cx.region, cluster, id).ok_or_else(|| missing("task"))?;
            Ok((&mut task.tags, INVALID))
        }
        _ => Err(missing("resource")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(tags: &Value) -> String {
        read(&json!({ "tags": tags }), "ClientException").unwrap_err().message
    }

    #[test]
    fn tags_that_aws_keeps_for_itself_are_refused() {
        assert_eq!(refusal(&json!([{ "key": "AWS:x", "value": "" }])), "Invalid tag key or value.");
        assert_eq!(refusal(&json!([{ "key": "", "value": "" }])), "Invalid tag key or value.");
        assert_eq!(refusal(&json!([{ "key": "a", "value": "?" }])), "Invalid tag key or value.");
        assert_eq!(refusal(&json!([{ "key": "a" }])), "Tag value can not be null.");
        let twice = json!([{ "key": "a", "value": "1" }, { "key": "a", "value": "2" }]);
        assert_eq!(refusal(&twice), "Duplicate tag keys are not allowed.");
    }

    #[test]
    fn there_are_fifty_tags_at_most() {
        let tags =
            |count: usize| -> Value { (0..count).map(|n| json!({ "key": n.to_string(), "value": "" })).collect() };
        assert_eq!(read(&json!({ "tags": tags(50) }), "ClientException").unwrap().len(), 50);
        assert_eq!(refusal(&tags(51)), "The maximum number of tags per resource is 50.");
    }
}
