//! What the texts of events mean, as tables.

use super::TroubleKind as Kind;

/// Texts that mean one thing. A `*` in a pattern stands for anything.
#[derive(Debug)]
pub struct Row {
    pub kind: Kind,
    pub patterns: &'static [&'static str],
    pub advice: &'static str,
}

const fn row(kind: Kind, patterns: &'static [&'static str], advice: &'static str) -> Row {
    Row { kind, patterns, advice }
}

/// The texts of "Amazon ECS service event messages" and "Amazon ECS service unhealthy event messages", in lower case, of
/// which the first that matches holds. What also stops tasks is in the tasks' table.
pub const SPECIFIC: &[Row] = &[
    row(
        Kind::Placement,
        &["insufficient cpu"],
        "no instance has enough CPU left: add instances, or lower `cpu` of the task or its containers",
    ),
    row(
        Kind::Placement,
        &["insufficient memory"],
        "no instance has enough memory left: add instances, or lower `memory` or `memoryReservation`",
    ),
    row(
        Kind::Placement,
        &["using a port required"],
        "each instance takes one task per host port: add instances, lower `desiredCount`, or set `hostPort: 0`",
    ),
    row(Kind::AgentDisconnected, &["error \"agent\"", "waiting for amazon ecs agent"], AGENT),
    row(
        Kind::Placement,
        &["constraint unsatisfied", "memberof", "distinctinstance"],
        "no instance fits `placementConstraints` of the service or the task definition: correct them or add instances",
    ),
    row(
        Kind::Placement,
        &["missing an attribute", "error \"attribute\""],
        "no instance can do what the task definition asks (network mode, log driver, GPU, zone of the subnets): add such \
         instances or correct it",
    ),
    row(
        Kind::Placement,
        &["no container instances were found"],
        "there is no instance: check the capacity provider, and that instances register in this cluster",
    ),
    row(
        Kind::TargetGroupMissing,
        &["target group is not found"],
        "the target group is gone: correct `loadBalancers`, or delete the service and make it anew",
    ),
    row(
        Kind::TargetsNotRegistered,
        &["target is not found"],
        "the task is not in its target group: check whether something else deregisters targets",
    ),
    row(
        Kind::RoleMisconfigured,
        &["iam permissions polic", "drain*assume", "deregister*assume", "register*assume"],
        ROLE,
    ),
    row(Kind::RoleMisconfigured, &["iam trust relationship"], ROLE),
    row(
        Kind::TargetsNotRegistered,
        &["failed to register", "unable to register", "failed to deregister", "unable to deregister"],
        "check that the target group is there, and that the service's `role`, or the service-linked role, may change it",
    ),
    row(
        Kind::TasksProtected,
        &["protected tasks", "under protection"],
        "tasks are protected from scale-in: wait until the protection ends, or take it away (UpdateTaskProtection), or raise \
         `desiredCount` again where only that was lowered",
    ),
    row(
        Kind::ProvisioningLimit,
        &["provisioning capacity limit"],
        "500 tasks of the cluster are being provisioned: wait, start fewer at once, and see that the capacity provider \
         scales out",
    ),
    row(
        Kind::DeploymentStuck,
        &["unable to stop or start tasks during a deployment"],
        "`minimumHealthyPercent` lets no task stop and `maximumPercent` none start: lower the one or raise the other",
    ),
    row(
        Kind::OperationsThrottled,
        &["operations are being throttled"],
        "AWS throttles what ECS calls for the service, and ECS tries again: let it start fewer tasks at once",
    ),
    row(
        Kind::TaskStartImpaired,
        &["unable to consistently start tasks"],
        "tasks fail one after the other and ECS waits up to 27 minutes between them: a new task definition ends the waiting",
    ),
    row(
        Kind::LaunchFailed,
        &["unable to place a task*internal error"],
        "a subnet may be in a zone without Fargate: check the zones of `subnets`, ECS tries again",
    ),
];

/// What says only that something failed; where the reason is in the text, it comes before.
pub const GENERAL: &[Row] = &[
    row(
        Kind::Placement,
        &["no container instance met all of its requirements", "unable to place a task"],
        "add instances that fit the task, or let it ask for less",
    ),
    row(
        Kind::DeploymentFailed,
        &["deployment failed"],
        "see why the tasks stopped, or which alarm was set off, and correct the manifest",
    ),
    row(Kind::RollingBack, &["rolling back to"], "see why the deployment failed and correct the manifest"),
    row(
        Kind::LaunchFailed,
        &["could not launch", "failed to launch", "unable to launch"],
        "see the reason in the text: mostly the cluster has too little left of something",
    ),
];

const AGENT: &str = "the ECS agent of the instance does not answer: restart it (systemctl restart ecs), look into \
                     /var/log/ecs/ecs-agent.log, or replace the instance";

const ROLE: &str = "an IAM role was changed so that ECS can't look after the service: give the service-linked role, or \
                    the `role` of the service, its rights and its trust in ecs.amazonaws.com back";

/// Words of failures in texts that no table knows.
pub const FAILURES: &[&str] = &["unable to", "failed", "could not", "error"];
