//! Task definitions.

mod attributes;
mod containers;
mod echo;
mod fargate;
mod list;
mod quantities;
mod register;
mod volumes;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    ApiError, Caller, Cx, Operation, Region,
    arn::{self, EcsArn},
    input, object,
    services::Service,
    tags::Tags,
    tasks::{Task, TaskStatus},
};
use crate::clock::Time;

/// The operations of this module.
pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "RegisterTaskDefinition" => register::register,
        "DescribeTaskDefinition" => describe,
        "DeregisterTaskDefinition" => deregister,
        "DeleteTaskDefinitions" => delete,
        "ListTaskDefinitions" => list::revisions,
        "ListTaskDefinitionFamilies" => list::families,
        _ => return None,
    })
}

/// All families of a region.
#[derive(Clone, Debug, Default)]
pub struct TaskDefinitions {
    /// By family, and in it by revision.
    pub families: BTreeMap<String, BTreeMap<u64, TaskDefinition>>,
    /// The newest number of each family. Numbers never come back, not even when all revisions are gone.
    last_revisions: BTreeMap<String, u64>,
    /// What is being deleted: since when, family and revision.
    deletions: BTreeSet<(Time, String, u64)>,
}

/// One revision.
#[derive(Clone, Debug)]
pub struct TaskDefinition {
    /// Its ARN.
    pub arn: String,
    /// Its family.
    pub family: String,
    /// Its number.
    pub revision: u64,
    /// Where it stands in its life.
    pub status: TaskDefinitionStatus,
    /// As DescribeTaskDefinition shows it (`containerDefinitions`, `networkMode`, `requiresCompatibilities` …), but
    /// for its status and the times of its end.
    pub body: Value,
    /// Its tags.
    pub tags: Tags,
    deregistered_at: Option<Time>,
    delete_requested_at: Option<Time>,
}

/// Where a task definition stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskDefinitionStatus {
    /// In use.
    Active,
    /// Deregistered.
    Inactive,
    /// Being deleted, once nothing refers to it.
    DeleteInProgress,
}

impl TaskDefinitionStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }
}

/// For how long a deleted revision is described at least ("Deleting a task definition revision using the console",
/// ECS developer guide: within an hour once nothing uses it).
const DELETION: Duration = Duration::from_hours(1);

impl TaskDefinitions {
    /// What a call means by `family`, `family:revision` or an ARN; a bare family is its newest ACTIVE revision.
    pub fn find(&self, caller: &Caller, named: &str) -> Option<&TaskDefinition> {
        let named = match EcsArn::read(named) {
            Some(arn)
                if arn.kind != "task-definition" || arn.region != caller.region || arn.account != caller.account =>
            {
                return None;
            }
            Some(arn) => *arn.path.first()?,
            None => named,
        };
        match named.split_once(':') {
            Some((family, revision)) => self.families.get(family)?.get(&revision.parse().ok()?),
            None => self.families.get(named)?.values().rev().find(|one| one.status == TaskDefinitionStatus::Active),
        }
    }

    /// The revision of a `family:revision`.
    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut TaskDefinition> {
        let (family, revision) = name.split_once(':')?;
        self.families.get_mut(family)?.get_mut(&revision.parse().ok()?)
    }

    fn next_revision(&mut self, family: &str) -> u64 {
        let last = self.last_revisions.entry(family.into()).or_default();
        *last += 1;
        *last
    }
}

impl TaskDefinition {
    fn shown(&self) -> Value {
        let mut shown = self.body.clone();
        shown["status"] = json!(self.status.name());
        if let Some(at) = self.deregistered_at {
            shown["deregisteredAt"] = json!(at.seconds());
        }
        if let Some(at) = self.delete_requested_at {
            shown["deleteRequestedAt"] = json!(at.seconds());
        }
        shown
    }
}

