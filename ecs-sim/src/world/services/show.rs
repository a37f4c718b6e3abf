//! Services as DescribeServices, CreateService and UpdateService show them. They are written straight into JSON,
//! without a copy in between: nothing is asked as often as DescribeServices.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use super::{Controller, Entry, EntryStatus, Revision, RolloutState, Service, ServiceStatus};
use crate::world::{Caller, arn, deployments, tags, task_sets};

/// What deployments on Fargate say where the service says LATEST.
pub(in crate::world) const PLATFORM: &str = "1.4.0";

/// The members that are shown on the service itself; the others only on a deployment or a revision.
const ON_SERVICE: [&str; 4] =
    ["networkConfiguration", "loadBalancers", "serviceRegistries", "capacityProviderStrategy"];
/// The members that a deployment shows.
const ON_DEPLOYMENT: [&str; 5] = [
    "networkConfiguration",
    "capacityProviderStrategy",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// A service as DescribeServices shows it.
pub(in crate::world) struct Shown<'a> {
    service: &'a Service,
    caller: &'a Caller,
    with_tags: bool,
}

impl Service {
    /// As DescribeServices shows it, with the tags where they are asked for.
    pub(in crate::world) fn shown<'a>(&'a self, caller: &'a Caller, with_tags: bool) -> Shown<'a> {
        Shown { service: self, caller, with_tags }
    }

    /// What `deployments[]` lists: the PRIMARY first, then the others, the newest first.
    fn listed(&self) -> Vec<(&Revision, &Entry)> {
        let all = self.revisions.iter().rev().filter_map(|one| Some((one, one.entry.as_ref()?)));
        let mut listed: Vec<(&Revision, &Entry)> = all.collect();
        listed.sort_by_key(|(_, entry)| entry.status != EntryStatus::Primary);
        listed
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let service = self.service;
        let (running, pending) = service.counts(None);
        let mut shown = to.serialize_map(None)?;
        for (name, value) in &service.members {
            shown.serialize_entry(name, value)?;
        }
        shown.serialize_entry("serviceArn", &service.arn)?;
        shown.serialize_entry("serviceName", &service.name)?;
        shown.serialize_entry("clusterArn", &arn::cluster(self.caller, &service.cluster))?;
        shown.serialize_entry("status", service.status.wire())?;
        shown.serialize_entry("desiredCount", &service.desired)?;
        shown.serialize_entry("runningCount", &running)?;
        shown.serialize_entry("pendingCount", &pending)?;
        shown.serialize_entry("schedulingStrategy", if service.daemon { "DAEMON" } else { "REPLICA" })?;
        shown.serialize_entry("deploymentConfiguration", &service.configuration)?;
        shown.serialize_entry("createdAt", &service.created_at.seconds())?;
        shown.serialize_entry("events", &service.events)?;
        shown.serialize_entry("resourceManagementType", "CUSTOMER")?;
        // With the controller EXTERNAL only task sets have what a revision fixes.
        let revision = service.revision(service.primary).filter(|_| service.controller != Controller::External);
        for list in ["loadBalancers", "serviceRegistries"] {
            if revision.is_none_or(|revision| !revision.spec.contains_key(list)) {
                shown.serialize_entry(list, &[(); 0])?;
            }
        }
        for (name, part) in revision.into_iter().flat_map(|revision| fixed(revision, &ON_SERVICE, "LATEST")) {
            shown.serialize_entry(name, &part)?;
        }
        self.deployments(&mut shown)?;
        if self.with_tags && !service.tags.is_empty() {
            shown.serialize_entry("tags", &tags::listed(&service.tags))?;
        }
        shown.end()
    }
}

