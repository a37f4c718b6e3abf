//! How ECS writes a task definition back: defaults filled, quantities normalised, roles as ARNs, and several lists in
//! another order (all as observed by tools).

use serde_json::{Map, Value, json};

use crate::world::Caller;

/// The members of a registration that a task definition shows, but for its tags.
const SHOWN: [&str; 18] = [
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
    "trustedExecutionConfiguration",
];

/// What Describe shows of a registration that was found to be right.
pub(super) fn echo(
    call: &Value,
    (cpu, memory): (Option<u64>, Option<u64>),
    caller: &Caller,
    random: &mut fastrand::Rng,
) -> Value {
    let mut shown: Map<String, Value> =
        SHOWN.iter().filter_map(|name| Some(((*name).to_owned(), call.get(*name)?.clone()))).collect();
    shown.retain(|_, value| !value.is_null());
    for (name, amount) in [("cpu", cpu), ("memory", memory)] {
        if let Some(amount) = amount {
            shown.insert(name.into(), json!(amount.to_string()));
        }
    }
    for name in ["taskRoleArn", "executionRoleArn"] {
        if let Some(role) = shown.get_mut(name) {
            complete_role(role, caller);
        }
    }
    for name in ["volumes", "placementConstraints"] {
        shown.entry(name).or_insert_with(|| json!([]));
    }
    shown.retain(|name, value| name != "requiresCompatibilities" || *value != json!([]));
    if let Some(platform) = shown.get_mut("runtimePlatform").and_then(Value::as_object_mut) {
        platform.retain(|_, value| !value.is_null());
        if platform.is_empty() {
            shown.remove("runtimePlatform");
        } else {
            platform.entry("cpuArchitecture").or_insert_with(|| json!("X86_64"));
            platform.entry("operatingSystemFamily").or_insert_with(|| json!("LINUX"));
        }
    }
    for volume in elements(shown.get_mut("volumes")) {
        // A volume with nothing but a name is a host volume.
        if volume.len() == 1 {
            volume.insert("host".into(), json!({}));
        }
    }
    let mode = shown.get("networkMode").and_then(Value::as_str).unwrap_or("bridge").to_owned();
    for container in elements(shown.get_mut("containerDefinitions")) {
        echo_container(container, &mode, random);
    }
    for name in ["containerDefinitions", "volumes"] {
        shuffle(shown.get_mut(name), random);
    }
    shuffle(shown.get_mut("proxyConfiguration").and_then(|proxy| proxy.get_mut("properties")), random);
    Value::Object(shown)
}

/// A role by its name becomes one by its ARN.
fn complete_role(role: &mut Value, caller: &Caller) {
    if let Some(name) = role.as_str().filter(|name| !name.starts_with("arn:")) {
        *role = json!(format!("arn:aws:iam::{}:role/{name}", caller.account));
    }
}

fn echo_container(container: &mut Map<String, Value>, mode: &str, random: &mut fastrand::Rng) {
    container.retain(|_, value| !value.is_null());
    for list in container.values_mut().filter_map(Value::as_array_mut) {
        list.retain(|item| !item.is_null() && item.as_object().is_none_or(|item| !item.is_empty()));
    }
    container.entry("cpu").or_insert_with(|| json!(0));
    container.entry("essential").or_insert_with(|| json!(true));
    for name in ["environment", "mountPoints", "portMappings", "systemControls", "volumesFrom"] {
        container.entry(name).or_insert_with(|| json!([]));
    }
    for mapping in elements(container.get_mut("portMappings")) {
        mapping.entry("protocol").or_insert_with(|| json!("tcp"));
        if let Some(port) = mapping.get("containerPort").cloned() {
            let port = if ["awsvpc", "host"].contains(&mode) { port } else { json!(0) };
            mapping.entry("hostPort").or_insert(port);
        }
    }
    if let Some(health) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        for (name, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            health.entry(name).or_insert_with(|| json!(value));
        }
    }
    if let Some(linux) = container.get_mut("linuxParameters").and_then(Value::as_object_mut) {
        echo_capabilities(linux);
    }
    for name in ["environment", "secrets", "portMappings", "volumesFrom", "ulimits"] {
        shuffle(container.get_mut(name), random);
    }
    if let Some(links) = container.get_mut("links").and_then(Value::as_array_mut) {
        links.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
}

