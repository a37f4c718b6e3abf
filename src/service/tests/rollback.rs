//! Which deployment is ours, and what ECS rolled back.

use super::*;

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

/// While ECS goes back, a deployment of the correction would be thrown away, or worse.
#[test]
fn nothing_is_deployed_while_ecs_rolls_back() {
    let mended = desired(&json!({ "taskDefinition": format!("{ARN}4"), "desiredCount": 5 }));
    let status = third(&desired(&json!({ "taskDefinition": format!("{ARN}3") })));
    let going_back = live(&json!({ "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")] }));
    let plan = planned(&mended, Some(going_back.clone()), &status);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    let told = verdict(&mended, going_back, &status);
    let waits = "ECS is rolling back from the new revision (ecs-svc/3) to web:2 (ecs-svc/2). \
                 web:4 is deployed once that is over.";
    assert_eq!((told.state, &*told.message), (State::Progressing, waits), "the user has acted already");
    assert!(plan.withheld[0].contains("once ECS has rolled back"), "{:?}", plan.withheld);
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
    let past = json!({
        "id": "ecs-svc/3", "outcome": "RolledBack", "message": "the breaker tripped",
        "completionTime": "2026-01-01T00:00:00Z",
    });
    let mut seen = observed(Some(service.clone()));
    seen.attempt = Attempt::new(serde_json::from_value(past).unwrap(), &service, &revision);
    let mut status = EcsServiceStatus::default();
    recall(&broken, &seen, &mut status);
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/3"));
    let plan = plan(&broken, &seen, &status).unwrap();
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    let told = verdict(&broken, service, &status);
    assert_eq!(told.reason, Reason::RolledBack);
    let start = "ECS rolled back from web:3 (ecs-svc/3) to web:2 (ecs-svc/2). ECS says: \"the breaker tripped\".";
    assert!(told.message.starts_with(start), "{}", told.message);

    let mut status = EcsServiceStatus::default();
    recall(&desired(&json!({ "taskDefinition": format!("{ARN}4") })), &seen, &mut status);
    assert_eq!(status.own_deployment, None, "another revision was never tried");

    let mut status =
        EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..applied(&["taskDefinition", "desiredCount"]) };
    recall(&broken, &seen, &mut status);
    assert_eq!(status.own_deployment.as_deref(), Some("ecs-svc/3"), "the process died before it could tell");
    assert!(status.known_deployments.contains(&"ecs-svc/2".to_owned()));

    let mut newer = seen.clone();
    newer.attempt.as_mut().unwrap().past.start_time = Some(Time("2025-12-31T23:50:00Z".parse().unwrap()));
    let mut again = deployment("ecs-svc/4", 3, "IN_PROGRESS");
    again["createdAt"] = json!(1_767_225_700);
    newer.service = LiveService::read(live(&json!({ "taskDefinition": format!("{ARN}3"), "deployments": [again] })));
    let mut status = EcsServiceStatus::default();
    recall(&broken, &newer, &mut status);
    assert_eq!(status.own_deployment, None, "the history lags: it was deployed once more since");

    let mut ours = third(&broken);
    ours.deployments.clear();
    recall(&broken, &seen, &mut ours);
    let outcomes: Vec<_> = ours.deployments.iter().map(|past| (past.id.as_str(), past.outcome)).collect();
    assert_eq!(outcomes, [("ecs-svc/3", DeploymentOutcome::RolledBack)], "somebody else has deployed since");
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
    let verdict = verdict_of(&broken, &seen, &third(&broken), Timestamp::UNIX_EPOCH);
    assert_eq!((verdict.state, verdict.reason), (State::Stalled, Reason::RolledBack));
    assert!(verdict.message.contains("the breaker tripped"), "{}", verdict.message);
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
    let verdict = verdict_of(&reverted, &seen, &status, Timestamp::UNIX_EPOCH);
    assert_eq!(verdict.reason, Reason::Deployed, "{}", verdict.message);
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

/// After a start ECS may answer from before our deployment: only what was there before it, or began before it, is such an
/// answer. What began after it, or nobody knows from when, is somebody else's.
#[test]
fn an_answer_from_before_our_deployment_is_told_by_when_it_began() {
    let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
    let mut status = third(&desired(&json!({})));
    status.deployment = serde_json::from_value(json!({ "id": "ecs-svc/3", "startTime": at(0).to_string() })).unwrap();
    let shown = |id: &str, created: Option<f64>, status: &str| {
        let mut one = deployment(id, 2, "COMPLETED");
        one["createdAt"] = json!(created.map(|second| 1_000_000.0 + second));
        LiveService::read(live(&json!({ "status": status, "deployments": [one] }))).unwrap()
    };
    let is_past = |service: LiveService, second: i64| is_from_the_past(&service, &status, at(second));
    assert!(is_past(shown("ecs-svc/2", None, "ACTIVE"), 5), "known from before ours");
    assert!(is_past(shown("ecs-svc/1", Some(-60.0), "ACTIVE"), 5), "older than ours");
    assert!(!is_past(shown("ecs-svc/2", None, "ACTIVE"), 30), "ECS is not late for so long");
    assert!(!is_past(shown("ecs-svc/2", None, "DRAINING"), 5), "deleted since");
    assert!(!is_past(shown("ecs-svc/3", Some(0.0), "ACTIVE"), 5), "ours is there");
    assert!(!is_past(shown("ecs-svc/4", Some(0.0), "ACTIVE"), 5), "the status has whole seconds");
    assert!(!is_past(shown("ecs-svc/4", Some(2.0), "ACTIVE"), 5), "newer than ours");
    assert!(!is_past(shown("ecs-svc/4", None, "ACTIVE"), 5));
}
