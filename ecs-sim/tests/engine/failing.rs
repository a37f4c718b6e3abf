//! Deployments that fail, and the way back.

use ecs_sim::world::tasks::fate::Fate;
use serde_json::{Value, json};

use crate::bed::Bed;

fn breaker(rollback: bool) -> Value {
    json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": rollback } } })
}

/// A service that runs `nginx:1`, with these members.
fn running(members: &Value) -> (Bed, String) {
    let mut bed = Bed::new();
    bed.create("nginx:1", members);
    bed.until_completed();
    let id = bed.service()["deployments"][0]["id"].as_str().unwrap().to_owned();
    (bed, id)
}

#[test]
fn the_breaker_goes_back_to_the_old_deployment_under_its_old_id() {
    let (mut bed, old) = running(&breaker(true));
    let image_of_old = bed.service()["taskDefinition"].clone();
    let failed = bed.deploy("fail/pull")["deployments"][0]["id"].clone();
    let seconds = bed.until_status("ROLLBACK_IN_PROGRESS");
    assert!((120..1200).contains(&seconds), "{seconds}");
    let service = bed.service();
    assert_eq!(service["taskDefinition"], image_of_old);
    let (primary, other) = (&service["deployments"][0], &service["deployments"][1]);
    assert_eq!((&primary["id"], &primary["rolloutState"]), (&json!(old), &json!("IN_PROGRESS")));
    assert_eq!(
        primary["rolloutStateReason"],
        format!("ECS deployment circuit breaker: rolling back to deploymentId {old}.")
    );
    assert_eq!((&other["id"], &other["rolloutState"], &other["desiredCount"]), (&failed, &json!("FAILED"), &json!(0)));
    let deployment = bed.deployment();
    assert_eq!(deployment["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(
        (&deployment["deploymentCircuitBreaker"]["failureCount"], &deployment["deploymentCircuitBreaker"]["threshold"]),
        (&json!(3), &json!(3))
    );
    let reason = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
    assert_eq!(deployment["statusReason"], reason);
    bed.until_status("ROLLBACK_SUCCESSFUL");
    bed.until_completed();
    let service = bed.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["deployments"][0]["id"], old);
    assert_eq!(bed.deployments().len(), 2, "a rollback is no service deployment of its own");
    let failed = failed.as_str().unwrap();
    let events = bed.events();
    for words in [
        format!("(service web) (deployment {failed}) deployment failed: tasks failed to start."),
        format!("(service web) rolling back to deployment {old}."),
        format!("(service web) (deployment {old}) deployment completed."),
    ] {
        assert!(events.contains(&words), "{words}: {events:#?}");
    }
    let truth = bed.world.truth(&bed.caller, "c", "web").unwrap();
    assert!(truth.deployed && truth.rolled_back && truth.failed && !truth.under_way, "{truth:?}");
}

