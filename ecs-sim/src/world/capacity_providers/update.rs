//! UpdateCapacityProvider and DeleteCapacityProvider.

use serde_json::{Value, json};

use super::{BUILT_IN, CHANGE, CapacityProvider, Change, ProviderKind, create};
use crate::world::{ApiError, Cx, arn, clusters, input};

/// The provider of that name, which must not have been deleted nor be in the middle of a change.
fn settled<'a>(cx: &'a mut Cx<'_>, name: &str) -> Result<&'a mut CapacityProvider, ApiError> {
    if BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
        return Err(ApiError::client("The specified capacity provider is reserved and cannot be changed or deleted."));
    }
    let now = cx.now;
    let found = cx.region.capacity_providers.get_mut(name).filter(|one| !one.is_inactive(now)).ok_or_else(|| {
        ApiError::client("The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
    })?;
    if found.change.is_some_and(|(_, until)| now < until) {
        return Err(ApiError::refused(
            "UpdateInProgressException",
            "The specified capacity provider is being changed. Wait until the change is complete and try again.",
        ));
    }
    Ok(found)
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = arn::name(input::required_text(call, "name")?).to_owned();
    let (caller, now) = (cx.caller, cx.now);
    let provider = settled(cx, &name)?;
    let settings = if provider.kind == ProviderKind::ManagedInstances {
        create::managed_settings(&call["managedInstancesProvider"])?
    } else {
        let change = input::object(call, "autoScalingGroupProvider")?
            .ok_or_else(|| ApiError::invalid("AutoScalingGroupProvider cannot be null or empty."))?;
        let mut settings = provider.settings.clone();
        create::merge(&mut settings, &Value::Object(change.clone()));
        // The group is for ever.
        settings["autoScalingGroupArn"] = provider.settings["autoScalingGroupArn"].clone();
        create::check_group(&settings)?;
        settings
    };
    provider.settings = settings;
    provider.change = Some((Change::Update, now + CHANGE));
    Ok(json!({ "capacityProvider": provider.shown(caller, now, false) }))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = arn::name(input::required_text(call, "capacityProvider")?).to_owned();
    let (caller, now) = (cx.caller, cx.now);
    let cluster = settled(cx, &name)?.cluster.clone();
    if cluster.is_some_and(|cluster| clusters::uses_capacity_provider(cx.region, &cluster, &name)) {
        return Err(ApiError::client("The specified capacity provider is in use and cannot be removed."));
    }
    let holder = cx.region.clusters.values().find(|cluster| cluster.capacity_providers.contains(&name));
    if let Some(cluster) = holder {
        return Err(ApiError::client(format!(
            "The capacity provider cannot be deleted because it is associated with cluster: {}. Remove the capacity \
             provider from the cluster and try again.",
            cluster.name
        )));
    }
    let provider = settled(cx, &name)?;
    provider.change = Some((Change::Delete, now + CHANGE));
    Ok(json!({ "capacityProvider": provider.shown(caller, now, false) }))
}
