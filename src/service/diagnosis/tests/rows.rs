//! One text or more for each row of the tables, but for tasks that did not start.

use std::collections::HashSet;

use serde_json::json;

use super::{GROUP, cause, exited, task, unstarted::UNSTARTED};
use crate::service::diagnosis::{
    Cause,
    CauseKind::{self, *},
};

pub const WEB: Option<&str> = Some("web");

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

pub fn fits(cause: &Cause, kind: CauseKind, advice: &str) {
    assert_eq!(cause.kind, kind, "{cause:?}");
    assert!(cause.advice.contains(advice), "{:?} lacks {advice:?}", cause.advice);
    // It is put between others, and before a full stop.
    assert!(!cause.advice.contains("; ") && !cause.advice.ends_with('.'), "{}", cause.advice);
    assert!(cause.advice.chars().count() < 400, "{}", cause.advice);
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
    fits(&balanced, LoadBalancerHealthCheck, "health check of the target group (web-tg)");
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
