//! Rolling deployments that succeed.

use std::time::Duration;

use ecs_sim::world::tasks::fate::Fate;
use serde_json::json;

use crate::bed::Bed;

#[test]
fn the_first_answer_has_nothing_but_zeros() {
    let mut bed = Bed::new();
    let service = bed.create("nginx", &json!({}));
    let primary = &service["deployments"][0];
    assert_eq!(primary["status"], "PRIMARY");
    assert_eq!((&primary["desiredCount"], &primary["runningCount"]), (&json!(0), &json!(0)));
    assert_eq!(primary["rolloutState"], "IN_PROGRESS");
    assert_eq!((&primary["platformVersion"], &service["platformVersion"]), (&json!("1.4.0"), &json!("LATEST")));
    assert_eq!(service.get("currentServiceDeployment"), None);
    let id = primary["id"].as_str().unwrap();
    assert_eq!(primary["rolloutStateReason"], format!("ECS deployment {id} in progress."));
}

#[test]
fn a_new_service_completes_some_time_after_its_tasks_run() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    let running = bed.until("RUNNING", 120, |bed| bed.service()["runningCount"] == 2);
    assert!((5..60).contains(&running), "{running}");
    let successful = bed.until_status("SUCCESSFUL");
    let completed = successful + bed.until_completed();
    assert!((98..=135).contains(&completed), "{completed}");
    assert!(successful < completed);
    let events = bed.events();
    assert!(events[0].ends_with("has reached a steady state."), "{events:?}");
    assert!(events[1].ends_with("deployment completed."), "{events:?}");
}

