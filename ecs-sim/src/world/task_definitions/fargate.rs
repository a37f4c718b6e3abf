//! What Fargate demands of a task definition ("Amazon ECS task definition differences for Fargate" and "Troubleshoot
//! task definition invalid CPU or memory errors", ECS developer guide).

use serde_json::Value;

use crate::world::{
    ApiError,
    input::{self, member},
};

/// Whether memory goes with CPU, both in Fargate's own units.
fn is_size(cpu: u64, memory: u64, windows: bool) -> bool {
    const GIB: u64 = 1024;
    let range =
        |from: u64, to: u64, step: u64| (from * GIB..=to * GIB).contains(&memory) && memory.is_multiple_of(step * GIB);
    match (cpu, windows) {
        (256, false) => [512, GIB, 2 * GIB].contains(&memory),
        (512, false) => range(1, 4, 1),
        (1024, _) => range(2, 8, 1),
        (2048, _) => range(4, 16, 1),
        (4096, _) => range(8, 30, 1),
        (8192, false) => range(16, 60, 4),
        (16384, false) => range(32, 120, 8),
        (32768, false) => [60 * GIB, 120 * GIB, 244 * GIB].contains(&memory),
        _ => false,
    }
}

/// The operating system family of the task, where it says one.
fn system(call: &Value) -> &str {
    call["runtimePlatform"]["operatingSystemFamily"].as_str().unwrap_or("LINUX")
}

/// Judges a task definition as one for Fargate.
pub(super) fn check(call: &Value, cpu: Option<u64>, memory: Option<u64>) -> Result<(), ApiError> {
    if input::text(call, "networkMode")? != Some("awsvpc") {
        return Err(ApiError::client("Fargate only supports network mode ‘awsvpc’."));
    }
    let required =
        |name: &str| ApiError::client(format!("Fargate requires that '{name}' be defined at the task level."));
    let cpu = cpu.ok_or_else(|| required("cpu"))?;
    let memory = memory.ok_or_else(|| required("memory"))?;
    if !is_size(cpu, memory, system(call) != "LINUX") {
        return Err(ApiError::client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS \
             documentation for the valid values."
        )));
    }
    if !input::list(call, "placementConstraints")?.is_empty() {
        return Err(unsupported("constraints"));
    }
    if member(call, "ipcMode").is_some() {
        return Err(unsupported("ipcMode"));
    }
    if input::text(call, "pidMode")?.is_some_and(|mode| mode != "task") {
        return Err(unsupported("pidMode"));
    }
    for volume in input::list(call, "volumes")? {
        if member(volume, "dockerVolumeConfiguration").is_some() {
            return Err(unsupported("dockerVolumeConfiguration"));
        }
        if volume["host"]["sourcePath"].is_string() {
            return Err(unsupported("sourcePath"));
        }
    }
    let has_role = member(call, "executionRoleArn").is_some();
    input::list(call, "containerDefinitions")?.iter().try_for_each(|container| check_container(container, has_role))
}

fn unsupported(what: &str) -> ApiError {
    ApiError::client(format!("Fargate compatible task definitions do not support {what}"))
}

fn check_container(container: &Value, has_role: bool) -> Result<(), ApiError> {
    for name in ["links", "dnsServers", "dnsSearchDomains", "extraHosts", "dockerSecurityOptions"] {
        if !input::list(container, name)?.is_empty() {
            return Err(unsupported(name));
        }
    }
    for name in ["privileged", "disableNetworking"] {
        if input::boolean(container, name)? == Some(true) {
            return Err(unsupported(name));
        }
    }
    check_linux(&container["linuxParameters"])?;
    if let Some(requirement) = input::list(container, "resourceRequirements")?.first() {
        return Err(unsupported(requirement["type"].as_str().unwrap_or("resourceRequirements")));
    }
    if input::integer(container, "stopTimeout")?.is_some_and(|seconds| seconds > 120) {
        return Err(ApiError::client(
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.",
        ));
    }
    let options = &container["firelensConfiguration"]["options"];
    if options["config-file-type"] == "s3" {
        return Err(ApiError::client(
            "Fargate launch type does not support FirelensConfiguration config file from 's3'",
        ));
    }
    check_role(container, has_role)?;
    let driver = &container["logConfiguration"]["logDriver"];
    match driver.as_str() {
        None | Some("awslogs" | "splunk" | "awsfirelens") => Ok(()),
        Some(driver) => Err(ApiError::client(format!(
            "{driver} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]"
        ))),
    }
}

