//! What is said of deployments: to whom it matters, what is true, and once.

use super::*;
use crate::service::news::news;

/// A service that was rolled back from revision 3, and its status.
fn rolled_back(asked: &Value, reason: &str, revision: u8) -> (Desired, EcsServiceStatus) {
    let desired = desired(asked);
    let mut status = third(&desired);
    let past = json!([{
        "id": "ecs-svc/3", "outcome": "RolledBack", "message": reason, "taskDefinition": format!("web:{revision}"),
        "completionTime": "2026-01-01T00:00:00Z",
    }]);
    status.deployments = serde_json::from_value(past).unwrap();
    (desired, status)
}

fn told(asked: &Value, reason: &str, revision: u8) -> String {
    let (desired, status) = rolled_back(asked, reason, revision);
    verdict(&desired, live(&json!({})), &status).message
}

#[test]
fn the_remedy_fits_the_cause() {
    let image = json!({ "taskDefinition": format!("{ARN}3") });
    let with = |reason: &str| told(&image, reason, 3);
    assert!(
        with("the circuit breaker threshold was exceeded.")
            .contains("web:3 is not deployed again by itself: correct spec.taskDefinition, or set the annotation")
    );
    assert!(with("the alarm web-errors was triggered.").contains("see what set the alarm off"));
    assert!(with("a rollback was requested.").contains("it was stopped on purpose"));
    assert!(with("PRE_SCALE_UP lifecycle hook(s) were answered with ROLLBACK.").contains("stopped on purpose"));
    assert!(with("PRE_SCALE_UP lifecycle hook(s) timed out.").contains("answer the hook in time"));
    assert!(with("PRE_SCALE_UP lifecycle hook(s) failed.").contains("see in the hook's log"));
}

/// The complaint is kept in the status: ECS shows its events for a while only.
#[test]
fn without_capacity_the_manifest_is_not_to_blame() {
    let (desired, mut status) = rolled_back(
        &json!({ "taskDefinition": format!("{ARN}3") }),
        "Service deployment rolled back because the circuit breaker threshold was exceeded.",
        3,
    );
    status.deployments[0].complaint = Some("was unable to place a task. Reason: Capacity is unavailable".into());
    let message = verdict(&desired, live(&json!({})), &status).message;
    assert!(message.contains("exceeded\". ECS had said: \"was unable to place"), "{message}");
    assert!(
        message.contains("unavailable\". web:3 is not deployed again by itself: once there is capacity, set"),
        "{message}"
    );
}

#[test]
fn from_the_same_to_the_same_what_was_changed_is_told() {
    let moved = json!({ "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-b"] } } });
    let message = told(&moved, "the circuit breaker", 2);
    let start = "ECS rolled back the change of networkConfiguration of web:2, from ecs-svc/3 to ecs-svc/2. ";
    assert!(message.starts_with(start), "{message}");
    let message = told(&json!({}), "the circuit breaker", 2);
    assert!(message.starts_with("ECS rolled back the restart of web:2, from ecs-svc/3 to ecs-svc/2. "), "{message}");
    assert!(message.contains("it ran before, so see what else changed"), "{message}");
}

/// A rollback is first told by the service deployment, when PRIMARY is still ours.
#[test]
fn a_rollback_that_begins_names_both_ends() {
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3") }));
    let mut older = deployment("ecs-svc/2", 2, "COMPLETED");
    older["status"] = "ACTIVE".into();
    let shown = json!([deployment("ecs-svc/3", 3, "IN_PROGRESS"), older]);
    let mut seen = observed(Some(live(&json!({ "taskDefinition": format!("{ARN}3"), "deployments": shown }))));
    seen.detail = Detail::read(&json!({
        "serviceDeploymentArn": "arn:x", "status": "ROLLBACK_IN_PROGRESS",
        "rollback": { "serviceRevisionArn": "arn:y/2", "reason": "the breaker tripped" },
        "targetServiceRevision": { "arn": "arn:y/3" },
    }));
    let message = verdict_of(&broken, &seen, &third(&broken), Timestamp::UNIX_EPOCH).message;
    let start = "ECS is rolling back from web:3 (ecs-svc/3) to web:2 (ecs-svc/2). ECS says: \"the breaker tripped\".";
    assert!(message.starts_with(start), "{message}");
}

