//! The controllers CODE_DEPLOY and EXTERNAL.

use serde_json::{Value, json};

use crate::bed::Bed;

fn set(bed: &mut Bed, image: &str, scale: u32) -> Value {
    let task_definition = bed.image(image);
    let input = json!({
        "cluster": "c", "service": "web", "taskDefinition": task_definition, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        "scale": { "value": scale, "unit": "PERCENT" }, "externalId": "green",
    });
    bed.ok("CreateTaskSet", &input)["taskSet"].clone()
}

#[test]
fn an_external_service_has_what_its_task_sets_have() {
    let mut bed = Bed::new();
    let external = json!({
        "taskDefinition": null, "launchType": null, "networkConfiguration": null, "desiredCount": 4,
        "deploymentController": { "type": "EXTERNAL" },
    });
    let input = crate::bed::service("unused", &external);
    let service = bed.ok("CreateService", &input)["service"].clone();
    assert_eq!((&service["deployments"], service.get("taskDefinition")), (&json!([]), None));
    let first = set(&mut bed, "nginx:1", 100);
    let primary = |set: &Value| json!({ "cluster": "c", "service": "web", "primaryTaskSet": set["id"] });
    bed.ok("UpdateServicePrimaryTaskSet", &primary(&first));
    bed.until("STEADY_STATE", 100, |bed| bed.service()["taskSets"][0]["stabilityStatus"] == "STEADY_STATE");
    let truth = |bed: &Bed| bed.world.truth(&bed.caller, "c", "web").unwrap();
    assert!(truth(&bed).deployed && truth(&bed).rolled_out);
    let second = set(&mut bed, "nginx:2", 50);
    assert_eq!(second["computedDesiredCount"], 2);
    bed.until("six tasks", 100, |bed| bed.service()["runningCount"] == 6);
    assert!(!truth(&bed).rolled_out && truth(&bed).strays == 2);
    let scaled = json!({ "cluster": "c", "service": "web", "taskSet": second["id"], "scale": { "value": 100.0, "unit": "PERCENT" } });
    bed.ok("UpdateTaskSet", &scaled);
    bed.ok("UpdateServicePrimaryTaskSet", &primary(&second));
    let named = |set: &Value| json!({ "cluster": "c", "service": "web", "taskSet": set["taskSetArn"], "force": true });
    assert!(bed.refused("DeleteTaskSet", &named(&second)).contains("primary"));
    let deleted = bed.ok("DeleteTaskSet", &named(&first));
    assert_eq!(deleted["taskSet"]["status"], "DRAINING");
    bed.until("one set", 100, |bed| bed.service()["taskSets"].as_array().unwrap().len() == 1);
    bed.until("four tasks", 100, |bed| bed.service()["runningCount"] == 4);
    bed.until("alone", 200, |bed| truth(bed).rolled_out);
    assert!(
        bed.refused("UpdateService", &json!({ "cluster": "c", "service": "web", "forceNewDeployment": true }))
            .starts_with("Inv")
    );
    bed.update(&json!({ "desiredCount": 2 }));
    bed.until("two tasks", 100, |bed| bed.service()["runningCount"] == 2);
}

#[test]
fn code_deploy_changes_what_the_service_shows() {
    let mut bed = Bed::new();
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1";
    let members = json!({
        "deploymentController": { "type": "CODE_DEPLOY" },
        "loadBalancers": [{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }],
    });
    let service = bed.create("nginx:1", &members);
    assert_eq!(service["taskSets"][0]["status"], "PRIMARY");
    bed.until("STEADY_STATE", 200, |bed| bed.service()["taskSets"][0]["stabilityStatus"] == "STEADY_STATE");
    let task_definition = bed.image("nginx:2");
    let change = json!({ "cluster": "c", "service": "web", "taskDefinition": task_definition });
    let refused = bed.refused("UpdateService", &change);
    assert!(refused.contains("Unable to update task definition on services with a CODE_DEPLOY deployment controller"));
    let green = set(&mut bed, "nginx:3", 100);
    bed.ok("UpdateServicePrimaryTaskSet", &json!({ "cluster": "c", "service": "web", "primaryTaskSet": green["id"] }));
    assert_eq!(bed.service()["taskDefinition"], green["taskDefinition"]);
}

#[test]
fn a_service_moves_from_code_deploy_to_ecs() {
    let mut bed = Bed::new();
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1";
    let members = json!({
        "deploymentController": { "type": "CODE_DEPLOY" },
        "loadBalancers": [{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }],
    });
    bed.create("nginx:1", &members);
    bed.pass(120);
    let service = bed.update(&json!({ "deploymentController": { "type": "ECS" } }));
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    bed.until_completed();
    let service = bed.service();
    assert_eq!((service.get("taskSets"), &service["runningCount"]), (None, &json!(2)));
}
