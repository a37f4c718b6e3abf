//! What becomes of an edit: which call is made, and which is not.

use super::*;

#[test]
fn a_service_as_asked_for_makes_no_call() {
    assert!(planned(&desired(&json!({})), Some(live(&json!({}))), &EcsServiceStatus::default()).is_empty());
}

/// A create whose answer was lost is repeated with the same token: ECS answers with the service it made.
#[test]
fn the_token_is_of_the_call() {
    let token = |patch: &Value, before: Option<Value>| {
        calls(&planned(&desired(patch), before, &EcsServiceStatus::default()))[0].1["clientToken"].clone()
    };
    let first = token(&json!({}), None);
    assert_eq!(first.as_str().unwrap().len(), 32);
    assert_eq!(first, token(&json!({}), None));
    assert_eq!(
        first,
        token(&json!({ "tags": [{ "key": "a", "value": "b" }] }), None),
        "tags are no part of ECS's comparison"
    );
    assert_ne!(first, token(&json!({ "desiredCount": 4 }), None), "an edit after a lost answer is another call");
    let gone = live(&json!({ "status": "INACTIVE", "createdAt": 1_700_000_000 }));
    assert_ne!(first, token(&json!({}), Some(gone)), "a service that was deleted is not answered from the past");
}

#[test]
fn a_new_service_without_a_count_gets_one_task() {
    let plan = planned(&desired(&json!({ "desiredCount": null })), None, &EcsServiceStatus::default());
    assert_eq!(calls(&plan)[0].1["desiredCount"], 1);
}

/// What somebody else scales is left alone where the manifest has no count.
#[test]
fn an_absent_count_is_not_managed() {
    let plan = planned(
        &desired(&json!({ "desiredCount": null })),
        Some(live(&json!({ "desiredCount": 9 }))),
        &applied(&["desiredCount"]),
    );
    assert!(plan.is_empty(), "{:?}", plan.lines());
}

/// Two calls would be two deployments.
#[test]
fn all_differences_go_in_one_call() {
    let desired =
        desired(&json!({ "taskDefinition": format!("{ARN}3"), "desiredCount": 5, "enableExecuteCommand": true }));
    let plan = planned(&desired, Some(live(&json!({}))), &EcsServiceStatus::default());
    assert_eq!(
        calls(&plan),
        [(
            Operation::UpdateService,
            json!({
                "cluster": "shop", "service": "web", "taskDefinition": format!("{ARN}3"), "desiredCount": 5,
                "enableExecuteCommand": true,
            })
        )]
    );
}

#[test]
fn a_removed_field_is_reset_once() {
    let status = applied(&["healthCheckGracePeriodSeconds"]);
    let plan = planned(&desired(&json!({})), Some(live(&json!({ "healthCheckGracePeriodSeconds": 30 }))), &status);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "healthCheckGracePeriodSeconds": 0 }));
    assert!(planned(&desired(&json!({})), Some(live(&json!({}))), &status).is_empty(), "live is so already");
    let never_ours = planned(
        &desired(&json!({})),
        Some(live(&json!({ "healthCheckGracePeriodSeconds": 30 }))),
        &EcsServiceStatus::default(),
    );
    assert!(never_ours.is_empty(), "what was never managed is kept");
}

/// ECS places an increase on the old capacity too, and refuses the change of capacity without force.
#[test]
fn a_change_of_capacity_is_forced_and_holds_back_an_increase() {
    let spot = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let desired = desired(&json!({ "capacityProviderStrategy": spot, "desiredCount": 6 }));
    let plan = planned(&desired, Some(live(&json!({}))), &EcsServiceStatus::default());
    assert_eq!(
        calls(&plan)[0].1,
        json!({ "cluster": "shop", "service": "web", "capacityProviderStrategy": spot, "forceNewDeployment": true })
    );
    assert!(plan.withheld[0].contains("desiredCount"), "{:?}", plan.withheld);
}

#[test]
fn what_ecs_cannot_change_in_place_is_refused_by_name() {
    let plan = planned(&desired(&json!({ "launchType": "EC2" })), Some(live(&json!({}))), &EcsServiceStatus::default());
    assert!(plan.is_empty());
    assert!(
        plan.refused[0].1.starts_with("spec.launchType is \"EC2\" and the service has \"FARGATE\""),
        "{:?}",
        plan.refused
    );
}

#[test]
fn a_draining_service_is_waited_for() {
    let verdict = plan(
        &desired(&json!({})),
        &observed(Some(live(&json!({ "status": "DRAINING" })))),
        &EcsServiceStatus::default(),
    )
    .unwrap_err();
    assert_eq!((verdict.state, verdict.reason), (State::Progressing, Reason::Deploying));
}

