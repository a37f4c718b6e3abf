//! Service deployments and revisions as the calls show them.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::{DeploymentStatus, ServiceDeployment};
use crate::world::{
    Cx, arn as make_arn,
    services::{
        Revision, Service, Strategy,
        revision::FIXED,
        show::{PLATFORM, show_fixed},
    },
};

/// The ARN of a service deployment.
pub(in crate::world) fn arn(service: &Service, deployment: &ServiceDeployment) -> String {
    of_service(service, "service-deployment", &deployment.id)
}

/// The ARN of a service revision.
pub(in crate::world) fn revision_arn(service: &Service, number: u64) -> String {
    of_service(service, "service-revision", number)
}

/// An ARN of which the service's has all but the kind and the end.
fn of_service(service: &Service, kind: &str, end: impl Display) -> String {
    let (account, names) = service.arn.split_once(":service/").unwrap_or_default();
    format!("{account}:{kind}/{names}/{end}")
}

/// The sources and the target of a deployment as they are now.
pub(super) fn sides(service: &Service, deployment: &ServiceDeployment) -> (Value, Value) {
    let side = |number: u64| {
        let (running, pending) = service.counts(Some(number));
        let mut shown = json!({
            "arn": revision_arn(service, number),
            "requestedTaskCount": 0,
            "runningTaskCount": running,
            "pendingTaskCount": pending,
        });
        if let Some(revision) = service.revision(number) {
            shown["requestedTaskCount"] = json!(revision.entry.as_ref().map_or(0, |entry| entry.wants));
            if deployment.configuration.strategy != Strategy::Rolling {
                shown["requestedProductionTrafficWeight"] = json!(revision.production);
                shown["requestedTestTrafficWeight"] = json!(revision.test);
            }
        }
        shown
    };
    (deployment.sources.iter().map(|number| side(*number)).collect(), side(deployment.target))
}

/// As ListServiceDeployments shows it.
pub(super) fn brief(cx: &Cx<'_>, service: &Service, deployment: &ServiceDeployment) -> Value {
    let mut shown = json!({
        "serviceDeploymentArn": arn(service, deployment),
        "serviceArn": service.arn,
        "clusterArn": make_arn::cluster(cx.caller, &service.cluster),
        "targetServiceRevisionArn": revision_arn(service, deployment.target),
        "status": deployment.status.wire(),
        "createdAt": deployment.created.seconds(),
    });
    show_times(&mut shown, deployment);
    shown
}

fn show_times(shown: &mut Value, deployment: &ServiceDeployment) {
    for (name, at) in [("startedAt", deployment.started), ("finishedAt", deployment.finished)] {
        if let Some(at) = at {
            shown[name] = json!(at.seconds());
        }
    }
    if let Some(reason) = &deployment.reason {
        shown["statusReason"] = json!(reason);
    }
}

/// As DescribeServiceDeployments shows it.
pub(super) fn whole(cx: &Cx<'_>, service: &Service, deployment: &ServiceDeployment) -> Value {
    let (sources, target) = deployment.frozen.clone().unwrap_or_else(|| sides(service, deployment));
    let mut shown = json!({
        "serviceDeploymentArn": arn(service, deployment),
        "serviceArn": service.arn,
        "clusterArn": make_arn::cluster(cx.caller, &service.cluster),
        "sourceServiceRevisions": sources,
        "targetServiceRevision": target,
        "status": deployment.status.wire(),
        "createdAt": deployment.created.seconds(),
        "updatedAt": deployment.updated.seconds(),
        "deploymentConfiguration": deployment.configuration,
        "deploymentCircuitBreaker": breaker(service, deployment),
        "alarms": alarms(deployment),
    });
    show_times(&mut shown, deployment);
    if let Some(at) = deployment.stopped {
        shown["stoppedAt"] = json!(at.seconds());
    }
    if let Some(stage) = deployment.stage {
        shown["lifecycleStage"] = json!(stage.wire());
    }
    if let Some(rollback) = &deployment.rollback {
        shown["rollback"] = json!({ "reason": rollback.reason, "startedAt": rollback.started.seconds() });
        if let Some(to) = rollback.to {
            shown["rollback"]["serviceRevisionArn"] = json!(revision_arn(service, to));
        }
    }
    if !deployment.hooks.is_empty() {
        shown["lifecycleHookDetails"] = deployment.hooks.iter().map(hook).collect();
    }
    shown
}

fn hook(run: &super::hooks::Run) -> Value {
    let mut shown = json!({
        "hookId": run.id,
        "targetType": if run.function.is_some() { "AWS_LAMBDA" } else { "PAUSE" },
        "status": run.status.wire(),
        "expiresAt": run.expires.seconds(),
        "timeoutAction": if run.timeout_continues { "CONTINUE" } else { "ROLLBACK" },
    });
    if let Some(function) = &run.function {
        shown["targetArn"] = json!(function);
    }
    shown
}

fn breaker(service: &Service, deployment: &ServiceDeployment) -> Value {
    let breaker = deployment.configuration.breaker;
    let status = match deployment.status {
        _ if !breaker.enable => "DISABLED",
        _ if deployment.tripped => "TRIGGERED",
        DeploymentStatus::Pending | DeploymentStatus::InProgress => "MONITORING",
        _ => "MONITORING_COMPLETE",
    };
    json!({
        "status": status,
        "failureCount": deployment.failures,
        "threshold": breaker.threshold.failures(service.desired),
    })
}

fn alarms(deployment: &ServiceDeployment) -> Value {
    let set = deployment.configuration.alarms.as_ref().filter(|alarms| alarms.enable);
    let status = match deployment.status {
        _ if set.is_none() => "DISABLED",
        _ if !deployment.triggered_alarms.is_empty() => "TRIGGERED",
        DeploymentStatus::Pending | DeploymentStatus::InProgress => "MONITORING",
        _ => "MONITORING_COMPLETE",
    };
    json!({
        "status": status,
        "alarmNames": set.map(|alarms| &alarms.names[..]).unwrap_or_default(),
        "triggeredAlarmNames": deployment.triggered_alarms,
    })
}

/// As DescribeServiceRevisions shows it: what no other call does, too.
pub(super) fn revision(cx: &Cx<'_>, service: &Service, revision: &Revision) -> Value {
    let mut shown = Map::new();
    for (name, value) in [
        ("serviceRevisionArn", json!(revision_arn(service, revision.number))),
        ("serviceArn", json!(service.arn)),
        ("clusterArn", json!(make_arn::cluster(cx.caller, &service.cluster))),
        ("createdAt", json!(revision.created_at.seconds())),
        ("guardDutyEnabled", json!(false)),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
    ] {
        shown.insert(name.to_owned(), value);
    }
    show_fixed(&mut shown, revision, &FIXED, PLATFORM);
    let images = revision.shape.containers.iter().map(|one| {
        json!({ "containerName": one.name, "image": one.image, "imageDigest": crate::world::tasks::digest(&one.image) })
    });
    shown.insert("containerImages".to_owned(), images.collect());
    let serving: Vec<Value> = revision
        .list("loadBalancers")
        .iter()
        .zip(&revision.balanced.targets)
        .map(|(balancer, target)| {
            let rule = &balancer["advancedConfiguration"]["productionListenerRule"];
            json!({ "targetGroupArn": target, "productionListenerRule": rule })
        })
        .collect();
    if !serving.is_empty() {
        shown.insert("resolvedConfiguration".to_owned(), json!({ "loadBalancers": serving }));
    }
    Value::Object(shown)
}
