//! What users paste and mistype: JSON for ECS's own command line is a manifest, and a wrong field is never dropped
//! without a word.

use std::{io::Write, process::Command};

use serde_json::{Value, json};

use crate::support::{Scene, raw::Raw};

fn manifest(kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "ecs-operator.dev/v1alpha1", "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// Applies as a user does; what kubectl printed, or its complaint.
fn apply(scene: &Scene, object: &Value, more: &[&str]) -> Result<String, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(object.to_string().as_bytes()).unwrap();
    let mut arguments = vec!["apply", "-f", file.path().to_str().unwrap()];
    arguments.extend(more);
    scene.try_kubectl(&arguments)
}

fn service() -> Value {
    json!({ "cluster": "main", "taskDefinition": "web:1" })
}

/// A misspelt field that is dropped in silence is a setting that somebody believes in.
#[tokio::test]
async fn a_misspelt_field_is_refused_and_named() {
    let scene = Scene::new("misspelt").await;
    let mut spec = service();
    spec["desiredcount"] = 3.into();
    spec["networkConfiguration"] =
        json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"], "securityGroup": ["sg-1"] } });
    let object = manifest("EcsService", "web", spec);
    let complaint = apply(&scene, &object, &[]).unwrap_err();
    for field in ["spec.desiredcount", "spec.networkConfiguration.awsvpcConfiguration.securityGroup"] {
        assert!(complaint.contains(&format!("unknown field \"{field}\"")), "{complaint}");
    }
    let setting = json!({ "settings": [{ "name": "containerInsights", "value": "on" }] });
    let complaint = apply(&scene, &manifest("EcsCluster", "main", setting), &[]).unwrap_err();
    assert!(complaint.contains("spec.settings[0].value: Invalid value: \"on\""), "{complaint}");
    let complaint = apply(&scene, &object, &["--server-side"]).unwrap_err();
    assert!(complaint.contains("field not declared in schema"), "{complaint}");
}

/// A client token in the manifest would make a second service out of a change.
#[tokio::test]
async fn what_the_operator_decides_is_refused() {
    let scene = Scene::new("decided").await;
    for (field, value) in
        [("clientToken", json!("token")), ("forceNewDeployment", json!(true)), ("service", json!("web"))]
    {
        let mut spec = service();
        spec[field] = value;
        let complaint = apply(&scene, &manifest("EcsService", "web", spec), &[]).unwrap_err();
        assert!(complaint.contains(&format!("unknown field \"spec.{field}\"")), "{complaint}");
    }
    let described = json!({ "containerDefinitions": [{ "name": "web", "image": "nginx", "memory": 128 }],
                            "revision": 3, "status": "ACTIVE", "taskDefinitionArn": "arn" });
    let complaint = apply(&scene, &manifest("EcsTaskDefinition", "web", described), &[]).unwrap_err();
    for field in ["revision", "status", "taskDefinitionArn"] {
        assert!(complaint.contains(&format!("unknown field \"spec.{field}\"")), "{complaint}");
    }
}

/// Templates write `key: null` for what is not set: it is absent, and stays so at the next apply.
#[tokio::test]
async fn null_is_absent() {
    let (scene, raw) = (Scene::new("null").await, Raw::new().await);
    let mut spec = service();
    spec["desiredCount"] = Value::Null;
    spec["networkConfiguration"] = Value::Null;
    let object = manifest("EcsService", "web", spec);
    apply(&scene, &object, &[]).unwrap();
    let stored = scene.get("ecssvc/web").await.unwrap();
    assert_eq!(stored["spec"], service());
    let again = apply(&scene, &object, &[]).unwrap();
    assert!(again.contains("unchanged"), "{again}");
    // Where it is required it is missing, and in a list it is nothing that ECS knows.
    let path = format!("/apis/ecs-operator.dev/v1alpha1/namespaces/{}/ecstaskdefinitions", scene.namespace);
    for spec in [json!({ "containerDefinitions": null }), json!({ "containerDefinitions": [null] })] {
        let refusal = raw.post(&path, &manifest("EcsTaskDefinition", "web", spec)).await.unwrap_err();
        assert_eq!(refusal.code, 422, "{refusal:?}");
        assert!(refusal.message.contains("spec.containerDefinitions"), "{refusal:?}");
    }
}

