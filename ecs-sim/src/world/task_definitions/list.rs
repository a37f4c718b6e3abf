//! ListTaskDefinitions and ListTaskDefinitionFamilies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ApiError, Cx, TaskDefinition, TaskDefinitionStatus, purge};
use crate::world::{input, page};

const MOST: usize = 100;

/// The ARNs of revisions: families in order, and in each the revisions.
pub(super) fn revisions(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    purge(cx);
    let status = match input::text(call, "status")? {
        None | Some("ACTIVE") => TaskDefinitionStatus::Active,
        Some("INACTIVE") => TaskDefinitionStatus::Inactive,
        Some("DELETE_IN_PROGRESS") => TaskDefinitionStatus::DeleteInProgress,
        Some(_) => return Err(ApiError::client("Invalid task definition status.")),
    };
    let descending = match input::text(call, "sort")? {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(_) => return Err(ApiError::invalid("Invalid sort order.")),
    };
    // Despite its name, `familyPrefix` is a whole family here.
    let family = input::text(call, "familyPrefix")?;
    let families = &cx.region.task_definitions.families;
    let chosen: Vec<_> = match family {
        Some(family) => families.get(family).into_iter().collect(),
        None => families.values().collect(),
    };
    let mut found: Vec<&TaskDefinition> =
        chosen.into_iter().flat_map(BTreeMap::values).filter(|one| one.status == status).collect();
    if descending {
        found.reverse();
    }
    if let Some(token) = input::text(call, "nextToken")? {
        let last = place(token)?;
        let after = |one: &&TaskDefinition| {
            let here = (one.family.as_str(), one.revision);
            if descending { here < last } else { here > last }
        };
        found.retain(after);
    }
    let size = page::size(call, MOST, MOST)?;
    let more = found.len() > size;
    found.truncate(size);
    let token = found.last().filter(|_| more).map(|one| format!("{}::{:010}", one.family, one.revision));
    let arns: Vec<&str> = found.iter().map(|one| one.arn.as_str()).collect();
    Ok(with_token(json!({ "taskDefinitionArns": arns }), token))
}

/// The token is the last revision of the page before (observed by tools), so that nothing is skipped when revisions
/// come and go between pages.
fn place(token: &str) -> Result<(&str, u64), ApiError> {
    token
        .split_once("::")
        .and_then(|(family, revision)| Some((family, revision.parse().ok()?)))
        .ok_or_else(|| ApiError::invalid("Invalid token."))
}

/// The names of families.
pub(super) fn families(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    purge(cx);
    let prefix = input::text(call, "familyPrefix")?.unwrap_or_default();
    let wants_active = match input::text(call, "status")? {
        None | Some("ALL") => None,
        Some("ACTIVE") => Some(true),
        Some("INACTIVE") => Some(false),
        Some(_) => return Err(ApiError::client("Invalid task definition family status.")),
    };
    let families = cx
        .region
        .task_definitions
        .families
        .iter()
        .filter(|(name, revisions)| name.starts_with(prefix) && !revisions.is_empty())
        .filter(|(_, revisions)| {
            let active = revisions.values().any(|one| one.status == TaskDefinitionStatus::Active);
            wants_active.is_none_or(|wanted| wanted == active)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let (names, token) = page::of(families, call, MOST, MOST)?;
    Ok(with_token(json!({ "families": names }), token))
}

fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    answer
}
