//! Real texts in, kinds and advice out.

mod causes;
mod events;
mod rows;
mod text;
mod unstarted;

use serde_json::{Value, json};

use super::{Cause, StoppedTask, causes};

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-tg/1c38bf81f6e9e283";

/// A task definition with a value for all that advice can name.
fn definition() -> Value {
    json!({
        "family": "shop", "cpu": "256", "memory": "1024", "networkMode": "awsvpc",
        "executionRoleArn": "arn:aws:iam::123456789012:role/shop-execution",
        "ephemeralStorage": { "sizeInGiB": 30 },
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
        "volumes": [{ "name": "data", "efsVolumeConfiguration": { "fileSystemId": "fs-0123456789abcdef0" } }],
        "containerDefinitions": [
            {
                "name": "web", "image": "docker.io/acme/web:1.2", "memory": 512, "stopTimeout": 60,
                "entryPoint": ["/entry.sh"], "command": ["serve", "--port", "80"],
                "healthCheck": { "command": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"], "startPeriod": 10 },
                "secrets": [{ "name": "DB", "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::" }],
                "environmentFiles": [{ "type": "s3", "value": "arn:aws:s3:::shop/web.env" }],
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web" } },
            },
            { "name": "proxy", "image": "docker.io/acme/proxy:7", "essential": false },
        ],
    })
}

/// A task that stopped at a second; `patch` says why.
fn task(second: i64, patch: &Value) -> StoppedTask {
    let mut task = json!({
        "taskArn": format!("arn:aws:ecs:eu-west-1:123456789012:task/shop/{second:032x}"),
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7",
        "startedBy": "ecs-svc/1234567890123456789", "lastStatus": "STOPPED", "stoppedAt": second,
        "containers": [
            { "name": "web", "lastStatus": "STOPPED", "image": "docker.io/acme/web:1.2" },
            { "name": "proxy", "lastStatus": "STOPPED", "image": "docker.io/acme/proxy:7" },
        ],
    });
    for (name, value) in patch.as_object().unwrap() {
        task[name] = value.clone();
    }
    StoppedTask::read(&task).unwrap()
}

/// A task whose container `web` ended.
fn exited(second: i64, code: i64, reason: Option<&str>) -> StoppedTask {
    task(
        second,
        &json!({
            "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
            "containers": [
                { "name": "web", "exitCode": code, "reason": reason },
                { "name": "proxy", "exitCode": 0 },
            ],
        }),
    )
}

/// A task that never started.
fn unstarted(second: i64, reason: &str) -> StoppedTask {
    task(second, &json!({ "stopCode": "TaskFailedToStart", "stoppedReason": reason }))
}

fn cause(task: StoppedTask) -> Cause {
    let mut found = causes(&[task], Some(&definition()), None);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
