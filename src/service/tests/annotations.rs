//! Annotations that ask for something once.

use super::*;

/// A restart that is asked for after a rollback is the user's word to try the same again; its end is a new matter.
#[test]
fn a_new_restart_tries_again_what_was_rolled_back() {
    let asked = json!({ "taskDefinition": format!("{ARN}3") });
    let status = third(&desired(&asked));
    let again = annotated(&asked, &json!({ "ecs-operator.dev/restartedAt": "2" }), &status);
    let sent = calls(&planned(&again, Some(live(&json!({}))), &status));
    assert_eq!(
        sent[0].1,
        json!({ "cluster": "shop", "service": "web", "taskDefinition": format!("{ARN}3"), "forceNewDeployment": true })
    );
}

/// Each value is done once; taking the annotation away asks for nothing, least of all for what was rolled back.
#[test]
fn a_restart_is_made_once_a_value() {
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let asked =
        |status: &EcsServiceStatus| annotated(&json!({}), &json!({ "ecs-operator.dev/restartedAt": "monday" }), status);
    let plan = planned(&asked(&ours), Some(live(&json!({}))), &ours);
    assert_eq!(calls(&plan)[0].1, json!({ "cluster": "shop", "service": "web", "forceNewDeployment": true }));
    let mut done = ours.clone();
    acts::done(&asked(&ours), &plan.steps[0], &mut done);
    assert!(planned(&asked(&done), Some(live(&json!({}))), &done).is_empty());
    let target = asked(&done).target(None);
    assert_eq!(target, annotated(&json!({}), &json!({}), &done).target(None), "removing it changes nothing");
    let lost = live(&json!({ "deployments": [deployment("ecs-svc/9", 2, "IN_PROGRESS")] }));
    assert!(planned(&asked(&ours), Some(lost), &ours).is_empty(), "the answer was lost, the deployment is there");
}

/// A waiting hook is answered once, and only the one that waits.
#[test]
fn a_hook_is_answered_by_its_id() {
    let waiting = |id: &str| {
        let mut seen = observed(Some(live(&json!({
            "deployments": [deployment("ecs-svc/2", 2, "IN_PROGRESS")],
            "deploymentConfiguration": { "strategy": "CANARY", "maximumPercent": 200, "minimumHealthyPercent": 100 },
        }))));
        seen.detail = Detail::read(&json!({
            "serviceDeploymentArn": "arn:x", "status": "IN_PROGRESS", "targetServiceRevision": { "arn": "arn:y/2" },
            "lifecycleHookDetails": [{ "hookId": id, "status": "AWAITING_ACTION" }],
        }));
        seen
    };
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let asked = annotated(&json!({}), &json!({ "ecs-operator.dev/continueHook": "h1" }), &ours);
    let first = plan(&asked, &waiting("h1"), &ours).unwrap();
    assert_eq!(calls(&first)[0].1, json!({ "serviceDeploymentArn": "arn:x", "hookId": "h1", "action": "CONTINUE" }));
    let mut done = ours.clone();
    acts::done(&asked, &first.steps[0], &mut done);
    assert!(plan(&asked, &waiting("h1"), &done).unwrap().is_empty());
    let mind = json!({ "ecs-operator.dev/continueHook": "h1", "ecs-operator.dev/rollbackHook": "h1" });
    let late = annotated(&json!({}), &mind, &done);
    assert!(plan(&late, &waiting("h1"), &done).unwrap().is_empty(), "it has its answer");
    let both = calls(&plan(&annotated(&json!({}), &mind, &ours), &waiting("h1"), &ours).unwrap());
    assert_eq!(both.len(), 1, "a hook takes one answer");
    assert_eq!(both[0].1["action"], "ROLLBACK");
    let next = plan(&asked, &waiting("h2"), &done).unwrap();
    assert!(next.is_empty(), "the next step's hook has an id of its own");
    let verdict = verdict_of(&asked, &waiting("h2"), &done, Timestamp::UNIX_EPOCH);
    assert_eq!(verdict.reason, Reason::AwaitingHook);
}

/// Who annotates a wrong id must not believe that it was heeded.
#[test]
fn what_an_annotation_asks_for_in_vain_is_said() {
    let ours = EcsServiceStatus { own_deployment: Some("ecs-svc/2".into()), ..EcsServiceStatus::default() };
    let told = |annotations: &Value, status: &EcsServiceStatus| {
        let asked = annotated(&json!({}), annotations, status);
        verdict(&asked, live(&json!({})), status).message
    };
    let stop = json!({ "ecs-operator.dev/stopDeployment": "ecs-svc/2" });
    assert!(told(&stop, &ours).contains("no deployment ecs-svc/2 is under way"), "{}", told(&stop, &ours));
    let stopped = EcsServiceStatus {
        handled: serde_json::from_value(json!({ "stopDeployment": "ecs-svc/2" })).unwrap(),
        ..ours.clone()
    };
    assert!(!told(&stop, &stopped).contains("does nothing"), "it was heeded");
    let both = json!({ "ecs-operator.dev/continueHook": "h1", "ecs-operator.dev/rollbackHook": "h1" });
    let answered =
        |how: &str| EcsServiceStatus { handled: serde_json::from_value(json!({ how: "h1" })).unwrap(), ..ours.clone() };
    assert!(!told(&both, &answered("rollbackHook")).contains("does nothing"), "the careful answer was given");
    assert!(told(&both, &answered("continueHook")).contains("rollbackHook does nothing"), "it is too late");
    let hook = json!({ "ecs-operator.dev/rollbackHook": "h1" });
    assert!(told(&hook, &ours).contains("no hook h1 waits"), "{}", told(&hook, &ours));
    let long = json!({ "ecs-operator.dev/restartedAt": "x".repeat(256) });
    assert!(told(&long, &ours).contains("restartedAt is ignored: it is longer than 255 bytes"));
    assert!(!told(&json!({}), &ours).contains("annotation"));
}
