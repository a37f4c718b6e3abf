//! What ECS's words, codes and exit codes mean, as tables.

use super::{
    advice::{Advice, image, place, process, setup},
    kind::CauseKind as Kind,
    tasks::StopCode,
    text::{folded, matches},
};

/// What a text means.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    pub kind: Kind,
    pub advice: Advice,
}

/// Texts that mean one thing. A `*` in a pattern stands for anything.
#[derive(Debug)]
struct Row {
    patterns: &'static [&'static str],
    meaning: Meaning,
}

const fn row(kind: Kind, advice: Advice, patterns: &'static [&'static str]) -> Row {
    Row { patterns, meaning: Meaning { kind, advice } }
}

/// The texts of `stoppedReason` and of a container's `reason`, in lower case. The first row that matches holds: what
/// was in the way comes before what could not be done. From the ECS developer guide, "Amazon ECS stopped tasks error
/// messages", "CannotPullContainer task errors" and "Amazon ECS API failure reasons"; the parts that Docker and
/// containerd say are theirs.
const TEXTS: &[Row] = &[
    row(Kind::OutOfMemory, process::memory, &["outofmemoryerror"]),
    row(
        Kind::WrongArchitecture,
        image::architecture,
        &["exec format error", "matching platform", "no matching manifest"],
    ),
    row(Kind::EfsMountFailed, setup::efs, &["efs utils", "efs volume", "mount.nfs"]),
    row(Kind::EnvFileUnavailable, setup::env_file, &["env file", "environment file"]),
    row(Kind::LogDriverFailed, setup::log_driver, &["connection issue between the task and amazon cloudwatch"]),
    row(
        Kind::LogGroupMissing,
        setup::log_group,
        &["log group does not exist", "cannot find the amazon cloudwatch log group"],
    ),
    row(
        Kind::LogDriverFailed,
        setup::log_driver,
        &["logging driver", "logger args", "cloudwatch log", "createlogstream"],
    ),
    row(
        Kind::ImagePullRateLimited,
        image::rate_limit,
        &["cannotpull*toomanyrequests", "error: toomanyrequests", "pull rate limit"],
    ),
    row(Kind::NoSpaceLeft, image::disk, &["no space left on device", "thin pool*free data blocks"]),
    row(Kind::QuotaExceeded, place::quota, LIMITS),
    row(Kind::CapacityUnavailable, place::capacity, CAPACITY),
    row(Kind::RoleUnusable, place::infrastructure, &["unable to launch instance*unauthorizedoperation"]),
    row(Kind::CapacityUnavailable, place::capacity, &["unable to launch instance"]),
    row(
        Kind::RegistryAuthFailed,
        image::registry_login,
        &["registry auth from amazon ecr", "ecr registry auth", "getauthorizationtoken"],
    ),
    row(
        Kind::SecretsUnavailable,
        setup::secrets_or_registry,
        &["unable to pull secrets or registry auth*pull command failed"],
    ),
    row(
        Kind::SecretsUnavailable,
        setup::secrets,
        &["unable to pull secrets", "retrieve secret", "ssm parameter", "secret does not exist"],
    ),
    row(Kind::ImageNotFound, image::image, &["cannotpull*check whether the image exists"]),
    row(Kind::ImagePullDenied, image::image_access, DENIED),
    row(Kind::RegistryUnreachable, image::route, UNREACHABLE),
    row(Kind::ImageNotFound, image::image, NOT_FOUND),
    row(Kind::RegistryUnreachable, image::route, &["cannotpull*failed to copy"]),
    row(Kind::ImageNotFound, image::image, &["cannotpull*has been retried"]),
    row(Kind::ImagePullFailed, image::pull, &["cannotpull"]),
    row(
        Kind::LoadBalancerHealthCheck,
        place::load_balancer,
        &["failed elb health checks", "unhealthy in (target-group", "unhealthy in (elb"],
    ),
    row(Kind::ContainerHealthCheck, process::health_check, &["failed container health checks"]),
    row(Kind::RoleUnusable, setup::role, &["unable to assume*role"]),
    row(Kind::SpotInterrupted, place::spot, &["spot task was interrupted", "spotinterruption"]),
    row(Kind::InstanceTerminated, place::instance, &["host ec2", "deregistration forced by user"]),
    row(
        Kind::NetworkInterface,
        place::network,
        &["network interface", "resource:eni", "eniinformationerror", "free addresses in subnet"],
    ),
    row(
        Kind::Resources,
        place::resources,
        &["resource:cpu", "resource:memory", "resource:port", "resource:gpu", "resource:fargate"],
    ),
    row(Kind::VolumeFailed, setup::volume, &["cannotcreatevolume", "ebs volume", "fsx", "attach volume"]),
    row(
        Kind::NotExecutable,
        process::executable,
        &["cannotstartcontainer*exec*permission denied", "runtimeerror*exec*permission denied"],
    ),
    row(Kind::CommandNotFound, process::command, MISSING_COMMAND),
    row(Kind::ContainerRuntime, process::runtime, RUNTIME),
    row(Kind::ResourceInitialization, setup::initialization, &["resourceinitialization", "provisioning to complete"]),
];

