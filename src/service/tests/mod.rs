//! The pure part of a service: manifest and observation in, plan and verdict out.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Desired, Observed, acts,
    detail::Detail,
    live_service::{LiveDeployment, LiveService},
    observe::is_from_the_past,
    ours::{Attempt, recall, started},
    plan::plan,
    references::References,
    report::report,
    validate::validate,
    verdict,
};
use crate::{
    api::{
        EcsService, EcsServiceStatus, EcsTaskDefinition, EcsTaskDefinitionSpec, Reason,
        deployment_status::DeploymentOutcome,
    },
    ecs::Operation,
    reconcile::{Plan, Refusal, Settings, State, Step, Verdict, doubt::Untold},
};

mod annotations;
mod changes;
mod readiness;
mod rollback;
mod telling;

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:";

fn desired(patch: &Value) -> Desired {
    annotated(patch, &json!({}), &EcsServiceStatus::default())
}

fn annotated(patch: &Value, annotations: &Value, status: &EcsServiceStatus) -> Desired {
    let mut spec = json!({
        "cluster": "shop", "taskDefinition": format!("{ARN}2"), "desiredCount": 3,
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-a"] } },
    });
    for (name, value) in patch.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let object: EcsService = serde_json::from_value(json!({
        "apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsService",
        "metadata": { "name": "web", "namespace": "shop", "uid": "u1", "generation": 1, "annotations": annotations },
        "spec": spec,
    }))
    .unwrap();
    let settings = Settings { installation: "i".into(), default_region: Some("eu-west-1".into()) };
    validate(&object, &References::default(), status, &settings).unwrap()
}

fn live(patch: &Value) -> Value {
    let mut service = json!({
        "serviceArn": "arn:aws:ecs:eu-west-1:123456789012:service/shop/web", "serviceName": "web", "status": "ACTIVE",
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop", "taskDefinition": format!("{ARN}2"),
        "desiredCount": 3, "runningCount": 3, "pendingCount": 0, "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA", "platformVersion": "LATEST",
        "networkConfiguration": { "awsvpcConfiguration": {
            "subnets": ["subnet-a"], "securityGroups": [], "assignPublicIp": "DISABLED" } },
        "deploymentConfiguration": { "maximumPercent": 200, "minimumHealthyPercent": 100 },
        "deployments": [deployment("ecs-svc/2", 2, "COMPLETED")],
        "tags": [
            { "key": "ecs-operator.dev/owner", "value": "i/EcsService/shop/web" },
            { "key": "ecs-operator.dev/origin", "value": "created" },
        ],
    });
    for (name, value) in patch.as_object().unwrap() {
        service[name] = value.clone();
    }
    service
}

fn deployment(id: &str, revision: u8, rollout: &str) -> Value {
    json!({
        "id": id, "status": "PRIMARY", "taskDefinition": format!("{ARN}{revision}"), "rolloutState": rollout,
        "desiredCount": 3, "runningCount": 3, "pendingCount": 0,
    })
}

fn deployments(ids: &[&str]) -> Vec<LiveDeployment> {
    ids.iter().map(|id| LiveDeployment { id: (*id).to_owned(), ..LiveDeployment::default() }).collect()
}

fn observed(service: Option<Value>) -> Observed {
    Observed {
        service: service.and_then(LiveService::read),
        detail: None,
        attempt: None,
        stopped: Vec::new(),
        failed_revision: None,
        looks: Vec::new(),
        resolved: None,
        at: Instant::now(),
        untold: Untold::Nothing,
        is_answer: false,
    }
}

fn planned(desired: &Desired, service: Option<Value>, status: &EcsServiceStatus) -> Plan {
    plan(desired, &observed(service), status).unwrap()
}

fn calls(plan: &Plan) -> Vec<(Operation, Value)> {
    plan.steps.iter().map(|step| (step.operation, Value::Object(step.input.clone()))).collect()
}

fn applied(paths: &[&str]) -> EcsServiceStatus {
    let mut status = EcsServiceStatus::default();
    status.common.applied_fields = paths.iter().map(|path| (*path).to_owned()).collect();
    status
}

fn verdict(desired: &Desired, service: Value, status: &EcsServiceStatus) -> Verdict {
    verdict_of(desired, &observed(Some(service)), status, Timestamp::UNIX_EPOCH)
}

fn verdict_of(desired: &Desired, observed: &Observed, status: &EcsServiceStatus, now: Timestamp) -> Verdict {
    let plan = plan(desired, observed, status).unwrap_or_default();
    verdict::verdict(desired, observed, status, &plan, now)
}

/// The status of a service whose deployment of revision 3 is the third, after two before it.
fn third(broken: &Desired) -> EcsServiceStatus {
    EcsServiceStatus {
        own_deployment: Some("ecs-svc/3".into()),
        own_target: Some(broken.target(None)),
        known_deployments: vec!["ecs-svc/2".into()],
        ..EcsServiceStatus::default()
    }
}
