//! UpdateCluster, UpdateClusterSettings and PutClusterCapacityProviders.

use serde_json::{Value, json};

use super::{Cluster, active_mut, attachments, create, describe, find, uses_capacity_provider};
use crate::world::{
    ApiError, Cx,
    capacity_providers::strategy,
    input::{self, member},
};

/// Each block is replaced whole, and what is absent stays.
pub(super) fn update(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let named = input::required_text(call, "cluster")?;
    let settings = create::read_settings(call)?;
    let configuration = create::read_configuration(call)?;
    let namespace = create::read_namespace(cx.caller, call)?;
    let cluster = active_mut(cx, Some(named))?;
    if let Some(insights) = settings {
        cluster.container_insights = insights;
    }
    if configuration.is_some() {
        cluster.configuration = configuration;
    }
    let mut cluster = cluster.clone();
    if let Some(namespace) = namespace {
        // An empty name takes the default away (UpdateCluster API reference).
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        if namespace != cluster.namespace {
            cluster.namespace = namespace;
            attachments::begin(cx, &mut cluster);
        }
    }
    Ok(store(cx, cluster))
}

pub(super) fn update_settings(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let named = input::required_text(call, "cluster")?;
    let settings = create::read_settings(call)?;
    let now = cx.now;
    let cluster = active_mut(cx, Some(named))?;
    cluster.check_not_busy(now)?;
    if let Some(insights) = settings {
        cluster.container_insights = insights;
    }
    let cluster = cluster.clone();
    Ok(store(cx, cluster))
}

/// Replaces both lists.
pub(super) fn put_capacity_providers(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let named = input::required_text(call, "cluster")?;
    for (name, label) in [
        ("capacityProviders", "Capacity providers"),
        ("defaultCapacityProviderStrategy", "Default capacity provider strategy"),
    ] {
        if member(call, name).is_none() {
            return Err(ApiError::invalid(format!("{label} cannot be null.")));
        }
    }
    find(cx, Some(named))?.check_not_busy(cx.now)?;
    let mut cluster = active_mut(cx, Some(named))?.clone();
    let mut providers = create::read_providers(cx.region, call)?;
    let strategy = strategy::read(cx.region, call, "defaultCapacityProviderStrategy")?;
    create::check_strategy(&providers, &strategy)?;
    let is_held = |old: &String| !providers.contains(old) && uses_capacity_provider(cx.region, &cluster.name, old);
    if cluster.capacity_providers.iter().any(is_held) {
        return Err(ApiError::refused(
            "ResourceInUseException",
            "The specified capacity provider is in use and cannot be removed.",
        ));
    }
    cx.region.random.shuffle(&mut providers);
    cluster.capacity_providers = providers;
    cluster.default_strategy = strategy;
    attachments::begin(cx, &mut cluster);
    Ok(store(cx, cluster))
}

fn store(cx: &mut Cx<'_>, cluster: Cluster) -> Value {
    let shown = describe::written(cx, &cluster, false);
    cx.region.clusters.insert(cluster.name.clone(), cluster);
    json!({ "cluster": shown })
}