/// Where only `add` or `drop` is said the other is empty, and where neither is there are no capabilities at all.
fn echo_capabilities(linux: &mut Map<String, Value>) {
    let Some(capabilities) = linux.get_mut("capabilities").and_then(Value::as_object_mut) else { return };
    if capabilities.is_empty() {
        linux.remove("capabilities");
    } else {
        for name in ["add", "drop"] {
            capabilities.entry(name).or_insert_with(|| json!([]));
        }
    }
}

fn elements(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn shuffle(list: Option<&mut Value>, random: &mut fastrand::Rng) {
    if let Some(list) = list.and_then(Value::as_array_mut) {
        random.shuffle(list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(call: &Value, seed: u64) -> Value {
        let caller = Caller { account: "111122223333".into(), region: "eu-west-1".into() };
        echo(call, (Some(1024), None), &caller, &mut fastrand::Rng::with_seed(seed))
    }

    #[test]
    fn defaults_are_filled_and_nothing_else() {
        let container = json!({
            "name": "web", "image": "nginx", "portMappings": [{ "containerPort": 80 }], "secrets": null,
            "healthCheck": { "command": ["CMD", "true"] }, "linuxParameters": { "capabilities": { "drop": ["ALL"] } },
        });
        let call = json!({
            "family": "web", "networkMode": "awsvpc", "cpu": "1 vCPU", "taskRoleArn": "app", "tags": [],
            "containerDefinitions": [container], "requiresCompatibilities": [],
        });
        assert_eq!(
            echoed(&call, 1),
            json!({
                "family": "web", "networkMode": "awsvpc", "cpu": "1024", "volumes": [], "placementConstraints": [],
                "taskRoleArn": "arn:aws:iam::111122223333:role/app",
                "containerDefinitions": [{
                    "name": "web", "image": "nginx", "cpu": 0, "essential": true, "environment": [],
                    "mountPoints": [], "systemControls": [], "volumesFrom": [],
                    "portMappings": [{ "containerPort": 80, "hostPort": 80, "protocol": "tcp" }],
                    "healthCheck": { "command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3 },
                    "linuxParameters": { "capabilities": { "add": [], "drop": ["ALL"] } },
                }],
            })
        );
    }

    #[test]
    fn a_host_port_is_the_containers_own_or_dynamic_by_network_mode() {
        let port = |mode: Value| {
            let container = json!({ "name": "a", "portMappings": [{ "containerPort": 80 }] });
            let shown = echoed(&json!({ "networkMode": mode, "containerDefinitions": [container] }), 1);
            shown["containerDefinitions"][0]["portMappings"][0]["hostPort"].clone()
        };
        assert_eq!(
            [port(json!("awsvpc")), port(json!("host")), port(json!("bridge")), port(Value::Null)],
            [80, 80, 0, 0]
        );
    }

    #[test]
    fn some_lists_change_their_order_by_the_seed_and_others_never() {
        let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let pairs: Value = names.iter().map(|name| json!({ "name": name, "value": name })).collect();
        let container = json!({ "name": "a", "environment": pairs, "command": names, "links": ["b", "a"] });
        let call = json!({ "containerDefinitions": [container] });
        let shown = |seed| echoed(&call, seed)["containerDefinitions"][0].clone();
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1)["environment"], shown(2)["environment"]);
        assert_eq!(shown(1)["command"], json!(names));
        assert_eq!(shown(1)["links"], json!(["a", "b"]));
    }

    #[test]
    fn empty_elements_are_dropped_and_an_empty_volume_is_a_host_volume() {
        let container =
            json!({ "name": "a", "environment": [{}, null, { "name": "A", "value": "" }], "command": [""] });
        let call = json!({ "containerDefinitions": [container], "volumes": [{ "name": "v" }], "runtimePlatform": {} });
        let shown = echoed(&call, 1);
        assert_eq!(shown["containerDefinitions"][0]["environment"], json!([{ "name": "A", "value": "" }]));
        assert_eq!(shown["containerDefinitions"][0]["command"], json!([""]));
        assert_eq!(shown["volumes"], json!([{ "name": "v", "host": {} }]));
        assert_eq!(shown["runtimePlatform"], Value::Null);
    }
}
