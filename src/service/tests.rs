//! The pure part of a service: manifest and observation in, plan and verdict out.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Desired, Observed, acts,
    detail::Detail,
    live_service::{LiveDeployment, LiveService},
    ours::{Attempt, recall, started},
    plan::plan,
    references::References,
    report::report,
    validate::validate,
    verdict,
};
use crate::{
    api::{EcsService, EcsServiceStatus, Reason},
    ecs::Operation,
    reconcile::{Plan, Settings, State, Verdict},
};

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
        looks: Vec::new(),
        resolved: None,
        at: Instant::now(),
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
    verdict::verdict(desired, &observed(Some(service)), status, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_service_as_asked_for_makes_no_call() {
    assert!(planned(&desired(&json!({})), Some(live(&json!({}))), &EcsServiceStatus::default()).is_empty());
}

/// A create whose answer was lost is repeated with the same token: ECS answers with the service it made.
#[test]
fn the_token_is_of_the_call() {
    let token = |patch: &Value, before: Option<Value>| {
        calls(&planned(&desired(patch), before, &EcsServiceStatus::default()))[0].1["clientToken"].clone()
    };
    let first = token(&json!({}), None);
    assert_eq!(first.as_str().unwrap().len(), 32);
    assert_eq!(first, token(&json!({}), None));
    assert_eq!(
        first,
        token(&json!({ "tags": [{ "key": "a", "value": "b" }] }), None),
        "tags are no part of ECS's comparison"
    );
    assert_ne!(first, token(&json!({ "desiredCount": 4 }), None), "an edit after a lost answer is another call");
    let gone = live(&json!({ "status": "INACTIVE", "createdAt": 1_700_000_000 }));
    assert_ne!(first, token(&json!({}), Some(gone)), "a service that was deleted is not answered from the past");
}

#[test]
fn a_new_service_without_a_count_gets_one_task() {
    let plan = planned(&desired(&json!({ "desiredCount": null })), None, &EcsServiceStatus::default());
    assert_eq!(calls(&plan)[0].1["desiredCount"], 1);
}

/// What somebody else scales is left alone where the manifest has no count.
#[test]
fn an_absent_count_is_not_managed() {
    let plan = planned(
        &desired(&json!({ "desiredCount": null })),
        Some(live(&json!({ "desiredCount": 9 }))),
        &applied(&["desiredCount"]),
    );
    assert!(plan.is_empty(), "{:?}", plan.lines());
}

/// Two calls would be two deployments.
#[test]
fn all_differences_go_in_one_call() {
    let desired =
        desired(&json!({ "taskDefinition": format!("{ARN}3"), "desiredCount": 5, "enableExecuteCommand": true }));
    let plan = planned(&desired, Some(live(&json!({}))), &EcsServiceStatus::default());
    assert_eq!(
        calls(&plan),
        [(
            Operation::UpdateService,
            json!({
                "cluster": "shop", "service": "web", "taskDefinition": format!("{ARN}3"), "desiredCount": 5,
                "enableExecuteCommand": true,
            })
        )]
    );
}

#[test]
fn a_removed_field_is_reset_once() {
    let status = applied(&["healthCheckGracePeriodSeconds"]);
    let plan = planned(&desired(&json!({})), Some(live(&json!({ "healthCheckGracePeriodSeconds": 30 }))), &status);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "healthCheckGracePeriodSeconds": 0 }));
    assert!(planned(&desired(&json!({})), Some(live(&json!({}))), &status).is_empty(), "live is so already");
    let never_ours = planned(
        &desired(&json!({})),
        Some(live(&json!({ "healthCheckGracePeriodSeconds": 30 }))),
        &EcsServiceStatus::default(),
    );
    assert!(never_ours.is_empty(), "what was never managed is kept");
}

/// ECS places an increase on the old capacity too, and refuses the change of capacity without force.
#[test]
fn a_change_of_capacity_is_forced_and_holds_back_an_increase() {
    let spot = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let desired = desired(&json!({ "capacityProviderStrategy": spot, "desiredCount": 6 }));
    let plan = planned(&desired, Some(live(&json!({}))), &EcsServiceStatus::default());
    assert_eq!(
        calls(&plan)[0].1,
        json!({ "cluster": "shop", "service": "web", "capacityProviderStrategy": spot, "forceNewDeployment": true })
    );
    assert!(plan.withheld[0].contains("desiredCount"), "{:?}", plan.withheld);
}

