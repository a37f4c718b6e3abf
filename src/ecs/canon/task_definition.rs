//! The canonical form of a task definition: RegisterTaskDefinition's members.

use std::sync::LazyLock;

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use serde_json::{Value, json};

use super::{
    Level::{Default, Fill, RoleName, Set},
    Rule, each, level,
    quantity::quantity,
    remove, rule, text_at,
};
use crate::ecs::shapes::{ShapeError, sdk_from_json, sdk_to_json};

/// A task definition as users write it, or as DescribeTaskDefinition shows it, in canonical form.
///
/// What only ECS writes (ARN, revision, status, compatibilities, ...) is no member of the input and falls away.
/// `family` is dropped because it is the object's name, which never changes, and `tags` because they change
/// without a new revision.
pub fn task_definition(json: &Value) -> Result<Value, ShapeError> {
    let mut written = json.clone();
    for name in ["cpu", "memory"] {
        if let Some(value) = written.get_mut(name) {
            *value = quantity(value);
        }
    }
    let mut tree = sdk_to_json(&sdk_from_json(&written, RegisterTaskDefinitionInput::deserialize)?)?;
    remove(&mut tree, "family");
    remove(&mut tree, "tags");
    host_ports(&mut tree);
    platform(&mut tree);
    bridge(&mut tree);
    level(&mut tree, &TASK_DEFINITION_RULES);
    Ok(tree)
}

/// `hostPort`: where the container has the host's or its own network interface, ECS fills in `containerPort`;
/// elsewhere 0, which means a port of ECS's choice, as absence does.
fn host_ports(tree: &mut Value) {
    let one_network = matches!(text_at(tree, "networkMode"), Some("awsvpc" | "host"));
    for port in each(tree, "containerDefinitions").flat_map(|container| each(container, "portMappings")) {
        let same_port = one_network && port.get("hostPort") == port.get("containerPort");
        if same_port || port.get("hostPort") == Some(&json!(0)) {
            remove(port, "hostPort");
        }
    }
}

/// `runtimePlatform`: Fargate's default is Linux on x86_64; wherever an architecture is given without a system, ECS
/// fills in LINUX. On instances alone the two are constraints on placement, and absence is not the same.
fn platform(tree: &mut Value) {
    let fargate = asks_for(tree, "FARGATE");
    let Some(platform) = tree.get_mut("runtimePlatform") else { return };
    let with_architecture = platform.get("cpuArchitecture").is_some();
    if (fargate || with_architecture) && text_at(platform, "operatingSystemFamily") == Some("LINUX") {
        remove(platform, "operatingSystemFamily");
    }
    if fargate && text_at(platform, "cpuArchitecture") == Some("X86_64") {
        remove(platform, "cpuArchitecture");
    }
}

/// `networkMode`: absent means bridge on EC2 and external instances, and stays absent in the echo.
fn bridge(tree: &mut Value) {
    let instances = !asks_for(tree, "FARGATE") && !asks_for(tree, "MANAGED_INSTANCES");
    if instances && text_at(tree, "networkMode") == Some("bridge") {
        remove(tree, "networkMode");
    }
}

fn asks_for(tree: &Value, compatibility: &str) -> bool {
    let all = tree.get("requiresCompatibilities").and_then(Value::as_array);
    all.is_some_and(|all| all.iter().any(|one| one == compatibility))
}