/// What is read no more because all of it is told stays told.
#[test]
fn a_failed_deployment_keeps_its_detail_and_its_reason() {
    let asked = desired(&json!({}));
    let mut failed = deployment("ecs-svc/2", 2, "FAILED");
    failed["rolloutStateReason"] = "tasks failed to start".into();
    let mut seen = observed(Some(live(&json!({ "deployments": [failed] }))));
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let detail = |word: &str| {
        Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": word, "lifecycleStage": "SCALE_UP",
            "statusReason": "no candidate", "targetServiceRevision": { "arn": "arn:y/2" },
        }))
    };
    seen.detail = detail("ROLLBACK_IN_PROGRESS");
    report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
    let service = seen.service.clone().unwrap();
    assert!(!super::super::detail::has_ended_badly(&service, &status), "ECS still looks for what to go back to");
    seen.detail = detail("ROLLBACK_FAILED");
    report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
    assert!(super::super::detail::has_ended_badly(&service, &status));
    seen.detail = None;
    report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
    let shown = status.deployment.as_ref().unwrap();
    assert_eq!((shown.state.as_deref(), shown.stage.as_deref()), (Some("ROLLBACK_FAILED"), Some("SCALE_UP")));
    assert_eq!(status.deployments[0].message.as_deref(), Some("tasks failed to start"));
}

#[test]
fn a_service_that_never_ran_is_not_available() {
    let asked = desired(&json!({}));
    let available = |running: i64, status: &EcsServiceStatus| {
        let mut one = deployment("ecs-svc/2", 2, "IN_PROGRESS");
        one["runningCount"] = running.into();
        let service = live(&json!({ "runningCount": running, "deployments": [one] }));
        verdict(&asked, service, status).also[0].status.as_str()
    };
    let new = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    assert_eq!((available(0, &new), available(2, &new), available(3, &new)), ("False", "False", "True"));
    let corrected = EcsServiceStatus { known_deployments: vec!["ecs-svc/1".into()], ..new.clone() };
    assert_eq!(available(2, &corrected), "False", "what failed before never ran either");
    let scaled = EcsServiceStatus { most_running: Some(2), ..new };
    assert_eq!((available(2, &scaled), available(1, &scaled), available(0, &scaled)), ("True", "False", "False"));
}

#[test]
fn a_task_set_that_stabilizes_is_looked_at_often() {
    let with = |sets: Value| observed(Some(live(&json!({ "deployments": [], "taskSets": sets })))).is_settled();
    assert!(with(json!([])));
    assert!(with(json!([{ "stabilityStatus": "STEADY_STATE" }])));
    assert!(!with(json!([{ "stabilityStatus": "STABILIZING" }])));
    assert!(!with(json!([{ "stabilityStatus": "STEADY_STATE" }, { "stabilityStatus": "STEADY_STATE" }])), "it shifts");
}

fn status(json: &Value) -> EcsServiceStatus {
    serde_json::from_value(json.clone()).unwrap()
}

