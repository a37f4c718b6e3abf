//! One text or more for each row of the tables that is about tasks that did not start.

use super::{
    cause,
    rows::{WEB, fits},
    unstarted,
};
use crate::service::diagnosis::CauseKind::{self, *};

/// Reasons of tasks that did not start, what they are, of which container, and what the advice must name.
pub const UNSTARTED: &[(&str, CauseKind, Option<&str>, &str)] = &[
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
        "`valueFrom` of secret DB (secret:db-AbCdEf:password::)",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed",
        SecretsUnavailable,
        WEB,
        "the role in `executionRoleArn` (shop-execution) needs the right",
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
        "`executionRoleArn` (shop-execution)",
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

#[test]
fn tasks_that_did_not_start() {
    for (reason, kind, container, advice) in UNSTARTED {
        let cause = cause(unstarted(1, reason));
        fits(&cause, *kind, advice);
        assert_eq!(cause.container.as_deref(), *container, "{reason}");
        assert!(!cause.reason.is_empty());
    }
}
