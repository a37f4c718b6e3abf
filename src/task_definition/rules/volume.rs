//! Twins of the rules on volumes.

use crate::{
    api::{EcsTaskDefinitionSpec, rules::Violation, task_definition::rules::words},
    ecs::shapes::{EfsVolumeConfiguration, Volume, volume_words},
};

pub(super) fn violations(spec: &EcsTaskDefinitionSpec) -> Vec<Violation> {
    let volumes = spec.volumes.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    if volumes.iter().filter(|volume| volume.configured_at_launch == Some(true)).count() > 1 {
        found.push(Violation::new("spec.volumes", words::AT_LAUNCH));
    }
    if spec.task_role_arn.is_none() && volumes.iter().any(|volume| volume.s3files_volume_configuration.is_some()) {
        found.push(Violation::new("spec.taskRoleArn", words::S3_FILES));
    }
    for volume in volumes {
        found.extend(one(volume));
    }
    found
}

fn one(volume: &Volume) -> Vec<Violation> {
    let path = format!("spec.volumes[{}]", volume.name);
    let mut found = Vec::new();
    let kinds = [
        volume.host.is_some(),
        volume.docker_volume_configuration.is_some(),
        volume.efs_volume_configuration.is_some(),
        volume.s3files_volume_configuration.is_some(),
        volume.fsx_windows_file_server_volume_configuration.is_some(),
        volume.configured_at_launch == Some(true),
    ];
    if kinds.into_iter().filter(|kind| *kind).count() > 1 {
        found.push(Violation::new(path.clone(), volume_words::ONE_KIND));
    }
    if let Some(docker) = &volume.docker_volume_configuration
        && docker.autoprovision == Some(true)
        && docker.scope.as_ref().is_none_or(|scope| scope.as_str() != "shared")
    {
        found.push(Violation::new(
            format!("{path}.dockerVolumeConfiguration.autoprovision"),
            volume_words::AUTOPROVISION,
        ));
    }
    if let Some(efs) = &volume.efs_volume_configuration {
        found.extend(elastic(&format!("{path}.efsVolumeConfiguration"), efs));
    }
    if let Some(s3) = &volume.s3files_volume_configuration
        && s3.access_point_arn.is_some()
        && below_root(s3.root_directory.as_ref())
    {
        found.push(Violation::new(
            format!("{path}.s3filesVolumeConfiguration.rootDirectory"),
            volume_words::S3_FILES_ROOT,
        ));
    }
    found
}

fn elastic(path: &str, efs: &EfsVolumeConfiguration) -> Vec<Violation> {
    let Some(authorization) = &efs.authorization_config else { return Vec::new() };
    let mut found = Vec::new();
    let by_point = authorization.access_point_id.is_some();
    let by_role = authorization.iam.as_ref().is_some_and(|iam| iam.as_str() == "ENABLED");
    let encrypted = efs.transit_encryption.as_ref().is_some_and(|encryption| encryption.as_str() == "ENABLED");
    if (by_point || by_role) && !encrypted {
        found.push(Violation::new(format!("{path}.transitEncryption"), volume_words::EFS_ENCRYPTION));
    }
    if by_point && below_root(efs.root_directory.as_ref()) {
        found.push(Violation::new(format!("{path}.rootDirectory"), volume_words::EFS_ROOT));
    }
    found
}

fn below_root(directory: Option<&String>) -> bool {
    directory.is_some_and(|directory| directory != "/")
}
