//! Services as objects: what they show, what is refused, and their end.

use serde_json::{Value, json};

use crate::bed::{Bed, service};

#[test]
fn a_token_is_bound_to_its_arguments() {
    let mut bed = Bed::new();
    let task_definition = bed.image("nginx");
    let first = service(&task_definition, &json!({ "clientToken": "t1" }));
    let created = bed.ok("CreateService", &first);
    let again = bed.ok("CreateService", &first);
    assert_eq!(created["service"]["deployments"][0]["id"], again["service"]["deployments"][0]["id"]);
    let tagged = service(&task_definition, &json!({ "clientToken": "t1", "tags": [{ "key": "a", "value": "b" }] }));
    bed.ok("CreateService", &tagged);
    for other in [
        json!({ "clientToken": "t1", "desiredCount": 3 }),
        json!({ "clientToken": "t2" }),
        json!({}),
        json!({ "clientToken": "t1", "serviceName": "other" }),
    ] {
        let refused = bed.refused("CreateService", &service(&task_definition, &other));
        assert_eq!(refused, "InvalidParameterException: Creation of service was not idempotent.", "{other}");
    }
    let long = service(&task_definition, &json!({ "clientToken": "x".repeat(37) }));
    assert_eq!(bed.refused("CreateService", &long), "InvalidParameterException: idempotency token longer than 36.");
}

#[test]
fn a_service_drains_and_is_inactive_and_then_missing() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.until_completed();
    let named = json!({ "cluster": "c", "service": "web" });
    let refused = bed.refused("DeleteService", &named);
    assert!(refused.ends_with("The service cannot be stopped while it is scaled above 0."), "{refused}");
    let deleted = bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web", "force": true }));
    assert_eq!(deleted["service"]["status"], "DRAINING");
    let task_definition = bed.image("nginx");
    let refused = bed.refused("CreateService", &service(&task_definition, &json!({})));
    assert!(refused.ends_with("Unable to Start a service that is still Draining."), "{refused}");
    let refused = bed.refused("UpdateService", &named);
    assert_eq!(refused, "ServiceNotActiveException: Service was not ACTIVE.");
    let held = bed.refused("DeleteCluster", &json!({ "cluster": "c" }));
    assert!(held.starts_with("ClusterContainsServicesException"), "{held}");
    let seconds = bed.until("INACTIVE", 120, |bed| bed.service()["status"] == "INACTIVE");
    assert!(seconds > 4, "{seconds}");
    assert_eq!(bed.ok("ListServices", &json!({ "cluster": "c" }))["serviceArns"], json!([]));
    assert!(bed.refused("DeleteService", &named).starts_with("ServiceNotFoundException"));
    bed.pass(7 * 3600);
    let answer = bed.ok("DescribeServices", &json!({ "cluster": "c", "services": ["web"] }));
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
}

#[test]
fn the_name_of_an_inactive_service_can_be_used_again() {
    let mut bed = Bed::new();
    let first = bed.create("nginx", &json!({}));
    bed.until_completed();
    bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web", "force": true }));
    bed.until("INACTIVE", 120, |bed| bed.service()["status"] == "INACTIVE");
    let second = bed.create("nginx", &json!({}));
    assert_eq!(second["status"], "ACTIVE");
    assert_ne!(first["deployments"][0]["id"], second["deployments"][0]["id"]);
    bed.until_completed();
}

#[test]
fn a_role_deleted_too_early_keeps_a_service_draining() {
    let mut bed = Bed::new();
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1";
    let balancer = json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 80 }]);
    bed.create("nginx", &json!({ "loadBalancers": balancer, "role": "ecs-lb" }));
    bed.until_completed();
    bed.tamper(|region| {
        region.outside.missing_roles.insert("ecs-lb".into());
    });
    bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web", "force": true }));
    bed.pass(3600);
    assert_eq!(bed.service()["status"], "DRAINING");
    assert!(bed.events()[0].contains("failed to deregister targets"), "{:?}", bed.events());
    bed.tamper(|region| region.outside.missing_roles.clear());
    bed.until("INACTIVE", 120, |bed| bed.service()["status"] == "INACTIVE");
}