#[test]
fn events_tell_each_thing_once() {
    let before = status(&json!({
        "ownDeployment": "ecs-svc/2", "knownDeployments": ["ecs-svc/1"],
        "deployment": { "id": "ecs-svc/2", "rolloutState": "IN_PROGRESS" },
    }));
    let found = status(&json!({
        "ownDeployment": "ecs-svc/3", "knownDeployments": ["ecs-svc/2"], "taskDefinition": "web:1",
        "deployment": { "id": "ecs-svc/3", "rolloutState": "IN_PROGRESS" },
    }));
    let names = |before: &EcsServiceStatus, after: &EcsServiceStatus, steps: &[Step]| -> Vec<String> {
        news(before, after, steps).iter().map(|news| format!("{news:?}")).collect()
    };
    assert!(names(&before, &found, &[])[0].contains("DeploymentFound"));
    let call = Step::new(Operation::UpdateService, "service web", json!({}), Vec::new());
    assert!(names(&before, &found, &[call]).is_empty());

    let going_back = status(&json!({
        "ownDeployment": "ecs-svc/2", "knownDeployments": ["ecs-svc/1"], "taskDefinition": "web:1",
        "deployment": { "id": "ecs-svc/1", "rolloutState": "IN_PROGRESS" },
    }));
    let mut back = going_back.clone();
    back.deployment.as_mut().unwrap().rollout_state = Some("COMPLETED".into());
    let told = names(&going_back, &back, &[]);
    assert!(told.len() == 1 && told[0].contains("ECS is back at web:1 (ecs-svc/1)"), "{told:?}");

    let mut failing = before.clone();
    failing.events = serde_json::from_value(json!([{
        "id": "1", "time": "2026-01-01T00:00:00Z",
        "message": "(service web) (task 1) failed ELB health checks in (target-group arn:x)",
    }]))
    .unwrap();
    let complained = names(&before, &failing, &[]);
    assert!(complained.len() == 1 && complained[0].contains("note: \"ECS says"), "no word twice: {complained:?}");
    let mut diagnosed = failing.clone();
    diagnosed.task_failures = serde_json::from_value(json!([{
        "cause": "LoadBalancerHealthCheck", "reason": "r", "advice": "a", "count": 1, "lookedAt": 1,
        "lastSeenTime": "2026-01-01T00:00:10Z",
    }]))
    .unwrap();
    assert!(names(&failing, &diagnosed, &[]).is_empty(), "the same failure");
}

#[test]
fn a_bake_time_is_told_only_where_there_is_one() {
    let asked = desired(&json!({}));
    let until = |minutes: i64| {
        let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
        let mut seen = observed(Some(live(&json!({
            "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")],
            "deploymentConfiguration": {
                "strategy": "BLUE_GREEN", "bakeTimeInMinutes": minutes, "maximumPercent": 200, "minimumHealthyPercent": 100,
            },
        }))));
        seen.detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": "IN_PROGRESS", "lifecycleStage": "BAKE_TIME",
            "targetServiceRevision": { "arn": "arn:y/2" },
        }));
        let now = Timestamp::from_millisecond(1500).unwrap();
        report(&asked, &seen, &mut status, now);
        verdict_of(&asked, &seen, &status, now).message
    };
    assert!(until(5).contains("BLUE_GREEN at BAKE_TIME until 1970-01-01T00:05:01Z"), "{}", until(5));
    assert!(!until(0).contains("until"), "{}", until(0));
}

/// A complaint of ECS goes when its cause does, not when the next stage begins.
#[test]
fn protected_tasks_are_told_as_long_as_they_run() {
    let asked = desired(&json!({}));
    let told = |older: i64| {
        let mut old = deployment("ecs-svc/1", 1, "COMPLETED");
        (old["status"], old["runningCount"]) = ("ACTIVE".into(), older.into());
        let service = live(&json!({
            "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS"), old],
            "events": [{ "createdAt": 10, "message":
                "(service web) was unable to reach steady state because (taskSet ecs-svc/1) was unable to scale in due to \
                 (reason 1 tasks under protection)" }],
        }));
        let mut ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
        ours.deployment =
            serde_json::from_value(json!({ "id": "ecs-svc/2", "progressTime": "1970-01-01T00:00:20Z" })).unwrap();
        verdict(&asked, service, &ours).message
    };
    assert!(told(1).contains("beside 1 of older deployments. TasksProtected: "), "{}", told(1));
    assert!(!told(0).contains("TasksProtected"), "{}", told(0));
}

