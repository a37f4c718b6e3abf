//! Services: what is sent and what ECS echoes, unit by unit.

use ecs_operator::ecs::canon::{
    ServiceContext, UNSEEN, Verdict, compare, complete_service_unit, desired_service, differs, observed_service,
    service_unit, service_units,
};
use serde_json::{Value, json};

const REPLICA: ServiceContext = ServiceContext { daemon: false, shifts_traffic: false, fargate: true };

fn unit(name: &str, value: &Value) -> Value {
    service_unit(name, Some(value), &REPLICA).unwrap_or_else(|error| panic!("{error}: {name} {value}"))
}

fn none(name: &str, context: ServiceContext) -> Value {
    service_unit(name, None, &context).unwrap()
}

#[test]
#[rustfmt::skip]
fn the_smallest_service_and_its_full_echo_do_not_differ() {
    let asked = json!({
        "serviceName": "web", "cluster": "production", "taskDefinition": "web:3", "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-b", "subnet-a"] } },
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
        "clientToken": "x", "tags": [{ "key": "a", "value": "b" }],
    });
    let echoed = json!({
        "serviceArn": "arn:aws:ecs:eu-west-1:1:service/production/web", "serviceName": "web",
        "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/production",
        "taskDefinition": "arn:aws:ecs:eu-west-1:1:task-definition/web:3",
        "status": "ACTIVE", "desiredCount": 2, "runningCount": 1, "pendingCount": 1, "launchType": "FARGATE",
        "platformVersion": "LATEST", "platformFamily": "Linux", "schedulingStrategy": "REPLICA",
        "roleArn": "arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "deploymentConfiguration": {
            "strategy": "ROLLING", "maximumPercent": 200, "minimumHealthyPercent": 100, "bakeTimeInMinutes": 0,
            "deploymentCircuitBreaker": {
                "enable": true, "rollback": true, "resetOnHealthyTask": true,
                "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 },
            },
            "alarms": { "alarmNames": [], "enable": false, "rollback": false },
        },
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-a", "subnet-b"], "securityGroups": [], "assignPublicIp": "DISABLED" } },
        "loadBalancers": [], "serviceRegistries": [], "placementConstraints": [], "placementStrategy": [],
        "healthCheckGracePeriodSeconds": 0, "propagateTags": "NONE", "enableECSManagedTags": false,
        "enableExecuteCommand": false, "availabilityZoneRebalancing": "ENABLED", "resourceManagementType": "CUSTOMER",
        "events": [{ "id": "1", "message": "x" }], "createdAt": 1.5,
        "deployments": [{ "id": "ecs-svc/1", "status": "PRIMARY", "desiredCount": 2, "rolloutState": "IN_PROGRESS" }],
    });
    let (desired, observed) = (desired_service(&asked).unwrap(), observed_service(&echoed).unwrap());
    assert_eq!(
        desired.keys().collect::<Vec<_>>(),
        ["cluster", "deploymentConfiguration.deploymentCircuitBreaker", "desiredCount", "launchType", "networkConfiguration", "taskDefinition"]
    );
    for (unit, value) in &desired {
        assert_eq!(compare(unit, value, observed.get(unit)), Verdict::Same, "{unit}");
    }
    // Everything else is as ECS does without it, but for what ECS chose.
    for unit in service_units().filter(|unit| !desired.contains_key(*unit) && !UNSEEN.contains(unit)) {
        if !matches!(unit, "role" | "availabilityZoneRebalancing") {
            assert_eq!(observed[unit], none(unit, REPLICA), "{unit}");
        }
    }
    assert!(UNSEEN.iter().all(|unit| !observed.contains_key(*unit)));
}