const DENIED: &[&str] = &[
    "cannotpull*role has the permissions",
    "cannotpull*pull access denied",
    "cannotpull*denied:",
    "cannotpull*not authorized",
    "cannotpull*authorization failed",
    "cannotpull*authorization token",
    "cannotpull*unauthorized",
    "cannotpull*no basic auth credentials",
    "cannotpull*403 forbidden",
    "cannotpull*accessdenied",
    "cannotpullcontainerautherror",
];

const UNREACHABLE: &[&str] = &[
    "cannotpull*i/o timeout",
    "cannotpull*request canceled",
    "cannotpull*context canceled",
    "cannotpull*deadline exceeded",
    "cannotpull*handshake timeout",
    "cannotpull*timeout exceeded",
    "cannotpull*connection issue",
    "cannotpull*connection refused",
    "cannotpull*connection reset",
    "cannotpull*no such host",
    "cannotpull*check your network configuration",
];

const NOT_FOUND: &[&str] = &[
    "cannotpull*manifest unknown",
    "cannotpull*failed to resolve ref",
    "cannotpull*not found",
    "cannotpull*does not exist",
    "cannotpull*invalid reference format",
];

const MISSING_COMMAND: &[&str] = &[
    "cannotstartcontainer*executable file not found",
    "cannotstartcontainer*exec:*no such file or directory",
    "runtimeerror*executable file not found",
    "runtimeerror*exec:*no such file or directory",
];

const RUNTIME: &[&str] = &[
    "cannotstartcontainer",
    "cannotcreatecontainer",
    "cannotinspectcontainer",
    "cannotdescribecontainer",
    "cannotstopcontainer",
    "containerruntimeerror",
    "containerruntimetimeout",
    "containervanished",
    "dockertimeouterror",
    "dockerstateerror",
    "internalerror",
];

/// Quotas of Fargate and EC2.
const LIMITS: &[&str] = &[
    "reached the limit on the number of",
    "configuration is above your limit",
    "maxspotinstancecountexceeded",
    "vcpulimitexceeded",
    "instancelimitexceeded",
];

/// What AWS does not have at the moment.
const CAPACITY: &[&str] =
    &["capacity is unavailable", "unfulfillablecapacity", "insufficientinstancecapacity", "insufficient capacity"];

/// The codes that a container can end with; the others are its own. From the same page, and from what shells and
/// Linux do: 126 and 127 are a shell's, and 128 and more a signal.
const EXITS: &[(i64, Meaning)] = &[
    (126, Meaning { kind: Kind::NotExecutable, advice: process::executable }),
    (127, Meaning { kind: Kind::CommandNotFound, advice: process::command }),
    // Without OutOfMemory in the text it is not the memory.
    (137, Meaning { kind: Kind::ContainerKilled, advice: process::killed }),
    (139, Meaning { kind: Kind::SegmentationFault, advice: process::crash }),
    (143, Meaning { kind: Kind::ContainerTerminated, advice: process::terminated }),
];

/// What the scheduler and people do on purpose, for where ECS gives no code.
const ON_PURPOSE: &[&str] = &[
    "scaling activity initiated by",
    "performing maintenance on the underlying infrastructure",
    "draining state",
    "stopped by user",
    "az rebalanc",
    "availability zone rebalanc",
];

/// What no table knows.
pub const UNKNOWN: Meaning = Meaning { kind: Kind::Other, advice: process::unknown };

/// What a reason means, if it says more than that something stopped.
pub fn of_text(text: &str) -> Option<Meaning> {
    let text = folded(text);
    let is_meant = |row: &&Row| row.patterns.iter().any(|pattern| matches(pattern, &text));
    TEXTS.iter().find(is_meant).map(|row| row.meaning)
}

/// What an exit code means.
pub fn of_exit(code: i64) -> Meaning {
    let known = EXITS.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning);
    known.unwrap_or(Meaning { kind: Kind::ContainerExited, advice: process::exited })
}

/// What a stop code means where it alone tells why.
pub fn of_stop_code(code: &StopCode) -> Option<Meaning> {
    match code {
        StopCode::SpotInterruption | StopCode::TerminationNotice => {
            Some(Meaning { kind: Kind::SpotInterrupted, advice: place::spot })
        }
        StopCode::InfrastructureHealth => Some(Meaning { kind: Kind::InstanceTerminated, advice: place::instance }),
        _ => None,
    }
}

/// Whether a reason is that of a task stopped on purpose.
pub fn is_on_purpose(text: &str) -> bool {
    let text = folded(text);
    ON_PURPOSE.iter().any(|pattern| matches(pattern, &text))
}