/// ECS stops a deployment some seconds before it calls it failed: that is told once, with one text.
#[test]
fn a_deployment_that_is_being_stopped_has_not_failed_yet() {
    let asked = desired(&json!({}));
    let mut ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let mut see = |word: &str, rollout: &str| {
        let mut one = deployment("ecs-svc/2", 2, rollout);
        (one["runningCount"], one["rolloutStateReason"]) = (0.into(), format!("it is {rollout}").into());
        let mut older = deployment("ecs-svc/1", 1, "COMPLETED");
        (older["status"], older["runningCount"]) = ("ACTIVE".into(), 2.into());
        let mut seen = observed(Some(live(&json!({ "runningCount": 2, "deployments": [one, older] }))));
        seen.detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": word, "statusReason": "the breaker tripped.",
            "targetServiceRevision": { "arn": "arn:y/2" },
        }));
        report(&asked, &seen, &mut ours, Timestamp::UNIX_EPOCH);
        let told = verdict_of(&asked, &seen, &ours, Timestamp::UNIX_EPOCH);
        (told.state, told.message, ours.deployments.len())
    };
    let (state, message, past) = see("STOP_REQUESTED", "IN_PROGRESS");
    let end = "ECS is stopping the deployment. ECS says: \"the breaker tripped\".";
    assert!((state, past) == (State::Progressing, 0) && message.ends_with(end), "{message}");
    let (state, first, past) = see("STOPPED", "IN_PROGRESS");
    assert_eq!((state, past), (State::Stalled, 1));
    let message = "Deployment ecs-svc/2 of web:2 failed and nothing was rolled back. ECS says: \"the breaker tripped\". \
                   web:1 (ecs-svc/1) goes on running. \
                   web:2 is not deployed again by itself: correct spec.taskDefinition, or set the annotation \
                   ecs-operator.dev/restartedAt to a new value, such as the time.";
    assert_eq!(first, message);
    assert_eq!(see("STOPPED", "FAILED").1, message);
}

/// Tasks that were looked into say what to correct; it is not said again in general words.
#[test]
fn there_is_one_remedy() {
    let (desired, mut status) = rolled_back(&json!({ "taskDefinition": format!("{ARN}3") }), "the circuit breaker", 3);
    status.task_failures = serde_json::from_value(json!([{
        "cause": "ImageNotFound", "reason": "r", "advice": "correct `image`", "count": 3, "lookedAt": 3,
        "lastSeenTime": "2026-01-01T00:00:10Z",
    }]))
    .unwrap();
    let message = verdict(&desired, live(&json!({})), &status).message;
    assert!(
        message.contains("correct `image`. web:3 is not deployed again by itself: for another try, set"),
        "{message}"
    );
}

/// What failed is counted once more when ECS has gone back, and not in between.
#[test]
fn failed_tasks_are_counted_to_the_end() {
    let asked = desired(&json!({ "taskDefinition": format!("{ARN}3") }));
    let mut status = third(&asked);
    let mut see = |tasks: i64, rollout: &str| {
        let mut seen = observed(Some(live(&json!({ "deployments": [deployment("ecs-svc/2", 2, rollout)] }))));
        let stopped = (0..tasks).map(|task| {
            let reason = "Essential container in task exited";
            json!({
                "taskArn": format!("t{task}"), "startedBy": "ecs-svc/3", "stoppingAt": 100 + task, "stoppedReason": reason,
                "stopCode": "EssentialContainerExited",
            })
        });
        seen.stopped = stopped.filter_map(|task| crate::service::diagnosis::StoppedTask::read(&task)).collect();
        report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
        status.task_failures[0].count
    };
    assert_eq!(see(2, "IN_PROGRESS"), 2, "a task that is being stopped counts");
    assert_eq!(see(3, "IN_PROGRESS"), 2);
    assert_eq!(see(3, "COMPLETED"), 3);
}

