//! Deployments that shift traffic, and their hooks.

use ecs_sim::world::outside::Answer;
use serde_json::{Value, json};

use crate::bed::Bed;

const BLUE: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/green/2";
const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/1/2/3";
const TEST_RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/1/2/4";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:check";

/// A service behind a pair of target groups, with this configuration.
fn members(configuration: &Value) -> Value {
    json!({
        "deploymentConfiguration": configuration,
        "loadBalancers": [{
            "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": GREEN, "productionListenerRule": RULE, "testListenerRule": TEST_RULE,
                "roleArn": "arn:aws:iam::111122223333:role/lb",
            },
        }],
    })
}

fn running(configuration: &Value) -> Bed {
    let mut bed = Bed::new();
    bed.create("nginx:1", &members(configuration));
    bed.until_completed();
    bed
}

/// The weights of blue and green in a rule.
fn weights(bed: &mut Bed, rule: &str) -> (f64, f64) {
    let caller = bed.caller.clone();
    let weights = &bed.world.region(&caller).outside.weights[rule];
    (weights[BLUE], weights[GREEN])
}

fn target_weight(bed: &mut Bed) -> f64 {
    bed.deployment()["targetServiceRevision"]["requestedProductionTrafficWeight"].as_f64().unwrap()
}

#[test]
fn blue_and_green_take_turns_and_the_load_balancers_of_the_service_stay() {
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 }));
    assert_eq!(weights(&mut bed, RULE), (0.0, 100.0), "the first deployment goes to the alternate one");
    let declared = bed.service()["loadBalancers"].clone();
    bed.deploy("nginx:2");
    let mut stages: Vec<String> = Vec::new();
    bed.until("COMPLETED", 3600, |bed| {
        let stage = bed.deployment()["lifecycleStage"].as_str().unwrap_or_default().to_owned();
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        let service = bed.service();
        let deployments = service["deployments"].as_array().unwrap();
        let done = deployments[0]["rolloutState"] == "COMPLETED";
        assert!(done || deployments[1]["runningCount"] == 2 || stages.last().unwrap() == "CLEAN_UP");
        done
    });
    assert_eq!(
        stages[stages.iter().position(|stage| stage == "SCALE_UP").unwrap()..].join(" "),
        "SCALE_UP TEST_TRAFFIC_SHIFT PRODUCTION_TRAFFIC_SHIFT BAKE_TIME CLEAN_UP"
    );
    assert_eq!(weights(&mut bed, RULE), (100.0, 0.0));
    assert_eq!(weights(&mut bed, TEST_RULE), (100.0, 0.0));
    assert_eq!(bed.service()["loadBalancers"], declared);
    let arn = bed.service()["currentServiceRevisions"][0]["arn"].clone();
    let answer = bed.ok("DescribeServiceRevisions", &json!({ "serviceRevisionArns": [arn] }));
    let resolved = &answer["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"][0];
    assert_eq!((&resolved["targetGroupArn"], &resolved["productionListenerRule"]), (&json!(BLUE), &json!(RULE)));
}

#[test]
fn a_canary_bakes_once_and_then_takes_all() {
    let shift = json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 7 });
    let mut bed = running(&json!({ "strategy": "CANARY", "bakeTimeInMinutes": 0, "canaryConfiguration": shift }));
    bed.deploy("nginx:2");
    bed.until("10 %", 300, |bed| bed.deployments().len() == 2 && target_weight(bed) > 9.0);
    assert_eq!(weights(&mut bed, RULE), (10.0, 90.0));
    let source = bed.deployment()["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"].clone();
    assert_eq!((target_weight(&mut bed), source), (10.0, json!(90.0)));
    let seconds = bed.until("100 %", 900, |bed| target_weight(bed) > 99.0);
    assert!((420..460).contains(&seconds), "{seconds}");
    bed.until_completed();
}

/// With three revisions two are behind the same target group, which has what both of them have.
#[test]
fn a_canary_superseded_midway_leaves_each_target_group_what_is_behind_it() {
    let shift = json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 60 });
    let mut bed = running(&json!({ "strategy": "CANARY", "bakeTimeInMinutes": 0, "canaryConfiguration": shift }));
    bed.deploy("nginx:2");
    bed.until("10 %", 300, |bed| bed.deployments().len() == 2 && target_weight(bed) > 9.0);
    assert_eq!(weights(&mut bed, RULE), (10.0, 90.0));
    bed.deploy("nginx:3");
    bed.until("10 % of the third", 600, |bed| bed.deployments().len() == 3 && target_weight(bed) > 9.0);
    let caller = bed.caller.clone();
    let service = &bed.world.region(&caller).services["c/web"];
    let mut shares = (0.0, 0.0);
    for revision in &service.revisions {
        let share = if revision.alternate { &mut shares.1 } else { &mut shares.0 };
        *share += revision.production;
    }
    let (blue, green) = weights(&mut bed, RULE);
    assert!((blue - shares.0).abs() < 1e-9 && (green - shares.1).abs() < 1e-9, "{blue} and {green} for {shares:?}");
    assert!((green - 91.0).abs() < 1e-9, "81 % of the first and 10 % of the third revision: {green}");
    bed.until_completed();
    assert_eq!(weights(&mut bed, RULE), (0.0, 100.0));
}

