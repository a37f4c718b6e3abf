//! One text or more for each row of the tables.

use std::collections::HashSet;

use serde_json::json;

use super::{GROUP, cause, exited, task, unstarted};
use crate::service::diagnosis::{
    Cause,
    CauseKind::{self, *},
};

const WEB: Option<&str> = Some("web");

/// Reasons of tasks that did not start, what they are, of which container, and what the advice must name.
const UNSTARTED: &[(&str, CauseKind, Option<&str>, &str)] = &[
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/acme/web:1.2: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        ImagePullDenied,
        WEB,
        "image docker.io/acme/web:1.2, and that the role in `executionRoleArn` (shop-execution)",
    ),
    (
        "CannotPullContainerError: The task can’t pull the image. Check that the role has the permissions to pull images from the registry. Error response from daemon: pull access denied for docker.io/acme/web:1.2",
        ImagePullDenied,
        WEB,
        "`repositoryCredentials`",
    ),
    (
        "CannotPullContainerError: The task can’t pull the image. Check whether the image exists. Error response from daemon: pull access denied for some/nonsense, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
        ImageNotFound,
        None,
        "the image is not in its registry",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/acme/proxy:7: docker.io/acme/proxy:7: not found",
        ImageNotFound,
        Some("proxy"),
        "image docker.io/acme/proxy:7 is not in its registry",
    ),
    (
        "CannotPullContainerError: manifest for docker.io/acme/web:1.2 not found: manifest unknown",
        ImageNotFound,
        WEB,
        "start a new deployment",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s)",
        ImageNotFound,
        None,
        "correct `image`",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/acme/web:1.2: failed to do request: Head \"https://registry-1.docker.io/v2/acme/web/manifests/1.2\": dial tcp 34.205.13.154:443: i/o timeout",
        RegistryUnreachable,
        WEB,
        "`assignPublicIp: ENABLED`",
    ),
    (
        "CannotPullContainerError: API error (500): Get https://111122223333.dkr.ecr.us-east-1.amazonaws.com/v2/: net/http: request canceled while waiting for connection",
        RegistryUnreachable,
        None,
        "ecr.api, ecr.dkr, s3",
    ),
    ("CannotPullContainerError: context canceled", RegistryUnreachable, None, "a NAT gateway"),
    (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: unexpected status code",
        RegistryUnreachable,
        None,
        "s3",
    ),
    (
        "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/acme/web/manifests/sha256:2bb501: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
        ImagePullRateLimited,
        None,
        "pull-through cache",
    ),
    (
        "CannotPullContainerError: API error (500): received unexpected HTTP status",
        ImagePullFailed,
        None,
        "registry answers",
    ),
    (
        "CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device",
        NoSpaceLeft,
        None,
        "`ephemeralStorage.sizeInGiB` (30 GiB)",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/arm64'",
        WrongArchitecture,
        None,
        "`runtimePlatform.cpuArchitecture` (ARM64)",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. operation error ECR: GetAuthorizationToken",
        RegistryAuthFailed,
        None,
        "ecr:GetAuthorizationToken",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf from secrets manager: AccessDeniedException",
        SecretsUnavailable,
        WEB,
        "`valueFrom` of secret DB (arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::)",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed",
        SecretsUnavailable,
        WEB,
        "the role in `executionRoleArn` (shop-execution) may read it",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
        LogGroupMissing,
        WEB,
        "`awslogs-group` (/ecs/shop) in the region in `awslogs-region` (eu-west-1)",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log group: AccessDeniedException: not authorized to perform: logs:CreateLogGroup",
        LogDriverFailed,
        WEB,
        "logs:CreateLogStream",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : signal: killed",
        LogDriverFailed,
        WEB,
        "a way to CloudWatch Logs",
    ),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to resolve \"fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com\"",
        EfsMountFailed,
        None,
        "file system (fs-0123456789abcdef0) needs a mount target",
    ),
    (
        "ResourceInitializationError: failed to download env files: service call has been retried 1 time(s): operation error S3: HeadObject, https response error StatusCode: 403, RequestID: C1BGMVQ0A9SNSV1H, HostID: kQ3e+a/b=, api error Forbidden: Forbidden.",
        EnvFileUnavailable,
        WEB,
        "`environmentFiles` (arn:aws:s3:::shop/web.env)",
    ),
    ("ResourceInitializationError: something new", ResourceInitialization, None, "roles"),
    ("Timeout waiting for EphemeralStorage provisioning to complete.", ResourceInitialization, None, "ECS tries again"),
    ("CannotCreateVolumeError: Error response from daemon: create data", VolumeFailed, None, "`volumes` (data)"),
    ("Timeout waiting for network interface provisioning to complete.", NetworkInterface, None, "free IP addresses"),
    ("Unable to attach network interface to unused device index", NetworkInterface, None, "awsvpcTrunking"),
    ("RESOURCE:ENI", NetworkInterface, None, "network interfaces"),
    ("RESOURCE:MEMORY", Resources, None, "`cpu` (256) or `memory` (1024 MiB)"),
    (
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        CapacityUnavailable,
        None,
        "more zones",
    ),
    ("You've reached the limit on the number of vCPUs you can run concurrently", QuotaExceeded, None, "Service Quotas"),
    (
        "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/shop-execution' that was provided for this task.",
        RoleUnusable,
        None,
        "`executionRoleArn` (arn:aws:iam::123456789012:role/shop-execution)",
    ),
    (
        "ResourceInitializationError: Unable to launch instance(s) for capacity provider managed. UnauthorizedOperation: You are not authorized to perform this operation.",
        RoleUnusable,
        None,
        "iam:PassRole",
    ),
    ("InternalError: something broke", ContainerRuntime, None, "the runtime did not keep up"),
    ("Something nobody has seen", Other, None, "that is all it tells"),
];

