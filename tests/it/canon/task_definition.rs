//! Task definitions: what is sent and what ECS echoes are one canonical form, row by row.

use ecs_operator::ecs::canon::task_definition;
use serde_json::{Value, json};

fn canonical(json: &Value) -> Value {
    task_definition(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// A task definition of one container.
fn container(members: Value) -> Value {
    let mut container = json!({ "name": "web", "image": "nginx" });
    container.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({ "family": "web", "containerDefinitions": [container] })
}

/// The same in a network mode.
fn port(mode: &str, port: Value) -> Value {
    let mut json = container(json!({ "portMappings": [port] }));
    json["networkMode"] = mode.into();
    json
}

fn volume(members: Value) -> Value {
    let mut volume = json!({ "name": "data" });
    volume.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({ "volumes": [volume] })
}

#[test]
#[rustfmt::skip]
fn echoes_of_containers() {
    let c = container;
    for (rule, sent, echoed) in [
        (
            "order of containers",
            json!({ "containerDefinitions": [{ "name": "init" }, { "name": "logger" }] }),
            json!({ "containerDefinitions": [{ "name": "logger" }, { "name": "init" }] }),
        ),
        ("cpu 0", c(json!({})), c(json!({ "cpu": 0 }))),
        ("essential", c(json!({})), c(json!({ "essential": true }))),
        (
            "empty lists",
            c(json!({})),
            c(json!({
                "command": [], "entryPoint": [], "links": [], "dnsServers": [], "dnsSearchDomains": [],
                "dockerSecurityOptions": [], "dependsOn": [], "environment": [], "environmentFiles": [], "secrets": [],
                "extraHosts": [], "mountPoints": [], "volumesFrom": [], "portMappings": [], "resourceRequirements": [],
                "systemControls": [], "ulimits": [], "credentialSpecs": [], "dockerLabels": {},
            })),
        ),
        (
            "what the wire fills in",
            c(json!({})),
            c(json!({
                "cpu": 0, "essential": true, "environment": [], "mountPoints": [], "portMappings": [],
                "systemControls": [], "volumesFrom": [],
            })),
        ),
        (
            "order of environment",
            c(json!({ "environment": [{ "name": "B", "value": "" }, { "name": "A", "value": "2" }] })),
            c(json!({ "environment": [{ "name": "A", "value": "2" }, { "name": "B", "value": "" }] })),
        ),
        (
            "order of secrets",
            c(json!({ "secrets": [{ "name": "B", "valueFrom": "x" }, { "name": "A", "valueFrom": "y" }] })),
            c(json!({ "secrets": [{ "name": "A", "valueFrom": "y" }, { "name": "B", "valueFrom": "x" }] })),
        ),
        (
            "order of ports",
            c(
                json!({ "portMappings": [{ "containerPort": 8080 }, { "containerPort": 443 }, { "containerPort": 80 }] }),
            ),
            c(
                json!({ "portMappings": [{ "containerPort": 443 }, { "containerPort": 8080 }, { "containerPort": 80 }] }),
            ),
        ),
        (
            "protocol",
            port("bridge", json!({ "containerPort": 80 })),
            port("bridge", json!({ "containerPort": 80, "protocol": "tcp" })),
        ),
        (
            "host port, awsvpc",
            port("awsvpc", json!({ "containerPort": 80 })),
            port("awsvpc", json!({ "containerPort": 80, "hostPort": 80 })),
        ),
        (
            "host port 0, awsvpc",
            port("awsvpc", json!({ "containerPort": 80, "hostPort": 0 })),
            port("awsvpc", json!({ "containerPort": 80, "hostPort": 80 })),
        ),
        (
            "host port, host",
            port("host", json!({ "containerPort": 80 })),
            port("host", json!({ "containerPort": 80, "hostPort": 80 })),
        ),
        (
            "host port, bridge",
            port("bridge", json!({ "containerPort": 80 })),
            port("bridge", json!({ "containerPort": 80, "hostPort": 0 })),
        ),
        (
            "order of volumesFrom",
            c(json!({ "volumesFrom": [{ "sourceContainer": "b" }, { "sourceContainer": "a" }] })),
            c(json!({ "volumesFrom": [{ "sourceContainer": "a", "readOnly": false }, { "sourceContainer": "b" }] })),
        ),
        ("links are sorted", c(json!({ "links": ["b", "a"] })), c(json!({ "links": ["a", "b"] }))),
        (
            "order of mountPoints",
            c(json!({ "mountPoints": [{ "containerPath": "/b", "sourceVolume": "v" }, { "containerPath": "/a" }] })),
            c(
                json!({ "mountPoints": [{ "containerPath": "/a", "readOnly": false }, { "containerPath": "/b", "sourceVolume": "v" }] }),
            ),
        ),
        (
            "order of ulimits",
            c(
                json!({ "ulimits": [{ "name": "nproc", "softLimit": 0, "hardLimit": 0 }, { "name": "core", "softLimit": 1, "hardLimit": 2 }] }),
            ),
            c(
                json!({ "ulimits": [{ "name": "core", "softLimit": 1, "hardLimit": 2 }, { "name": "nproc", "softLimit": 0, "hardLimit": 0 }] }),
            ),
        ),
        (
            "health check",
            c(json!({ "healthCheck": { "command": ["CMD", "true"] } })),
            c(json!({ "healthCheck": { "command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3 } })),
        ),
        (
            "capabilities",
            c(json!({ "linuxParameters": { "capabilities": { "drop": ["ALL"] } } })),
            c(
                json!({ "linuxParameters": { "capabilities": { "add": [], "drop": ["ALL"] }, "devices": [], "tmpfs": [] } }),
            ),
        ),
        ("no capabilities", c(json!({ "linuxParameters": { "capabilities": {} } })), c(json!({}))),
        (
            "sparse lists",
            c(json!({ "environment": [{}, { "name": "A" }] })),
            c(json!({ "environment": [{ "name": "A" }] })),
        ),
        (
            "secret options",
            c(json!({ "logConfiguration": { "logDriver": "awslogs", "options": { "mode": "" } } })),
            c(
                json!({ "logConfiguration": { "logDriver": "awslogs", "options": { "mode": "" }, "secretOptions": [] } }),
            ),
        ),
        ("version consistency", c(json!({})), c(json!({ "versionConsistency": "enabled" }))),
        (
            "flags",
            c(json!({})),
            c(json!({
                "privileged": false, "readonlyRootFilesystem": false, "interactive": false, "pseudoTerminal": false,
                "disableNetworking": false, "linuxParameters": { "initProcessEnabled": false },
            })),
        ),
        (
            "sharing strategy",
            c(
                json!({ "resourceRequirements": [{ "type": "GPU", "sharingStrategy": { "nvidiaMps": { "memory": 1 } } }] }),
            ),
            c(
                json!({ "resourceRequirements": [{ "type": "GPU", "value": "", "sharingStrategy": { "nvidiaMps": { "memory": 1 } } }] }),
            ),
        ),
    ] {
        assert_eq!(canonical(&sent), canonical(&echoed), "{rule}");
    }
}

#[test]
#[rustfmt::skip]
fn echoes_of_tasks() {
    let fargate = |platform: Value| json!({ "requiresCompatibilities": ["FARGATE"], "runtimePlatform": platform });
    for (rule, sent, echoed) in [
        ("cpu and memory", json!({ "cpu": "1 vCPU", "memory": "2 GB" }), json!({ "cpu": "1024", "memory": "2048" })),
        (
            "cpu and memory as numbers",
            json!({ "cpu": 1024, "memory": 2048 }),
            json!({ "cpu": "1024", "memory": "2048" }),
        ),
        (
            "network mode",
            json!({ "requiresCompatibilities": ["EC2"] }),
            json!({ "requiresCompatibilities": ["EC2"], "networkMode": "bridge" }),
        ),
        (
            "compatibilities",
            json!({ "requiresCompatibilities": ["FARGATE", "EC2"] }),
            json!({ "requiresCompatibilities": ["EC2", "FARGATE"], "compatibilities": ["EC2", "FARGATE"] }),
        ),
        ("no platform", json!({}), json!({ "runtimePlatform": {} })),
        (
            "platform",
            fargate(json!({ "cpuArchitecture": "ARM64" })),
            fargate(json!({ "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" })),
        ),
        (
            "platform of Fargate",
            fargate(json!({})),
            fargate(json!({ "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" })),
        ),
        (
            "platform of instances",
            json!({ "runtimePlatform": { "cpuArchitecture": "X86_64" } }),
            json!({ "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" } }),
        ),
        (
            "order of volumes",
            json!({ "volumes": [{ "name": "b" }, { "name": "a" }] }),
            json!({ "volumes": [{ "name": "a", "host": {} }, { "name": "b", "configuredAtLaunch": false }] }),
        ),
        (
            "docker volume",
            volume(json!({ "dockerVolumeConfiguration": {} })),
            volume(
                json!({ "dockerVolumeConfiguration": { "driver": "local", "scope": "task", "autoprovision": false } }),
            ),
        ),
        (
            "efs volume",
            volume(json!({ "efsVolumeConfiguration": { "fileSystemId": "fs-1" } })),
            volume(json!({ "efsVolumeConfiguration": {
                "fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryptionPort": 0, "transitEncryption": "DISABLED",
                "authorizationConfig": { "iam": "DISABLED" },
            } })),
        ),
        (
            "s3 files volume",
            volume(json!({ "s3filesVolumeConfiguration": { "fileSystemArn": "arn" } })),
            volume(json!({ "s3filesVolumeConfiguration": { "fileSystemArn": "arn", "rootDirectory": "/" } })),
        ),
        (
            "proxy",
            json!({ "proxyConfiguration": { "containerName": "envoy", "properties": [{ "name": "B", "value": "1" }, { "name": "A", "value": "2" }] } }),
            json!({ "proxyConfiguration": { "type": "APPMESH", "containerName": "envoy", "properties": [{ "name": "A", "value": "2" }, { "name": "B", "value": "1" }] } }),
        ),
        (
            "empty lists",
            json!({}),
            json!({ "volumes": [], "placementConstraints": [], "inferenceAccelerators": [], "tags": [] }),
        ),
        (
            "order of constraints",
            json!({ "placementConstraints": [{ "type": "memberOf", "expression": "b" }, { "type": "memberOf", "expression": "a" }] }),
            json!({ "placementConstraints": [{ "type": "memberOf", "expression": "a" }, { "type": "memberOf", "expression": "b" }] }),
        ),
        ("fault injection", json!({}), json!({ "enableFaultInjection": false })),
        (
            "what only ECS writes",
            json!({ "family": "web" }),
            json!({
                "family": "web", "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:1", "revision": 1, "status": "ACTIVE",
                "requiresAttributes": [{ "name": "a" }], "registeredAt": 1.0, "registeredBy": "me", "compatibilities": ["EC2"],
            }),
        ),
        (
            "roles",
            json!({ "taskRoleArn": "task", "executionRoleArn": "exec" }),
            json!({ "taskRoleArn": "arn:aws:iam::1:role/task", "executionRoleArn": "arn:aws:iam::1:role/path/exec" }),
        ),
        ("tags", json!({}), json!({ "tags": [{ "key": "aws:cloudformation:stack-name", "value": "x" }] })),
        ("MiniStack", json!({}), json!({ "ipcMode": "", "pidMode": "", "taskRoleArn": "", "executionRoleArn": "" })),
    ] {
        assert_eq!(canonical(&sent), canonical(&echoed), "{rule}");
    }
}

#[test]
#[rustfmt::skip]
fn what_looks_alike_and_is_not() {
    let c = container;
    for (rule, one, other) in [
        (
            "an empty text is a value",
            c(json!({ "environment": [{ "name": "A", "value": "" }] })),
            c(json!({ "environment": [{ "name": "A" }] })),
        ),
        ("an empty argument is one", c(json!({ "command": [""] })), c(json!({}))),
        ("order of command", c(json!({ "command": ["a", "b"] })), c(json!({ "command": ["b", "a"] }))),
        (
            "order of environmentFiles",
            c(json!({ "environmentFiles": [{ "value": "a", "type": "s3" }, { "value": "b", "type": "s3" }] })),
            c(json!({ "environmentFiles": [{ "value": "b", "type": "s3" }, { "value": "a", "type": "s3" }] })),
        ),
        (
            "startPeriod 0 is sent",
            c(json!({ "healthCheck": { "command": ["CMD"] } })),
            c(json!({ "healthCheck": { "command": ["CMD"], "startPeriod": 0 } })),
        ),
        ("a docker volume is no host volume", volume(json!({ "dockerVolumeConfiguration": {} })), volume(json!({}))),
        ("swappiness 0", c(json!({ "linuxParameters": { "swappiness": 0 } })), c(json!({}))),
        (
            "host port in bridge mode",
            port("bridge", json!({ "containerPort": 80, "hostPort": 80 })),
            port("bridge", json!({ "containerPort": 80 })),
        ),
        ("Windows on instances", json!({ "runtimePlatform": { "operatingSystemFamily": "LINUX" } }), json!({})),
        ("ephemeral storage", json!({ "ephemeralStorage": { "sizeInGiB": 21 } }), json!({})),
        (
            "network mode of managed instances",
            json!({ "requiresCompatibilities": ["MANAGED_INSTANCES"], "networkMode": "bridge" }),
            json!({ "requiresCompatibilities": ["MANAGED_INSTANCES"] }),
        ),
        ("labels", c(json!({ "dockerLabels": { "a": "" } })), c(json!({}))),
    ] {
        assert_ne!(canonical(&one), canonical(&other), "{rule}");
    }
}

#[test]
fn values_that_the_sdk_does_not_know_pass_through() {
    let json = container(json!({ "logConfiguration": { "logDriver": "future" } }));
    assert_eq!(canonical(&json)["containerDefinitions"][0]["logConfiguration"]["logDriver"], "future");
}
