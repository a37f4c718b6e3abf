//! Rolling deployments that succeed.

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
    assert!((55..=95).contains(&completed), "{completed}");
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