/// How the container `web` ended, what that is, and what the advice must name.
const EXITED: &[(i64, Option<&str>, CauseKind, &str)] = &[
    (
        137,
        Some("OutOfMemoryError: Container killed due to memory usage"),
        OutOfMemory,
        "raise `memory` of container web (512 MiB)",
    ),
    (137, None, ContainerKilled, "`stopTimeout` (60 s)"),
    (0, None, ContainerExited, "`entryPoint` (/entry.sh) and `command` (serve --port 80)"),
    (1, None, ContainerExited, "see its log (log group /ecs/shop)"),
    (134, None, ContainerExited, "signal 6 ended container web"),
    (126, None, NotExecutable, "must be executable"),
    (127, None, CommandNotFound, "against what is in image docker.io/acme/web:1.2"),
    (139, None, SegmentationFault, "SIGSEGV"),
    (143, None, ContainerTerminated, "SIGTERM"),
    (
        128,
        Some(
            "CannotStartContainerError: Error response from daemon: failed to create task for container: OCI runtime create failed: runc create failed: unable to start container process: exec: \"serve\": executable file not found in $PATH: unknown",
        ),
        CommandNotFound,
        "`command` (serve --port 80)",
    ),
    (
        128,
        Some(
            "CannotStartContainerError: OCI runtime create failed: unable to start container process: exec: \"/entry.sh\": permission denied: unknown",
        ),
        NotExecutable,
        "`entryPoint` (/entry.sh)",
    ),
    (
        1,
        Some("CannotStartContainerError: exec /entry.sh: exec format error"),
        WrongArchitecture,
        "build image docker.io/acme/web:1.2",
    ),
    (
        128,
        Some(
            "CannotStartContainerError: Error response from daemon: error gathering device information while adding custom device \"/dev/dri/renderD130\": no such file or directory",
        ),
        ContainerRuntime,
        "`linuxParameters`",
    ),
    (
        1,
        Some(
            "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
        ),
        LogGroupMissing,
        "`awslogs-create-group",
    ),
    (
        1,
        Some(
            "CannotCreateContainerError: API error (500): devmapper: Thin Pool has 4350 free data blocks which is less than minimum required 4454 free data blocks.",
        ),
        NoSpaceLeft,
        "disk",
    ),
    (1, Some("CannotCreateContainerError: invalid mount config"), ContainerRuntime, "`mountPoints`"),
    (
        1,
        Some("CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s"),
        ContainerRuntime,
        "load",
    ),
    (1, Some("CannotStopContainerError: No such container"), ContainerRuntime, "`user`"),
    (1, Some("ContainerRuntimeError: failed"), ContainerRuntime, "`user`"),
    (
        1,
        Some("ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m"),
        ContainerRuntime,
        "ECS replaces",
    ),
    (
        1,
        Some("DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s"),
        ContainerRuntime,
        "ECS replaces",
    ),
];