#[test]
fn the_echo_fills_in_and_reorders() {
    let mut bed = Bed::new();
    let connect = json!({ "enabled": true, "namespace": "n", "services": [{ "portName": "http" }] });
    let ports = json!({ "portMappings": [{ "containerPort": 80, "name": "http" }] });
    let task_definition = bed.register("nginx", &ports);
    let sent = service(&task_definition, &json!({ "serviceConnectConfiguration": connect }));
    let shown = bed.ok("CreateService", &sent)["service"].clone();
    for (member, value) in [
        ("schedulingStrategy", json!("REPLICA")),
        ("propagateTags", json!("NONE")),
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("enableExecuteCommand", json!(false)),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("platformVersion", json!("LATEST")),
        ("resourceManagementType", json!("CUSTOMER")),
        ("loadBalancers", json!([])),
        ("placementStrategy", json!([])),
        ("serviceConnectConfiguration", Value::Null),
        ("deploymentController", Value::Null),
        ("tags", Value::Null),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    let network = &shown["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["assignPublicIp"], "DISABLED");
    let deployed = &shown["deployments"][0]["serviceConnectConfiguration"];
    assert_eq!(deployed["services"][0]["discoveryName"], "http");
    let configuration = &shown["deploymentConfiguration"];
    assert_eq!((&configuration["maximumPercent"], configuration.get("alarms")), (&json!(200), None));
}

#[test]
fn rebalancing_is_chosen_where_it_can_be() {
    for (members, chosen) in [
        (json!({}), "ENABLED"),
        (json!({ "deploymentConfiguration": { "maximumPercent": 100, "minimumHealthyPercent": 0 } }), "DISABLED"),
        (json!({ "launchType": "EC2", "placementStrategy": [{ "type": "random" }] }), "DISABLED"),
        (
            json!({ "launchType": "EC2", "placementStrategy": [{ "type": "spread", "field": "attribute:ecs.availability-zone" }, { "type": "random" }] }),
            "ENABLED",
        ),
    ] {
        let mut bed = Bed::new();
        assert_eq!(bed.create("nginx", &members)["availabilityZoneRebalancing"], chosen);
    }
}

#[test]
fn creation_is_refused_in_ecs_own_words() {
    let mut bed = Bed::new();
    let task_definition = bed.image("nginx");
    let inactive = bed.image("nginx:old");
    bed.ok("DeregisterTaskDefinition", &json!({ "taskDefinition": inactive }));
    let balancer = |extra: Value| {
        let mut one = json!({ "targetGroupArn": "arn:tg/a", "containerName": "web", "containerPort": 80 });
        one["advancedConfiguration"] = extra;
        one
    };
    let advanced = |rule: &str, alternate: &str| json!({ "alternateTargetGroupArn": alternate, "productionListenerRule": rule, "roleArn": "arn:aws:iam::1:role/r" });
    let blue_green = json!({ "strategy": "BLUE_GREEN" });
    for (members, message) in [
        (json!({ "cluster": "gone" }), "Cluster not found."),
        (json!({ "taskDefinition": "gone" }), "TaskDefinition not found."),
        (json!({ "taskDefinition": inactive }), "TaskDefinition is inactive"),
        (
            json!({ "networkConfiguration": null }),
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }] }),
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            json!({ "schedulingStrategy": "DAEMON" }),
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.",
        ),
        (
            json!({ "placementStrategy": [{ "type": "random" }] }),
            "Placement strategies are not valid for tasks using the Fargate launch type.",
        ),
        (
            json!({ "deploymentConfiguration": { "maximumPercent": 100 } }),
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
        (
            json!({ "availabilityZoneRebalancing": "ENABLED", "deploymentConfiguration": { "maximumPercent": 100, "minimumHealthyPercent": 0 } }),
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.",
        ),
        (
            json!({ "loadBalancers": [balancer(Value::Null)], "deploymentConfiguration": blue_green }),
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy",
        ),
        (
            json!({ "loadBalancers": [balancer(Value::Null), balancer(advanced("arn:x:listener-rule/1", "arn:tg/b"))] }),
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
        ),
        (
            json!({ "loadBalancers": [balancer(advanced("arn:x:listener-rule/1", "arn:tg/a"))] }),
            "Duplicate targetGroupArn found: arn:tg/a",
        ),
        (
            json!({ "loadBalancers": [balancer(advanced("rule", "arn:tg/b"))] }),
            "productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB.",
        ),
        (
            json!({ "loadBalancers": [{ "targetGroupArn": "arn:tg/a", "containerName": "db", "containerPort": 80 }] }),
            "The container db does not exist in the task definition.",
        ),
        (json!({ "deploymentController": { "type": "EXTERNAL" } }), "TaskDefinition must be blank"),
    ] {
        let refused = bed.refused("CreateService", &service(&task_definition, &members));
        let (code, words) = refused.split_once(": ").unwrap();
        assert_eq!(words, message, "{members}");
        let expected = match message {
            "Cluster not found." => "ClusterNotFoundException",
            words if words.starts_with("TaskDefinition ") && !words.ends_with("blank") => "ClientException",
            _ => "InvalidParameterException",
        };
        assert_eq!(code, expected, "{members}");
    }
}