/// Takes away what was deleted an hour ago and is not used any more.
fn purge(cx: &mut Cx<'_>) {
    let region = &mut *cx.region;
    let due = |deletion: &&(Time, String, u64)| cx.now.since(deletion.0) >= DELETION;
    let due: Vec<_> = region.task_definitions.deletions.iter().take_while(due).cloned().collect();
    for deletion in due {
        let arn = arn::task_definition(cx.caller, &deletion.1, deletion.2);
        if is_used(region, &arn) {
            continue;
        }
        if let Some(revisions) = region.task_definitions.families.get_mut(&deletion.1) {
            revisions.remove(&deletion.2);
        }
        region.task_definitions.deletions.remove(&deletion);
    }
}

/// Whether a deployment or a task that is not STOPPED runs it.
fn is_used(region: &Region, arn: &str) -> bool {
    let runs = |task: &Task| task.status < TaskStatus::Stopped && task.shape.task_definition == arn;
    let deploys = |service: &Service| {
        let deployed = service.revisions.iter().filter(|one| one.entry.is_some());
        service.tasks.iter().any(runs) || deployed.map(|one| &one.shape).any(|shape| shape.task_definition == arn)
    };
    region.tasks.values().any(runs) || region.services.values().any(|service| deploys(service))
}

fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    purge(cx);
    let named = input::required_text(call, "taskDefinition")?;
    let found = cx.region.task_definitions.find(cx.caller, named);
    let found = found.ok_or_else(|| ApiError::client("Unable to describe task definition."))?;
    let with_tags = input::includes(call, "TAGS")?;
    let tags = if with_tags { super::tags::shown(&found.tags) } else { json!([]) };
    Ok(object([("taskDefinition", found.shown()), ("tags", tags)]))
}

/// The `family:revision` of a call that must name the revision.
fn revision_named<'a>(caller: &Caller, named: &'a str) -> Result<&'a str, ApiError> {
    let name = match EcsArn::read(named) {
        None => named,
        Some(arn) if arn.kind == "task-definition" && arn.account == caller.account && arn.region == caller.region => {
            arn.path.first().copied().unwrap_or_default()
        }
        Some(_) => return Err(ApiError::invalid(format!("Invalid identifier: {named}"))),
    };
    if !name.contains(':') {
        return Err(ApiError::client("Revision is missing"));
    }
    Ok(name)
}

fn deregister(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    purge(cx);
    let name = revision_named(cx.caller, input::required_text(call, "taskDefinition")?)?;
    let found = cx.region.task_definitions.find_mut(name);
    let found = found.ok_or_else(|| ApiError::client("Unable to deregister task definition."))?;
    match found.status {
        TaskDefinitionStatus::Active => {
            found.status = TaskDefinitionStatus::Inactive;
            found.deregistered_at = Some(cx.now);
        }
        TaskDefinitionStatus::Inactive => {}
        TaskDefinitionStatus::DeleteInProgress => {
            return Err(ApiError::client(
                "The task definition could not be deregistered because it is in the process of being deleted.",
            ));
        }
    }
    Ok(object([("taskDefinition", found.shown())]))
}

fn delete(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    purge(cx);
    let named = input::texts(call, "taskDefinitions")?;
    if named.is_empty() || named.len() > 10 {
        return Err(ApiError::invalid("taskDefinitions must contain between 1 and 10 entries."));
    }
    let (mut deleted, mut failures) = (vec![], vec![]);
    for named in named {
        match delete_one(cx, named) {
            Ok(shown) => deleted.push(shown),
            Err(reason) => failures.push(json!({ "arn": named, "reason": reason })),
        }
    }
    Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
}

fn delete_one(cx: &mut Cx<'_>, named: &str) -> Result<Value, &'static str> {
    let name = revision_named(cx.caller, named).map_err(
        |_| "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.",
    )?;
    let found = cx.region.task_definitions.find_mut(name).ok_or(
        "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
    )?;
    if found.status == TaskDefinitionStatus::Active {
        return Err(
            "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
        );
    }
    found.status = TaskDefinitionStatus::DeleteInProgress;
    let at = *found.delete_requested_at.get_or_insert(cx.now);
    let (deletion, shown) = ((at, found.family.clone(), found.revision), found.shown());
    cx.region.task_definitions.deletions.insert(deletion);
    Ok(shown)
}