#[test]
fn a_linear_deployment_takes_equal_steps() {
    let shift = json!({ "stepPercent": 30.0, "stepBakeTimeInMinutes": 1 });
    let mut bed = running(&json!({ "strategy": "LINEAR", "bakeTimeInMinutes": 1, "linearConfiguration": shift }));
    bed.deploy("nginx:2");
    let mut seen = vec![0.0];
    bed.until("COMPLETED", 3600, |bed| {
        if bed.deployment()["lifecycleStage"].is_string() && bed.deployments().len() == 2 {
            let weight = target_weight(bed);
            if seen.last() != Some(&weight) {
                seen.push(weight);
            }
        }
        bed.service()["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    assert_eq!(seen, [0.0, 30.0, 60.0, 90.0, 100.0]);
}

#[test]
fn an_alarm_in_the_bake_brings_the_traffic_back_at_once() {
    let alarms = json!({ "alarmNames": ["errors"], "enable": true, "rollback": true });
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30, "alarms": alarms }));
    let old = bed.service()["deployments"][0]["id"].clone();
    bed.deploy("nginx:2");
    bed.until("bake", 3600, |bed| bed.deployments().len() == 2 && bed.deployment()["lifecycleStage"] == "BAKE_TIME");
    assert_eq!(weights(&mut bed, RULE), (100.0, 0.0));
    bed.tamper(|region| {
        region.outside.alarms.insert("errors".into());
    });
    assert_eq!(bed.deployment()["status"], "ROLLBACK_IN_PROGRESS");
    bed.until_status("ROLLBACK_SUCCESSFUL");
    assert_eq!(weights(&mut bed, RULE), (0.0, 100.0));
    bed.until_completed();
    let service = bed.service();
    assert_eq!((&service["deployments"][0]["id"], &service["runningCount"]), (&old, &json!(2)));
}

fn lambda(stage: &str, timeout: u32) -> Value {
    json!({
        "hookTargetArn": FUNCTION, "roleArn": "arn:aws:iam::111122223333:role/hook", "lifecycleStages": [stage],
        "timeoutConfiguration": { "timeoutInMinutes": timeout },
    })
}

#[test]
fn a_function_that_fails_rolls_back_even_the_first_deployment() {
    let hooks = json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [lambda("PRE_SCALE_UP", 60)] });
    let mut bed = Bed::new();
    bed.tamper(|region| {
        region.outside.functions.insert(FUNCTION.into(), Answer::Failed);
    });
    bed.create("nginx:1", &members(&hooks));
    bed.until_status("ROLLBACK_FAILED");
    assert_eq!(bed.tasks("RUNNING").len() + bed.tasks("STOPPED").len(), 0);
    assert_eq!(bed.deployment()["lifecycleHookDetails"][0]["status"], "FAILED");
}

#[test]
fn a_function_may_take_its_time_and_then_answer() {
    let hooks = json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [lambda("POST_TEST_TRAFFIC_SHIFT", 60)] });
    let mut bed = running(&hooks);
    let answer = |bed: &mut Bed, answer| {
        bed.tamper(|region| {
            region.outside.functions.insert(FUNCTION.into(), answer);
        });
    };
    answer(&mut bed, Answer::InProgress);
    bed.deploy("nginx:2");
    bed.until("the hook", 600, |bed| {
        bed.deployments().len() == 2 && bed.deployment()["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    });
    bed.pass(1200);
    assert_eq!(bed.deployment()["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
    answer(&mut bed, Answer::Succeeded);
    bed.until("the next stage", 40, |bed| bed.deployment()["lifecycleStage"] != "POST_TEST_TRAFFIC_SHIFT");
    bed.until_completed();
}

#[test]
fn a_function_that_never_answers_times_out() {
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "lifecycleHooks": [lambda("POST_SCALE_UP", 10)] }));
    bed.tamper(|region| {
        region.outside.functions.insert(FUNCTION.into(), Answer::InProgress);
    });
    bed.deploy("nginx:2");
    bed.until("the rollback", 1200, |bed| bed.deployment()["status"] == "ROLLBACK_IN_PROGRESS");
    let deployment = bed.deployment();
    assert_eq!(deployment["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
    assert!(deployment["statusReason"].as_str().unwrap().contains("POST_SCALE_UP lifecycle hook(s) timed out"));
    bed.until_completed();
}

fn pause(action: &str) -> Value {
    let timeout = json!({ "timeoutInMinutes": 30, "action": action });
    json!({ "targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"], "timeoutConfiguration": timeout })
}

/// The hook that waits for somebody.
fn waiting(bed: &mut Bed) -> Option<Value> {
    let deployment = bed.deployment();
    let hooks = deployment["lifecycleHookDetails"].as_array()?.clone();
    hooks.into_iter().find(|hook| hook["status"] == "AWAITING_ACTION")
}

fn go_on(bed: &mut Bed, action: &str) {
    let hook = waiting(bed).unwrap();
    let arn = bed.deployment()["serviceDeploymentArn"].clone();
    let input = json!({ "serviceDeploymentArn": arn, "hookId": hook["hookId"], "action": action });
    bed.ok("ContinueServiceDeployment", &input);
}

#[test]
fn a_pause_waits_at_each_step_under_another_id() {
    let shift = json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1 });
    let hooks = json!({ "strategy": "CANARY", "canaryConfiguration": shift, "lifecycleHooks": [pause("ROLLBACK")], "bakeTimeInMinutes": 0 });
    let mut bed = Bed::new();
    bed.create("nginx:1", &members(&hooks));
    bed.until("the first pause", 600, |bed| waiting(bed).is_some());
    let hook = waiting(&mut bed).unwrap();
    assert_eq!(hook["timeoutAction"], "ROLLBACK");
    go_on(&mut bed, "CONTINUE");
    bed.until_completed();
    bed.deploy("nginx:2");
    let mut ids = Vec::new();
    for _ in 0..2 {
        bed.until("a pause", 600, |bed| bed.deployments().len() == 2 && waiting(bed).is_some());
        ids.push(waiting(&mut bed).unwrap()["hookId"].clone());
        bed.pass(300);
        go_on(&mut bed, "CONTINUE");
    }
    assert_ne!(ids[0], ids[1]);
    bed.until_completed();
    let arn = bed.deployment()["serviceDeploymentArn"].clone();
    let late = bed.refused("ContinueServiceDeployment", &json!({ "serviceDeploymentArn": arn, "hookId": ids[0] }));
    assert!(late.starts_with("InvalidParameterException"), "{late}");
}