#[test]
#[rustfmt::skip]
fn echoes_of_units() {
    let volume = |ebs: Value| json!([{ "name": "data", "managedEBSVolume": ebs }]);
    for (name, sent, echoed) in [
        ("role", json!("ecsServiceRole"), json!("arn:aws:iam::1:role/ecsServiceRole")),
        ("deploymentController", json!({ "type": "ECS" }), Value::Null),
        ("capacityProviderStrategy", json!([{ "capacityProvider": "B", "weight": 1 }, { "capacityProvider": "A" }]),
            json!([{ "capacityProvider": "A", "base": 0, "weight": 0 }, { "capacityProvider": "B", "weight": 1, "base": 0 }])),
        ("deploymentConfiguration.deploymentCircuitBreaker", json!({ "enable": false, "rollback": true }),
            json!({ "enable": false, "rollback": false, "resetOnHealthyTask": true, "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 } })),
        ("deploymentConfiguration.deploymentCircuitBreaker", json!({ "enable": false, "rollback": false }), Value::Null),
        ("deploymentConfiguration.alarms", json!({ "alarmNames": ["b", "a"], "enable": true, "rollback": false }),
            json!({ "alarmNames": ["a", "b"], "enable": true, "rollback": false })),
        ("deploymentConfiguration.alarms", json!({ "alarmNames": [], "enable": false, "rollback": false }), Value::Null),
        ("deploymentConfiguration.earlySuccessCriteria", json!({ "enable": true }),
            json!({ "enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING" })),
        ("deploymentConfiguration.earlySuccessCriteria", json!({ "enable": false }), Value::Null),
        ("deploymentConfiguration.linearConfiguration", json!({}), json!({ "stepPercent": 10.0, "stepBakeTimeInMinutes": 6 })),
        ("deploymentConfiguration.linearConfiguration", json!({ "stepPercent": 25 }), json!({ "stepPercent": 25.0, "stepBakeTimeInMinutes": 6 })),
        ("deploymentConfiguration.canaryConfiguration", Value::Null, json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10 })),
        ("deploymentConfiguration.lifecycleHooks",
            json!([
                { "hookTargetArn": "arn:b", "roleArn": "arn:r", "lifecycleStages": ["POST_SCALE_UP", "PRE_SCALE_UP"], "hookDetails": { "a": [], "n": 1.0 } },
                { "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": { "timeoutInMinutes": 5 } },
            ]),
            json!([
                { "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": { "timeoutInMinutes": 5, "action": "ROLLBACK" } },
                { "targetType": "AWS_LAMBDA", "hookTargetArn": "arn:b", "roleArn": "arn:r", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"],
                  "hookDetails": "{\"n\": 1, \"a\": []}", "timeoutConfiguration": { "timeoutInMinutes": 1440, "action": "ROLLBACK" } },
            ])),
        ("networkConfiguration", json!({ "awsvpcConfiguration": { "subnets": ["b", "a"], "securityGroups": ["y", "x"] } }),
            json!({ "awsvpcConfiguration": { "subnets": ["a", "b"], "securityGroups": ["x", "y"], "assignPublicIp": "DISABLED" } })),
        ("placementStrategy", json!([{ "type": "spread", "field": "host" }, { "type": "binpack", "field": "MEMORY" }, { "type": "random", "field": "x" }]),
            json!([{ "type": "SPREAD", "field": "instanceId" }, { "type": "binpack", "field": "memory" }, { "type": "random" }])),
        ("placementConstraints", json!([{ "type": "distinctInstance" }, { "type": "memberOf", "expression": "a" }]),
            json!([{ "type": "memberOf", "expression": "a" }, { "type": "distinctInstance" }])),
        ("loadBalancers", json!([{ "targetGroupArn": "b", "containerName": "web", "containerPort": 80 }, { "targetGroupArn": "a", "containerName": "api", "containerPort": 80 }]),
            json!([{ "targetGroupArn": "a", "containerName": "api", "containerPort": 80 }, { "targetGroupArn": "b", "containerName": "web", "containerPort": 80 }])),
        ("serviceRegistries", json!([{ "registryArn": "arn:r" }]), json!([{ "registryArn": "arn:r", "port": 0, "containerPort": 0 }])),
        ("serviceConnectConfiguration", json!({ "enabled": false, "namespace": "x" }), Value::Null),
        ("serviceConnectConfiguration",
            json!({ "enabled": true, "namespace": "internal", "services": [{ "portName": "http" }], "logConfiguration": { "logDriver": "awslogs" } }),
            json!({ "enabled": true, "namespace": "internal", "services": [{ "portName": "http", "discoveryName": "http", "clientAliases": [] }],
                "logConfiguration": { "logDriver": "awslogs", "options": {}, "secretOptions": [] } })),
        ("volumeConfigurations", volume(json!({ "roleArn": "arn:r", "sizeInGiB": 10 })),
            volume(json!({ "roleArn": "arn:r", "sizeInGiB": 10, "filesystemType": "xfs", "tagSpecifications": [] }))),
        ("monitoring", json!({ "metricConfigurations": [{ "metricNames": ["MemoryUtilization", "CPUUtilization"], "resolutionSeconds": 20 }] }),
            json!({ "metricConfigurations": [{ "metricNames": ["CPUUtilization"], "resolutionSeconds": 20 }, { "metricNames": ["MemoryUtilization"], "resolutionSeconds": 20 }] })),
        ("monitoring", json!({ "metricConfigurations": [{ "metricNames": ["CPUUtilization"], "resolutionSeconds": 60 }] }), Value::Null),
        ("loadBalancers", json!([]), Value::Null),
        ("propagateTags", json!("NONE"), Value::Null),
        ("enableExecuteCommand", json!(false), Value::Null),
        ("enableECSManagedTags", json!(false), Value::Null),
        ("healthCheckGracePeriodSeconds", json!(0), Value::Null),
        ("schedulingStrategy", json!("REPLICA"), Value::Null),
        ("platformVersion", json!("LATEST"), Value::Null),
        ("deploymentConfiguration.strategy", json!("ROLLING"), Value::Null),
    ] {
        assert_eq!(unit(name, &sent), unit(name, &echoed), "{name}: {sent}");
        let canonical = unit(name, &sent);
        assert_eq!(unit(name, &canonical), canonical, "{name}: canonical of canonical");
    }
}

#[test]
fn defaults_depend_on_the_service() {
    let daemon = ServiceContext { daemon: true, ..ServiceContext::default() };
    let canary = ServiceContext { shifts_traffic: true, ..ServiceContext::default() };
    let of = |member: &str, context: ServiceContext| none(&format!("deploymentConfiguration.{member}"), context);
    assert_eq!((of("maximumPercent", REPLICA), of("minimumHealthyPercent", REPLICA)), (json!(200), json!(100)));
    assert_eq!((of("maximumPercent", daemon), of("minimumHealthyPercent", daemon)), (json!(100), json!(0)));
    assert_eq!((of("bakeTimeInMinutes", REPLICA), of("bakeTimeInMinutes", canary)), (json!(0), json!(15)));
    assert_eq!((none("platformVersion", REPLICA), none("platformVersion", daemon)), (json!("LATEST"), Value::Null));
    assert_eq!(none("availabilityZoneRebalancing", REPLICA), Value::Null, "never filled");
    assert_eq!(service_unit("desiredCount", Some(&json!(7)), &daemon).unwrap(), Value::Null);
    let observed = observed_service(&json!({ "schedulingStrategy": "DAEMON", "desiredCount": 7 })).unwrap();
    assert_eq!(
        (&observed["desiredCount"], &observed["deploymentConfiguration.maximumPercent"]),
        (&Value::Null, &json!(100))
    );
    assert!(
        ServiceContext::of(&json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE_SPOT" }] })).fargate
    );
}

#[test]
fn blocks_are_read_from_the_primary_deployment_or_the_service() {
    let connect = json!({ "enabled": true, "namespace": "n" });
    let lattice = json!([{ "roleArn": "arn:r", "targetGroupArn": "arn:t", "portName": "http" }]);
    let observed = observed_service(&json!({
        "vpcLatticeConfigurations": lattice,
        "deployments": [
            { "status": "ACTIVE", "serviceConnectConfiguration": { "enabled": true, "namespace": "old" } },
            { "status": "PRIMARY", "serviceConnectConfiguration": connect },
        ],
    }))
    .unwrap();
    assert_eq!(observed["serviceConnectConfiguration"], connect);
    assert_eq!(observed["vpcLatticeConfigurations"], lattice);
    assert_eq!(observed["volumeConfigurations"], json!([]));
}

#[test]
#[rustfmt::skip]
fn what_is_compared_by_meaning() {
    let arn = |name: &str| format!("arn:aws:ecs:eu-west-1:1:{name}");
    let alias = |dns: Value| json!({ "enabled": true, "services": [{ "portName": "http", "clientAliases": [{ "port": 80, "dnsName": dns }] }] });
    let shown = json!({ "enabled": true, "namespace": "n", "services": [{ "portName": "http", "clientAliases": [{ "port": 80, "dnsName": "http.n" }] }] });
    for (name, desired, observed, expected) in [
        ("platformVersion", json!("LATEST"), json!("1.4.0"), false),
        ("platformVersion", Value::Null, json!("1.4.0"), false),
        ("platformVersion", json!("1.3.0"), json!("1.4.0"), true),
        ("platformVersion", json!("1.4.0"), json!("LATEST"), true),
        ("cluster", json!("production"), json!(arn("cluster/production")), false),
        ("cluster", json!("other"), json!(arn("cluster/production")), true),
        ("cluster", json!("arn:aws:ecs:eu-west-1:2:cluster/production"), json!(arn("cluster/production")), true),
        ("taskDefinition", json!("web:3"), json!(arn("task-definition/web:3")), false),
        ("taskDefinition", json!("web:4"), json!(arn("task-definition/web:3")), true),
        ("taskDefinition", json!("web"), json!(arn("task-definition/web:3")), false),
        ("taskDefinition", json!("we"), json!(arn("task-definition/web:3")), true),
        ("taskDefinition", json!(arn("task-definition/web:4")), json!(arn("task-definition/web:3")), true),
        ("serviceConnectConfiguration", alias(Value::Null), shown.clone(), false),
        ("serviceConnectConfiguration", alias(json!("other")), shown.clone(), true),
        ("serviceConnectConfiguration", json!({ "enabled": false }), shown.clone(), true),
        ("serviceConnectConfiguration", shown, json!({ "enabled": false }), true),
        ("launchType", json!("FARGATE"), json!("EC2"), true),
        ("launchType", json!("FARGATE"), Value::Null, true),
        ("availabilityZoneRebalancing", json!("DISABLED"), json!("ENABLED"), true),
        ("networkConfiguration", json!({ "awsvpcConfiguration": { "subnets": ["a"] } }),
            json!({ "awsvpcConfiguration": { "subnets": ["a"], "securityGroups": ["sg-1"] } }), true),
        ("desiredCount", json!(2), json!(3), true),
    ] {
        assert_eq!(differs(name, &unit(name, &desired), &unit(name, &observed)), expected, "{name}: {desired}, {observed}");
    }
    assert_eq!(compare("monitoring", &json!({}), None), Verdict::Unknown);
}

#[test]
#[rustfmt::skip]
fn a_block_is_sent_whole() {
    for (name, written, sent) in [
        ("deploymentConfiguration.deploymentCircuitBreaker", json!({ "enable": true, "rollback": true }),
            json!({ "enable": true, "rollback": true, "resetOnHealthyTask": true, "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 } })),
        ("deploymentConfiguration.deploymentCircuitBreaker", json!({ "enable": true, "thresholdConfiguration": { "type": "COUNT", "value": 4 } }),
            json!({ "enable": true, "rollback": false, "resetOnHealthyTask": true, "thresholdConfiguration": { "type": "COUNT", "value": 4 } })),
        ("deploymentConfiguration.alarms", json!({ "alarmNames": ["a"] }), json!({ "alarmNames": ["a"], "enable": false, "rollback": false })),
        ("deploymentConfiguration.linearConfiguration", json!({ "stepPercent": 44.0 }), json!({ "stepPercent": 44.0, "stepBakeTimeInMinutes": 6 })),
        ("deploymentConfiguration.canaryConfiguration", json!({}), json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10 })),
        ("deploymentConfiguration.earlySuccessCriteria", json!({ "enable": true }), json!({ "enable": true, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING" })),
        ("deploymentConfiguration.earlySuccessCriteria", json!({ "enable": false }), json!({ "enable": false })),
        ("deploymentConfiguration.lifecycleHooks", json!([{ "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": { "timeoutInMinutes": 9 } }]),
            json!([{ "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": { "timeoutInMinutes": 9, "action": "ROLLBACK" } }])),
        ("deploymentConfiguration.maximumPercent", json!(150), json!(150)),
        ("loadBalancers", json!([]), json!([])),
    ] {
        assert_eq!(complete_service_unit(name, &written), sent, "{name}");
        // What is written out is what ECS does anyway.
        assert_eq!(unit(name, &written), unit(name, &sent), "{name}");
    }
}
