//! What to do about what a task needs before it runs: secrets, logs, volumes, roles.

use serde_json::Value;

use super::{Scene, image, in_brackets};
use crate::service::diagnosis::definition::plain;

/// The text tells that ECS got no answer in time, and not from whom.
pub fn secrets_or_registry(scene: &Scene<'_>) -> String {
    let containers = scene.definition.containers();
    let has_secrets = containers.iter().any(|container| container.get("secrets").is_some());
    if !containers.is_empty() && !has_secrets {
        return image::registry_login(scene);
    }
    format!(
        "the subnets need a way to ECR, and to Secrets Manager or SSM for what `secrets[].valueFrom` names: a NAT gateway, \
         `assignPublicIp: ENABLED` in a public subnet, or VPC endpoints, and {} needs the right to read them",
        scene.execution_role()
    )
}

pub fn secrets(scene: &Scene<'_>) -> String {
    let secrets = named_secrets(scene);
    let which = if secrets.is_empty() { "what `secrets[].valueFrom` names".to_owned() } else { secrets.join(", ") };
    format!(
        "check that {which} exists (with the JSON key, if it names one), that {} may read it (secretsmanager:GetSecretValue \
         or ssm:GetParameters, kms:Decrypt), and that the subnets have a way to Secrets Manager or SSM",
        scene.execution_role()
    )
}

/// The secrets that the text is about, or all of them if they are few.
fn named_secrets(scene: &Scene<'_>) -> Vec<String> {
    let mine =
        |container: &&Value| scene.container.is_none_or(|name| container.get("name").is_some_and(|own| own == name));
    let containers = scene.definition.containers().iter().filter(mine);
    let all = containers.filter_map(|container| container.get("secrets")?.as_array()).flatten();
    let all: Vec<(String, &str)> = all
        .filter_map(|secret| {
            let (name, from) = (secret.get("name")?.as_str()?, secret.get("valueFrom")?.as_str()?);
            Some((format!("`valueFrom` of secret {name} ({})", plain(&Value::from(name_in(from)))?), from))
        })
        .collect();
    // `arn:aws:secretsmanager:region:account:secret:name`, without the JSON key, version and stage that may follow.
    let base = |from: &str| from.splitn(8, ':').take(7).collect::<Vec<_>>().join(":");
    let named: Vec<String> =
        all.iter().filter(|(_, from)| scene.text.contains(&base(from))).map(|(text, _)| text.clone()).collect();
    match (named.len(), all.len()) {
        (0, 1) => all.into_iter().map(|(text, _)| text).collect(),
        (1..=3, _) => named,
        _ => Vec::new(),
    }
}

/// What follows the account in an ARN.
fn name_in(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

pub fn log_group(scene: &Scene<'_>) -> String {
    let group = in_brackets(scene.value("/logConfiguration/options/awslogs-group"));
    let region = in_brackets(scene.value("/logConfiguration/options/awslogs-region"));
    format!(
        "create the log group in `awslogs-group`{group} in the region in `awslogs-region`{region}, or set \
         `awslogs-create-group: \"true\"`"
    )
}

pub fn log_driver(scene: &Scene<'_>) -> String {
    let driver = scene.value("/logConfiguration/logDriver").unwrap_or_else(|| "awslogs".to_owned());
    if driver != "awslogs" {
        return format!("check `logConfiguration` ({driver}) of {}", scene.who());
    }
    format!(
        "{} needs logs:CreateLogStream and logs:PutLogEvents (for `awslogs-create-group` also logs:CreateLogGroup), and \
         the subnets a way to CloudWatch Logs",
        scene.execution_role()
    )
}

pub fn efs(scene: &Scene<'_>) -> String {
    let volumes = scene.definition.get("/volumes").and_then(Value::as_array).into_iter().flatten();
    let systems = volumes.filter_map(|volume| volume.pointer("/efsVolumeConfiguration/fileSystemId").and_then(plain));
    let systems = systems.collect::<Vec<_>>().join(", ");
    format!(
        "file system{} needs a mount target in the task's zone that lets port 2049 in, the VPC DNS names, and \
         `rootDirectory`, access point and IAM rights must fit",
        in_brackets((!systems.is_empty()).then_some(systems))
    )
}

pub fn volume(scene: &Scene<'_>) -> String {
    let configured = scene.definition.get("/volumes").and_then(Value::as_array).into_iter().flatten();
    let names = configured.filter_map(|volume| volume.get("name").and_then(plain)).collect::<Vec<_>>().join(", ");
    format!(
        "check `volumes`{} and, for EBS, `volumeConfigurations` with its `roleArn`",
        in_brackets((!names.is_empty()).then_some(names))
    )
}

pub fn env_file(scene: &Scene<'_>) -> String {
    format!(
        "check that `environmentFiles`{} is in S3, that {} may read it (s3:GetObject, s3:GetBucketLocation), and that the \
         subnets have a way to S3",
        in_brackets(scene.value("/environmentFiles/0/value")),
        scene.execution_role()
    )
}

pub fn role(scene: &Scene<'_>) -> String {
    format!(
        "`taskRoleArn`{} and `executionRoleArn`{} must exist and trust ecs-tasks.amazonaws.com",
        in_brackets(scene.definition.role("/taskRoleArn")),
        in_brackets(scene.definition.role("/executionRoleArn"))
    )
}

pub fn initialization(_: &Scene<'_>) -> String {
    "ECS could not prepare what the task needs: check the task's network and roles, ECS tries again".to_owned()
}