#[test]
fn what_ecs_cannot_change_in_place_is_refused_by_name() {
    let plan = planned(&desired(&json!({ "launchType": "EC2" })), Some(live(&json!({}))), &EcsServiceStatus::default());
    assert!(plan.is_empty());
    assert!(
        plan.refused[0].1.starts_with("spec.launchType is \"EC2\" and the service has \"FARGATE\""),
        "{:?}",
        plan.refused
    );
}

#[test]
fn a_draining_service_is_waited_for() {
    let verdict = plan(
        &desired(&json!({})),
        &observed(Some(live(&json!({ "status": "DRAINING" })))),
        &EcsServiceStatus::default(),
    )
    .unwrap_err();
    assert_eq!((verdict.state, verdict.reason), (State::Progressing, Reason::Deploying));
}

/// After ECS rolled back it shows the old revision. Sending the same again would deploy what just failed, for ever.
#[test]
fn what_was_rolled_back_is_not_deployed_again_but_all_else_is_applied() {
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3"), "desiredCount": 5 }));
    let status = EcsServiceStatus {
        own_deployment: Some("ecs-svc/3".into()),
        own_target: Some(broken.target(None)),
        known_deployments: vec!["ecs-svc/2".into()],
        ..EcsServiceStatus::default()
    };
    let plan = planned(&broken, Some(live(&json!({}))), &status);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    let scaled = live(&json!({ "desiredCount": 5 }));
    let verdict = verdict(&broken, scaled.clone(), &status);
    assert_eq!((verdict.state, verdict.reason), (State::Stalled, Reason::RolledBack));
    let mended = desired(&json!({ "taskDefinition": format!("{ARN}4"), "desiredCount": 5 }));
    assert_eq!(calls(&planned(&mended, Some(scaled), &status))[0].1["taskDefinition"], format!("{ARN}4"));
}

#[test]
fn ready_means_rolled_out() {
    let desired = desired(&json!({}));
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let with = |rollout: &str, running: i64| {
        verdict(
            &desired,
            live(&json!({ "runningCount": running, "deployments": [deployment("ecs-svc/2", 2, rollout)] })),
            &ours,
        )
    };
    assert_eq!(with("COMPLETED", 3).state, State::Ready);
    assert_eq!(with("IN_PROGRESS", 3).state, State::Progressing);
    assert_eq!(with("COMPLETED", 2).state, State::Progressing, "not all tasks run yet");
    assert_eq!(with("FAILED", 0).reason, Reason::DeploymentFailed);
    assert_eq!(with("SOMETHING_NEW", 3).state, State::Progressing, "what ECS adds later is never a success");
}

/// Scaling a service that was rolled back starts no deployment: what ECS went back to must not count as ours by that.
#[test]
fn a_call_that_starts_no_deployment_makes_none_ours() {
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3") }));
    let mut status = EcsServiceStatus {
        own_deployment: Some("ecs-svc/3".into()),
        own_target: Some(broken.target(None)),
        known_deployments: vec!["ecs-svc/2".into()],
        ..EcsServiceStatus::default()
    };
    started(&mut status, "ecs-svc/2", &deployments(&["ecs-svc/2"]), broken.target(None));
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/3"));
    assert_eq!(status.known_deployments, ["ecs-svc/2"]);
}

/// ECS may roll back to a deployment that somebody else made.
#[test]
fn whatever_ran_before_our_deployment_is_remembered() {
    let mut status = EcsServiceStatus::default();
    started(&mut status, "ecs-svc/9", &deployments(&["ecs-svc/7"]), String::new());
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/9"));
    assert_eq!(status.known_deployments, ["ecs-svc/7"]);
}