/// ECS drops the block of a strategy with the strategy, and refuses it without.
#[test]
fn a_strategy_takes_its_block_along() {
    let linear = json!({
        "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0, "stepBakeTimeInMinutes": 5 },
        "maximumPercent": 200, "minimumHealthyPercent": 100,
    });
    let status = applied(&["deploymentConfiguration.strategy", "deploymentConfiguration.linearConfiguration"]);
    let plan = planned(&desired(&json!({})), Some(live(&json!({ "deploymentConfiguration": linear }))), &status);
    assert_eq!(calls(&plan)[0].1["deploymentConfiguration"], json!({ "strategy": "ROLLING" }));
}

/// What CodeDeploy deployed is not ours to put back, and an edit of it would be neither applied nor refused.
#[test]
fn under_code_deploy_an_edit_is_refused_and_a_deployment_of_its_own_is_not_drift() {
    let controller = json!({ "type": "CODE_DEPLOY" });
    let balancers = json!([{ "targetGroupArn": "arn:aws:tg", "containerName": "app", "containerPort": 80 }]);
    let asked = |revision: u8| {
        desired(&json!({
            "deploymentController": controller, "taskDefinition": format!("{ARN}{revision}"), "loadBalancers": balancers,
        }))
    };
    let deployed_by_it = live(&json!({ "deploymentController": controller, "taskDefinition": format!("{ARN}7") }));
    let mut status = EcsServiceStatus::default();
    status.common.applied_fields = asked(2).managed();
    let moved = planned(&asked(2), Some(deployed_by_it.clone()), &status);
    assert_eq!(moved.lines(), [""; 0]);
    let edited = planned(&asked(3), Some(deployed_by_it.clone()), &status);
    assert_eq!(edited.refused[0].0, Reason::CodeDeployOwned);
    assert!(edited.refused[0].1.starts_with("spec.taskDefinition: web:7 → web:3"));
    assert_eq!(planned(&asked(7), Some(deployed_by_it), &status).lines(), [""; 0], "the manifest was brought in line");
}

/// Accepted and never done: what the manifest says of the launch type must not be passed over.
#[test]
fn a_launch_type_beside_capacity_providers_is_refused_unless_they_go() {
    let providers = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let on_providers = live(&json!({ "launchType": null, "capacityProviderStrategy": providers }));
    let plan = planned(&desired(&json!({ "launchType": "FARGATE" })), Some(on_providers.clone()), &applied(&[]));
    assert_eq!(plan.refused[0].0, Reason::ReplaceRequired);
    assert!(plan.refused[0].1.contains("set spec.capacityProviderStrategy to [] beside it"), "{:?}", plan.refused);
    let back = desired(&json!({ "launchType": "FARGATE", "capacityProviderStrategy": [] }));
    let plan = planned(&back, Some(on_providers), &applied(&[]));
    assert_eq!((plan.refused.len(), &calls(&plan)[0].1["forceNewDeployment"]), (0, &json!(true)));
}

/// Half of a move must not be deployed: the revision may be made for where the service can't go.
#[test]
fn what_may_belong_to_a_refused_move_waits_for_it() {
    let asked = desired(&json!({ "launchType": "EC2", "taskDefinition": format!("{ARN}3"), "desiredCount": 5 }));
    let plan = planned(&asked, Some(live(&json!({}))), &applied(&["launchType", "taskDefinition", "desiredCount"]));
    assert_eq!(plan.refused[0].0, Reason::ReplaceRequired);
    assert!(
        plan.refused[0].1.contains("deletionPolicy: Retain and apply it again with \"FARGATE\""),
        "{:?}",
        plan.refused
    );
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "desiredCount": 5 }));
    assert!(plan.kept.contains(&"taskDefinition".to_owned()), "{plan:?}");
    assert!(plan.refused[0].1.ends_with("Not sent meanwhile: taskDefinition: web:2 → web:3"), "{:?}", plan.refused);
    let restarted =
        annotated(&json!({ "launchType": "EC2" }), &json!({ "ecs-operator.dev/restartedAt": "1" }), &applied(&[]));
    let plan = planned(&restarted, Some(live(&json!({}))), &applied(&["launchType"]));
    assert!(plan.is_empty() && plan.refused[0].1.ends_with("Not sent meanwhile: the restart"), "{plan:?}");
}

