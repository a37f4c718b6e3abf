//! DescribeClusters, ListClusters, and how answers show a cluster.

use serde_json::{Value, json};

use super::{Cluster, ClusterStatus, attachments, name_of};
use crate::world::{ApiError, Cx, arn, capacity_providers::strategy, input, object, page, tags};

const INCLUDES: [&str; 5] = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];

pub(super) fn describe(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let mut named = input::texts(call, "clusters")?;
    if named.len() > 100 {
        return Err(ApiError::invalid("clusters can have at most 100 entries."));
    }
    if named.is_empty() {
        named.push("default");
    }
    let include = input::texts(call, "include")?;
    if include.iter().any(|one| !INCLUDES.contains(one)) {
        return Err(ApiError::invalid(format!("include should be one of [{}]", INCLUDES.join(","))));
    }
    let (mut found, mut failures) = (vec![], vec![]);
    let mut seen = vec![];
    for name in named.into_iter().map(|named| name_of(Some(named))) {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        match cx.region.clusters.get(name) {
            Some(cluster) => found.push(shown(cx, cluster, &include)),
            None => failures.push(json!({ "arn": arn::cluster(cx.caller, name), "reason": "MISSING" })),
        }
    }
    Ok(object([("clusters", found.into()), ("failures", failures.into())]))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let listed = cx.region.clusters.values().filter(|cluster| cluster.status(cx.now) != ClusterStatus::Inactive);
    let (names, token) = page::of(listed.map(|cluster| &cluster.name).collect(), call, 100, 100)?;
    let arns: Vec<String> = names.into_iter().map(|name| arn::cluster(cx.caller, name)).collect();
    let mut answer = json!({ "clusterArns": arns });
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    Ok(answer)
}

/// As the answer to a write shows it; the tags only where the write was of the whole cluster.
pub(super) fn written(cx: &Cx<'_>, cluster: &Cluster, with_tags: bool) -> Value {
    let include = if with_tags {
        ["CONFIGURATIONS", "SETTINGS", "ATTACHMENTS", "TAGS"].as_slice()
    } else {
        &["CONFIGURATIONS", "SETTINGS", "ATTACHMENTS"]
    };
    shown(cx, cluster, include)
}

/// What is not included is empty, or not there at all.
fn shown(cx: &Cx<'_>, cluster: &Cluster, include: &[&str]) -> Value {
    let included = |what: &str| include.contains(&what);
    let counts = super::counts(cx.region, &cluster.name);
    let mut shown = json!({
        "clusterArn": arn::cluster(cx.caller, &cluster.name),
        "clusterName": cluster.name,
        "status": cluster.status(cx.now).name(),
        "registeredContainerInstancesCount": counts.instances,
        "runningTasksCount": counts.running_tasks(),
        "pendingTasksCount": counts.pending_tasks(),
        "activeServicesCount": counts.active_services(),
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": strategy::shown(&cluster.default_strategy),
    });
    if included("SETTINGS") {
        shown["settings"] = json!([{ "name": "containerInsights", "value": cluster.container_insights }]);
    }
    if included("TAGS") {
        shown["tags"] = tags::shown(&cluster.tags);
    }
    if included("STATISTICS") {
        shown["statistics"] = counts.statistics();
    }
    if let Some(configuration) = cluster.configuration.as_ref().filter(|_| included("CONFIGURATIONS")) {
        shown["configuration"] = configuration.clone();
    }
    if included("ATTACHMENTS") {
        attachments::show(cluster, cluster.is_busy(cx.now), &mut shown);
    }
    if let Some(namespace) = &cluster.namespace {
        shown["serviceConnectDefaults"] = json!({ "namespace": namespace });
    }
    shown
}