/// With a long history the one that ECS goes back to is the last to be forgotten: a rollback taken for drift would be
/// deployed over and over.
#[test]
fn what_ran_just_before_is_remembered_before_all_else() {
    let old: Vec<String> = (10..20).map(|number| format!("ecs-svc/{number}")).collect();
    let mut status = EcsServiceStatus {
        own_deployment: Some("ecs-svc/20".into()),
        known_deployments: old,
        ..EcsServiceStatus::default()
    };
    started(&mut status, "ecs-svc/31", &deployments(&["ecs-svc/30", "ecs-svc/20"]), String::new());
    assert_eq!(status.known_deployments[..3], ["ecs-svc/20", "ecs-svc/30", "ecs-svc/10"]);
    assert_eq!(status.known_deployments.len(), 10);

    let desired = desired(&json!({}));
    let shown = json!([deployment("ecs-svc/41", 2, "IN_PROGRESS"), { "id": "ecs-svc/40", "status": "ACTIVE" }]);
    report(&desired, &observed(Some(live(&json!({ "deployments": shown })))), &mut status, Timestamp::UNIX_EPOCH);
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/41"), "nothing managed differs");
    assert_eq!(status.known_deployments[..2], ["ecs-svc/31", "ecs-svc/40"]);
}

/// ECS drops the block of a strategy with the strategy, and refuses it without.
#[test]
fn a_strategy_takes_its_block_along() {
    let linear = json!({
        "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0, "stepBakeTimeInMinutes": 5 },
        "maximumPercent": 200, "minimumHealthyPercent": 100,
    });
    let status = applied(&["deploymentConfiguration.strategy", "deploymentConfiguration.linearConfiguration"]);
    let plan = planned(&desired(&json!({})), Some(live(&json!({ "deploymentConfiguration": linear }))), &status);
    assert_eq!(calls(&plan)[0].1["deploymentConfiguration"], json!({ "strategy": "ROLLING" }));
}

/// What CodeDeploy deployed is not ours to put back, and an edit of it would be neither applied nor refused.
#[test]
fn under_code_deploy_an_edit_is_refused_and_a_deployment_of_its_own_is_not_drift() {
    let controller = json!({ "type": "CODE_DEPLOY" });
    let balancers = json!([{ "targetGroupArn": "arn:aws:tg", "containerName": "app", "containerPort": 80 }]);
    let asked = |revision: u8| {
        desired(&json!({
            "deploymentController": controller, "taskDefinition": format!("{ARN}{revision}"), "loadBalancers": balancers,
        }))
    };
    let deployed_by_it = live(&json!({ "deploymentController": controller, "taskDefinition": format!("{ARN}7") }));
    let mut status = EcsServiceStatus::default();
    status.common.applied_fields = asked(2).managed();
    let moved = planned(&asked(2), Some(deployed_by_it.clone()), &status);
    assert_eq!(moved.lines(), [""; 0]);
    let edited = planned(&asked(3), Some(deployed_by_it.clone()), &status);
    assert_eq!(edited.refused[0].0, Reason::CodeDeployOwned);
    assert!(edited.refused[0].1.starts_with("spec.taskDefinition: task-definition/web:7 → task-definition/web:3"));
    assert_eq!(planned(&asked(7), Some(deployed_by_it), &status).lines(), [""; 0], "the manifest was brought in line");
}

/// Accepted and never done: what the manifest says of the launch type must not be passed over.
#[test]
fn a_launch_type_beside_capacity_providers_is_refused_unless_they_go() {
    let providers = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let on_providers = live(&json!({ "launchType": null, "capacityProviderStrategy": providers }));
    let plan = planned(&desired(&json!({ "launchType": "FARGATE" })), Some(on_providers.clone()), &applied(&[]));
    assert_eq!(plan.refused[0].0, Reason::ReplaceRequired);
    assert!(plan.refused[0].1.contains("set spec.capacityProviderStrategy to [] beside it"), "{:?}", plan.refused);
    let back = desired(&json!({ "launchType": "FARGATE", "capacityProviderStrategy": [] }));
    let plan = planned(&back, Some(on_providers), &applied(&[]));
    assert_eq!((plan.refused.len(), &calls(&plan)[0].1["forceNewDeployment"]), (0, &json!(true)));
}