#[test]
fn creation_is_refused_where_the_guide_rules_it_out() {
    let mut bed = Bed::new();
    let task_definition = bed.register("nginx", &json!({ "portMappings": [{ "containerPort": 80, "name": "http" }] }));
    let box_definition = bed.ok("RegisterTaskDefinition", &json!({ "family": "box", "containerDefinitions": [{ "name": "web", "image": "nginx", "memory": 64, "portMappings": [{ "containerPort": 80, "name": "http" }] }] }));
    let external = |more: Value| {
        let mut all = json!({ "launchType": "EXTERNAL", "networkConfiguration": null, "taskDefinition": box_definition["taskDefinition"]["taskDefinitionArn"] });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let pauses = |count| vec![json!({ "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"] }); count];
    let function = json!({ "hookTargetArn": "arn:aws:lambda:eu-west-1:1:function:f", "roleArn": "arn:aws:iam::1:role/r", "lifecycleStages": ["PRE_SCALE_UP"] });
    let rebalances = |more: Value| {
        let mut all = json!({ "launchType": "EC2", "availabilityZoneRebalancing": "ENABLED" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let balancer = json!([{ "targetGroupArn": "arn:tg/a", "containerName": "web", "containerPort": 80 }]);
    let code_deploy = json!({
        "launchType": "EC2", "loadBalancers": balancer, "deploymentController": { "type": "CODE_DEPLOY" },
        "deploymentConfiguration": { "maximumPercent": 150 },
    });
    let connect = json!({ "enabled": true, "namespace": "n", "services": [{ "portName": "http" }] });
    for (members, part) in [
        (json!({ "deploymentConfiguration": { "lifecycleHooks": pauses(11) } }), "10 lifecycle hooks of type PAUSE"),
        (json!({ "deploymentConfiguration": { "lifecycleHooks": vec![function; 11] } }), "of type AWS_LAMBDA"),
        (json!({ "deploymentConfiguration": { "strategy": "LINEAR" } }), "The LINEAR deployment strategy requires"),
        (json!({ "deploymentConfiguration": { "strategy": "CANARY" } }), "The CANARY deployment strategy requires"),
        (
            rebalances(json!({ "placementStrategy": [{ "type": "binpack", "field": "memory" }] })),
            "a placement strategy",
        ),
        (
            rebalances(
                json!({ "placementConstraints": [{ "type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a" }] }),
            ),
            "placement constraints on",
        ),
        (external(json!({ "loadBalancers": balancer })), "Load balancers are not supported with the EXTERNAL"),
        (external(json!({ "serviceConnectConfiguration": connect })), "Service Connect is not supported with the EXT"),
        (external(json!({ "deploymentConfiguration": { "strategy": "BLUE_GREEN" } })), "other than ROLLING are not"),
        (code_deploy, "of the CODE_DEPLOY deployment controller that use the EC2 launch type."),
        (json!({ "platformVersion": "2.0.0" }), "PlatformUnknownException: "),
    ] {
        let refused = bed.refused("CreateService", &service(&task_definition, &members));
        assert!(refused.contains(part), "{members}: {refused}");
    }
    bed.create(
        "nginx",
        &json!({ "deploymentConfiguration": { "lifecycleHooks": pauses(10), "strategy": "BLUE_GREEN" } }),
    );
}

#[test]
fn a_capacity_provider_strategy_is_changed_by_force_alone() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.until_completed();
    let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let mut change = json!({ "cluster": "c", "service": "web", "capacityProviderStrategy": strategy });
    let refused = bed.refused("UpdateService", &change);
    assert!(
        refused.starts_with("InvalidParameterException: When switching from launch type to capacity provider strategy")
    );
    change["forceNewDeployment"] = json!(true);
    bed.ok("UpdateService", &change);
    bed.until_completed();
    let service = bed.service();
    assert_eq!((service.get("launchType"), &service["capacityProviderStrategy"][0]["base"]), (None, &json!(0)));
    assert!(bed.tasks("RUNNING").iter().all(|task| task["capacityProviderName"] == "FARGATE_SPOT"));
    bed.update(&json!({ "capacityProviderStrategy": [], "forceNewDeployment": true }));
    assert_eq!(bed.service()["launchType"], "FARGATE");
}

#[test]
fn describe_takes_one_to_ten_names_and_shows_tags_when_asked() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({ "tags": [{ "key": "team", "value": "a" }] }));
    for names in [Vec::new(), vec!["web"; 11]] {
        let refused = bed.refused("DescribeServices", &json!({ "cluster": "c", "services": names }));
        assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    }
    assert_eq!(bed.service().get("tags"), None);
    let answer =
        bed.ok("DescribeServices", &json!({ "cluster": "c", "services": ["web", "gone"], "include": ["TAGS"] }));
    assert_eq!(answer["services"][0]["tags"], json!([{ "key": "team", "value": "a" }]));
    assert_eq!(answer["failures"][0]["arn"], "arn:aws:ecs:eu-west-1:111122223333:service/c/gone");
    let arn = answer["services"][0]["serviceArn"].clone();
    bed.ok("TagResource", &json!({ "resourceArn": arn, "tags": [{ "key": "x", "value": "y" }] }));
    let tags = bed.ok("ListTagsForResource", &json!({ "resourceArn": arn }));
    assert_eq!(tags["tags"].as_array().unwrap().len(), 2);
}

