//! ECS's echo, written without a look at the canonical form: it shuffles what ECS shuffles and fills in what ECS
//! fills in, at random where ECS is known to do both.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Calls `touch` with every value at a path such as `containerDefinitions[].portMappings`.
pub fn at(value: &mut Value, path: &str, touch: &mut dyn FnMut(&mut Value)) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let Some(member) = value.get_mut(name) else { return };
    let mut go = |value: &mut Value| match rest {
        Some(rest) => at(value, rest, touch),
        None => touch(value),
    };
    match (each, member) {
        (true, Value::Array(items)) => items.iter_mut().for_each(go),
        (true, _) => {}
        (false, member) => go(member),
    }
}

/// Fills in a member where its object is there and it is not.
pub fn fill(value: &mut Value, path: &str, default: &Value) {
    let put = |object: &mut Value, name: &str| {
        if let Some(members) = object.as_object_mut() {
            members.entry(name).or_insert_with(|| default.clone());
        }
    };
    match path.rsplit_once('.') {
        Some((parent, name)) => at(value, parent, &mut |object| put(object, name)),
        None => put(value, path),
    }
}

pub const TASK_DEFINITION_SETS: &[&str] = &[
    "containerDefinitions",
    "containerDefinitions[].links",
    "containerDefinitions[].portMappings",
    "containerDefinitions[].environment",
    "containerDefinitions[].secrets",
    "containerDefinitions[].mountPoints",
    "containerDefinitions[].volumesFrom",
    "containerDefinitions[].dependsOn",
    "containerDefinitions[].ulimits",
    "containerDefinitions[].resourceRequirements",
    "containerDefinitions[].restartPolicy.ignoredExitCodes",
    "containerDefinitions[].logConfiguration.secretOptions",
    "containerDefinitions[].linuxParameters.devices",
    "containerDefinitions[].linuxParameters.devices[].permissions",
    "containerDefinitions[].linuxParameters.tmpfs",
    "volumes",
    "requiresCompatibilities",
    "placementConstraints",
    "proxyConfiguration.properties",
    "inferenceAccelerators",
];

/// What absence means, where ECS may write it out.
pub fn task_definition_defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("containerDefinitions[].cpu", json!(0)),
        ("containerDefinitions[].essential", json!(true)),
        ("containerDefinitions[].versionConsistency", json!("enabled")),
        ("containerDefinitions[].disableNetworking", json!(false)),
        ("containerDefinitions[].privileged", json!(false)),
        ("containerDefinitions[].readonlyRootFilesystem", json!(false)),
        ("containerDefinitions[].interactive", json!(false)),
        ("containerDefinitions[].pseudoTerminal", json!(false)),
        ("containerDefinitions[].portMappings[].protocol", json!("tcp")),
        ("containerDefinitions[].mountPoints[].readOnly", json!(false)),
        ("containerDefinitions[].volumesFrom[].readOnly", json!(false)),
        ("containerDefinitions[].healthCheck.interval", json!(30)),
        ("containerDefinitions[].healthCheck.timeout", json!(5)),
        ("containerDefinitions[].healthCheck.retries", json!(3)),
        ("containerDefinitions[].restartPolicy.restartAttemptPeriod", json!(300)),
        ("containerDefinitions[].linuxParameters.initProcessEnabled", json!(false)),
        ("proxyConfiguration.type", json!("APPMESH")),
        ("volumes[].configuredAtLaunch", json!(false)),
        ("volumes[].host", json!({})),
        ("volumes[].dockerVolumeConfiguration.driver", json!("local")),
        ("volumes[].dockerVolumeConfiguration.scope", json!("task")),
        ("volumes[].dockerVolumeConfiguration.autoprovision", json!(false)),
        ("volumes[].efsVolumeConfiguration.rootDirectory", json!("/")),
        ("volumes[].efsVolumeConfiguration.transitEncryption", json!("DISABLED")),
        ("volumes[].efsVolumeConfiguration.transitEncryptionPort", json!(0)),
        ("volumes[].efsVolumeConfiguration.authorizationConfig.iam", json!("DISABLED")),
        ("volumes[].s3filesVolumeConfiguration.rootDirectory", json!("/")),
        ("volumes[].s3filesVolumeConfiguration.transitEncryptionPort", json!(0)),
        ("enableFaultInjection", json!(false)),
    ]
}