/// Tasks are replaced all day. Only where too few run for longer is something wrong.
#[test]
fn a_dip_is_told_and_readiness_falls_only_when_it_lasts() {
    let desired = desired(&json!({}));
    let now = Timestamp::from_second(1_000_000).unwrap();
    let dip = |minimum: i64, running: i64, low_for: i64| {
        let mut status = EcsServiceStatus {
            own_deployment: Some("ecs-svc/2".into()),
            rolled_out: Some("ecs-svc/2".into()),
            ..EcsServiceStatus::default()
        };
        let since = now - jiff::SignedDuration::from_secs(low_for);
        status.common.conditions = serde_json::from_value(json!([{
            "type": "Available", "status": "False", "reason": "TooFewTasks", "message": "", "lastTransitionTime": since,
        }]))
        .unwrap();
        let percents = json!({ "maximumPercent": 200, "minimumHealthyPercent": minimum });
        let service = live(&json!({ "runningCount": running, "deploymentConfiguration": percents }));
        let verdict = verdict::verdict(&desired, &observed(Some(service)), &status, now);
        (verdict.state, verdict.also[0].status.as_str(), verdict.also[0].reason.clone())
    };
    assert_eq!(dip(50, 3, 0), (State::Ready, "True", "TasksRun".into()));
    assert_eq!(dip(50, 2, 600), (State::Ready, "True", "TasksMissing".into()));
    assert_eq!(dip(50, 1, 30), (State::Ready, "False", "TooFewTasks".into()));
    assert_eq!(dip(50, 1, 60), (State::Waiting, "False", "TooFewTasks".into()));
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

/// While ECS goes back, a deployment of the correction would be thrown away, or worse.
#[test]
fn nothing_is_deployed_while_ecs_rolls_back() {
    let mended = desired(&json!({ "taskDefinition": format!("{ARN}4"), "desiredCount": 5 }));
    let status = third(&desired(&json!({ "taskDefinition": format!("{ARN}3") })));
    let going_back = live(&json!({ "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")] }));
    let plan = planned(&mended, Some(going_back), &status);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    assert!(plan.withheld[0].contains("once ECS has rolled back"), "{:?}", plan.withheld);
}

/// A restart that is asked for after a rollback is the user's word to try the same again; its end is a new matter.
#[test]
fn a_new_restart_tries_again_what_was_rolled_back() {
    let asked = json!({ "taskDefinition": format!("{ARN}3") });
    let status = third(&desired(&asked));
    let again = annotated(&asked, &json!({ "ecs-operator.dev/restartedAt": "2" }), &status);
    let sent = calls(&planned(&again, Some(live(&json!({}))), &status));
    assert_eq!(
        sent[0].1,
        json!({ "cluster": "shop", "service": "web", "taskDefinition": format!("{ARN}3"), "forceNewDeployment": true })
    );
}

/// Each value is done once; taking the annotation away asks for nothing, least of all for what was rolled back.
#[test]
fn a_restart_is_made_once_a_value() {
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let asked =
        |status: &EcsServiceStatus| annotated(&json!({}), &json!({ "ecs-operator.dev/restartedAt": "monday" }), status);
    let plan = planned(&asked(&ours), Some(live(&json!({}))), &ours);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "forceNewDeployment": true }));
    let mut done = ours.clone();
    acts::done(&asked(&ours), &plan.steps[0], &mut done);
    assert!(planned(&asked(&done), Some(live(&json!({}))), &done).is_empty());
    let target = asked(&done).target(None);
    assert_eq!(target, annotated(&json!({}), &json!({}), &done).target(None), "removing it changes nothing");
    let lost = live(&json!({ "deployments": [deployment("ecs-svc/9", 2, "IN_PROGRESS")] }));
    assert!(planned(&asked(&ours), Some(lost), &ours).is_empty(), "the answer was lost, the deployment is there");
}