/// What ECS echoes otherwise than it was sent, place by place.
#[rustfmt::skip]
pub static TASK_DEFINITION_RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| vec![
    // The task.
    rule("taskRoleArn", RoleName, "a name is accepted and completed to an ARN"),
    rule("taskRoleArn", Default(json!("")), "MiniStack echoes an empty text for none"),
    rule("executionRoleArn", RoleName, "a name is accepted and completed to an ARN"),
    rule("executionRoleArn", Default(json!("")), "MiniStack echoes an empty text for none"),
    rule("pidMode", Default(json!("")), "MiniStack echoes an empty text for none"),
    rule("ipcMode", Default(json!("")), "MiniStack echoes an empty text for none"),
    rule("requiresCompatibilities", Set(&[]), "a set"),
    rule("placementConstraints", Set(&["type", "expression"]), "all must hold: a set"),
    rule("enableFaultInjection", Default(json!(false)), "false unless sent"),
    rule("proxyConfiguration.type", Default(json!("APPMESH")), "the only type, filled in"),
    rule("proxyConfiguration.properties", Set(&["name"]), "echoed in any order"),
    rule("inferenceAccelerators", Set(&["deviceName"]), "referred to by name: a set"),
    // Volumes.
    rule("volumes", Set(&["name"]), "echoed in any order"),
    rule("volumes[].configuredAtLaunch", Default(json!(false)), "filled in"),
    rule("volumes[].dockerVolumeConfiguration.driver", Fill(json!("local")), "Docker's default; an empty block is still a Docker volume"),
    rule("volumes[].dockerVolumeConfiguration.scope", Fill(json!("task")), "ECS's default; an empty block is still a Docker volume"),
    rule("volumes[].dockerVolumeConfiguration.autoprovision", Default(json!(false)), "filled in"),
    rule("volumes[].efsVolumeConfiguration.rootDirectory", Default(json!("/")), "the root is the default"),
    rule("volumes[].efsVolumeConfiguration.transitEncryption", Default(json!("DISABLED")), "off unless sent"),
    rule("volumes[].efsVolumeConfiguration.transitEncryptionPort", Default(json!(0)), "0: a port of the mount helper's choice"),
    rule("volumes[].efsVolumeConfiguration.authorizationConfig.iam", Default(json!("DISABLED")), "off unless sent"),
    rule("volumes[].s3filesVolumeConfiguration.rootDirectory", Default(json!("/")), "the root is the default"),
    rule("volumes[].s3filesVolumeConfiguration.transitEncryptionPort", Default(json!(0)), "0: a port of the mount helper's choice"),
    // Containers. Lists without a row keep their order, in ECS as here: command, entryPoint, environmentFiles,
    // dnsServers, dnsSearchDomains, extraHosts, dockerSecurityOptions, systemControls, capabilities, mountOptions.
    rule("containerDefinitions", Set(&["name"]), "echoed in any order"),
    rule("containerDefinitions[].cpu", Default(json!(0)), "0 is filled in"),
    rule("containerDefinitions[].essential", Default(json!(true)), "true is filled in"),
    rule("containerDefinitions[].links", Set(&[]), "echoed sorted"),
    rule("containerDefinitions[].versionConsistency", Default(json!("enabled")), "on unless sent, echoed or not"),
    rule("containerDefinitions[].disableNetworking", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].privileged", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].readonlyRootFilesystem", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].interactive", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].pseudoTerminal", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].portMappings", Set(&["containerPort", "protocol", "name"]), "echoed in any order"),
    rule("containerDefinitions[].portMappings[].protocol", Default(json!("tcp")), "filled in"),
    rule("containerDefinitions[].environment", Set(&["name"]), "echoed in any order"),
    rule("containerDefinitions[].secrets", Set(&["name"]), "echoed in any order"),
    rule("containerDefinitions[].mountPoints", Set(&["containerPath"]), "one volume a path: a set"),
    rule("containerDefinitions[].mountPoints[].readOnly", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].volumesFrom", Set(&["sourceContainer"]), "echoed in any order"),
    rule("containerDefinitions[].volumesFrom[].readOnly", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].dependsOn", Set(&["containerName", "condition"]), "all must hold: a set"),
    rule("containerDefinitions[].ulimits", Set(&["name"]), "echoed in any order"),
    rule("containerDefinitions[].resourceRequirements", Set(&["type", "value"]), "one a type: a set"),
    rule("containerDefinitions[].resourceRequirements[].value", Default(json!("")), "the SDK writes an empty text beside a sharing strategy"),
    rule("containerDefinitions[].restartPolicy.enabled", Default(json!(false)), "no policy and one that is off are the same"),
    rule("containerDefinitions[].restartPolicy.ignoredExitCodes", Set(&[]), "a set"),
    rule("containerDefinitions[].restartPolicy.restartAttemptPeriod", Default(json!(300)), "ECS's default"),
    rule("containerDefinitions[].healthCheck.interval", Default(json!(30)), "filled in"),
    rule("containerDefinitions[].healthCheck.timeout", Default(json!(5)), "filled in"),
    rule("containerDefinitions[].healthCheck.retries", Default(json!(3)), "filled in"),
    rule("containerDefinitions[].logConfiguration.secretOptions", Set(&["name"]), "named: a set"),
    rule("containerDefinitions[].linuxParameters.initProcessEnabled", Default(json!(false)), "false unless sent"),
    rule("containerDefinitions[].linuxParameters.devices", Set(&["hostPath", "containerPath"]), "one a path: a set"),
    rule("containerDefinitions[].linuxParameters.devices[].permissions", Set(&[]), "a set"),
    rule("containerDefinitions[].linuxParameters.tmpfs", Set(&["containerPath"]), "one a path: a set"),
]);
