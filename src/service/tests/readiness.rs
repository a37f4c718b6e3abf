//! When a service is ready, and when it is so no more.

use super::*;

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

/// A count that is raised is a rollout of its own, not a dip of what ran.
#[test]
fn tasks_that_somebody_asks_for_are_not_missing() {
    let service = LiveService::read(live(&json!({ "desiredCount": 10 }))).unwrap();
    assert_eq!(service.least_running(Some(3)), 3);
    assert_eq!(service.least_running(Some(12)), 10);
}
