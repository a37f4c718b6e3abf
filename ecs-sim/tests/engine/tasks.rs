//! Tasks that RunTask launches, and what can be done to any.

use ecs_sim::world::tasks::{Stop, StopCode};
use serde_json::{Value, json};

use crate::bed::Bed;

fn run(bed: &mut Bed, image: &str, members: &Value) -> Value {
    let task_definition = bed.image(image);
    let mut input = json!({
        "cluster": "c", "taskDefinition": task_definition, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
    });
    for (name, value) in members.as_object().unwrap() {
        input[name] = value.clone();
    }
    bed.ok("RunTask", &input)
}

fn described(bed: &mut Bed, arn: &Value) -> Value {
    bed.ok("DescribeTasks", &json!({ "cluster": "c", "tasks": [arn] }))["tasks"][0].clone()
}

#[test]
fn a_task_passes_its_states_and_is_forgotten_after_an_hour() {
    let mut bed = Bed::new();
    let answer = run(&mut bed, "fail/crash:0:30", &json!({ "count": 2, "startedBy": "me" }));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 2);
    let arn = answer["tasks"][0]["taskArn"].clone();
    let mut states: Vec<String> = Vec::new();
    bed.until("STOPPED", 300, |bed| {
        let state = described(bed, &arn)["lastStatus"].as_str().unwrap().to_owned();
        if states.last() != Some(&state) {
            states.push(state.clone());
        }
        state == "STOPPED"
    });
    assert_eq!(states.join(" "), "PROVISIONING PENDING RUNNING DEPROVISIONING STOPPED");
    let task = described(&mut bed, &arn);
    assert_eq!((&task["containers"][0]["exitCode"], &task["group"]), (&json!(0), &json!("family:app")));
    let listed = bed.ok("ListTasks", &json!({ "cluster": "c", "startedBy": "me", "desiredStatus": "STOPPED" }));
    assert_eq!(listed["taskArns"].as_array().unwrap().len(), 2);
    bed.pass(3700);
    let gone = bed.ok("DescribeTasks", &json!({ "cluster": "c", "tasks": [arn] }));
    assert_eq!(gone["failures"][0]["reason"], "MISSING");
}

#[test]
fn a_token_runs_once() {
    let mut bed = Bed::new();
    let first = run(&mut bed, "nginx", &json!({ "clientToken": "t" }));
    let task_definition = first["tasks"][0]["taskDefinitionArn"].clone();
    let same = run(&mut bed, "nginx", &json!({ "clientToken": "t", "taskDefinition": task_definition }));
    assert_eq!(same["tasks"][0]["taskArn"], first["tasks"][0]["taskArn"]);
    let input = json!({ "cluster": "c", "taskDefinition": "app", "clientToken": "t" });
    let refused = bed.call("RunTask", &input).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), &refused.body()["resourceIds"]),
        ("ConflictException", &json!([first["tasks"][0]["taskArn"]]))
    );
}

#[test]
fn overrides_and_platform_versions_are_looked_at() {
    let mut bed = Bed::new();
    let task_definition = bed.image("nginx");
    let long = "x".repeat(8192);
    for (member, value, refusal) in [
        (
            "overrides",
            json!({ "containerOverrides": [{ "name": "db" }] }),
            "InvalidParameterException: Override for container named db is not a container in the TaskDefinition.",
        ),
        (
            "overrides",
            json!({ "containerOverrides": [{ "name": "web", "command": [long] }] }),
            "InvalidParameterException: Container Overrides length must be at most 8192",
        ),
        ("platformVersion", json!("9"), "PlatformUnknownException: The specified platform version does not exist."),
    ] {
        let mut input = json!({
            "cluster": "c", "taskDefinition": task_definition, "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        });
        input[member] = value;
        assert_eq!(bed.refused("RunTask", &input), refusal);
    }
    let overrides = json!({ "containerOverrides": [{ "name": "web", "command": ["true"] }] });
    let ran = run(&mut bed, "nginx", &json!({ "overrides": overrides, "platformVersion": "LATEST" }));
    assert_eq!(ran["failures"], json!([]));
}

#[test]
fn a_task_of_a_service_that_is_stopped_is_replaced() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.until_completed();
    let task = bed.tasks("RUNNING")[0]["taskArn"].clone();
    let stopped = bed.ok("StopTask", &json!({ "cluster": "c", "task": task, "reason": "try" }));
    assert_eq!(
        (&stopped["task"]["stopCode"], &stopped["task"]["desiredStatus"]),
        (&json!("UserInitiated"), &json!("STOPPED"))
    );
    assert_eq!(bed.service()["runningCount"], 1);
    bed.until("the next one", 100, |bed| bed.service()["runningCount"] == 2);
    assert_eq!(bed.service()["deployments"][0]["rolloutState"], "COMPLETED");
    assert!(
        bed.refused("StopTask", &json!({ "cluster": "c", "task": "x" }))
            .ends_with("The referenced task was not found.")
    );
}

#[test]
fn a_spot_interruption_says_so() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.until_completed();
    let arn = bed.tasks("RUNNING")[0]["taskArn"].clone();
    let reason = "Your Spot Task was interrupted.".to_owned();
    let caller = bed.caller.clone();
    let stop = Stop { code: StopCode::SpotInterruption, reason };
    assert!(bed.world.end_task(&caller, "c", arn.as_str().unwrap(), stop.clone()));
    assert!(!bed.world.end_task(&caller, "c", "gone", stop));
    assert_eq!(described(&mut bed, &arn)["stopCode"], "SpotInterruption");
}

#[test]
fn protection_is_for_running_tasks_of_services() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.until_completed();
    let own = bed.tasks("RUNNING")[0]["taskArn"].clone();
    let alone = run(&mut bed, "nginx", &json!({}))["tasks"][0]["taskArn"].clone();
    let input = json!({ "cluster": "c", "tasks": [own, alone, "gone"], "protectionEnabled": true });
    let answer = bed.ok("UpdateTaskProtection", &input);
    assert_eq!(answer["protectedTasks"][0]["protectionEnabled"], true);
    let reasons: Vec<&Value> = answer["failures"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["TASK_NOT_VALID", "MISSING"]);
    bed.pass(121 * 60);
    let answer = bed.ok("GetTaskProtection", &json!({ "cluster": "c", "tasks": [own] }));
    assert_eq!(answer["protectedTasks"][0]["protectionEnabled"], false);
}

#[test]
fn a_role_that_can_not_be_assumed_fails_the_task() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.tamper(|region| {
        region.outside.missing_roles.insert("execution".into());
    });
    bed.pass(120);
    let arn = bed.tasks("STOPPED")[0]["taskArn"].clone();
    let reason = described(&mut bed, &arn)["stoppedReason"].clone();
    assert!(reason.as_str().unwrap().starts_with("ECS was unable to assume the role"), "{reason}");
}
