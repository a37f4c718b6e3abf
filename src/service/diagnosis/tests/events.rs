//! Events that mean trouble, and those that don't.

use super::GROUP;
use crate::service::diagnosis::{
    CauseKind,
    TroubleKind::{self, *},
    trouble,
};

/// A text after the service's name, what it is, and what the advice must name.
const TROUBLES: &[(&str, TroubleKind, &str)] = &[
    (
        "was unable to place a task because no container instance met all of its requirements.",
        Placement,
        "add instances",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123456789abcdef0123456789abcdef) has insufficient CPU units available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        Placement,
        "`cpu`",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123456789abcdef0123456789abcdef) has insufficient memory available.",
        Placement,
        "`memoryReservation`",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching container-instance 0123 is already using a port required by your task.",
        Placement,
        "`hostPort: 0`",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching container-instance 0123 encountered error \"AGENT\".",
        AgentDisconnected,
        "restart",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching container-instance 0123 encountered error \"MemberOf placement constraint unsatisfied.\"",
        Placement,
        "`placementConstraints`",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123) is missing an attribute required by your task.",
        Placement,
        "log driver",
    ),
    (
        "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123) encountered error \"RESOURCE:ENI\".",
        Task(CauseKind::NetworkInterface),
        "awsvpcTrunking",
    ),
    (
        "was unable to place a task. Reason: TaskFailedToStart: RESOURCE:GPU.",
        Task(CauseKind::Resources),
        "add instances",
    ),
    (
        "was unable to reach steady state. Reason: No Container Instances were found in your capacity provider.",
        Placement,
        "capacity provider",
    ),
    (
        "was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently",
        Task(CauseKind::QuotaExceeded),
        "Service Quotas",
    ),
    (
        "was unable to place a task. Reason: You’ve reached the limit on the number of vCPUs you can run concurrently",
        Task(CauseKind::QuotaExceeded),
        "Service Quotas",
    ),
    (
        "was unable to place a task. Reason: The requested CPU configuration is above your limit.",
        Task(CauseKind::QuotaExceeded),
        "smaller tasks",
    ),
    (
        "was unable to place a task. Reason: The requested MEMORY configuration is above your limit.",
        Task(CauseKind::QuotaExceeded),
        "smaller tasks",
    ),
    (
        "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
        Task(CauseKind::CapacityUnavailable),
        "more zones",
    ),
    ("was unable to place a task. Reason: Internal error.", LaunchFailed, "zone without Fargate"),
    (
        "was unable to place a task. Reason: ResourceInitializationError: Unable to launch instance(s) for capacity provider spot. MaxSpotInstanceCountExceeded: Max spot instance count exceeded. RequestId: 3495893a-206b-11e8-8e20-1363f96a7838",
        Task(CauseKind::QuotaExceeded),
        "Service Quotas",
    ),
    (
        "was unable to place a task. Reason: ResourceInitializationError: Unable to launch instance(s) for capacity provider spot. UnfulfillableCapacity: Unable to fulfill capacity due to your request configuration.",
        Task(CauseKind::CapacityUnavailable),
        "instance type",
    ),
    (
        "was unable to place a task. Reason: ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed",
        Task(CauseKind::SecretsUnavailable),
        "`secrets[].valueFrom`",
    ),
    ("is unable to consistently start tasks successfully.", TaskStartImpaired, "27 minutes"),
    (
        "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
        DeploymentStuck,
        "`maximumPercent`",
    ),
    ("operations are being throttled. Will try again later.", OperationsThrottled, "fewer tasks"),
    ("operations are being throttled on elb. Will try again later.", OperationsThrottled, "fewer tasks"),
    (
        "task set (ecs-svc/823) (task 9d85800c) is not healthy in target-group (web) due to TARGET GROUP IS NOT FOUND.",
        TargetGroupMissing,
        "`loadBalancers`",
    ),
    (
        "task set (ecs-svc/823) (task 9d85800c) is not healthy in target-group (web) due to TARGET IS NOT FOUND.",
        TargetsNotRegistered,
        "deregisters",
    ),
    (
        "was unable to reach steady state because task set (ecs-svc/1234567890123456789) was unable to scale in. Reason: The number of protected tasks are more than the desired count of tasks",
        TasksProtected,
        "UpdateTaskProtection",
    ),
    (
        "was unable to reach steady state because (taskSet ecs-svc/1234567890123456789) was unable to scale in due to (reason 2 tasks under protection)",
        TasksProtected,
        "`desiredCount`",
    ),
    (
        "was unable to place tasks in your cluster because the tasks provisioning capacity limit was exceeded.",
        ProvisioningLimit,
        "500 tasks",
    ),
    ("could not launch 3 tasks for deployment ecs-svc/1234567890123456789.", LaunchFailed, "see the reason"),
    (
        "failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions.)",
        Task(CauseKind::RoleUnusable),
        "`taskRoleArn`",
    ),
    ("failed to deregister targets in (target-group web) with (error AccessDenied)", TargetsNotRegistered, "`role`"),
    (
        "failed to assume role while draining: unable to deregister and assume the role",
        RoleMisconfigured,
        "service-linked role",
    ),
    (
        "(deployment ecs-svc/1234567890123456789) deployment failed: tasks failed to start.",
        DeploymentFailed,
        "why the tasks stopped",
    ),
    ("rolling back to deployment ecs-svc/1234567890123456789.", RollingBack, "correct the manifest"),
    (
        "(task 0123456789abcdef0123456789abcdef) failed container health checks.",
        Task(CauseKind::ContainerHealthCheck),
        "`startPeriod`",
    ),
    (
        "Timed out waiting for Amazon ECS Agent to start. Please check logs at /var/log/ecs/ecs-agent.log\".",
        AgentDisconnected,
        "replace",
    ),
    ("is unable to do something new", Other, "see the service's events"),
];

