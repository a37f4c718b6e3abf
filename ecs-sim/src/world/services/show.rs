//! Services as DescribeServices, CreateService and UpdateService show them.

use serde_json::{Map, Value, json};

use super::{Controller, Entry, EntryStatus, Revision, RolloutState, Service, ServiceStatus, events};
use crate::world::{Cx, arn, deployments, tags, task_sets};

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

impl Service {
    /// As DescribeServices shows it, with the tags where they are asked for.
    pub(in crate::world) fn shown(&self, cx: &Cx<'_>, with_tags: bool) -> Value {
        let mut shown = self.shown.clone().unwrap_or_else(|| self.without_tags(cx));
        if with_tags && !self.tags.is_empty() {
            shown["tags"] = tags::shown(&self.tags);
        }
        shown
    }

    /// The same, where the answer is remembered until the service changes.
    pub(super) fn shown_and_kept(&mut self, cx: &Cx<'_>, with_tags: bool) -> Value {
        if self.shown.is_none() {
            self.shown = Some(self.without_tags(cx));
        }
        self.shown(cx, with_tags)
    }

    fn without_tags(&self, cx: &Cx<'_>) -> Value {
        let (running, pending) = self.counts(None);
        let mut shown = self.members.clone();
        for (name, value) in [
            ("serviceArn", json!(self.arn)),
            ("serviceName", json!(self.name)),
            ("clusterArn", json!(arn::cluster(cx.caller, &self.cluster))),
            ("status", json!(self.status.wire())),
            ("desiredCount", json!(self.desired)),
            ("runningCount", json!(running)),
            ("pendingCount", json!(pending)),
            ("schedulingStrategy", json!(if self.daemon { "DAEMON" } else { "REPLICA" })),
            ("deploymentConfiguration", self.configuration.shown()),
            ("createdAt", json!(self.created_at.seconds())),
            ("events", events::shown(&self.events)),
            ("resourceManagementType", json!("CUSTOMER")),
        ] {
            shown.insert(name.to_owned(), value);
        }
        for list in ["loadBalancers", "serviceRegistries"] {
            shown.insert(list.to_owned(), json!([]));
        }
        // With the controller EXTERNAL only task sets have it.
        if let Some(revision) = self.revision(self.primary).filter(|_| self.controller != Controller::External) {
            show_fixed(&mut shown, revision, &ON_SERVICE, "LATEST");
        }
        self.show_deployments(cx, &mut shown);
        Value::Object(shown)
    }

    fn show_deployments(&self, cx: &Cx<'_>, shown: &mut Map<String, Value>) {
        let listed = self.listed();
        let deployments: Vec<Value> = listed.iter().map(|(one, entry)| self.deployment(one, entry)).collect();
        shown.insert("deployments".to_owned(), Value::Array(deployments));
        if self.controller != Controller::Ecs {
            let sets = self.task_sets.iter().map(|set| task_sets::shown(cx, self, set)).collect();
            shown.insert("taskSets".to_owned(), sets);
            return;
        }
        if self.status == ServiceStatus::Inactive {
            return;
        }
        if let Some(current) = self.deployments.iter().rev().find(|one| one.listed) {
            shown.insert("currentServiceDeployment".to_owned(), json!(deployments::arn(cx, self, current)));
        }
        let revisions = listed.iter().map(|(one, entry)| {
            let (running, pending) = self.counts(Some(one.number));
            json!({
                "arn": deployments::revision_arn(cx, self, one.number),
                "requestedTaskCount": entry.wants,
                "runningTaskCount": running,
                "pendingTaskCount": pending,
            })
        });
        shown.insert("currentServiceRevisions".to_owned(), revisions.collect());
    }

    /// What `deployments[]` lists: the PRIMARY first, then the others, the newest first.
    fn listed(&self) -> Vec<(&Revision, &Entry)> {
        let all = self.revisions.iter().rev().filter_map(|one| Some((one, one.entry.as_ref()?)));
        let mut listed: Vec<(&Revision, &Entry)> = all.collect();
        listed.sort_by_key(|(_, entry)| entry.status != EntryStatus::Primary);
        listed
    }

    fn deployment(&self, revision: &Revision, entry: &Entry) -> Value {
        let (running, pending) = self.counts(Some(revision.number));
        let wants =
            if entry.rollout == RolloutState::Failed && entry.status != EntryStatus::Primary { 0 } else { entry.wants };
        let ended = entry.rollout == RolloutState::Failed && entry.status != EntryStatus::Primary;
        let only_ending = ended && running == 0 && self.has_ending(revision.number);
        let status = if only_ending { EntryStatus::Draining } else { entry.status };
        let mut shown = Map::new();
        for (name, value) in [
            ("id", json!(revision.deployment_id())),
            ("status", json!(status.wire())),
            ("desiredCount", json!(wants)),
            ("runningCount", json!(running)),
            ("pendingCount", json!(pending)),
            ("failedTasks", json!(entry.failed_tasks)),
            ("createdAt", json!(entry.created_at.seconds())),
            ("updatedAt", json!(entry.updated_at.seconds())),
        ] {
            shown.insert(name.to_owned(), value);
        }
        show_fixed(&mut shown, revision, &ON_DEPLOYMENT, PLATFORM);
        if !revision.has_classic_load_balancer() {
            shown.insert("rolloutState".to_owned(), json!(entry.rollout.wire()));
            shown.insert("rolloutStateReason".to_owned(), json!(entry.reason));
        }
        Value::Object(shown)
    }

    fn has_ending(&self, number: u64) -> bool {
        self.tasks.iter().any(|task| task.revision == number)
    }
}

/// The members that a revision fixes, with its task definition and how it is launched.
pub(in crate::world) fn show_fixed(
    shown: &mut Map<String, Value>,
    revision: &Revision,
    members: &[&str],
    platform: &str,
) {
    shown.insert("taskDefinition".to_owned(), json!(revision.shape.task_definition));
    for member in members {
        if let Some(value) = revision.spec.get(*member).filter(|value| !is_empty(member, value)) {
            shown.insert((*member).to_owned(), value.clone());
        }
    }
    if revision.providers().is_empty() {
        shown.insert("launchType".to_owned(), json!(revision.launch_type.wire()));
    }
    if revision.on_fargate() {
        let version = match revision.spec.get("platformVersion").and_then(Value::as_str) {
            None | Some("LATEST") => platform,
            Some(version) => version,
        };
        shown.insert("platformVersion".to_owned(), json!(version));
        shown.insert("platformFamily".to_owned(), json!(revision.shape.platform_family));
    }
}

/// Whether a member that was emptied is not shown at all.
fn is_empty(member: &str, value: &Value) -> bool {
    !matches!(member, "loadBalancers" | "serviceRegistries") && value.as_array().is_some_and(Vec::is_empty)
}
