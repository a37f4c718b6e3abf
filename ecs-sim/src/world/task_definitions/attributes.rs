//! What ECS adds of its own to a task definition: what it is compatible with, and which attributes an instance must
//! have ("Amazon ECS container agent capabilities" and the RegisterTaskDefinition examples; observed by tools).

use serde_json::{Value, json};

use super::fargate;

/// Where the task definition may run. Not the same as `requiresCompatibilities`, which is where it must be able to.
pub(super) fn compatibilities(call: &Value, fits_fargate: bool) -> Vec<&'static str> {
    if call["networkMode"] != "awsvpc" {
        return vec!["EXTERNAL", "EC2"];
    }
    let windows = call["runtimePlatform"]["operatingSystemFamily"].as_str().is_some_and(|os| os != "LINUX");
    let managed = (!windows).then_some("MANAGED_INSTANCES");
    ["EC2"].into_iter().chain(managed).chain(fits_fargate.then_some("FARGATE")).collect()
}

/// The attributes, without twins.
pub(super) fn required(call: &Value) -> Value {
    const AGENT: &str = "com.amazonaws.ecs.capability.";
    let mut names: Vec<String> = vec![];
    let mut need = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for container in call["containerDefinitions"].as_array().into_iter().flatten() {
        if let Some(driver) = container["logConfiguration"]["logDriver"].as_str() {
            need(format!("{AGENT}logging-driver.{driver}"));
            need(format!("{AGENT}docker-remote-api.1.19"));
            if driver == "awslogs" && call["executionRoleArn"].is_string() {
                need("ecs.capability.execution-role-awslogs".into());
            }
        }
        if fargate::is_ecr(container["image"].as_str().unwrap_or_default()) {
            need(format!("{AGENT}ecr-auth"));
            if call["executionRoleArn"].is_string() {
                need("ecs.capability.execution-role-ecr-pull".into());
            }
        }
        if container["privileged"] == true {
            need(format!("{AGENT}privileged-container"));
        }
        if !container["healthCheck"].is_null() {
            need("ecs.capability.container-health-check".into());
        }
        if ["dependsOn", "startTimeout", "stopTimeout"].iter().any(|name| !container[*name].is_null()) {
            need("ecs.capability.container-ordering".into());
        }
        for secret in container["secrets"].as_array().into_iter().flatten() {
            let manager = secret["valueFrom"].as_str().is_some_and(|from| from.contains(":secretsmanager:"));
            let source = if manager { "asm.environment-variables" } else { "ssm.environment-variables" };
            need(format!("ecs.capability.secrets.{source}"));
        }
    }
    if call["taskRoleArn"].is_string() {
        need(format!("{AGENT}task-iam-role"));
    }
    if call["networkMode"] == "awsvpc" {
        need(format!("{AGENT}docker-remote-api.1.18"));
        need("ecs.capability.task-eni".into());
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibilities_follow_from_the_network_mode_and_the_size() {
        let awsvpc = json!({ "networkMode": "awsvpc" });
        assert_eq!(compatibilities(&json!({}), false), ["EXTERNAL", "EC2"]);
        assert_eq!(compatibilities(&awsvpc, true), ["EC2", "MANAGED_INSTANCES", "FARGATE"]);
        assert_eq!(compatibilities(&awsvpc, false), ["EC2", "MANAGED_INSTANCES"]);
    }

    #[test]
    fn attributes_are_named_once() {
        let logs = json!({ "logConfiguration": { "logDriver": "awslogs" } });
        let call = json!({ "networkMode": "awsvpc", "containerDefinitions": [logs, logs] });
        assert_eq!(required(&call).as_array().unwrap().len(), 4);
    }
}