/// A platform version that was taken out of the manifest is undone with what is deployed next, also after a rollback.
#[test]
fn a_removal_that_was_rolled_back_is_not_forgotten() {
    let pinned = json!({ "platformVersion": "1.4.0" });
    let broken = desired(&json!({ "taskDefinition": format!("{ARN}3") }));
    let mut status = third(&broken);
    status.common.applied_fields = desired(&pinned).managed();
    let record = status.common.applied_fields.iter().find(|path| path.starts_with("platformVersion#")).unwrap().clone();
    let plan = planned(&broken, Some(live(&pinned)), &status);
    assert!(plan.is_empty() && plan.kept.contains(&record), "{plan:?}");
    let mended = desired(&json!({ "taskDefinition": format!("{ARN}4") }));
    let sent = calls(&planned(&mended, Some(live(&pinned)), &status));
    assert_eq!(sent[0].1["platformVersion"], "LATEST", "{sent:?}");
}

/// Without a strategy the manifest asks for REPLICA: a DAEMON that is adopted is something else.
#[test]
fn a_daemon_is_not_what_a_manifest_without_a_strategy_asks_for() {
    let daemon = live(&json!({ "schedulingStrategy": "DAEMON" }));
    let plan = planned(&desired(&json!({})), Some(daemon), &applied(&[]));
    assert!(plan.is_empty(), "a daemon takes no count: {:?}", plan.lines());
    assert!(plan.refused[0].1.starts_with("spec.schedulingStrategy is absent, which means \"REPLICA\","), "{plan:?}");
}

/// ECS refuses the block of a strategy without the strategy.
#[test]
fn a_strategy_that_waits_keeps_its_block_back() {
    let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 20.0 } });
    let deploying = live(&json!({ "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")] }));
    let asked = desired(&json!({ "deploymentConfiguration": linear }));
    let plan = planned(&asked, Some(deploying), &EcsServiceStatus::default());
    assert!(plan.is_empty(), "{:?}", plan.lines());
    assert_eq!(plan.withheld.len(), 1, "{:?}", plan.lines());
}

/// Accepted and never done: what CodeDeploy owns can't be reset either.
#[test]
fn under_code_deploy_a_removed_field_is_told() {
    let asked = desired(&json!({
        "deploymentController": { "type": "CODE_DEPLOY" },
        "loadBalancers": [{ "targetGroupArn": "arn:aws:tg", "containerName": "app", "containerPort": 80 }],
    }));
    let status = applied(&["enableExecuteCommand"]);
    let shown = live(&json!({ "deploymentController": { "type": "CODE_DEPLOY" }, "enableExecuteCommand": true }));
    let plan = planned(&asked, Some(shown), &status);
    assert!(plan.notes[0].starts_with("enableExecuteCommand was removed"), "{:?}", plan.lines());
    assert!(plan.kept.contains(&"enableExecuteCommand".to_owned()));
}

/// A renamed container reaches both manifests in one commit, and the objects one after the other: nobody has to act.
#[test]
fn a_service_is_held_against_what_is_registered() {
    let container = |name: &str| json!({ "name": name, "image": "nginx:1", "portMappings": [{ "containerPort": 80 }] });
    let arn = format!("{ARN}1");
    let task_definition = |ready: &str| -> EcsTaskDefinition {
        serde_json::from_value(json!({
            "apiVersion": "ecs-operator.dev/v1alpha1", "kind": "EcsTaskDefinition",
            "metadata": { "name": "web", "namespace": "shop", "generation": 2 },
            "spec": { "containerDefinitions": [container("new")] },
            "status": {
                "observedGeneration": 2, "taskDefinitionArn": arn, "region": "eu-west-1",
                "conditions": [{
                    "type": "Ready", "status": ready, "reason": "Retrying", "message": "Register failed.",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        }))
        .unwrap()
    };
    let registered: EcsTaskDefinitionSpec =
        serde_json::from_value(json!({ "containerDefinitions": [container("old")], "revision": 1 })).unwrap();
    let service = |name: &str| {
        let balancer = json!([{ "targetGroupArn": "arn:aws:tg", "containerName": name, "containerPort": 80 }]);
        json!({ "loadBalancers": balancer }).as_object().unwrap().clone()
    };
    let references = |ready: &str, registered: Option<EcsTaskDefinitionSpec>| References {
        task_definition: Some(task_definition(ready).into()),
        registered,
        ..References::default()
    };
    let unready = references("False", Some(registered));
    assert!(unready.contradiction(&service("old")).is_ok(), "the old revision is what it would run");
    let waits = unready.contradiction(&service("new")).unwrap_err().verdict();
    assert_eq!((waits.state, waits.reason), (State::Waiting, Reason::RefNotReady));
    assert!(waits.message.contains("Register failed."), "{}", waits.message);
    let ready = references("True", None);
    assert!(ready.contradiction(&service("new")).is_ok());
    let refused = ready.contradiction(&service("old")).unwrap_err();
    assert!(matches!(&refused, Refusal::NotYet(verdict, _) if verdict.reason == Reason::InvalidParameter), "{refused}");
}