/// The members of the command line's own skeleton, in its order, with values.
const PASTED: &str = r#"{
    "family": "shop",
    "taskRoleArn": "",
    "executionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
    "networkMode": "awsvpc",
    "containerDefinitions": [{
        "name": "web",
        "image": "nginx:1.27",
        "repositoryCredentials": { "credentialsParameter": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a" },
        "cpu": 0, "memory": 512, "memoryReservation": 256,
        "links": [],
        "portMappings": [{ "containerPort": 80, "hostPort": 80, "protocol": "tcp", "name": "http", "appProtocol": "http" }],
        "essential": true,
        "restartPolicy": { "enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60 },
        "entryPoint": [], "command": ["nginx", "-g", "daemon off;"],
        "environment": [{ "name": "MODE", "value": "live" }],
        "environmentFiles": [],
        "mountPoints": [], "volumesFrom": [],
        "secrets": [{ "name": "PASSWORD", "valueFrom": "/shop/password" }],
        "dependsOn": [],
        "startTimeout": 30, "stopTimeout": 30,
        "versionConsistency": "enabled",
        "user": "nginx", "workingDirectory": "/srv",
        "disableNetworking": false, "privileged": false, "readonlyRootFilesystem": true,
        "dnsServers": [], "dnsSearchDomains": [], "extraHosts": [], "dockerSecurityOptions": [],
        "interactive": true, "pseudoTerminal": true,
        "dockerLabels": { "Team": "shop" },
        "ulimits": [{ "name": "nofile", "softLimit": 1024, "hardLimit": 4096 }],
        "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web" },
            "secretOptions": [] },
        "healthCheck": { "command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0 },
        "systemControls": [], "resourceRequirements": []
    }],
    "volumes": [{ "name": "data", "efsVolumeConfiguration": { "fileSystemId": "fs-1", "rootDirectory": "/",
        "transitEncryption": "ENABLED", "transitEncryptionPort": 2999,
        "authorizationConfig": { "accessPointId": "fsap-1", "iam": "ENABLED" } } }],
    "placementConstraints": [],
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "512", "memory": "1024",
    "tags": [{ "key": "Team", "value": "shop" }],
    "ephemeralStorage": { "sizeInGiB": 30 },
    "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" },
    "enableFaultInjection": false
}"#;

/// The JSON of a task definition that runs today is what everybody starts from.
#[tokio::test]
async fn a_filled_skeleton_of_the_command_line_is_a_manifest() {
    let scene = Scene::new("pasted").await;
    let pasted: Value = serde_json::from_str(PASTED).unwrap();
    let object = manifest("EcsTaskDefinition", "shop", pasted);
    // The skeleton's "" stands for a role that nobody filled in: refused, by name.
    let complaint = apply(&scene, &object, &[]).unwrap_err();
    assert!(complaint.contains("spec.taskRoleArn") && complaint.matches("spec.").count() <= 2, "{complaint}");
    let mut filled = object;
    filled["spec"].as_object_mut().unwrap().remove("taskRoleArn");
    apply(&scene, &filled, &[]).unwrap();
    assert_eq!(scene.get("ecstd/shop").await.unwrap()["spec"], filled["spec"], "stored as written");
    assert!(apply(&scene, &filled, &[]).unwrap().contains("unchanged"));
    // The other way of applying, by another name.
    filled["metadata"]["name"] = "again".into();
    filled["spec"]["family"] = "again".into();
    apply(&scene, &filled, &["--server-side"]).unwrap();
}

/// The skeletons that AWS's command line prints come from this generator of botocore's.
const SKELETON: &str = "
import json, sys, botocore.session, botocore.utils
model = botocore.session.get_session().get_service_model('ecs').operation_model(sys.argv[1])
print(json.dumps(botocore.utils.ArgumentGenerator().generate_skeleton(model.input_shape)))
";

/// `aws ecs create-service --generate-cli-skeleton` is where many begin: every member of it is a field of ours.
#[tokio::test]
async fn every_member_of_the_command_lines_skeletons_is_known() {
    let scene = Scene::new("skeleton").await;
    for (kind, operation, not_ours) in [
        ("EcsTaskDefinition", "RegisterTaskDefinition", None),
        ("EcsService", "CreateService", Some("clientToken")),
        ("EcsCluster", "CreateCluster", None),
    ] {
        let printed = Command::new(&scene.bed.python).args(["-c", SKELETON, operation]).output().unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let mut spec: Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert!(spec.as_object().unwrap().len() > 5, "{spec}");
        if let Some(member) = not_ours {
            assert!(spec.as_object_mut().unwrap().remove(member).is_some(), "{member}");
        }
        // Its values are placeholders and are refused; an unknown field would be the first complaint and the only one.
        let complaint = apply(&scene, &manifest(kind, "skeleton", spec), &[]).unwrap_err();
        assert!(!complaint.contains("unknown field") && complaint.contains("is invalid"), "{operation}: {complaint}");
    }
}