#[test]
fn a_new_revision_replaces_the_old_one_without_a_dip() {
    let mut bed = Bed::new();
    let old = bed.create("nginx:1", &json!({}));
    bed.until_completed();
    let new = bed.deploy("nginx:2");
    assert_ne!(new["deployments"][0]["id"], old["deployments"][0]["id"]);
    assert_eq!(new["deployments"][1]["status"], "ACTIVE");
    assert_eq!(new["currentServiceDeployment"], bed.service()["currentServiceDeployment"]);
    let mut least = 2;
    bed.until("COMPLETED", 600, |bed| {
        let service = bed.service();
        least = least.min(service["runningCount"].as_u64().unwrap());
        service["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert_eq!(least, 2);
    let service = bed.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_ne!(service["currentServiceDeployment"], new["currentServiceDeployment"]);
    assert!(bed.tasks("STOPPED").iter().all(|task| task["stopCode"] == "ServiceSchedulerInitiated"));
}

#[test]
fn no_task_at_all_still_takes_its_time_to_complete() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({ "desiredCount": 0 }));
    let seconds = bed.until_completed();
    assert!((60..=100).contains(&seconds), "{seconds}");
}

#[test]
fn a_newer_deployment_stops_the_one_that_is_under_way() {
    let mut bed = Bed::new();
    bed.create("nginx:1", &json!({}));
    bed.until_completed();
    bed.deploy("slow/300");
    bed.until_status("IN_PROGRESS");
    bed.pass(20);
    let second = bed.deployment()["serviceDeploymentArn"].clone();
    bed.deploy("nginx:3");
    let of = |bed: &mut Bed, arn: &serde_json::Value| {
        let all = bed.deployments();
        all.iter().find(|one| one["serviceDeploymentArn"] == *arn).unwrap()["status"].clone()
    };
    assert_eq!(of(&mut bed, &second), "STOP_REQUESTED");
    bed.until("STOPPED", 20, |bed| of(bed, &second) == "STOPPED");
    bed.until_completed();
    assert_eq!(bed.deployment()["status"], "SUCCESSFUL");
    let service = bed.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert!(bed.events().iter().any(|words| words.contains("stopped 2 pending tasks.")));
}

#[test]
fn scaling_during_a_deployment_reaches_both_revisions_and_makes_no_new_one() {
    let mut bed = Bed::new();
    bed.create("nginx:1", &json!({}));
    bed.until_completed();
    let primary = bed.deploy("slow/300")["deployments"][0]["id"].clone();
    bed.pass(20);
    let service = bed.update(&json!({ "desiredCount": 4 }));
    assert_eq!(service["deployments"][0]["id"], primary);
    bed.until("both at four", 100, |bed| {
        let deployments = bed.service()["deployments"].clone();
        deployments[0]["pendingCount"] == 4 && deployments[1]["runningCount"] == 4
    });
    bed.until_completed();
    assert_eq!((&bed.service()["runningCount"], bed.deployments().len()), (&json!(4), 2));
}

#[test]
fn percentages_bound_what_runs() {
    let mut bed = Bed::new();
    let percent = json!({ "maximumPercent": 100, "minimumHealthyPercent": 50 });
    bed.create(
        "nginx:1",
        &json!({ "desiredCount": 4, "deploymentConfiguration": percent, "availabilityZoneRebalancing": "DISABLED" }),
    );
    bed.until_completed();
    bed.deploy("nginx:2");
    let (mut least, mut most) = (4, 0);
    bed.until("COMPLETED", 900, |bed| {
        let healthy = bed.tasks("RUNNING").iter().filter(|task| task["lastStatus"] == "RUNNING").count();
        least = least.min(healthy);
        most = most.max(bed.tasks("RUNNING").len());
        bed.service()["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert_eq!((least, most), (2, 4));
}

#[test]
fn a_configuration_that_allows_nothing_is_said() {
    let mut bed = Bed::new();
    bed.create("nginx:1", &json!({ "desiredCount": 1, "deploymentConfiguration": { "maximumPercent": 150 } }));
    bed.until_completed();
    bed.deploy("nginx:2");
    bed.pass(300);
    assert_eq!(bed.service()["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let said = |words: &String| words.contains("was unable to stop or start tasks during a deployment");
    assert_eq!(bed.events().iter().filter(|words| said(words)).count(), 1);
}

#[test]
fn protected_tasks_hold_a_deployment() {
    let mut bed = Bed::new();
    bed.create("nginx:1", &json!({}));
    bed.until_completed();
    let task = bed.tasks("RUNNING")[0]["taskArn"].clone();
    let protect = json!({ "cluster": "c", "tasks": [task], "protectionEnabled": true, "expiresInMinutes": 60 });
    bed.ok("UpdateTaskProtection", &protect);
    bed.deploy("nginx:2");
    bed.pass(1800);
    let service = bed.service();
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["deployments"][1]["runningCount"], 1);
    assert!(bed.events().iter().any(|words| words.contains("1 tasks under protection")));
    let seconds = 1800 + bed.until_completed();
    assert!(seconds > 3600, "{seconds}");
}

#[test]
fn only_what_differs_starts_a_deployment() {
    let mut bed = Bed::new();
    let created = bed.create("nginx:1", &json!({}));
    bed.until_completed();
    let id = created["deployments"][0]["id"].clone();
    let network = |subnets: &[&str]| json!({ "networkConfiguration": { "awsvpcConfiguration": { "subnets": subnets, "securityGroups": ["sg-1"] } } });
    for same in [
        json!({ "taskDefinition": "app:1" }),
        network(&["subnet-2", "subnet-1"]),
        json!({ "loadBalancers": [], "serviceRegistries": [] }),
        json!({ "serviceConnectConfiguration": { "enabled": false } }),
        json!({ "enableExecuteCommand": true, "propagateTags": "SERVICE", "healthCheckGracePeriodSeconds": 30 }),
        json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50 } }),
    ] {
        assert_eq!(bed.update(&same)["deployments"][0]["id"], id, "{same}");
    }
    let mut ids = vec![id];
    for other in [network(&["subnet-1"]), json!({ "forceNewDeployment": true }), json!({ "platformVersion": "1.4.0" })]
    {
        let now = bed.update(&other)["deployments"][0]["id"].clone();
        assert!(!ids.contains(&now), "{other}");
        ids.push(now);
    }
    bed.until_completed();
}

#[test]
fn early_success_does_not_wait_for_the_last_task() {
    let mut bed = Bed::new();
    let early = json!({ "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED" });
    bed.create("nginx:1", &json!({ "desiredCount": 4, "deploymentConfiguration": { "minimumHealthyPercent": 50, "earlySuccessCriteria": early } }));
    bed.until_completed();
    bed.tamper(|region| {
        region.outside.next_launches.insert("c/web".into(), (1, Fate::Slow(900)));
    });
    bed.deploy("nginx:2");
    let success =
        bed.until("SUCCESSFUL", 600, |bed| bed.deployments().len() == 2 && bed.deployment()["status"] == "SUCCESSFUL");
    assert!((20..300).contains(&success), "{success}");
    assert_eq!(bed.service()["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert!(success + bed.until_completed() > 900);
}

#[test]
fn a_rolling_deployment_can_pause_before_it_launches_anything() {
    let mut bed = Bed::new();
    let hook = json!({ "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"] });
    bed.create("nginx:1", &json!({ "deploymentConfiguration": { "lifecycleHooks": [hook] } }));
    bed.pass(3600);
    let deployment = bed.deployment();
    assert_eq!((&deployment["status"], &deployment["lifecycleStage"]), (&json!("IN_PROGRESS"), &json!("PRE_SCALE_UP")));
    assert_eq!((bed.service()["deployments"][0]["desiredCount"].clone(), bed.tasks("RUNNING").len()), (json!(0), 0));
    let (arn, id) = (&deployment["serviceDeploymentArn"], &deployment["lifecycleHookDetails"][0]["hookId"]);
    bed.ok("ContinueServiceDeployment", &json!({ "serviceDeploymentArn": arn, "hookId": id }));
    bed.until_completed();
}

#[test]
fn completed_waits_for_the_last_old_task() {
    let mut bed = Bed::new();
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1";
    let balancer = json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }]);
    bed.create("nginx:1", &json!({ "loadBalancers": balancer }));
    bed.until_completed();
    bed.tamper(|region| region.outside.deregistration_delay = Duration::from_secs(300));
    bed.deploy("nginx:2");
    let successful =
        bed.until("SUCCESSFUL", 600, |bed| bed.deployments().len() == 2 && bed.deployment()["status"] == "SUCCESSFUL");
    assert!(successful < 200, "{successful}");
    let service = bed.service();
    assert_eq!((&service["deployments"][1]["desiredCount"], &service["runningCount"]), (&json!(0), &json!(2)));
    let completed = bed.until_completed();
    assert!((200..320).contains(&completed), "{completed}");
    assert!(bed.events().iter().any(|words| words.contains("has begun draining connections on")));
    assert!(
        bed.events().iter().any(|words| words.contains(&format!("deregistered 1 targets in (target-group {group})")))
    );
}
