//! What to do about where a task runs, and about who sends it traffic.

use super::{Scene, in_brackets};
use crate::service::diagnosis::definition::memory as mebibytes;

pub fn load_balancer(scene: &Scene<'_>) -> String {
    let group = scene.text.split_once("targetgroup/").and_then(|(_, rest)| rest.split('/').next());
    format!(
        "check path and port of the health check of the target group{}, whether the security groups let the load balancer in, \
         and whether `healthCheckGracePeriodSeconds` is long enough for the task to start",
        in_brackets(group)
    )
}

pub fn spot(_: &Scene<'_>) -> String {
    "AWS took Spot capacity back: give FARGATE or On-Demand capacity a `base` in `capacityProviderStrategy` for tasks \
     that must stay"
        .to_owned()
}

pub fn instance(_: &Scene<'_>) -> String {
    "the machine under the task went away: ECS replaces the task, drain instances before terminating them".to_owned()
}

pub fn network(_: &Scene<'_>) -> String {
    "the subnets need free IP addresses, on EC2 the instances free network interfaces (or the account setting \
     awsvpcTrunking)"
        .to_owned()
}

pub fn resources(scene: &Scene<'_>) -> String {
    let cpu = in_brackets(scene.definition.value("/cpu"));
    let memory = in_brackets(scene.definition.get("/memory").and_then(mebibytes));
    format!("no instance has enough left: add instances, or lower `cpu`{cpu} or `memory`{memory} of the task")
}

pub fn capacity(_: &Scene<'_>) -> String {
    "AWS has no such capacity now: wait, or give the service subnets in more zones, or another capacity provider or \
     instance type"
        .to_owned()
}

pub fn quota(_: &Scene<'_>) -> String {
    "a quota of the account in this region is used up: ask for more in Service Quotas, or run fewer or smaller tasks"
        .to_owned()
}

pub fn infrastructure(_: &Scene<'_>) -> String {
    "the infrastructure role of the capacity provider may not launch instances: give it the rights that are named \
     (often iam:PassRole of the instance role)"
        .to_owned()
}