#[test]
fn a_task_set_is_named_with_what_it_runs() {
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";
    let asked = desired(&json!({
        "deploymentController": { "type": "CODE_DEPLOY" },
        "loadBalancers": [{ "containerName": "app", "containerPort": 8080, "targetGroupArn": group }],
    }));
    let with = |sets: Value| {
        let mut status = EcsServiceStatus::default();
        let controller = json!({ "type": "CODE_DEPLOY" });
        let seen = observed(Some(live(&json!({
            "deployments": [], "deploymentController": controller, "taskSets": sets,
        }))));
        report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
        let told = verdict_of(&asked, &seen, &status, Timestamp::UNIX_EPOCH);
        (told.state, told.reason, told.message, status.task_definition)
    };
    let set = |stability: &str| {
        json!([{
            "id": "ecs-svc/9", "status": "PRIMARY", "stabilityStatus": stability, "taskDefinition": format!("{ARN}2"),
            "runningCount": 3, "computedDesiredCount": 3,
        }])
    };
    let steady = "web:2 runs: the PRIMARY task set ecs-svc/9 of CODE_DEPLOY is steady.".to_owned();
    assert_eq!(with(set("STEADY_STATE")), (State::Ready, Reason::Deployed, steady, Some("web:2".into())));
    let moves = "3 of 3 tasks of web:2 run: the PRIMARY task set ecs-svc/9 of CODE_DEPLOY is stabilizing.";
    assert_eq!(with(set("STABILIZING")).2, moves);
    let (state, reason, _, runs) = with(json!([]));
    assert_eq!((state, reason, runs), (State::Ready, Reason::NoTaskSet, None));
}

#[test]
fn a_canarys_pause_has_an_end() {
    let asked = desired(&json!({}));
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let mut see = |percent: f64, second: i64| {
        let mut seen = observed(Some(live(&json!({
            "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")],
            "deploymentConfiguration": {
                "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5 },
            },
        }))));
        seen.detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": "IN_PROGRESS", "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
            "targetServiceRevision": {
                "arn": "arn:y/2", "requestedProductionTrafficWeight": percent, "requestedTestTrafficWeight": 100.0,
            },
        }));
        let now = Timestamp::from_second(second).unwrap();
        report(&asked, &seen, &mut status, now);
        assert_eq!(status.deployment.as_ref().unwrap().test_traffic_percent, None, "there is no rule for tests");
        verdict_of(&asked, &seen, &status, now).message
    };
    let pause = "CANARY at PRODUCTION_TRAFFIC_SHIFT until 1970-01-01T00:05:10Z, 10 % of the production traffic.";
    assert!(see(10.0, 10).contains(pause));
    assert!(see(10.0, 60).contains(pause));
    assert!(!see(100.0, 310).contains("until"));
}

/// What tells nobody anything new is written with the next thing that does.
#[test]
fn what_is_no_news_is_no_reason_to_write() {
    let with = |state: Value, stage: &str, breaker: &str, strategy: &str| {
        status(&json!({ "deployment": {
            "id": "ecs-svc/2", "state": state, "stage": stage, "strategy": strategy,
            "circuitBreaker": { "state": breaker, "failures": 0, "threshold": 3 },
        } }))
    };
    let begun = with(Value::Null, "SCALE_UP", "MONITORING", "ROLLING");
    let is_progress = |after: &EcsServiceStatus| crate::service::progress::is_progress(&begun, after);
    assert!(is_progress(&with(json!("PENDING"), "SCALE_UP", "MONITORING", "ROLLING")));
    assert!(is_progress(&with(json!("SUCCESSFUL"), "CLEAN_UP", "MONITORING_COMPLETE", "ROLLING")));
    assert!(!is_progress(&with(json!("ROLLBACK_IN_PROGRESS"), "SCALE_UP", "MONITORING", "ROLLING")));
    let canary = with(Value::Null, "SCALE_UP", "MONITORING", "CANARY");
    let shifts = with(Value::Null, "BAKE_TIME", "MONITORING", "CANARY");
    assert!(!crate::service::progress::is_progress(&canary, &shifts));
}
