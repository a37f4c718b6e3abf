//! CreateCapacityProvider.

use serde_json::{Map, Value, json};

use super::{CHANGE, CapacityProvider, Change, ProviderKind};
use crate::world::{
    ApiError, Cx, clusters,
    input::{self, member},
    tags,
};

pub(super) fn create(cx: &mut Cx<'_>, call: &Value) -> Result<Value, ApiError> {
    let name = input::required_text(call, "name")?;
    check_name(name)?;
    let tags = tags::read(call, "InvalidParameterException")?;
    let group = input::object(call, "autoScalingGroupProvider")?;
    let managed = input::object(call, "managedInstancesProvider")?;
    let cluster = input::text(call, "cluster")?;
    let (kind, settings, cluster) = match (group, managed, cluster) {
        (Some(_), None, None) => (ProviderKind::AutoScalingGroup, group_settings(call)?, None),
        (Some(_), None, Some(_)) => {
            return Err(ApiError::invalid("cluster is not valid for a capacity provider with an Auto Scaling group."));
        }
        (None, Some(_), Some(named)) => {
            let cluster = clusters::active(cx, Some(named))?.name.clone();
            (ProviderKind::ManagedInstances, managed_settings(&call["managedInstancesProvider"])?, Some(cluster))
        }
        (None, Some(_), None) => {
            return Err(ApiError::invalid("cluster is required for a capacity provider with Managed Instances."));
        }
        _ => {
            return Err(ApiError::invalid(
                "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.",
            ));
        }
    };
    if cx.region.capacity_providers.get(name).is_some_and(|one| !one.is_inactive(cx.now)) {
        return Err(ApiError::client(
            "The specified capacity provider already exists. To change the configuration of an existing capacity \
             provider, update the capacity provider.",
        ));
    }
    // An Auto Scaling group is only looked at, Managed Instances are set up.
    let change = (kind == ProviderKind::ManagedInstances).then_some((Change::Create, cx.now + CHANGE));
    let provider = CapacityProvider { name: name.into(), kind, cluster, tags, settings, change };
    let shown = provider.shown(cx.caller, cx.now, true);
    cx.region.capacity_providers.insert(name.into(), provider);
    Ok(json!({ "capacityProvider": shown }))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let lower = name.to_ascii_lowercase();
    if !legal || name.len() > 255 || ["aws", "ecs", "fargate"].iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(ApiError::invalid(
            "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters \
             (upper and lowercase), numbers, underscores, and hyphens. The name can't be prefixed with \"aws\", \
             \"ecs\", or \"fargate\". Specify a valid name and try again.",
        ));
    }
    Ok(())
}

/// The block with its defaults.
fn group_settings(call: &Value) -> Result<Value, ApiError> {
    let group = &call["autoScalingGroupProvider"];
    input::required_text(group, "autoScalingGroupArn")?;
    let mut settings = json!({
        "managedScaling": {
            "status": "DISABLED", "targetCapacity": 100, "minimumScalingStepSize": 1, "maximumScalingStepSize": 10000,
            "instanceWarmupPeriod": 300,
        },
        "managedTerminationProtection": "DISABLED",
        "managedDraining": "ENABLED",
    });
    merge(&mut settings, group);
    check_group(&settings)?;
    Ok(settings)
}

/// Writes the members of one block over those of another; what is left out stays.
pub(super) fn merge(settings: &mut Value, change: &Value) {
    let (Some(settings), Some(change)) = (settings.as_object_mut(), change.as_object()) else { return };
    for (name, value) in change.iter().filter(|(_, value)| !value.is_null()) {
        if name == "managedScaling" && settings.contains_key(name) {
            let scaling = settings.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
            merge(scaling, value);
        } else {
            settings.insert(name.clone(), value.clone());
        }
    }
}

pub(super) fn check_group(settings: &Value) -> Result<(), ApiError> {
    let scaling = &settings["managedScaling"];
    for (name, range) in [
        ("targetCapacity", 1..=100),
        ("minimumScalingStepSize", 1..=10000),
        ("maximumScalingStepSize", 1..=10000),
        ("instanceWarmupPeriod", 0..=10000),
    ] {
        if !range.contains(&input::integer(scaling, name)?.unwrap_or_default()) {
            return Err(ApiError::invalid(format!(
                "The managed scaling {name} is invalid. It must be between {} and {}.",
                range.start(),
                range.end()
            )));
        }
    }
    if settings["managedTerminationProtection"] == "ENABLED" && scaling["status"] != "ENABLED" {
        return Err(ApiError::client(
            "The managed termination protection setting for the capacity provider is invalid. To enable managed \
             termination protection for a capacity provider, managed scaling must be enabled.",
        ));
    }
    Ok(())
}

