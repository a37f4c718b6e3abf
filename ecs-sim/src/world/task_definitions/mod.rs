//! Task definitions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Caller, Operation, arn::EcsArn};

/// The operations of this module.
pub(super) fn operation(_name: &str) -> Option<Operation> {
    None
}

/// All families of a region.
#[derive(Clone, Debug, Default)]
pub struct TaskDefinitions {
    /// By family, and in it by revision. Numbers never come back, so a family whose revisions are all gone stays.
    pub families: BTreeMap<String, BTreeMap<u64, TaskDefinition>>,
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
    /// As DescribeTaskDefinition shows it (`containerDefinitions`, `networkMode`, `requiresCompatibilities` …).
    pub body: Value,
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
}
