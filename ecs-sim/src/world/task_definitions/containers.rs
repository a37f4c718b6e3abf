//! What ECS demands of container definitions, whatever they run on (ContainerDefinition API reference; the messages as
//! observed by tools).

use serde_json::Value;

use super::register::is_name;
use crate::world::{
    ApiError,
    input::{self, member},
};

const MOST: usize = 10;

/// Judges all containers of a task definition.
pub(super) fn check(call: &Value, task_memory: Option<u64>) -> Result<(), ApiError> {
    let containers = input::list(call, "containerDefinitions")?;
    if containers.is_empty() {
        return Err(ApiError::client("Container list cannot be empty."));
    }
    if containers.len() > MOST {
        return Err(ApiError::client(format!("A task definition can contain at most {MOST} containers.")));
    }
    let mut names = vec![];
    for container in containers {
        let name = input::text(container, "name")?.unwrap_or_default();
        if name.is_empty() {
            return Err(ApiError::client("Container.name should not be null or empty."));
        }
        if !is_name(name) {
            return Err(ApiError::client("Container.name contains invalid characters."));
        }
        if names.contains(&name) {
            return Err(ApiError::client("Container names must be unique."));
        }
        names.push(name);
    }
    if !containers.iter().any(is_essential) {
        return Err(ApiError::client("Task definition doesn't have any essential container."));
    }
    let mode = input::text(call, "networkMode")?;
    for (container, name) in containers.iter().zip(names) {
        check_one(container, name, task_memory)?;
        check_network(container, name, mode)?;
        check_environment(container, member(call, "executionRoleArn").is_some())?;
    }
    check_dependencies(containers)
}

fn is_essential(container: &Value) -> bool {
    container["essential"] != false
}

fn check_one(container: &Value, name: &str, task_memory: Option<u64>) -> Result<(), ApiError> {
    let image = input::text(container, "image")?.unwrap_or_default();
    if image.is_empty() {
        return Err(ApiError::client("Container.image should not be null or empty."));
    }
    if image.len() > 255 || image.contains(|letter: char| letter.is_whitespace() || letter == '$') {
        return Err(ApiError::client("Container.image contains invalid characters."));
    }
    input::boolean(container, "essential")?;
    if input::integer(container, "cpu")?.is_some_and(|cpu| cpu < 0) {
        return Err(ApiError::client("Container cpu must be non-negative."));
    }
    let setting = |problem: &str| ApiError::client(format!("Invalid setting for container '{name}'. {problem}"));
    let (hard, soft) = (input::integer(container, "memory")?, input::integer(container, "memoryReservation")?);
    if task_memory.is_none() && hard.is_none() && soft.is_none() {
        return Err(setting("At least one of 'memory' or 'memoryReservation' must be specified."));
    }
    if hard.into_iter().chain(soft).any(|memory| memory < 6) {
        return Err(setting("'memory' and 'memoryReservation' must be at least 6."));
    }
    if hard.zip(soft).is_some_and(|(hard, soft)| hard < soft) {
        return Err(setting("'memory' must be greater than or equal to 'memoryReservation'."));
    }
    for (member, kind) in [("startTimeout", "start"), ("stopTimeout", "stop")] {
        if input::integer(container, member)?.is_some_and(|seconds| seconds < 2) {
            return Err(ApiError::client(format!(
                "Granular {kind} timeout on container '{name}' must be at least 2 seconds."
            )));
        }
    }
    check_health(&container["healthCheck"])?;
    check_logs(&container["logConfiguration"])
}

fn check_health(health: &Value) -> Result<(), ApiError> {
    if health.is_null() {
        return Ok(());
    }
    let command = input::texts(health, "command")?;
    if command.len() < 2 || !["CMD", "CMD-SHELL"].contains(&command[0]) {
        return Err(ApiError::client("Health check command must start with CMD or CMD-SHELL."));
    }
    let limits = [("interval", 5..=300), ("timeout", 2..=60), ("retries", 1..=10), ("startPeriod", 0..=300)];
    for (name, range) in limits {
        if input::integer(health, name)?.is_some_and(|value| !range.contains(&value)) {
            return Err(ApiError::client("Invalid health check configuration."));
        }
    }
    Ok(())
}

fn check_logs(logs: &Value) -> Result<(), ApiError> {
    let options = &logs["options"];
    if logs["logDriver"] == "awslogs" && (options["awslogs-region"].is_null() || options["awslogs-group"].is_null()) {
        return Err(ApiError::client("Log driver awslogs requires options: awslogs-region, awslogs-group"));
    }
    Ok(())
}