pub(super) fn managed_settings(managed: &Value) -> Result<Value, ApiError> {
    input::required_text(managed, "infrastructureRoleArn")?;
    let template = member(managed, "instanceLaunchTemplate")
        .ok_or_else(|| ApiError::invalid("InstanceLaunchTemplate cannot be null or empty."))?;
    input::required_text(template, "ec2InstanceProfileArn")?;
    let mut settings = managed.clone();
    if member(template, "capacityOptionType").is_none() {
        settings["instanceLaunchTemplate"]["capacityOptionType"] = json!("ON_DEMAND");
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Ecs;

    fn group(name: &str) -> Value {
        let arn = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:x:autoScalingGroupName/nodes";
        json!({ "name": name, "autoScalingGroupProvider": { "autoScalingGroupArn": arn } })
    }

    #[test]
    fn defaults_are_filled_and_an_update_keeps_what_it_leaves_out() {
        let mut ecs = Ecs::new();
        let made = ecs.answer("CreateCapacityProvider", &group("nodes"))["capacityProvider"].clone();
        assert_eq!((&made["status"], &made["updateStatus"]), (&json!("ACTIVE"), &Value::Null));
        assert_eq!(made["autoScalingGroupProvider"]["managedDraining"], "ENABLED");
        let scaling = json!({ "status": "ENABLED", "targetCapacity": 80 });
        let change = json!({ "name": "nodes", "autoScalingGroupProvider": { "managedScaling": scaling } });
        let updated = ecs.answer("UpdateCapacityProvider", &change)["capacityProvider"].clone();
        assert_eq!(updated["updateStatus"], "UPDATE_IN_PROGRESS");
        assert_eq!(ecs.refusal("UpdateCapacityProvider", &change).code, "UpdateInProgressException");
        ecs.pass(5);
        let shown = ecs.answer("DescribeCapacityProviders", &json!({ "capacityProviders": ["nodes"] }));
        let shown = &shown["capacityProviders"][0];
        assert_eq!(shown["updateStatus"], "UPDATE_COMPLETE");
        assert_eq!(shown["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"], 80);
        assert_eq!(shown["autoScalingGroupProvider"]["managedScaling"]["instanceWarmupPeriod"], 300);
    }

    #[test]
    fn a_deleted_provider_ends_inactive_and_its_name_is_free_again() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCapacityProvider", &group("nodes"));
        assert!(ecs.refusal("CreateCapacityProvider", &group("nodes")).message.contains("already exists"));
        let deleted = ecs.answer("DeleteCapacityProvider", &json!({ "capacityProvider": "nodes" }));
        assert_eq!(deleted["capacityProvider"]["updateStatus"], "DELETE_IN_PROGRESS");
        ecs.pass(5);
        let named = ecs.answer("DescribeCapacityProviders", &json!({ "capacityProviders": ["nodes", "x"] }));
        assert_eq!(named["capacityProviders"][0]["status"], "INACTIVE");
        assert_eq!(named["failures"][0]["reason"], "MISSING");
        let all = ecs.answer("DescribeCapacityProviders", &json!({}));
        let left: Vec<_> = all["capacityProviders"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(left, ["FARGATE", "FARGATE_SPOT"]);
        ecs.answer("CreateCapacityProvider", &group("nodes"));
        for reserved in ["FARGATE", "nothing"] {
            let refusal = ecs.refusal("DeleteCapacityProvider", &json!({ "capacityProvider": reserved }));
            assert_eq!(refusal.code, "ClientException");
        }
    }

    #[test]
    fn pages_have_ten_providers() {
        let mut ecs = Ecs::new();
        for number in 0..10 {
            ecs.answer("CreateCapacityProvider", &group(&format!("nodes-{number}")));
        }
        let first = ecs.answer("DescribeCapacityProviders", &json!({}));
        assert_eq!(first["capacityProviders"].as_array().unwrap().len(), 10);
        let rest = ecs.answer("DescribeCapacityProviders", &json!({ "nextToken": first["nextToken"] }));
        assert_eq!(rest["capacityProviders"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn managed_instances_belong_to_a_cluster_and_take_a_while() {
        let mut ecs = Ecs::new();
        ecs.answer("CreateCluster", &json!({}));
        let template =
            json!({ "ec2InstanceProfileArn": "arn:aws:iam::1:instance-profile/x", "networkConfiguration": {} });
        let managed = json!({ "infrastructureRoleArn": "arn:aws:iam::1:role/x", "instanceLaunchTemplate": template });
        let mut call = json!({ "name": "managed", "managedInstancesProvider": managed });
        assert!(ecs.refusal("CreateCapacityProvider", &call).message.contains("cluster is required"));
        call["cluster"] = json!("default");
        let made = ecs.answer("CreateCapacityProvider", &call)["capacityProvider"].clone();
        assert_eq!((&made["status"], &made["updateStatus"]), (&json!("PROVISIONING"), &json!("CREATE_IN_PROGRESS")));
        let held = ecs.refusal("DeleteCluster", &json!({ "cluster": "default" }));
        assert_eq!(held.code, "ClusterContainsCapacityProviderException");
    }

    #[test]
    fn names_and_settings_are_judged() {
        let mut ecs = Ecs::new();
        for name in ["fargate-x", "ECS", "a b"] {
            assert!(ecs.refusal("CreateCapacityProvider", &group(name)).message.contains("name is invalid"), "{name}");
        }
        let mut call = group("nodes");
        call["autoScalingGroupProvider"]["managedTerminationProtection"] = json!("ENABLED");
        assert!(ecs.refusal("CreateCapacityProvider", &call).message.contains("managed scaling must be enabled"));
        call["autoScalingGroupProvider"]["managedScaling"] = json!({ "targetCapacity": 101 });
        assert!(ecs.refusal("CreateCapacityProvider", &call).message.contains("targetCapacity"));
    }
}
