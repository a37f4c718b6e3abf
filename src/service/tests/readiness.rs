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
        let verdict = verdict_of(&desired, &observed(Some(service)), &status, now);
        (verdict.state, verdict.also[0].status.as_str(), verdict.also[0].reason.clone())
    };
    assert_eq!(dip(50, 3, 0), (State::Ready, "True", "TasksRun".into()));
    assert_eq!(dip(50, 2, 600), (State::Ready, "True", "TasksMissing".into()));
    assert_eq!(dip(50, 1, 30), (State::Ready, "False", "TooFewTasks".into()));
    assert_eq!(dip(50, 1, 60), (State::Waiting, "False", "TooFewTasks".into()));
}

/// ECS stops what is too many, and may stop what runs: that all ran is not known before nothing is on its way.
#[test]
fn enough_tasks_prove_nothing_while_others_start() {
    let desired = desired(&json!({}));
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let with = |pending: i64| {
        let seen = observed(Some(live(&json!({ "pendingCount": pending }))));
        let mut status = ours.clone();
        report(&desired, &seen, &mut status, Timestamp::UNIX_EPOCH);
        (verdict_of(&desired, &seen, &status, Timestamp::UNIX_EPOCH).state, status.rolled_out.is_some())
    };
    assert_eq!(with(1), (State::Progressing, false));
    assert_eq!(with(0), (State::Ready, true));
}

/// How far the traffic is, as ECS does not say it.
#[test]
fn traffic_moves_in_steps() {
    let steps = |configuration: Value, percent: i32| {
        LiveService::read(live(&json!({ "deploymentConfiguration": configuration }))).unwrap().steps(percent)
    };
    let linear = |step: f64| json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": step } });
    assert_eq!([0, 13, 25, 38, 100].map(|percent| steps(linear(12.5), percent).unwrap().0), [0, 1, 2, 3, 8]);
    assert_eq!(
        [3, 7, 10, 100].map(|percent| steps(linear(3.3), percent)),
        [Some((1, 31)), Some((2, 31)), Some((3, 31)), Some((31, 31))]
    );
    assert_eq!([33, 67, 100].map(|percent| steps(linear(33.3), percent).unwrap()), [(1, 4), (2, 4), (4, 4)]);
    let canary = json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.4 } });
    assert_eq!([0, 10, 100].map(|percent| steps(canary.clone(), percent)), [Some((0, 2)), Some((1, 2)), Some((2, 2))]);
    assert_eq!(steps(json!({ "strategy": "BLUE_GREEN" }), 100), None);
}

/// A correction of drift whose answer nobody told of may have asked for tasks: they are no dip of some that ran. A process
/// that starts knows of no such call, and takes it for a dip.
#[test]
fn tasks_of_an_untold_correction_are_no_dip() {
    let mut seen_before = EcsServiceStatus::default();
    seen_before.common.observed_generation = Some(1);
    let desired = annotated(&json!({}), &json!({}), &seen_before);
    let after = |untold: Untold| {
        let mut status = EcsServiceStatus {
            own_deployment: Some("ecs-svc/2".into()),
            rolled_out: Some("ecs-svc/2".into()),
            ..EcsServiceStatus::default()
        };
        let percents = json!({ "maximumPercent": 200, "minimumHealthyPercent": 50 });
        let service = live(&json!({ "runningCount": 2, "pendingCount": 1, "deploymentConfiguration": percents }));
        let seen = Observed { untold, ..observed(Some(service)) };
        recall(&desired, &seen, &mut status);
        verdict_of(&desired, &seen, &status, Timestamp::UNIX_EPOCH).state
    };
    assert_eq!(after(Untold::Nothing), State::Ready);
    assert_eq!(after(Untold::OfTheProcessBefore), State::Ready);
    assert_eq!(after(Untold::Ours), State::Progressing);
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
    let state = |second: i64| verdict_of(&asked, &with(1), &status, at(second));
    assert_eq!(state(499).state, State::Progressing);
    let late = state(500);
    assert_eq!((late.state, late.reason), (State::Stalled, Reason::DeadlineExceeded));
    assert!(late.message.contains("1 of 3 tasks of web:2 run"), "{}", late.message);
    let remedy = "ECS goes on trying and rolls nothing back: correct the manifest, or stop it with \
                  ecs-operator.dev/stopDeployment=ecs-svc/2.";
    assert!(late.message.ends_with(remedy), "{}", late.message);
}

/// A count that is raised is a rollout of its own, not a dip of what ran.
#[test]
fn tasks_that_somebody_asks_for_are_not_missing() {
    let service = LiveService::read(live(&json!({ "desiredCount": 10 }))).unwrap();
    assert_eq!(service.least_running(Some(3)), 3);
    assert_eq!(service.least_running(Some(12)), 10);
}