const CONTAINER_LISTS: &[&str] = &[
    "command",
    "entryPoint",
    "links",
    "dnsServers",
    "dnsSearchDomains",
    "dockerSecurityOptions",
    "dependsOn",
    "environment",
    "environmentFiles",
    "secrets",
    "extraHosts",
    "mountPoints",
    "volumesFrom",
    "portMappings",
    "resourceRequirements",
    "systemControls",
    "ulimits",
    "credentialSpecs",
];

/// What DescribeTaskDefinition shows of a task definition that was registered so.
pub fn task_definition(sent: &Value, random: &mut Rng) -> Value {
    let mut echo = sent.clone();
    levelled_lists(&mut echo, random);
    for (path, default) in task_definition_defaults() {
        if random.bool() {
            fill(&mut echo, path, &default);
        }
    }
    for list in CONTAINER_LISTS {
        if random.bool() {
            fill(&mut echo, &format!("containerDefinitions[].{list}"), &json!([]));
        }
    }
    fill(&mut echo, "containerDefinitions[].dockerLabels", &json!({}));
    fill(&mut echo, "containerDefinitions[].linuxParameters.capabilities.add", &json!([]));
    fill(&mut echo, "containerDefinitions[].logConfiguration.secretOptions", &json!([]));
    for list in ["volumes", "placementConstraints"] {
        fill(&mut echo, list, &json!([]));
    }
    ports(&mut echo);
    platform(&mut echo);
    for (name, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
        if let Some(value) = echo.get_mut(name) {
            *value = quantity(value, unit);
        }
    }
    for name in ["taskRoleArn", "executionRoleArn"] {
        at(&mut echo, name, &mut role);
    }
    for list in TASK_DEFINITION_SETS {
        at(&mut echo, list, &mut |list| shuffle(list, random));
    }
    let members = echo.as_object_mut().unwrap();
    members.remove("tags");
    members.extend(object(json!({
        "family": "web", "revision": 3, "status": "ACTIVE", "compatibilities": ["EC2"], "registeredAt": 1.5,
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:3", "requiresAttributes": [], "registeredBy": "me",
    })));
    echo
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("no object: {other}"),
    }
}

pub fn shuffle(list: &mut Value, random: &mut Rng) {
    if let Some(items) = list.as_array_mut() {
        random.shuffle(items);
    }
}

