//! Each field of a service: edited, removed, put back.

use std::collections::BTreeSet;

use ecs_operator::service::FIELDS;
use serde_json::{Value, json};

use super::table::{Removed, Row, merge, walk};
use crate::support::Scene;

const TARGETS: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup";
const ROLE: &str = "arn:aws:iam::111122223333:role";

fn ec2() -> Value {
    json!({ "cluster": "main", "taskDefinition": "web:1", "launchType": "EC2", "desiredCount": 1 })
}

fn network(group: &str) -> Value {
    json!({ "awsvpcConfiguration": { "subnets": ["subnet-0a"], "securityGroups": [group] } })
}

fn fargate() -> Value {
    json!({ "cluster": "main", "taskDefinition": "web:1", "launchType": "FARGATE", "desiredCount": 1,
            "networkConfiguration": network("sg-0a") })
}

fn with(mut base: Value, more: Value) -> Value {
    merge(&mut base, more);
    base
}

fn balancer(target: &str) -> Value {
    json!([{ "targetGroupArn": format!("{TARGETS}/{target}/1"), "containerName": "web", "containerPort": 80 }])
}

fn row(field: &'static str, base: Value, a: Value, b: Value, removed: Removed) -> Row {
    Row { field, base, a, b, removed }
}

/// How tasks are deployed: the members of `deploymentConfiguration`, each a unit of its own.
fn of_deployments() -> Vec<Row> {
    use Removed::Reset;
    let hook = |stage: &str| json!([{ "targetType": "PAUSE", "lifecycleStages": [stage] }]);
    let alarms = |name: &str| json!({ "alarmNames": [name], "enable": true, "rollback": true });
    let early =
        |percent| json!({ "enable": true, "healthyPercent": percent, "sourceServiceRevisionCleanup": "BLOCKING" });
    let under = |strategy: &str| with(fargate(), json!({ "deploymentConfiguration": { "strategy": strategy } }));
    let breaker_a = json!({ "enable": true, "rollback": true });
    let breaker_b =
        json!({ "enable": true, "rollback": false, "thresholdConfiguration": { "type": "COUNT", "value": 5 } });
    vec![
        row("deploymentConfiguration.strategy", fargate(), json!("BLUE_GREEN"), json!("CANARY"), Reset),
        row("deploymentConfiguration.maximumPercent", fargate(), json!(150), json!(175), Reset),
        row("deploymentConfiguration.minimumHealthyPercent", fargate(), json!(50), json!(60), Reset),
        row("deploymentConfiguration.deploymentCircuitBreaker", fargate(), breaker_a, breaker_b, Reset),
        row("deploymentConfiguration.alarms", fargate(), alarms("a"), alarms("b"), Reset),
        row("deploymentConfiguration.bakeTimeInMinutes", fargate(), json!(5), json!(7), Reset),
        row("deploymentConfiguration.lifecycleHooks", fargate(), hook("PRE_SCALE_UP"), hook("POST_SCALE_UP"), Reset),
        row(
            "deploymentConfiguration.linearConfiguration",
            under("LINEAR"),
            json!({ "stepPercent": 20.0, "stepBakeTimeInMinutes": 1 }),
            json!({ "stepPercent": 25.0 }),
            Reset,
        ),
        row(
            "deploymentConfiguration.canaryConfiguration",
            under("CANARY"),
            json!({ "canaryPercent": 20.5 }),
            json!({ "canaryPercent": 30.0, "canaryBakeTimeInMinutes": 1 }),
            Reset,
        ),
        row("deploymentConfiguration.earlySuccessCriteria", fargate(), early(90), early(80), Reset),
    ]
}

/// Where tasks run and who decides it.
fn of_placement() -> Vec<Row> {
    use Removed::{Noted, OneWay, Refused, Replace, Reset, Silent};
    let strategy = |provider: &str| json!([{ "capacityProvider": provider, "weight": 1 }]);
    let spread = |field: &str| json!([{ "type": "spread", "field": field }]);
    let member = |expression: &str| json!([{ "type": "memberOf", "expression": expression }]);
    let one_of = "exactly one of taskDefinitionRef and taskDefinition";
    let with_role = with(ec2(), json!({ "loadBalancers": balancer("classic") }));
    vec![
        row("taskDefinition", fargate(), json!("web:1"), json!("web:2"), Refused(one_of)),
        row("desiredCount", with(ec2(), json!({ "desiredCount": null })), json!(1), json!(2), Silent),
        // These three are taken at creation only, and the API server refuses the edit.
        row("schedulingStrategy", ec2(), json!("REPLICA"), json!("REPLICA"), Silent),
        row("launchType", fargate(), json!("FARGATE"), json!("FARGATE"), Refused("launchType is immutable")),
        row("role", with_role, json!(format!("{ROLE}/lb")), json!(format!("{ROLE}/lb")), Refused("role is immutable")),
        row(
            "capacityProviderStrategy",
            with(fargate(), json!({ "launchType": null })),
            strategy("FARGATE"),
            strategy("FARGATE_SPOT"),
            Reset,
        ),
        row(
            "deploymentController",
            with(fargate(), json!({ "loadBalancers": balancer("a") })),
            json!({ "type": "CODE_DEPLOY" }),
            json!({ "type": "ECS" }),
            OneWay("can't be changed to CODE_DEPLOY"),
        ),
        row("platformVersion", fargate(), json!("1.4.0"), json!("1.3.0"), Reset),
        row("availabilityZoneRebalancing", fargate(), json!("ENABLED"), json!("DISABLED"), Noted),
        row("networkConfiguration", ec2(), network("sg-0a"), network("sg-0b"), Replace),
        row("placementConstraints", ec2(), member("attribute:a == 1"), member("attribute:a == 2"), Reset),
        row("placementStrategy", ec2(), spread("instanceId"), spread("attribute:rack"), Reset),
    ]
}

