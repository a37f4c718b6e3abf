//! Where tasks find room, and where they don't.

use ecs_sim::world::{
    Cx,
    instances::{Registration, register, terminate},
};
use serde_json::{Value, json};

use crate::bed::Bed;

/// Registers instances, each with room for one task, and gives their ARNs.
fn instances(bed: &mut Bed, count: usize, provider: Option<&str>) -> Vec<String> {
    let registration = Registration {
        cluster: "c".into(),
        cpu: 300,
        memory: 600,
        capacity_provider: provider.map(str::to_owned),
        ..Registration::default()
    };
    let caller = bed.caller.clone();
    let now = bed.now;
    bed.world
        .tamper(&caller, |region| (0..count).map(|_| register(region, &caller, now, &registration).unwrap()).collect())
}

fn on_ec2(members: &Value) -> Value {
    let mut all = json!({ "launchType": "EC2" });
    for (name, value) in members.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

#[test]
fn without_an_instance_nothing_is_placed_and_the_service_says_so() {
    let mut bed = Bed::new();
    bed.create("nginx", &on_ec2(&json!({})));
    bed.pass(3600);
    assert_eq!(bed.tasks("RUNNING").len(), 0);
    let said: Vec<String> = bed.events();
    assert!(said[0].contains("Reason: No Container Instances were found in your cluster."), "{said:?}");
    assert!(said.len() < 6, "{said:?}");
    instances(&mut bed, 1, None);
    bed.pass(60);
    assert_eq!(bed.tasks("RUNNING").len(), 1);
    assert!(bed.events().iter().any(|words| words.contains("has insufficient CPU units available")));
    instances(&mut bed, 1, None);
    bed.until_completed();
    let arn = bed.tasks("RUNNING")[0]["containerInstanceArn"].clone();
    let answer = bed.ok("DescribeContainerInstances", &json!({ "cluster": "c", "containerInstances": [arn] }));
    assert_eq!(answer["containerInstances"][0]["remainingResources"][0]["integerValue"], 300 - 256);
}

#[test]
fn tasks_leave_an_instance_that_drains_and_are_replaced_where_one_is_lost() {
    let mut bed = Bed::new();
    let all = instances(&mut bed, 4, None);
    bed.create("nginx", &on_ec2(&json!({})));
    bed.until_completed();
    let used = |bed: &mut Bed| -> Vec<String> {
        let tasks = bed.tasks("RUNNING");
        tasks.iter().map(|task| task["containerInstanceArn"].as_str().unwrap().to_owned()).collect()
    };
    let drained = used(&mut bed)[0].clone();
    let drain = json!({ "cluster": "c", "containerInstances": [drained], "status": "DRAINING" });
    bed.ok("UpdateContainerInstancesState", &drain);
    let mut least = 2;
    bed.until("the move", 200, |bed| {
        least = least.min(bed.service()["runningCount"].as_u64().unwrap());
        !used(bed).contains(&drained)
    });
    assert_eq!(least, 2, "the replacement runs first");
    let lost = used(&mut bed)[0].clone();
    assert!(all.contains(&lost));
    let (caller, now) = (bed.caller.clone(), bed.now);
    bed.tamper(|region| {
        assert!(terminate(&mut Cx { caller: &caller, now, region }, "c", &lost));
    });
    assert_eq!(bed.service()["runningCount"], 1);
    bed.until("the next one", 200, |bed| bed.service()["runningCount"] == 2);
    assert!(bed.tasks("STOPPED").iter().any(|task| task["stopCode"] == "TerminationNotice"));
}

#[test]
fn a_daemon_has_one_task_on_each_instance() {
    let mut bed = Bed::new();
    instances(&mut bed, 2, None);
    let members = on_ec2(&json!({ "schedulingStrategy": "DAEMON", "desiredCount": null }));
    let service = bed.create("nginx:1", &members);
    assert_eq!(service["availabilityZoneRebalancing"], "DISABLED");
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 100);
    bed.until_completed();
    assert_eq!((&bed.service()["desiredCount"], &bed.service()["runningCount"]), (&json!(2), &json!(2)));
    instances(&mut bed, 1, None);
    bed.until("three", 100, |bed| bed.service()["runningCount"] == 3);
    bed.deploy("nginx:2");
    bed.until_completed();
    let tasks = bed.tasks("RUNNING");
    assert!(tasks.len() == 3 && tasks.iter().all(|task| task["taskDefinitionArn"].as_str().unwrap().ends_with(":2")));
    let refused = bed.refused("UpdateService", &json!({ "cluster": "c", "service": "web", "desiredCount": 3 }));
    assert!(refused.contains("The daemon scheduling strategy does not support a desired count for services."));
    bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web" }));
}

/// What a DAEMON can't place it says, and it places it when there is room.
#[test]
fn a_daemon_without_room_says_so_and_follows_when_there_is_some() {
    let mut bed = Bed::new();
    instances(&mut bed, 1, None);
    let task_definition = bed.image("nginx");
    let hog = json!({ "cluster": "c", "taskDefinition": task_definition, "launchType": "EC2", "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } } });
    let hog = bed.ok("RunTask", &hog)["tasks"][0]["taskArn"].clone();
    let members =
        on_ec2(&json!({ "schedulingStrategy": "DAEMON", "desiredCount": null, "taskDefinition": task_definition }));
    bed.ok("CreateService", &crate::bed::service("unused", &members));
    bed.pass(600);
    let service = bed.service();
    assert_eq!((&service["desiredCount"], &service["runningCount"]), (&json!(1), &json!(0)));
    let lacks = |words: &&String| words.contains("has insufficient CPU units available");
    assert_eq!(bed.events().iter().filter(lacks).count(), 1, "{:?}", bed.events());
    bed.ok("StopTask", &json!({ "cluster": "c", "task": hog }));
    bed.until("the task", 120, |bed| bed.service()["runningCount"] == 1);
    bed.until_completed();
}

#[test]
fn fargate_without_capacity_is_said_and_counts_as_a_failure() {
    let mut bed = Bed::new();
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    bed.create("nginx:1", &json!({ "deploymentConfiguration": breaker }));
    bed.until_completed();
    let words = "Capacity is unavailable at this time. Please try again later or in a different availability zone.";
    bed.tamper(|region| {
        region.outside.exhausted.insert("FARGATE".into(), words.into());
    });
    bed.deploy("nginx:2");
    bed.pass(60);
    let said = format!("(service web) was unable to place a task. Reason: {words}");
    assert!(bed.events().contains(&said), "{:?}", bed.events());
    bed.until("the rollback", 600, |bed| bed.deployment()["status"] == "ROLLBACK_SUCCESSFUL");
    bed.until_completed();
}

#[test]
fn a_strategy_has_its_base_and_its_shares() {
    let mut bed = Bed::new();
    let strategy = json!([
        { "capacityProvider": "FARGATE", "base": 2, "weight": 1 },
        { "capacityProvider": "FARGATE_SPOT", "weight": 3 },
    ]);
    bed.create("nginx", &json!({ "launchType": null, "capacityProviderStrategy": strategy, "desiredCount": 10 }));
    bed.until_completed();
    let of = |bed: &mut Bed, name: &str| {
        bed.tasks("RUNNING").iter().filter(|task| task["capacityProviderName"] == name).count()
    };
    assert_eq!((of(&mut bed, "FARGATE"), of(&mut bed, "FARGATE_SPOT")), (4, 6));
}