/// A status that was deleted must not make the operator deploy once more what just failed.
#[test]
fn with_the_status_lost_the_history_tells_the_rollback() {
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3"), "desiredCount": 5 }));
    let service = live(&json!({}));
    let revision = json!({
        "taskDefinition": format!("{ARN}3"), "launchType": "FARGATE", "platformVersion": "1.4.0",
        "networkConfiguration": service["networkConfiguration"],
    });
    let past = serde_json::from_value(json!({
        "id": "ecs-svc/3", "outcome": "RolledBack", "message": "the breaker tripped",
        "completionTime": "2026-01-01T00:00:00Z",
    }))
    .unwrap();
    let mut seen = observed(Some(service.clone()));
    seen.attempt = Attempt::new(past, &service, &revision);
    let mut status = EcsServiceStatus::default();
    recall(&broken, &seen, &mut status);
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/3"));
    let plan = plan(&broken, &seen, &status).unwrap();
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    let told = verdict(&broken, service, &status);
    assert_eq!(told.reason, Reason::RolledBack);
    let start = "ECS rolled back from web:3 (ecs-svc/3) to web:2 (ecs-svc/2): the breaker tripped.";
    assert!(told.message.starts_with(start), "{}", told.message);

    let mut status = EcsServiceStatus::default();
    recall(&desired(&json!({ "taskDefinition": format!("{ARN}4") })), &seen, &mut status);
    assert_eq!(status.own_deployment, None, "another revision was never tried");
}

/// A service deployment tells of a rollback before the service does.
#[test]
fn a_rollback_that_only_the_service_deployment_shows_is_told() {
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3") }));
    let still = live(&json!({
        "taskDefinition": format!("{ARN}3"), "deployments": [deployment("ecs-svc/3", 3, "IN_PROGRESS")],
    }));
    let mut seen = observed(Some(still));
    seen.detail = Detail::read(&json!({
        "serviceDeploymentArn": "arn:x", "status": "ROLLBACK_IN_PROGRESS", "statusReason": "the breaker tripped",
        "rollback": { "serviceRevisionArn": "arn:y/2" },
        "targetServiceRevision": { "arn": "arn:y/3" },
    }));
    let verdict = verdict::verdict(&broken, &seen, &third(&broken), Timestamp::UNIX_EPOCH);
    assert_eq!((verdict.state, verdict.reason), (State::Stalled, Reason::RolledBack));
    assert!(verdict.message.contains("the breaker tripped"), "{}", verdict.message);
}

/// Baking and shifting traffic are what was asked for; tasks that don't come are not.
#[test]
fn the_deadline_counts_from_the_last_progress() {
    let asked = desired(&json!({ "progressDeadlineSeconds": 300 }));
    let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
    let with = |running: i64| {
        let mut one = deployment("ecs-svc/2", 2, "IN_PROGRESS");
        one["runningCount"] = running.into();
        observed(Some(live(&json!({ "runningCount": running, "deployments": [one] }))))
    };
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    report(&asked, &with(0), &mut status, at(0));
    report(&asked, &with(1), &mut status, at(200));
    report(&asked, &with(0), &mut status, at(250));
    report(&asked, &with(1), &mut status, at(300));
    let state = |second: i64| verdict::verdict(&asked, &with(1), &status, at(second));
    assert_eq!(state(499).state, State::Progressing);
    let late = state(500);
    assert_eq!((late.state, late.reason), (State::Stalled, Reason::DeadlineExceeded));
    assert!(late.message.contains("1 of 3 tasks of web:2 run"), "{}", late.message);
}

/// A waiting hook is answered once, and only the one that waits.
#[test]
fn a_hook_is_answered_by_its_id() {
    let waiting = |id: &str| {
        let mut seen = observed(Some(live(&json!({
            "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")],
            "deploymentConfiguration": { "strategy": "CANARY", "maximumPercent": 200, "minimumHealthyPercent": 100 },
        }))));
        seen.detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": "IN_PROGRESS", "targetServiceRevision": { "arn": "arn:y/2" },
            "lifecycleHookDetails": [{ "hookId": id, "status": "AWAITING_ACTION" }],
        }));
        seen
    };
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let asked = annotated(&json!({}), &json!({ "ecs-operator.dev/continueHook": "h1" }), &ours);
    let first = plan(&asked, &waiting("h1"), &ours).unwrap();
    assert_eq!(calls(&first)[0].1, json!({ "serviceDeploymentArn": "arn:x", "hookId": "h1", "action": "CONTINUE" }));
    let mut done = ours.clone();
    acts::done(&asked, &first.steps[0], &mut done);
    assert!(plan(&asked, &waiting("h1"), &done).unwrap().is_empty());
    let next = plan(&asked, &waiting("h2"), &done).unwrap();
    assert!(next.is_empty(), "the next step's hook has an id of its own");
    let verdict = verdict::verdict(&asked, &waiting("h2"), &done, Timestamp::UNIX_EPOCH);
    assert_eq!(verdict.reason, Reason::AwaitingHook);
}