fn check_network(container: &Value, name: &str, mode: Option<&str>) -> Result<(), ApiError> {
    let ports = input::list(container, "portMappings")?;
    let refused = |what: &str, mode: &str| {
        ApiError::client(format!("{what} is not supported on container '{name}' when networkMode={mode}."))
    };
    if mode == Some("none") && !ports.is_empty() {
        return Err(refused("portMappings", "none"));
    }
    if let Some(mode @ ("awsvpc" | "host" | "none")) = mode
        && !input::list(container, "links")?.is_empty()
    {
        return Err(refused("links", mode));
    }
    if mode == Some("awsvpc") {
        if member(container, "hostname").is_some() {
            return Err(refused("hostname", "awsvpc"));
        }
        if !input::list(container, "extraHosts")?.is_empty() {
            return Err(refused("extraHosts", "awsvpc"));
        }
    }
    let mut seen: Vec<(i64, &str)> = vec![];
    for mapping in ports {
        let Some(port) = check_port(mapping, mode)? else { continue };
        let protocol = input::text(mapping, "protocol")?.unwrap_or("tcp");
        // "You can't expose the same container port for multiple protocols."
        if seen.iter().any(|(other, used)| *other == port && *used != protocol) {
            return Err(ApiError::client(format!("Container port {port} is exposed for multiple protocols.")));
        }
        seen.push((port, protocol));
    }
    Ok(())
}

/// Judges a port mapping, and gives the container's port unless it is a range.
fn check_port(mapping: &Value, mode: Option<&str>) -> Result<Option<i64>, ApiError> {
    if !["tcp", "udp"].contains(&input::text(mapping, "protocol")?.unwrap_or("tcp")) {
        return Err(ApiError::client("Invalid port mapping protocol."));
    }
    let name = input::text(mapping, "name")?;
    let legal = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter);
    if name.is_some_and(|name| name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(legal))
    {
        return Err(ApiError::client("Port mapping name contains invalid characters."));
    }
    let host = input::integer(mapping, "hostPort")?;
    if input::text(mapping, "containerPortRange")?.is_some() {
        let alone = host.is_none() && member(mapping, "containerPort").is_none();
        let message = "containerPortRange excludes containerPort and hostPort.";
        return if alone { Ok(None) } else { Err(ApiError::client(message)) };
    }
    let port = input::integer(mapping, "containerPort")?.unwrap_or(0);
    if !(1..=65535).contains(&port) {
        return Err(ApiError::client("Container port must be between 1 and 65535."));
    }
    if host.is_some_and(|host| !(0..=65535).contains(&host)) {
        return Err(ApiError::client("Host port must be between 0 and 65535."));
    }
    if let Some(mode @ ("awsvpc" | "host")) = mode
        && host.is_some_and(|host| host != port)
    {
        return Err(ApiError::client(format!(
            "When networkMode={mode}, the host ports and container ports in port mappings must match."
        )));
    }
    Ok(Some(port))
}

fn check_environment(container: &Value, has_role: bool) -> Result<(), ApiError> {
    let secrets = input::list(container, "secrets")?;
    if !secrets.is_empty() && !has_role {
        return Err(ApiError::client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    let environment = input::list(container, "environment")?;
    for (index, secret) in secrets.iter().enumerate() {
        if secret["name"].as_str().is_none_or(str::is_empty) || secret["valueFrom"].as_str().is_none_or(str::is_empty) {
            return Err(ApiError::client("The secret name and valueFrom must not be null or empty."));
        }
        let taken = |other: &Value| other["name"] == secret["name"];
        if environment.iter().any(taken) || secrets[..index].iter().any(taken) {
            return Err(ApiError::client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on \
                 the container, such as {}.",
                secret["name"]
            )));
        }
    }
    if input::list(container, "environmentFiles")?.len() > 10 {
        return Err(ApiError::client("A container can have at most 10 environment files."));
    }
    Ok(())
}

fn check_dependencies(containers: &[Value]) -> Result<(), ApiError> {
    let position = |name: &str| containers.iter().position(|container| container["name"] == name);
    let mut edges: Vec<Vec<usize>> = vec![];
    for container in containers {
        let mut needed = vec![];
        for dependency in input::list(container, "dependsOn")? {
            let name = input::text(dependency, "containerName")?.unwrap_or_default();
            let index = position(name).ok_or_else(|| {
                ApiError::client(format!("Cannot depend on container + '{name}' because it does not exist"))
            })?;
            let other = &containers[index];
            match input::text(dependency, "condition")? {
                Some("SUCCESS" | "COMPLETE") if is_essential(other) => {
                    return Err(ApiError::client(
                        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
                    ));
                }
                Some("HEALTHY") if other["healthCheck"].is_null() => {
                    return Err(ApiError::client(
                        "A dependency container with HEALTHY condition must have health check configured",
                    ));
                }
                Some("START" | "SUCCESS" | "COMPLETE" | "HEALTHY") => {}
                _ => return Err(ApiError::client("Invalid container dependency condition.")),
            }
            needed.push(index);
        }
        edges.push(needed);
    }
    if has_cycle(&edges) {
        return Err(ApiError::client("Container dependsOn contains a cycle"));
    }
    Ok(())
}