fn check_linux(linux: &Value) -> Result<(), ApiError> {
    for name in ["devices", "sharedMemorySize", "maxSwap", "swappiness"] {
        let value = &linux[name];
        if !value.is_null() && value.as_array().is_none_or(|devices| !devices.is_empty()) {
            return Err(unsupported(name));
        }
    }
    let added = linux["capabilities"]["add"].as_array();
    match added.into_iter().flatten().find(|capability| *capability != "SYS_PTRACE") {
        Some(capability) => Err(unsupported(capability.as_str().unwrap_or("capabilities"))),
        None => Ok(()),
    }
}

fn check_role(container: &Value, has_role: bool) -> Result<(), ApiError> {
    if has_role {
        return Ok(());
    }
    let needed = |what: &str| {
        ApiError::client(format!("Fargate requires task definition to have execution role ARN to support {what}."))
    };
    if is_ecr(container["image"].as_str().unwrap_or_default()) {
        return Err(needed("ECR images"));
    }
    if container["logConfiguration"]["logDriver"] == "awslogs" {
        return Err(needed("log driver awslogs"));
    }
    Ok(())
}

/// Whether an image is in a private registry of ECR.
pub(super) fn is_ecr(image: &str) -> bool {
    image.split('/').next().is_some_and(|host| host.contains(".dkr.ecr.") && host.contains(".amazonaws.com"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut call = json!({
            "networkMode": "awsvpc", "executionRoleArn": "r", "containerDefinitions": [{ "name": "a", "image": "i" }],
        });
        change(&mut call);
        check(&call, Some(256), Some(512)).map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn the_size_is_one_of_the_table() {
        for (cpu, memory) in
            [(256, 2048), (512, 3072), (4096, 30720), (8192, 16384), (16384, 122_880), (32768, 249_856)]
        {
            assert!(is_size(cpu, memory, false), "{cpu} {memory}");
        }
        for (cpu, memory) in [(256, 4096), (512, 512), (1024, 2500), (8192, 17408), (16384, 33792), (128, 512)] {
            assert!(!is_size(cpu, memory, false), "{cpu} {memory}");
        }
        assert!(!is_size(512, 1024, true) && is_size(1024, 2048, true));
        let call = json!({ "networkMode": "awsvpc" });
        assert!(check(&call, Some(1024), Some(1024)).unwrap_err().message.contains("1024 CPU, 1024 memory."));
    }

    #[test]
    fn what_fargate_cannot_do_is_named() {
        assert_eq!(refusal(|_| {}), "");
        let container = |member: Value| {
            refusal(move |call| {
                let given = member.as_object().unwrap().clone();
                call["containerDefinitions"][0].as_object_mut().unwrap().extend(given);
            })
        };
        assert_eq!(
            refusal(|call| call["networkMode"] = json!("bridge")),
            "Fargate only supports network mode ‘awsvpc’."
        );
        let tail = |message: String| message.rsplit(' ').next().unwrap().to_owned();
        assert_eq!(tail(container(json!({ "privileged": true }))), "privileged");
        assert_eq!(tail(container(json!({ "linuxParameters": { "maxSwap": 5 } }))), "maxSwap");
        assert_eq!(tail(container(json!({ "linuxParameters": { "capabilities": { "add": ["KILL"] } } }))), "KILL");
        assert_eq!(container(json!({ "linuxParameters": { "tmpfs": [{ "containerPath": "/t", "size": 1 }] } })), "");
        assert!(
            container(json!({ "logConfiguration": { "logDriver": "syslog" } })).starts_with("syslog is not a valid")
        );
        let volume = json!([{ "name": "v", "host": { "sourcePath": "/x" } }]);
        assert_eq!(tail(refusal(|call| call["volumes"] = volume)), "sourcePath");
    }

    #[test]
    fn what_needs_an_execution_role_says_so() {
        let without = |container: Value| {
            refusal(move |call| {
                call.as_object_mut().unwrap().remove("executionRoleArn");
                call["containerDefinitions"] = json!([container]);
            })
        };
        let image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1";
        assert!(without(json!({ "image": image })).ends_with("to support ECR images."));
        let logs = json!({ "image": "i", "logConfiguration": { "logDriver": "awslogs" } });
        assert!(without(logs).ends_with("to support log driver awslogs."));
    }
}