#[test]
fn a_pause_ends_by_a_choice_or_by_its_timeout() {
    for (action, choice, status) in [
        ("ROLLBACK", Some("ROLLBACK"), "ROLLBACK_SUCCESSFUL"),
        ("ROLLBACK", None, "ROLLBACK_SUCCESSFUL"),
        ("CONTINUE", None, "SUCCESSFUL"),
    ] {
        let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 }));
        bed.update(&json!({ "deploymentConfiguration": { "lifecycleHooks": [pause(action)] } }));
        bed.deploy("nginx:2");
        bed.until("the pause", 600, |bed| bed.deployments().len() == 2 && waiting(bed).is_some());
        if let Some(choice) = choice {
            go_on(&mut bed, choice);
        }
        bed.until(status, 2400, |bed| bed.deployment()["status"] == status);
        bed.until_completed();
    }
}

#[test]
fn what_is_not_there_can_not_be_shifted_to() {
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 }));
    bed.tamper(|region| {
        region.outside.missing_networking.insert(BLUE.into());
    });
    bed.deploy("nginx:2");
    bed.until("the rollback", 600, |bed| bed.deployment()["status"] == "ROLLBACK_IN_PROGRESS");
    let reason = bed.deployment()["statusReason"].clone();
    let words = "Service deployment rolled back because of invalid networking configuration";
    assert!(reason.as_str().unwrap().starts_with(words), "{reason}");
}

#[test]
fn a_change_of_strategy_waits_for_the_end_and_starts_nothing() {
    let mut bed = Bed::new();
    bed.create("nginx:1", &members(&json!({})));
    let change = json!({ "cluster": "c", "service": "web", "deploymentConfiguration": { "strategy": "BLUE_GREEN" } });
    let refused = bed.refused("UpdateService", &change);
    assert!(refused.contains("while a service deployment is in progress"), "{refused}");
    bed.until_completed();
    let service = bed.ok("UpdateService", &change)["service"].clone();
    assert_eq!(service["deploymentConfiguration"]["bakeTimeInMinutes"], 15);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    bed.deploy("nginx:2");
    bed.until_completed();
    assert_eq!(weights(&mut bed, RULE), (0.0, 100.0));
}

#[test]
fn the_breaker_watches_green_tasks_too() {
    let breaker = json!({ "enable": true, "rollback": true });
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN", "deploymentCircuitBreaker": breaker }));
    bed.deploy("fail/crash");
    bed.until("the end", 1200, |bed| bed.deployment()["status"] == "ROLLBACK_SUCCESSFUL");
    assert_eq!(weights(&mut bed, RULE), (0.0, 100.0));
    bed.until_completed();
    assert_eq!(bed.service()["runningCount"], 2);
}

#[test]
fn green_tasks_that_never_start_end_the_deployment_after_a_day() {
    let mut bed = running(&json!({ "strategy": "BLUE_GREEN" }));
    bed.deploy("fail/exec");
    bed.pass(23 * 3600);
    assert_eq!(bed.deployment()["status"], "IN_PROGRESS");
    bed.pass(2 * 3600);
    assert_eq!(bed.deployment()["status"], "ROLLBACK_SUCCESSFUL");
}
