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
            .contains("taskDefinition is withheld: correct the manifest")
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
    assert!(message.contains("exceeded. CapacityUnavailable: ECS says"), "{message}");
    assert!(message.contains("once there is capacity, ask for another try"), "{message}");
}

#[test]
fn from_the_same_to_the_same_what_was_changed_is_told() {
    let moved = json!({ "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-b"] } } });
    let message = told(&moved, "the circuit breaker", 2);
    let start = "ECS rolled back the change of networkConfiguration of web:2, from ecs-svc/3 to ecs-svc/2: ";
    assert!(message.starts_with(start), "{message}");
    let message = told(&json!({}), "the circuit breaker", 2);
    assert!(message.starts_with("ECS rolled back the restart of web:2, from ecs-svc/3 to ecs-svc/2: "), "{message}");
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
    let message = verdict::verdict(&broken, &seen, &third(&broken), Timestamp::UNIX_EPOCH).message;
    let start = "ECS is rolling back from web:3 (ecs-svc/3) to web:2 (ecs-svc/2): the breaker tripped.";
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
        verdict::verdict(&asked, &seen, &status, now).message
    };
    assert!(until(5).contains("BLUE_GREEN at BAKE_TIME until 1970-01-01T00:05:01Z"), "{}", until(5));
    assert!(!until(0).contains("until"), "{}", until(0));
}