const HARMLESS: &[&str] = &[
    "has reached a steady state.",
    "has started 2 tasks: (task 0123456789abcdef0123456789abcdef).",
    "has started 2 tasks: (task 0123456789abcdef0123456789abcdef). Amazon ECS replaced 2 tasks due to an unhealthy status.",
    "has stopped 1 running tasks: (task 0123456789abcdef0123456789abcdef).",
    "registered 2 targets in (target-group failed-to-name)",
    "deregistered 2 targets in (target-group error)",
    "has begun draining connections on 2 tasks.",
    "(deployment ecs-svc/1234567890123456789) deployment completed.",
    "stopped 2 pending tasks.",
    "is AZ balanced with 2 tasks in eu-west-1a, 2 tasks in eu-west-1b.",
    "is not AZ balanced with 3 tasks in eu-west-1a, 1 tasks in eu-west-1b. AZ Rebalancing in progress.",
    "has started 1 tasks in eu-west-1a to AZ Rebalance: (task 0123456789abcdef0123456789abcdef).",
    "updated computed desiredCount for taskset ecs-svc/1234567890123456789 to 3.",
    "says something new",
];

#[test]
fn trouble_is_told() {
    for (text, kind, advice) in TROUBLES {
        for message in [format!("(service web) {text}"), format!("service web {text}"), format!("service (web) {text}")]
        {
            let found = trouble(&message).unwrap_or_else(|| panic!("{message}"));
            assert_eq!(found.kind, *kind, "{message}");
            assert!(found.advice.contains(advice), "{:?} lacks {advice:?}", found.advice);
            assert!(!found.advice.ends_with('.') && !found.advice.contains("; "), "{}", found.advice);
            assert!(found.kind.as_str().len() <= 24 && !found.normalized().contains("service web"), "{found:?}");
        }
    }
}

#[test]
fn what_goes_well_is_not() {
    for text in HARMLESS {
        assert_eq!(trouble(&format!("(service unable-to-fail) {text}")), None, "{text}");
    }
}

/// These two name no service.
#[test]
fn roles_that_were_changed() {
    for text in ["IAM permissions policies have", "IAM trust relationship has"] {
        let message = format!("{text} been misconfigured or changed, and ECS can no longer maintain your service");
        assert_eq!(trouble(&message).unwrap().kind, RoleMisconfigured);
    }
}

#[test]
fn the_same_trouble_has_the_same_text() {
    let unhealthy = |task: &str, port: u16| {
        let reason = "Health checks failed with these codes: [503]";
        trouble(&format!(
            "(service web) (task {task}) (port {port}) is unhealthy in (target-group {GROUP}) due to (reason {reason})."
        ))
        .unwrap()
    };
    let one = unhealthy("0123456789abcdef0123456789abcdef", 8080);
    assert_eq!(one, unhealthy("fedcba9876543210fedcba9876543210", 8080));
    assert_eq!(one.kind, Task(CauseKind::LoadBalancerHealthCheck));
    assert_eq!(
        one.normalized(),
        format!(
            "(task …) (port 8080) is unhealthy in (target-group {GROUP}) due to (reason Health checks failed with these codes: \
             [503])."
        )
    );
    let launch = |count: u8| {
        trouble(&format!("(service web) could not launch {count} tasks for deployment ecs-svc/1.")).unwrap()
    };
    assert_eq!(launch(2), launch(3));
}

#[test]
fn a_sentence() {
    let message = "(service web) was unable to place a task because no container instance met all of its requirements. The \
                   closest matching (container-instance 0123456789abcdef0123456789abcdef) has insufficient CPU units \
                   available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    assert_eq!(
        trouble(message).unwrap().to_string(),
        "Placement: ECS says \"was unable to place a task because no container instance met all of its requirements. The \
         closest matching (container-instance …) has insufficient CPU units available.\": no instance has enough CPU left: \
         add instances, or lower `cpu` of the task or its containers"
    );
}