/// What the service is connected to, and its switches.
fn of_connections() -> Vec<Row> {
    use Removed::{Reset, Silent};
    let registry =
        |id: &str| json!([{ "registryArn": format!("arn:aws:servicediscovery:eu-west-1:111122223333:service/{id}") }]);
    let connect = |name: &str| json!({ "enabled": true, "namespace": "internal", "services": [{ "portName": "http", "discoveryName": name }] });
    let volume = |size| json!([{ "name": "data", "managedEBSVolume": { "sizeInGiB": size, "roleArn": format!("{ROLE}/volumes") } }]);
    let lattice = |id: &str| {
        json!([{ "portName": "http", "roleArn": format!("{ROLE}/lattice"),
                 "targetGroupArn": format!("arn:aws:vpc-lattice:eu-west-1:111122223333:targetgroup/{id}") }])
    };
    let gateway = |access: &str| json!([{ "portName": "http", "filters": { "accessTypes": [access] } }]);
    let monitoring =
        |metric: &str| json!({ "metricConfigurations": [{ "metricNames": [metric], "resolutionSeconds": 20 }] });
    vec![
        row("loadBalancers", fargate(), balancer("a"), balancer("b"), Reset),
        row("serviceRegistries", fargate(), registry("srv-a"), registry("srv-b"), Reset),
        row("serviceConnectConfiguration", fargate(), connect("a"), connect("b"), Reset),
        row("volumeConfigurations", fargate(), volume(10), volume(20), Reset),
        row("vpcLatticeConfigurations", fargate(), lattice("tg-a"), lattice("tg-b"), Reset),
        row("gatewayConnectors", fargate(), gateway("PUBLIC"), gateway("PRIVATE"), Reset),
        row("monitoring", fargate(), monitoring("CPUUtilization"), monitoring("MemoryUtilization"), Reset),
        row("healthCheckGracePeriodSeconds", fargate(), json!(30), json!(60), Reset),
        // Edited to what ECS does anyway: there is nothing left to reset.
        row("enableExecuteCommand", fargate(), json!(true), json!(false), Silent),
        row("enableECSManagedTags", fargate(), json!(true), json!(false), Silent),
        row("propagateTags", fargate(), json!("SERVICE"), json!("TASK_DEFINITION"), Reset),
        row(
            "tags",
            fargate(),
            json!([{ "key": "Team", "value": "a" }]),
            json!([{ "key": "Team", "value": "b" }]),
            Reset,
        ),
    ]
}

async fn scene(name: &str) -> Scene {
    let scene = Scene::start(name).await;
    scene.ecs().call("CreateCluster", json!({ "clusterName": "main" })).await;
    let container = json!({ "name": "web", "image": "nginx", "memory": 128,
                            "portMappings": [{ "name": "http", "containerPort": 80 }] });
    for _ in 0..2 {
        let revision = json!({ "family": "web", "containerDefinitions": [container] });
        scene.ecs().call("RegisterTaskDefinition", revision).await;
    }
    scene
}

/// A field whose edit, removal or return is not sent, or not alone, is a promise broken: what stands in the
/// manifest is not what runs, or an edit of one thing deploys another.
#[tokio::test]
async fn each_field_of_a_service_costs_one_call_with_that_field() {
    let scene = scene("service-fields").await;
    let rows: Vec<Row> = of_deployments().into_iter().chain(of_placement()).chain(of_connections()).collect();
    let table: BTreeSet<&str> = rows.iter().map(|row| row.field).filter(|field| *field != "tags").collect();
    let known: BTreeSet<&str> = FIELDS.iter().map(|field| field.unit).collect();
    assert_eq!(table, known, "each field has a row here");
    insta::assert_snapshot!(walk(&scene, "EcsService", &rows).await);
}