/// Putting the old manifest back is the usual answer to a rollback: what ECS went back to is what is asked for then.
#[test]
fn a_manifest_that_asks_for_what_ecs_went_back_to_is_deployed() {
    let mut status = third(&desired(&json!({ "taskDefinition": format!("{ARN}3") })));
    let reverted = desired(&json!({}));
    let seen = observed(Some(live(&json!({}))));
    assert!(plan(&reverted, &seen, &status).unwrap().is_empty());
    report(&reverted, &seen, &mut status, Timestamp::UNIX_EPOCH);
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/2"));
    let verdict = verdict::verdict(&reverted, &seen, &status, Timestamp::UNIX_EPOCH);
    assert_eq!(verdict.reason, Reason::Deployed, "{}", verdict.message);
}

/// ECS refuses the block of a strategy without the strategy.
#[test]
fn a_strategy_that_waits_keeps_its_block_back() {
    let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0 } });
    let deploying = live(&json!({ "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")] }));
    let asked = desired(&json!({ "deploymentConfiguration": linear }));
    let plan = planned(&asked, Some(deploying), &EcsServiceStatus::default());
    assert!(plan.is_empty(), "{:?}", plan.lines());
    assert_eq!(plan.withheld.len(), 1, "{:?}", plan.lines());
}

/// Accepted and never done: what CodeDeploy owns can't be reset either.
#[test]
fn under_code_deploy_a_removed_field_is_told() {
    let asked = desired(&json!({
        "deploymentController": { "type": "CODE_DEPLOY" },
        "loadBalancers": [{ "targetGroupArn": "arn:aws:tg", "containerName": "app", "containerPort": 80 }],
    }));
    let status = applied(&["enableExecuteCommand"]);
    let shown = live(&json!({ "deploymentController": { "type": "CODE_DEPLOY" }, "enableExecuteCommand": true }));
    let plan = planned(&asked, Some(shown), &status);
    assert!(plan.notes[0].starts_with("enableExecuteCommand was removed"), "{:?}", plan.lines());
    assert!(plan.kept.contains(&"enableExecuteCommand".to_owned()));
}

/// What ECS does not show went back with the rollback, and has to be sent with what comes next.
#[test]
fn after_a_rollback_what_ecs_does_not_show_counts_as_not_sent() {
    let monitoring =
        json!({ "metricConfigurations": [{ "metricNames": ["CPUUtilization"], "resolutionSeconds": 20 }] });
    let asked =
        |revision: u8| desired(&json!({ "taskDefinition": format!("{ARN}{revision}"), "monitoring": monitoring }));
    let mut status = third(&asked(3));
    status.common.applied_fields = asked(3).managed();
    let back = planned(&asked(3), Some(live(&json!({}))), &status);
    assert!(back.is_empty() && back.kept.contains(&"monitoring#".to_owned()), "{back:?}");
    status.common.applied_fields = vec!["monitoring".into(), "monitoring#".into()];
    let mended = planned(&asked(4), Some(live(&json!({}))), &status);
    assert!(calls(&mended)[0].1.get("monitoring").is_some(), "{:?}", mended.lines());
}

/// A count that is raised is a rollout of its own, not a dip of what ran.
#[test]
fn tasks_that_somebody_asks_for_are_not_missing() {
    let service = LiveService::read(live(&json!({ "desiredCount": 10 }))).unwrap();
    assert_eq!(service.least_running(Some(3)), 3);
    assert_eq!(service.least_running(Some(12)), 10);
}