#[test]
fn deployments_and_revisions_of_two_services_are_not_asked_for_at_once() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.create("nginx", &json!({ "serviceName": "other" }));
    bed.pass(30);
    for (operation, member) in
        [("DescribeServiceRevisions", "serviceRevisionArns"), ("DescribeServiceDeployments", "serviceDeploymentArns")]
    {
        let kind = if member == "serviceRevisionArns" { "service-revision" } else { "service-deployment" };
        let arn = |name: &str| format!("arn:aws:ecs:eu-west-1:111122223333:{kind}/c/{name}/1");
        let refused = bed.refused(operation, &json!({ member: [arn("web"), arn("other")] }));
        assert!(refused.contains("Cross service requests are not allowed."), "{refused}");
    }
}

#[test]
fn some_members_show_only_in_a_revision() {
    let mut bed = Bed::new();
    let monitoring =
        json!({ "metricConfigurations": [{ "metricNames": ["CPUUtilization"], "resolutionSeconds": 20 }] });
    let service = bed.create("nginx", &json!({ "monitoring": monitoring }));
    assert_eq!((service.get("monitoring"), service["deployments"][0].get("monitoring")), (None, None));
    let arn = &service["currentServiceRevisions"][0]["arn"];
    let id = service["deployments"][0]["id"].as_str().unwrap().strip_prefix("ecs-svc/").unwrap();
    assert!(arn.as_str().unwrap().ends_with(&format!(":service-revision/c/web/{id}")), "{arn}");
    let answer = bed.ok("DescribeServiceRevisions", &json!({ "serviceRevisionArns": [arn] }));
    assert_eq!(answer["serviceRevisions"][0]["monitoring"], monitoring);
    let empty = json!({ "cluster": "c", "service": "web", "monitoring": {} });
    assert!(bed.refused("UpdateService", &empty).starts_with("ServerException"));
}