/// Drops about half of the lists and objects that are empty.
fn levelled_lists(value: &mut Value, random: &mut Rng) {
    let empty = |value: &Value| *value == json!([]) || *value == json!({});
    match value {
        Value::Object(members) => members.retain(|name, value| {
            if name != "hookDetails" {
                levelled_lists(value, random);
            }
            // An empty Docker volume is one, and the items of a list stay what they are.
            name == "dockerVolumeConfiguration" || !empty(value) || random.bool()
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| levelled_lists(item, random)),
        _ => {}
    }
}

fn ports(echo: &mut Value) {
    let one_network = matches!(echo.get("networkMode").and_then(Value::as_str), Some("awsvpc" | "host"));
    at(echo, "containerDefinitions[].portMappings[]", &mut |port| {
        let absent = port.get("hostPort").is_none_or(|port| *port == 0);
        if let (true, Some(own)) = (absent, port.get("containerPort").cloned()) {
            port["hostPort"] = if one_network { own } else { json!(0) };
        }
    });
}

fn platform(echo: &mut Value) {
    let fargate = echo["requiresCompatibilities"].as_array().is_some_and(|all| all.contains(&json!("FARGATE")));
    if fargate {
        fill(echo, "runtimePlatform", &json!({}));
        fill(echo, "runtimePlatform.cpuArchitecture", &json!("X86_64"));
    }
    if echo.pointer("/runtimePlatform/cpuArchitecture").is_some() {
        fill(echo, "runtimePlatform.operatingSystemFamily", &json!("LINUX"));
    }
}

/// Digits, as ECS stores a quantity.
#[allow(clippy::cast_possible_truncation)]
pub fn quantity(value: &Value, unit: &str) -> Value {
    let Some(text) = value.as_str() else { return value.to_string().into() };
    let number = match text.to_lowercase().strip_suffix(unit) {
        Some(number) => number.trim().parse::<f64>().unwrap() * 1024.0,
        None => text.parse().unwrap(),
    };
    (number.floor() as i64).to_string().into()
}

fn role(role: &mut Value) {
    if let Some(name) = role.as_str().filter(|name| !name.starts_with("arn:") && !name.is_empty()) {
        *role = format!("arn:aws:iam::123456789012:role/{name}").into();
    }
}

pub const SERVICE_SETS: &[&str] = &[
    "capacityProviderStrategy",
    "deploymentConfiguration.alarms.alarmNames",
    "deploymentConfiguration.lifecycleHooks",
    "deploymentConfiguration.lifecycleHooks[].lifecycleStages",
    "networkConfiguration.awsvpcConfiguration.subnets",
    "networkConfiguration.awsvpcConfiguration.securityGroups",
    "loadBalancers",
    "serviceRegistries",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "gatewayConnectors[].filters.accessTypes",
    "monitoring.metricConfigurations",
    "monitoring.metricConfigurations[].metricNames",
    "placementConstraints",
    "serviceConnectConfiguration.services",
    "serviceConnectConfiguration.services[].clientAliases",
    "serviceConnectConfiguration.logConfiguration.secretOptions",
    "serviceConnectConfiguration.containerConfigurations",
    "volumeConfigurations",
    "volumeConfigurations[].managedEBSVolume.tagSpecifications",
    "volumeConfigurations[].managedEBSVolume.tagSpecifications[].tags",
];

/// What absence means, inside of blocks that are there and of the service.
pub fn service_defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({ "type": "ECS" })),
        ("capacityProviderStrategy[].base", json!(0)),
        ("capacityProviderStrategy[].weight", json!(0)),
        ("deploymentConfiguration.strategy", json!("ROLLING")),
        ("deploymentConfiguration.alarms", json!({ "alarmNames": [], "enable": false, "rollback": false })),
        ("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", json!(true)),
        (
            "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration",
            json!({ "type": "BOUNDED_PERCENT", "value": 50 }),
        ),
        ("deploymentConfiguration.lifecycleHooks[].targetType", json!("AWS_LAMBDA")),
        ("deploymentConfiguration.lifecycleHooks[].timeoutConfiguration", json!({})),
        ("deploymentConfiguration.lifecycleHooks[].timeoutConfiguration.timeoutInMinutes", json!(1440)),
        ("deploymentConfiguration.lifecycleHooks[].timeoutConfiguration.action", json!("ROLLBACK")),
        ("deploymentConfiguration.linearConfiguration.stepPercent", json!(10)),
        ("deploymentConfiguration.linearConfiguration.stepBakeTimeInMinutes", json!(6)),
        ("deploymentConfiguration.canaryConfiguration.canaryPercent", json!(5)),
        ("deploymentConfiguration.canaryConfiguration.canaryBakeTimeInMinutes", json!(10)),
        ("deploymentConfiguration.earlySuccessCriteria.healthyPercent", json!(100)),
        ("deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup", json!("BLOCKING")),
        ("networkConfiguration.awsvpcConfiguration.assignPublicIp", json!("DISABLED")),
        ("networkConfiguration.awsvpcConfiguration.securityGroups", json!([])),
        ("serviceRegistries[].port", json!(0)),
        ("serviceRegistries[].containerPort", json!(0)),
        ("serviceConnectConfiguration.services[].ingressPortOverride", json!(0)),
        ("serviceConnectConfiguration.accessLogConfiguration.includeQueryParameters", json!("DISABLED")),
        ("serviceConnectConfiguration.logConfiguration.options", json!({})),
        ("volumeConfigurations[].managedEBSVolume.filesystemType", json!("xfs")),
        ("volumeConfigurations[].managedEBSVolume.volumeType", json!("gp3")),
        ("volumeConfigurations[].managedEBSVolume.tagSpecifications[].propagateTags", json!("NONE")),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("propagateTags", json!("NONE")),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
    ]
}