impl Shown<'_> {
    fn deployments<M: SerializeMap>(&self, shown: &mut M) -> Result<(), M::Error> {
        let service = self.service;
        let listed = service.listed();
        let all = listed.iter().map(|(revision, entry)| Deployment { service, revision, entry });
        shown.serialize_entry("deployments", &all.collect::<Vec<_>>())?;
        if service.controller != Controller::Ecs {
            let sets = service.task_sets.iter().map(|set| task_sets::shown(self.caller, service, set, self.with_tags));
            return shown.serialize_entry("taskSets", &sets.collect::<Vec<_>>());
        }
        if service.status == ServiceStatus::Inactive {
            return Ok(());
        }
        if let Some(current) = service.deployments.iter().rev().find(|one| one.listed) {
            shown.serialize_entry("currentServiceDeployment", &deployments::arn(service, current))?;
        }
        let revisions = listed.iter().map(|(one, entry)| {
            let (running, pending) = service.counts(Some(one.number));
            let arn = deployments::revision_arn(service, one.number);
            CurrentRevision { arn, requested: entry.wants, running, pending }
        });
        shown.serialize_entry("currentServiceRevisions", &revisions.collect::<Vec<_>>())
    }
}

#[derive(Serialize)]
struct CurrentRevision {
    arn: String,
    #[serde(rename = "requestedTaskCount")]
    requested: u32,
    #[serde(rename = "runningTaskCount")]
    running: u32,
    #[serde(rename = "pendingTaskCount")]
    pending: u32,
}

/// One of `deployments[]`.
struct Deployment<'a> {
    service: &'a Service,
    revision: &'a Revision,
    entry: &'a Entry,
}

impl Serialize for Deployment<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { service, revision, entry } = self;
        let (running, pending) = service.counts(Some(revision.number));
        let ended = entry.rollout == RolloutState::Failed && entry.status != EntryStatus::Primary;
        // A failed one is not in use again once its last task is gone (DRAINING: observed by tools).
        let status = if ended && running == 0 { EntryStatus::Draining } else { entry.status };
        let mut shown = to.serialize_map(None)?;
        shown.serialize_entry("id", &revision.deployment_id())?;
        shown.serialize_entry("status", status.wire())?;
        shown.serialize_entry("desiredCount", &if ended { 0 } else { entry.wants })?;
        shown.serialize_entry("runningCount", &running)?;
        shown.serialize_entry("pendingCount", &pending)?;
        shown.serialize_entry("failedTasks", &entry.failed_tasks)?;
        shown.serialize_entry("createdAt", &entry.created_at.seconds())?;
        shown.serialize_entry("updatedAt", &entry.updated_at.seconds())?;
        for (name, part) in fixed(revision, &ON_DEPLOYMENT, PLATFORM) {
            shown.serialize_entry(name, &part)?;
        }
        if !revision.has_classic_load_balancer() {
            shown.serialize_entry("rolloutState", entry.rollout.wire())?;
            shown.serialize_entry("rolloutStateReason", &entry.reason)?;
        }
        shown.end()
    }
}

/// The value of a member that a revision fixes.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::world) enum Part<'a> {
    Text(&'a str),
    Value(&'a Value),
}

/// The members that a revision fixes, with its task definition and how it is launched.
pub(in crate::world) fn fixed<'a>(
    revision: &'a Revision,
    members: &[&'static str],
    platform: &'static str,
) -> Vec<(&'static str, Part<'a>)> {
    let mut fixed = vec![("taskDefinition", Part::Text(&revision.shape.task_definition))];
    for member in members {
        if let Some(value) = revision.spec.get(*member).filter(|value| !is_empty(member, value)) {
            fixed.push((*member, Part::Value(value)));
        }
    }
    if revision.providers().is_empty() {
        fixed.push(("launchType", Part::Text(revision.launch_type.wire())));
    }
    if revision.on_fargate() {
        let version = match revision.spec.get("platformVersion").and_then(Value::as_str) {
            None | Some("LATEST") => platform,
            Some(version) => version,
        };
        fixed.push(("platformVersion", Part::Text(version)));
        fixed.push(("platformFamily", Part::Text(&revision.shape.platform_family)));
    }
    fixed
}

/// Adds them to an object.
pub(in crate::world) fn show_fixed(
    shown: &mut Map<String, Value>,
    revision: &Revision,
    members: &[&'static str],
    platform: &'static str,
) {
    let fixed = fixed(revision, members, platform);
    shown.extend(fixed.into_iter().map(|(name, part)| (name.to_owned(), json!(part))));
}

/// Whether a member that was emptied is not shown at all.
fn is_empty(member: &str, value: &Value) -> bool {
    !matches!(member, "loadBalancers" | "serviceRegistries") && value.as_array().is_some_and(Vec::is_empty)
}