/// Whether no order starts each container after all it needs.
fn has_cycle(edges: &[Vec<usize>]) -> bool {
    let mut started = vec![false; edges.len()];
    while let Some(next) = (0..edges.len()).find(|&one| !started[one] && edges[one].iter().all(|&need| started[need])) {
        started[next] = true;
    }
    started.contains(&false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal_of(containers: &Value, mode: &str) -> String {
        let call = json!({ "containerDefinitions": containers, "networkMode": mode });
        check(&call, Some(512)).map_or_else(|error| error.message, |()| String::new())
    }

    fn refusal(more: &Value) -> String {
        let mut container = json!({ "name": "web", "image": "nginx" });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refusal_of(&json!([container]), "awsvpc")
    }

    #[test]
    fn names_images_and_an_essential_container_are_needed() {
        assert_eq!(refusal_of(&json!([]), "bridge"), "Container list cannot be empty.");
        assert_eq!(refusal(&json!({ "image": "" })), "Container.image should not be null or empty.");
        assert_eq!(refusal(&json!({ "name": "a b" })), "Container.name contains invalid characters.");
        assert_eq!(refusal(&json!({ "essential": false })), "Task definition doesn't have any essential container.");
        let two = json!([{ "name": "a", "image": "i" }, { "name": "a", "image": "i" }]);
        assert_eq!(refusal_of(&two, "bridge"), "Container names must be unique.");
        let many: Value = (0..11).map(|n| json!({ "name": n.to_string(), "image": "i" })).collect();
        assert!(refusal_of(&many, "bridge").contains("at most 10"));
    }

    #[test]
    fn memory_is_said_somewhere_and_the_hard_limit_is_not_below_the_soft_one() {
        let call = json!({ "containerDefinitions": [{ "name": "web", "image": "nginx" }] });
        assert!(
            check(&call, None).unwrap_err().message.starts_with("Invalid setting for container 'web'. At least one")
        );
        assert!(refusal(&json!({ "memory": 128, "memoryReservation": 256 })).contains("'memory' must be greater"));
        assert!(refusal(&json!({ "memory": 3 })).contains("at least 6"));
    }

    #[test]
    fn ports_go_with_the_network_mode() {
        let ports = |mapping: Value, mode: &str| {
            refusal_of(&json!([{ "name": "a", "image": "i", "portMappings": [mapping] }]), mode)
        };
        let other = json!({ "containerPort": 80, "hostPort": 8080 });
        assert_eq!(ports(other.clone(), "bridge"), "");
        let awsvpc = "When networkMode=awsvpc, the host ports and container ports in port mappings must match.";
        assert_eq!(ports(other.clone(), "awsvpc"), awsvpc);
        assert!(ports(other.clone(), "host").starts_with("When networkMode=host"));
        assert!(ports(other, "none").contains("networkMode=none"));
        assert!(ports(json!({ "containerPort": 0 }), "bridge").contains("between 1 and 65535"));
        assert!(ports(json!({ "containerPort": 80, "name": "Web" }), "bridge").contains("name"));
        let both = json!([{ "containerPort": 53 }, { "containerPort": 53, "protocol": "udp" }]);
        assert!(refusal(&json!({ "portMappings": both })).contains("multiple protocols"));
        assert!(refusal(&json!({ "hostname": "h" })).starts_with("hostname is not supported"));
    }

    #[test]
    fn dependencies_exist_fit_and_have_no_cycle() {
        let app = |condition: &str, init: Value| {
            let depends = json!([{ "containerName": "init", "condition": condition }]);
            refusal_of(&json!([{ "name": "app", "image": "i", "dependsOn": depends }, init]), "awsvpc")
        };
        let init = json!({ "name": "init", "image": "i", "essential": false });
        assert_eq!(app("SUCCESS", init.clone()), "");
        assert!(app("HEALTHY", init.clone()).contains("health check"));
        assert!(app("LATER", init.clone()).contains("condition"));
        assert!(app("COMPLETE", json!({ "name": "init", "image": "i" })).contains("cannot be an essential"));
        assert!(app("START", json!({ "name": "other", "image": "i" })).contains("does not exist"));
        let back = json!([{ "containerName": "app", "condition": "START" }]);
        assert!(app("START", json!({ "name": "init", "image": "i", "dependsOn": back })).contains("cycle"));
    }

    #[test]
    fn secrets_need_a_role_and_names_of_their_own() {
        let secrets = json!([{ "name": "A", "valueFrom": "arn" }]);
        assert!(refusal(&json!({ "secrets": secrets })).contains("'executionRoleArn'"));
        let container = json!({ "environment": [{ "name": "A", "value": "" }], "secrets": secrets });
        assert!(check_environment(&container, true).unwrap_err().message.contains("must be unique"));
        assert_eq!(check_environment(&json!({ "secrets": secrets }), true), Ok(()));
    }

    #[test]
    fn health_checks_and_logs_are_complete() {
        assert!(refusal(&json!({ "healthCheck": { "command": ["curl"] } })).contains("CMD-SHELL"));
        let slow = json!({ "command": ["CMD", "true"], "interval": 301 });
        assert!(refusal(&json!({ "healthCheck": slow })).contains("Invalid health check"));
        let logs = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g" } });
        assert!(refusal(&json!({ "logConfiguration": logs })).contains("requires options"));
    }
}