/// What DescribeServices shows of a service that was created so; gatewayConnectors and monitoring as read from the
/// service revision.
pub fn service(sent: &Value, random: &mut Rng) -> Value {
    let mut echo = sent.clone();
    levelled_lists(&mut echo, random);
    let daemon = echo["schedulingStrategy"] == "DAEMON";
    let shifting = echo.pointer("/deploymentConfiguration/strategy").is_some_and(|strategy| strategy != "ROLLING");
    fill(&mut echo, "deploymentConfiguration", &json!({}));
    for (path, default) in service_defaults() {
        if random.bool() {
            fill(&mut echo, path, &default);
        }
    }
    let percents = if daemon { (100, 0) } else { (200, 100) };
    fill(&mut echo, "deploymentConfiguration.maximumPercent", &json!(percents.0));
    fill(&mut echo, "deploymentConfiguration.minimumHealthyPercent", &json!(percents.1));
    fill(&mut echo, "deploymentConfiguration.bakeTimeInMinutes", &json!(if shifting { 15 } else { 0 }));
    at(&mut echo, "deploymentConfiguration.deploymentCircuitBreaker", &mut |breaker| {
        if breaker["enable"] == false {
            breaker["rollback"] = json!(false);
        }
    });
    at(&mut echo, "serviceConnectConfiguration.services[]", &mut |service| {
        let port = service["portName"].clone();
        fill(service, "discoveryName", &port);
        at(service, "clientAliases[]", &mut |alias| fill(alias, "dnsName", &json!("computed.internal")));
    });
    at(&mut echo, "placementStrategy[]", &mut |item| match item["field"].as_str().map(str::to_lowercase).as_deref() {
        _ if item["type"] == "random" => drop(item.as_object_mut().unwrap().remove("field")),
        Some("host") => item["field"] = json!("instanceId"),
        Some(known @ ("cpu" | "memory")) => item["field"] = known.to_uppercase().into(),
        _ => {}
    });
    at(&mut echo, "role", &mut role);
    fill(&mut echo, "gatewayConnectors", &json!([]));
    fill(&mut echo, "monitoring", &json!({ "metricConfigurations": [] }));
    for list in SERVICE_SETS {
        at(&mut echo, list, &mut |list| shuffle(list, random));
    }
    describe(echo, daemon)
}

/// CreateService's names as DescribeServices has them.
fn describe(echo: Value, daemon: bool) -> Value {
    let mut echo = object(echo);
    let mut primary = object(json!({ "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED" }));
    for name in ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"] {
        primary.extend(echo.remove_entry(name));
    }
    let arn = |kind: &str, name: &Value| match name.as_str() {
        Some(name) if !name.starts_with("arn:") => format!("arn:aws:ecs:eu-west-1:123456789012:{kind}/{name}").into(),
        _ => name.clone(),
    };
    for (name, shown, kind) in
        [("cluster", "clusterArn", "cluster"), ("taskDefinition", "taskDefinition", "task-definition")]
    {
        if let Some(value) = echo.remove(name) {
            echo.insert(shown.to_owned(), arn(kind, &value));
        }
    }
    if let Some(role) = echo.remove("role") {
        echo.insert("roleArn".to_owned(), role);
    }
    if daemon {
        echo.insert("desiredCount".into(), json!(7));
    }
    echo.insert("deployments".into(), json!([{ "status": "ACTIVE" }, primary]));
    echo.extend(object(
        json!({ "status": "ACTIVE", "runningCount": 1, "pendingCount": 0, "events": [], "createdAt": 1.5 }),
    ));
    Value::Object(echo)
}