/// A deployment that failed is not in use again once its last task is gone.
#[test]
fn a_failed_deployment_is_not_active_again() {
    let (mut bed, _) = running(&breaker(true));
    let failed = bed.deploy("fail/crash")["deployments"][0]["id"].clone();
    bed.until_status("ROLLBACK_IN_PROGRESS");
    let mut seen: Vec<Value> = Vec::new();
    bed.until("COMPLETED", 600, |bed| {
        let service = bed.service();
        let status = service["deployments"].as_array().unwrap().iter().find(|one| one["id"] == failed);
        let status = status.map_or(Value::Null, |one| one["status"].clone());
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        service["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert_eq!(seen, [json!("DRAINING"), Value::Null]);
}

#[test]
fn scaling_while_rolled_back_deploys_nothing() {
    let (mut bed, old) = running(&breaker(true));
    bed.deploy("fail/crash:3");
    bed.until_status("ROLLBACK_SUCCESSFUL");
    bed.until_completed();
    let service = bed.update(&json!({ "desiredCount": 4 }));
    assert_eq!(service["deployments"][0]["id"], old);
    bed.until("four tasks", 120, |bed| bed.service()["runningCount"] == 4);
    assert_eq!(bed.service()["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(bed.deployments().len(), 2);
}

#[test]
fn a_first_deployment_has_nothing_to_go_back_to() {
    let mut bed = Bed::new();
    bed.create("fail/secret", &breaker(true));
    bed.until_status("ROLLBACK_FAILED");
    assert_eq!(bed.deployment()["statusReason"], "No rollback candidate was found to run the rollback.");
    let primary = bed.service()["deployments"][0].clone();
    assert_eq!((&primary["status"], &primary["rolloutState"]), (&json!("PRIMARY"), &json!("FAILED")));
    let launched = bed.tasks("STOPPED").len() + bed.tasks("RUNNING").len();
    bed.pass(1200);
    assert_eq!(bed.tasks("STOPPED").len(), launched, "nothing is launched any more");
    let truth = bed.world.truth(&bed.caller, "c", "web").unwrap();
    assert!(truth.failed && !truth.deployed && !truth.under_way, "{truth:?}");
}

#[test]
fn a_breaker_without_rollback_leaves_the_old_tasks_running() {
    let (mut bed, old) = running(&breaker(false));
    bed.deploy("fail/oom");
    bed.until_status("STOPPED");
    bed.pass(600);
    let service = bed.service();
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(
        (&service["deployments"][1]["id"], &service["deployments"][1]["runningCount"]),
        (&json!(old), &json!(2))
    );
    // Scaling reaches what runs.
    bed.update(&json!({ "desiredCount": 3 }));
    bed.until("three tasks", 120, |bed| bed.service()["deployments"][1]["runningCount"] == 3);
}

#[test]
fn without_a_breaker_failing_launches_go_on_ever_more_slowly() {
    let (mut bed, _) = running(&json!({ "desiredCount": 1 }));
    bed.deploy("fail/exec");
    bed.pass(3600);
    let launched = bed.tasks("STOPPED").len();
    assert!((5..15).contains(&launched), "{launched}");
    let service = bed.service();
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert!(service["deployments"][0]["failedTasks"].as_u64().unwrap() > 4);
    assert_eq!(service["deployments"][1]["runningCount"], 1);
    let slows = |words: &String| words.ends_with("is unable to consistently start tasks successfully.");
    assert_eq!(bed.events().iter().filter(|words| slows(words)).count(), 1);
    bed.deploy("nginx:3");
    bed.until_completed();
}

#[test]
fn a_task_that_crashes_after_it_ran_is_replaced_and_not_counted() {
    let (mut bed, _) = running(&breaker(true));
    bed.deploy("fail/crash:1:20");
    bed.pass(3600);
    let deployment = bed.deployment();
    assert_eq!(
        (&deployment["status"], &deployment["deploymentCircuitBreaker"]["failureCount"]),
        (&json!("IN_PROGRESS"), &json!(0))
    );
    assert!(bed.tasks("STOPPED").iter().any(|task| task["stopCode"] == "EssentialContainerExited"));
}

#[test]
fn failing_health_checks_trip_the_breaker_after_some_minutes() {
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1";
    let balancer = json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }]);
    let mut members = breaker(true);
    members["loadBalancers"] = balancer;
    members["desiredCount"] = json!(1);
    let (mut bed, _) = running(&members);
    bed.deploy("fail/healthcheck");
    let seconds = bed.until_status("ROLLBACK_IN_PROGRESS");
    assert!((300..1200).contains(&seconds), "{seconds}");
    let reason = format!("Task failed ELB health checks in (target-group {group})");
    assert!(bed.tasks("STOPPED").iter().any(|task| task["stoppedReason"] == reason));
    assert!(
        bed.events().iter().any(|words| words.contains("[Amazon ECS replaced 1 tasks due to an unhealthy status.]"))
    );
    bed.until_completed();
}

#[test]
fn what_a_stopped_task_says_of_itself() {
    for (image, code, reason, exit) in [
        ("fail/pull", "TaskFailedToStart", "CannotPullContainerError", Value::Null),
        ("fail/secret", "TaskFailedToStart", "ResourceInitializationError", Value::Null),
        ("fail/exec", "TaskFailedToStart", "CannotStartContainerError", Value::Null),
        ("fail/oom", "EssentialContainerExited", "OutOfMemoryError", json!(137)),
        ("fail/crash:3", "EssentialContainerExited", "Essential container in task exited", json!(3)),
    ] {
        let mut bed = Bed::new();
        bed.create(image, &json!({}));
        bed.until(image, 400, |bed| bed.tasks("STOPPED").iter().any(|task| task["lastStatus"] == "STOPPED"));
        let tasks = bed.tasks("STOPPED");
        let task = tasks.iter().find(|task| task["lastStatus"] == "STOPPED").unwrap();
        let container = &task["containers"][0];
        assert_eq!(task["stopCode"], code, "{image}");
        let told = [&task["stoppedReason"], &container["reason"]];
        assert!(
            told.iter().any(|text| text.as_str().is_some_and(|text| text.starts_with(reason))),
            "{image}: {told:?}"
        );
        assert_eq!(container["exitCode"], exit, "{image}");
        bed.pass(3600);
        let later = bed.ok("DescribeTasks", &json!({ "cluster": "c", "tasks": [task["taskArn"]] }));
        assert_eq!(later["failures"][0]["reason"], "MISSING", "visible for an hour");
    }
}

#[test]
fn an_alarm_during_the_bake_rolls_back_and_one_that_was_on_before_does_not() {
    let alarms = json!({ "alarmNames": ["old", "new"], "enable": true, "rollback": true });
    let (mut bed, old) = running(&json!({ "deploymentConfiguration": { "alarms": alarms } }));
    let set = |bed: &mut Bed, name: &str| {
        bed.tamper(|region| {
            region.outside.alarms.insert(name.to_owned());
        });
    };
    set(&mut bed, "old");
    bed.deploy("nginx:2");
    bed.until_stage("BAKE_TIME");
    bed.pass(10);
    assert_eq!(bed.deployment()["status"], "IN_PROGRESS");
    set(&mut bed, "new");
    let deployment = bed.deployment();
    assert_eq!(deployment["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(deployment["alarms"]["triggeredAlarmNames"], json!(["new"]));
    bed.until_completed();
    assert_eq!(bed.service()["deployments"][0]["id"], old);
    assert_eq!(bed.service()["runningCount"], 2);
}

#[test]
fn a_forced_deployment_that_rolls_back_shows_in_its_id_alone() {
    let (mut bed, old) = running(&breaker(true));
    let before = bed.service();
    bed.tamper(|region| {
        region.outside.next_launches.insert("c/web".into(), (9, Fate::PullFails));
    });
    let forced = bed.update(&json!({ "forceNewDeployment": true }));
    assert_ne!(forced["deployments"][0]["id"], before["deployments"][0]["id"]);
    bed.until_status("ROLLBACK_SUCCESSFUL");
    bed.until_completed();
    let service = bed.service();
    assert_eq!(
        (&service["deployments"][0]["id"], &service["taskDefinition"]),
        (&json!(old), &before["taskDefinition"])
    );
}

#[test]
fn a_rollback_asked_for_needs_no_breaker() {
    let (mut bed, old) = running(&json!({}));
    bed.deploy("slow/600");
    bed.until_status("IN_PROGRESS");
    bed.pass(30);
    let arn = bed.deployment()["serviceDeploymentArn"].clone();
    let refused = bed.refused("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn, "stopType": "ABORT" }));
    assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    bed.ok("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn }));
    assert_eq!(bed.deployment()["status"], "ROLLBACK_REQUESTED");
    bed.ok("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }));
    bed.until_status("ROLLBACK_SUCCESSFUL");
    bed.until_completed();
    assert_eq!(bed.service()["deployments"][0]["id"], old);
    bed.ok("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn }));
    bed.deploy("nginx:2");
    bed.until_completed();
    let arn = bed.deployment()["serviceDeploymentArn"].clone();
    let refused = bed.refused("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn }));
    assert!(refused.starts_with("ConflictException"), "{refused}");
}

#[test]
fn two_failures_in_a_row_do_not_chain_back() {
    let (mut bed, _) = running(&breaker(true));
    bed.deploy("fail/crash");
    bed.until_status("ROLLBACK_IN_PROGRESS");
    bed.deploy("fail/crash");
    bed.until("the old one's end", 10, |bed| {
        bed.deployments()[0]["status"] == "ROLLBACK_FAILED" || bed.deployments().len() == 3
    });
    bed.until("the end", 3600, |bed| {
        let all = bed.deployments();
        all.len() == 3 && all[0]["status"] == "ROLLBACK_FAILED"
    });
    assert_eq!(bed.deployment()["statusReason"], "No rollback candidate was found to run the rollback.");
    assert_eq!(bed.service()["runningCount"], 2, "what ran goes on running");
}

#[test]
fn what_never_completed_is_not_gone_back_to() {
    let (mut bed, old) = running(&breaker(true));
    bed.deploy("slow/600");
    bed.pass(60);
    bed.deploy("fail/crash");
    bed.until("the rollback", 1200, |bed| bed.deployment()["status"] == "ROLLBACK_SUCCESSFUL");
    bed.until_completed();
    assert_eq!(bed.service()["deployments"][0]["id"], old);
}

/// A rollback that fails leaves tasks of both revisions, but no more than are desired, and none of a service at 0.
#[test]
fn a_failed_rollback_leaves_no_more_than_is_desired() {
    let alarms = json!({ "alarmNames": ["a"], "enable": true, "rollback": true });
    let mut members = breaker(true);
    members["deploymentConfiguration"]["alarms"] = alarms;
    members["desiredCount"] = json!(3);
    let mut bed = Bed::new();
    let checked = bed.register("nginx:1", &json!({ "healthCheck": { "command": ["CMD", "true"] } }));
    members["taskDefinition"] = json!(checked);
    bed.create("nginx:0", &members);
    bed.until_completed();
    bed.deploy("nginx:2");
    bed.until_stage("BAKE_TIME");
    bed.tamper(|region| {
        region.outside.alarms.insert("a".into());
        region.outside.next_launches.insert("c/web".into(), (9, Fate::Unhealthy));
    });
    bed.until_status("ROLLBACK_FAILED");
    bed.pass(600);
    let service = bed.service();
    assert_eq!((&service["runningCount"], &service["deployments"][0]["rolloutState"]), (&json!(3), &json!("FAILED")));
    bed.update(&json!({ "desiredCount": 0 }));
    let refused = bed.refused("DeleteService", &json!({ "cluster": "c", "service": "web" }));
    assert!(refused.ends_with("The service cannot be stopped while deployments are active."), "{refused}");
    bed.until("the tasks' end", 120, |bed| bed.tasks("RUNNING").is_empty() && bed.service()["runningCount"] == 0);
    bed.pass(60);
    bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web" }));
}