/// Old tasks that die while new ones are rolled out are missed; tasks that somebody asks for more, or no more, are not.
#[test]
fn what_ran_before_is_missed_during_a_rollout() {
    let asked = desired(&json!({}));
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let mut see = |service: Value| {
        let seen = observed(Some(service));
        report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
        verdict_of(&asked, &seen, &status, Timestamp::UNIX_EPOCH).also[0].message.clone()
    };
    assert_eq!(see(live(&json!({}))), "3 tasks run, 3 are wanted.");
    let rollout = |running: i64, wanted: i64, of_new: i64| {
        let mut new = deployment("ecs-svc/3", 2, "IN_PROGRESS");
        new["runningCount"] = of_new.into();
        live(&json!({ "runningCount": running, "desiredCount": wanted, "deployments": [new] }))
    };
    assert_eq!(see(rollout(4, 3, 1)), "4 tasks run, 3 are wanted.");
    assert_eq!(see(rollout(2, 3, 1)), "2 of 3 tasks run; minimumHealthyPercent asks for 3.");
    assert_eq!(see(rollout(3, 5, 1)), "3 of 5 tasks run; ECS starts the others.");
    assert_eq!(see(rollout(1, 1, 1)), "1 task runs, 1 is wanted.");
    assert_eq!(see(rollout(1, 3, 1)), "1 of 3 tasks run; ECS starts the others.");
}

/// A service that was deleted by hand and made anew has not run yet.
#[test]
fn a_service_made_anew_begins_anew() {
    let asked = desired(&json!({}));
    let mut status = EcsServiceStatus {
        own_deployment: Some("ecs-svc/1".into()),
        rolled_out: Some("ecs-svc/1".into()),
        most_running: Some(3),
        ..EcsServiceStatus::default()
    };
    status.deployment =
        serde_json::from_value(json!({ "id": "ecs-svc/1", "startTime": "2026-01-01T00:00:00Z" })).unwrap();
    let mut new = deployment("ecs-svc/2", 2, "IN_PROGRESS");
    new["runningCount"] = 1.into();
    let seen = observed(Some(live(&json!({ "createdAt": 1_770_000_000, "runningCount": 1, "deployments": [new] }))));
    report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
    let available = verdict_of(&asked, &seen, &status, Timestamp::UNIX_EPOCH).also;
    assert_eq!(available[0].message, "1 of 3 tasks run; minimumHealthyPercent asks for 3.");
}

/// ECS counts the instances a while after a deployment began: nothing is known before.
#[test]
fn a_daemon_is_not_available_before_its_instances_are_counted() {
    let asked = desired(&json!({ "schedulingStrategy": "DAEMON", "desiredCount": null }));
    let seen = |rollout: &str| {
        let mut one = deployment("ecs-svc/2", 2, rollout);
        (one["desiredCount"], one["runningCount"]) = (0.into(), 0.into());
        let service = json!({
            "schedulingStrategy": "DAEMON", "desiredCount": 0, "runningCount": 0, "deployments": [one],
        });
        let status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
        let verdict = verdict(&asked, live(&service), &status);
        (verdict.message, verdict.also[0].status.as_str(), verdict.also[0].reason.clone())
    };
    let (message, available, reason) = seen("IN_PROGRESS");
    assert_eq!(message, "ECS has not counted the instances yet, so no task of web:2 has started (ecs-svc/2).");
    assert_eq!((available, &*reason), ("Unknown", "NotCounted"));
    assert_eq!((seen("COMPLETED").1, &*seen("COMPLETED").2), ("True", "NoTasksWanted"));
}

#[test]
fn a_service_without_tasks_proves_nothing_of_its_revision() {
    let asked = desired(&json!({ "desiredCount": 0 }));
    let mut one = deployment("ecs-svc/2", 2, "COMPLETED");
    (one["desiredCount"], one["runningCount"]) = (0.into(), 0.into());
    let seen = observed(Some(live(&json!({ "desiredCount": 0, "runningCount": 0, "deployments": [one] }))));
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    report(&asked, &seen, &mut status, Timestamp::UNIX_EPOCH);
    let verdict = verdict_of(&asked, &seen, &status, Timestamp::UNIX_EPOCH);
    let end = "No tasks are wanted, so none of web:2 has started yet.";
    assert!(verdict.state == State::Ready && verdict.message.ends_with(end), "{}", verdict.message);
}

/// ECS stops tasks for a while after a count was lowered: what it shows meanwhile is soon out of date.
#[test]
fn a_service_that_stops_tasks_is_looked_at_often() {
    let with = |running: i64| observed(Some(live(&json!({ "runningCount": running })))).is_settled();
    assert!(with(3) && !with(4) && !with(2));
}

/// A task more than is wanted replaces another one, which is no progress.
#[test]
fn a_replacement_prolongs_no_deadline() {
    let asked = desired(&json!({ "progressDeadlineSeconds": 300 }));
    let mut status = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let mut began = |running: i64, second: i64| {
        let mut one = deployment("ecs-svc/2", 2, "IN_PROGRESS");
        one["runningCount"] = running.into();
        let seen = observed(Some(live(&json!({ "runningCount": running, "deployments": [one] }))));
        report(&asked, &seen, &mut status, Timestamp::from_second(second).unwrap());
        status.deployment.as_ref().unwrap().progress_time.as_ref().unwrap().0.as_second()
    };
    assert_eq!((began(2, 10), began(3, 20), began(4, 30)), (10, 20, 20));
}