fn fits(cause: &Cause, kind: CauseKind, advice: &str) {
    assert_eq!(cause.kind, kind, "{cause:?}");
    assert!(cause.advice.contains(advice), "{:?} lacks {advice:?}", cause.advice);
    // It is put between others, and before a full stop.
    assert!(!cause.advice.contains("; ") && !cause.advice.ends_with('.'), "{}", cause.advice);
    assert!(cause.advice.chars().count() < 400, "{}", cause.advice);
}

#[test]
fn tasks_that_did_not_start() {
    for (reason, kind, container, advice) in UNSTARTED {
        let cause = cause(unstarted(1, reason));
        fits(&cause, *kind, advice);
        assert_eq!(cause.container.as_deref(), *container, "{reason}");
        assert!(!cause.reason.is_empty());
    }
}

#[test]
fn containers_that_ended() {
    for (code, reason, kind, advice) in EXITED {
        let cause = cause(exited(1, *code, *reason));
        fits(&cause, *kind, advice);
        assert_eq!(cause.container.as_deref(), WEB, "{reason:?}");
    }
}

#[test]
fn health_checks() {
    let patch = json!({
        "stopCode": "ServiceSchedulerInitiated",
        "stoppedReason": format!("Task failed ELB health checks in (target-group {GROUP})"),
        "containers": [{ "name": "web", "exitCode": 137 }, { "name": "proxy", "exitCode": 0 }],
    });
    let balanced = cause(task(1, &patch));
    fits(&balanced, LoadBalancerHealthCheck, "target group's (web-tg) health check");
    fits(&balanced, LoadBalancerHealthCheck, "`healthCheckGracePeriodSeconds`");
    assert_eq!((balanced.container, balanced.exit_code), (None, None), "how ECS stopped it is no part of the cause");

    let patch = json!({
        "stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed container health checks",
        "containers": [{ "name": "proxy", "exitCode": 0 }, { "name": "web", "exitCode": 137, "healthStatus": "UNHEALTHY" }],
    });
    let checked = cause(task(1, &patch));
    let advice = "`healthCheck.command` (curl -f http://localhost/ || exit 1) of container web fails: check that image \
                  docker.io/acme/web:1.2 has what it calls, or raise `startPeriod` (10 s)";
    fits(&checked, ContainerHealthCheck, advice);
    assert_eq!((checked.container.as_deref(), checked.exit_code), (WEB, None));
}

#[test]
fn machines_that_went_away() {
    for (code, reason, kind, advice) in [
        ("SpotInterruption", "Your Spot Task was interrupted.", SpotInterrupted, "`base`"),
        ("TerminationNotice", "Your Spot Task was interrupted.", SpotInterrupted, "FARGATE"),
        ("SpotInterruption", "", SpotInterrupted, "`capacityProviderStrategy`"),
        ("InfrastructureHealth", "", InstanceTerminated, "ECS replaces"),
        ("TaskFailedToStart", "Host EC2 (instance i-0123456789abcdef0) terminated.", InstanceTerminated, "drain"),
        ("UserInitiated", "Container instance deregistration forced by user", InstanceTerminated, "drain"),
    ] {
        let patch = json!({
            "stopCode": code, "stoppedReason": reason, "containers": [{ "name": "web", "exitCode": 137 }],
        });
        fits(&cause(task(1, &patch)), kind, advice);
    }
}

#[test]
fn every_kind_is_a_short_word_and_has_a_case_here() {
    let words: HashSet<&str> = CauseKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(words.len(), CauseKind::ALL.len());
    for word in words {
        assert!(
            word.len() <= 24 && word.chars().all(char::is_alphanumeric) && word.starts_with(char::is_uppercase),
            "{word}"
        );
    }
    let apart = [LoadBalancerHealthCheck, ContainerHealthCheck, SpotInterrupted, InstanceTerminated];
    let cases = UNSTARTED.iter().map(|row| row.1).chain(EXITED.iter().map(|row| row.2)).chain(apart);
    let cases: HashSet<CauseKind> = cases.collect();
    assert_eq!(cases, CauseKind::ALL.into_iter().collect());
}
