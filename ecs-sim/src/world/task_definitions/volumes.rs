//! The volumes of a task definition and what mounts them (RegisterTaskDefinition API reference).

use serde_json::Value;

use crate::world::{
    ApiError,
    input::{self, member},
};

const KINDS: [&str; 5] = [
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
];

/// Judges the volumes, and the mount points of all containers against them.
pub(super) fn check(call: &Value) -> Result<(), ApiError> {
    let volumes = input::list(call, "volumes")?;
    let mut names = vec![];
    let mut at_launch = 0;
    for volume in volumes {
        let name = input::text(volume, "name")?.unwrap_or_default();
        if !super::register::is_name(name) {
            return Err(ApiError::client(
                "Volume name should not be null or empty, and contain only legal characters.",
            ));
        }
        if names.contains(&name) {
            return Err(ApiError::client(format!("Duplicate volume name '{name}'.")));
        }
        names.push(name);
        let launch = input::boolean(volume, "configuredAtLaunch")? == Some(true);
        at_launch += usize::from(launch);
        let kinds = KINDS.iter().filter(|kind| member(volume, kind).is_some()).count() + usize::from(launch);
        if kinds > 1 {
            return Err(ApiError::client(
                "When the volume parameter is specified, only one volume configuration type should be used.",
            ));
        }
        check_efs(&volume["efsVolumeConfiguration"])?;
        if member(volume, "s3filesVolumeConfiguration").is_some() && member(call, "taskRoleArn").is_none() {
            return Err(ApiError::client("S3 Files volumes require a task role."));
        }
    }
    if at_launch > 1 {
        return Err(ApiError::client("A task definition can have at most one volume that is configured at launch."));
    }
    let containers = input::list(call, "containerDefinitions")?;
    containers.iter().try_for_each(|container| check_mounts(container, &names, containers))
}

fn check_efs(efs: &Value) -> Result<(), ApiError> {
    if efs.is_null() {
        return Ok(());
    }
    if efs["fileSystemId"].as_str().is_none_or(str::is_empty) {
        return Err(ApiError::client("fileSystemId is required for EFS volumes."));
    }
    let access_point = &efs["authorizationConfig"]["accessPointId"];
    let authorized = access_point.is_string() || efs["authorizationConfig"]["iam"] == "ENABLED";
    if authorized && efs["transitEncryption"] != "ENABLED" {
        return Err(ApiError::client(
            "EFS volumes with an access point or IAM authorization require transit encryption to be enabled.",
        ));
    }
    if access_point.is_string() && efs["rootDirectory"].as_str().is_some_and(|root| root != "/") {
        return Err(ApiError::client("The root directory must be absent or / when an EFS access point is given."));
    }
    Ok(())
}

fn check_mounts(container: &Value, volumes: &[&str], containers: &[Value]) -> Result<(), ApiError> {
    for mount in input::list(container, "mountPoints")? {
        let volume = input::text(mount, "sourceVolume")?.unwrap_or_default();
        if !volumes.contains(&volume) {
            return Err(ApiError::client(format!("Unknown volume '{volume}'.")));
        }
    }
    for from in input::list(container, "volumesFrom")? {
        let source = input::text(from, "sourceContainer")?.unwrap_or_default();
        if !containers.iter().any(|container| container["name"] == source) {
            return Err(ApiError::client(format!("Unknown container '{source}' in volumesFrom.")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(call: &Value) -> String {
        check(call).map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn mounts_name_volumes_that_are_there() {
        let container = json!({ "name": "a", "mountPoints": [{ "sourceVolume": "data", "containerPath": "/d" }] });
        assert_eq!(refusal(&json!({ "containerDefinitions": [container] })), "Unknown volume 'data'.");
        assert_eq!(refusal(&json!({ "containerDefinitions": [container], "volumes": [{ "name": "data" }] })), "");
        let from = json!({ "name": "b", "volumesFrom": [{ "sourceContainer": "x" }] });
        assert!(refusal(&json!({ "containerDefinitions": [from] })).starts_with("Unknown container 'x'"));
    }

    #[test]
    fn a_volume_is_of_one_kind_and_efs_access_points_want_encryption() {
        let both = json!([{ "name": "v", "host": {}, "configuredAtLaunch": true }]);
        assert!(refusal(&json!({ "volumes": both })).contains("only one volume configuration type"));
        let efs = |more: Value| {
            let mut efs = json!({ "fileSystemId": "fs-1", "authorizationConfig": { "accessPointId": "fsap-1" } });
            efs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            refusal(&json!({ "volumes": [{ "name": "v", "efsVolumeConfiguration": efs }] }))
        };
        assert!(efs(json!({})).contains("transit encryption"));
        assert_eq!(efs(json!({ "transitEncryption": "ENABLED" })), "");
        assert!(efs(json!({ "transitEncryption": "ENABLED", "rootDirectory": "/x" })).contains("root directory"));
    }
}
