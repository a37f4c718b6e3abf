//! What to do about images.

use super::{Scene, in_brackets};

pub fn architecture(scene: &Scene<'_>) -> String {
    let set = scene.definition.value("/runtimePlatform/cpuArchitecture");
    let set = set.unwrap_or_else(|| "X86_64 unless set".to_owned());
    format!("build {} for `runtimePlatform.cpuArchitecture` ({set}), or set that to what it is built for", scene.what())
}

pub fn image(scene: &Scene<'_>) -> String {
    format!(
        "{} is not in its registry: correct `image` or push it, or start a new deployment if the tag was moved or its \
         digest deleted since the last one",
        scene.what()
    )
}

pub fn image_access(scene: &Scene<'_>) -> String {
    let credentials = scene.value("/repositoryCredentials/credentialsParameter");
    format!(
        "check the name of {}, and that {}, on EC2 the instance role, may pull it from ECR, or for another registry that \
         `repositoryCredentials`{} are right",
        scene.what(),
        scene.execution_role(),
        in_brackets(credentials)
    )
}

pub fn rate_limit(scene: &Scene<'_>) -> String {
    format!(
        "the registry limits pulls: log in with `repositoryCredentials`, or take {} from an ECR pull-through cache",
        scene.what()
    )
}

pub fn route(scene: &Scene<'_>) -> String {
    format!(
        "the subnets need a way to the registry of {}: a NAT gateway, `assignPublicIp: ENABLED` in a public subnet, or VPC \
         endpoints (ecr.api, ecr.dkr, s3, logs), and security groups that allow port 443 out",
        scene.what()
    )
}

pub fn pull(scene: &Scene<'_>) -> String {
    format!("check the name of {} and whether its registry answers", scene.what())
}

pub fn registry_login(scene: &Scene<'_>) -> String {
    if scene.says("accessdenied") || scene.says("not authorized") {
        return format!("give {} the right ecr:GetAuthorizationToken", scene.execution_role());
    }
    format!(
        "the subnets need a way to ECR: a NAT gateway, `assignPublicIp: ENABLED` in a public subnet, or VPC endpoints \
         (ecr.api, ecr.dkr, s3, logs), and {} needs ecr:GetAuthorizationToken",
        scene.execution_role()
    )
}

pub fn disk(scene: &Scene<'_>) -> String {
    let size = scene.definition.value("/ephemeralStorage/sizeInGiB").map(|size| format!("{size} GiB"));
    let size = size.unwrap_or_else(|| "20 GiB unless set".to_owned());
    format!("raise `ephemeralStorage.sizeInGiB` ({size}), on EC2 the instance's disk, or make {} smaller", scene.what())
}
