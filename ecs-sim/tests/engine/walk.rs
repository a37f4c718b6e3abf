//! Random walks: whatever is done to a service, what it shows stays sound, and it comes to rest.

use std::time::Duration;

use ecs_sim::{
    World,
    world::{
        services::{EntryStatus, RolloutState, Service},
        tasks::{Stop, StopCode, TaskStatus, fate::Fate},
    },
};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::bed::Bed;

const IMAGES: [&str; 8] =
    ["nginx:1", "nginx:2", "slow/90", "fail/pull", "fail/crash:3", "fail/oom:40", "fail/healthcheck", "fail/flaky:50"];

fn configuration(random: &mut Rng) -> Value {
    let mut configuration = json!({
        "maximumPercent": ([150, 200][random.usize(..2)]),
        "minimumHealthyPercent": ([0, 50, 100][random.usize(..3)]),
        "deploymentCircuitBreaker": { "enable": random.bool(), "rollback": random.bool() },
        "alarms": { "alarmNames": ["a"], "enable": random.bool(), "rollback": random.bool() },
    });
    if random.u8(..3) == 0 {
        configuration["lifecycleHooks"] = json!([{
            "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
            "timeoutConfiguration": { "timeoutInMinutes": 20, "action": (["CONTINUE", "ROLLBACK"][random.usize(..2)]) },
        }]);
    }
    configuration
}

/// Does something at random; what ECS refuses is refused.
fn act(bed: &mut Bed, random: &mut Rng) {
    let named = json!({ "cluster": "c", "service": "web" });
    let with = |members: Value| {
        let mut input = named.clone();
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        input
    };
    let _ = match random.u8(..12) {
        0..3 => {
            let task_definition = bed.image(IMAGES[random.usize(..IMAGES.len())]);
            bed.call("UpdateService", &with(json!({ "taskDefinition": task_definition })))
        }
        3 => bed.call("UpdateService", &with(json!({ "desiredCount": random.u8(..7) }))),
        4 => bed.call("UpdateService", &with(json!({ "forceNewDeployment": true }))),
        5 => bed.call("UpdateService", &with(json!({ "deploymentConfiguration": configuration(random) }))),
        6 => {
            let strategy = ["ROLLING", "BLUE_GREEN", "CANARY", "LINEAR"][random.usize(..4)];
            let configuration = json!({ "strategy": strategy, "bakeTimeInMinutes": 2 });
            bed.call("UpdateService", &with(json!({ "deploymentConfiguration": configuration })))
        }
        7 => {
            let arn = bed.deployment()["serviceDeploymentArn"].clone();
            bed.call("StopServiceDeployment", &json!({ "serviceDeploymentArn": arn }))
        }
        8 => {
            let on = random.bool();
            bed.tamper(|region| {
                region.outside.alarms.clear();
                if on {
                    region.outside.alarms.insert("a".into());
                }
            });
            Ok(json!({}))
        }
        9 => {
            let tasks = bed.tasks("RUNNING");
            if let Some(task) = random.choice(&tasks) {
                let stop = Stop { code: StopCode::SpotInterruption, reason: "interrupted".into() };
                let caller = bed.caller.clone();
                bed.world.end_task(&caller, "c", task["taskArn"].as_str().unwrap(), stop);
            }
            Ok(json!({}))
        }
        10 => {
            let tasks = bed.tasks("RUNNING");
            let arns: Vec<&Value> = tasks.iter().take(1).map(|task| &task["taskArn"]).collect();
            bed.call(
                "UpdateTaskProtection",
                &json!({ "cluster": "c", "tasks": arns, "protectionEnabled": random.bool() }),
            )
        }
        _ => {
            bed.tamper(|region| {
                region.outside.next_launches.insert("c/web".into(), (2, Fate::SecretDenied));
            });
            Ok(json!({}))
        }
    };
}

fn service(world: &mut World, bed_caller: &ecs_sim::Caller) -> Service {
    (*world.region(bed_caller).services["c/web"]).clone()
}

/// What has to be so at any time.
fn check(bed: &mut Bed) {
    let caller = bed.caller.clone();
    let service = service(&mut bed.world, &caller);
    let shown = bed.service();
    let primaries = service
        .revisions
        .iter()
        .filter(|one| one.entry.as_ref().is_some_and(|entry| entry.status == EntryStatus::Primary));
    assert_eq!(primaries.count(), 1, "{shown:#}");
    let sum = |member: &str| -> u64 {
        shown["deployments"].as_array().unwrap().iter().map(|one| one[member].as_u64().unwrap()).sum()
    };
    assert!(sum("runningCount") <= shown["runningCount"].as_u64().unwrap(), "{shown:#}");
    let traffic: f64 = service.revisions.iter().map(|one| one.production).sum();
    assert!(traffic.abs() < 0.001 || (traffic - 100.0).abs() < 0.001, "{traffic}");
    let under_way: Vec<_> = service.deployments.iter().filter(|one| !one.status.is_final()).collect();
    assert!(under_way.len() <= 1 + service.stopping.len(), "{under_way:#?}");
    let primary = service.revision(service.primary).unwrap();
    if primary.entry.as_ref().unwrap().rollout == RolloutState::Completed {
        let others = service.tasks.iter().filter(|task| task.revision != service.primary);
        assert!(others.clone().all(|task| task.status == TaskStatus::Stopped), "{shown:#}");
    }
    let named = json!({ "cluster": "c", "services": ["web"] });
    let text = bed.world.call_as_text(&caller, "DescribeServices", &named).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["services"][0], shown);
    assert_eq!(text.len(), bed.ok("DescribeServices", &named).to_string().len(), "no member is there twice: {text}");
    let truth = bed.world.truth(&caller, "c", "web").unwrap();
    let otherwise = truth.failed || truth.rolled_back || truth.under_way || truth.strays > 0;
    assert!(!truth.rolled_out || truth.deployed && !otherwise, "{truth:?} {shown:#}");
    assert!(bed.world.next().is_none_or(|next| next > bed.now));
}

/// What has to be so where nothing happened for long: what runs is what is desired, and of one revision. Where a
/// deployment was given up, what is left of it and of others makes up no more than that.
fn check_rest(bed: &mut Bed) {
    let caller = bed.caller.clone();
    let service = service(&mut bed.world, &caller);
    let truth = bed.world.truth(&caller, "c", "web").unwrap();
    let shown = bed.service();
    if truth.under_way {
        return;
    }
    if !truth.deployed {
        assert!(truth.running <= truth.desired, "{truth:?} {shown:#}");
        return;
    }
    assert!(!service.has_others(service.primary), "{truth:?} {shown:#}");
    // Tasks that fail after they were healthy come and go for ever.
    if truth.healthy == truth.desired {
        assert_eq!((truth.running, truth.pending), (truth.desired, 0), "{truth:?} {shown:#}");
    }
}

/// A service at 0 can be deleted without force, whatever it went through.
fn delete(bed: &mut Bed) {
    bed.update(&json!({ "desiredCount": 0, "deploymentConfiguration": { "lifecycleHooks": [] } }));
    // Protection lasts for two hours.
    bed.pass(3 * 3600);
    bed.ok("DeleteService", &json!({ "cluster": "c", "service": "web" }));
    bed.pass(600);
    assert_eq!(bed.service()["status"], "INACTIVE");
}

fn walk(seed: u64) -> Value {
    let mut random = Rng::with_seed(seed);
    let mut bed = Bed::with_seed(seed);
    let group = |name: &str| format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/1");
    let rule = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/1/2/3";
    let extra = json!({
        "alternateTargetGroupArn": group("b"), "productionListenerRule": rule, "roleArn": "arn:aws:iam::1:role/r",
    });
    let balancer = json!([{
        "targetGroupArn": group("a"), "containerName": "web", "containerPort": 80, "advancedConfiguration": extra,
    }]);
    bed.tamper(|region| region.outside.deregistration_delay = Duration::from_secs(seed % 5 * 60));
    let members = json!({ "loadBalancers": balancer, "deploymentConfiguration": configuration(&mut random) });
    bed.create("nginx:1", &members);
    for _ in 0..30 {
        let seconds = [1, 7, 60, 400][random.usize(..4)] * random.u64(1..4);
        bed.pass(seconds);
        check(&mut bed);
        act(&mut bed, &mut random);
        check(&mut bed);
    }
    // All is made well again, and the service comes to rest.
    bed.tamper(|region| {
        region.outside.alarms.clear();
        region.outside.next_launches.clear();
    });
    bed.pass(3 * 3600);
    check_rest(&mut bed);
    if seed % 3 == 2 {
        delete(&mut bed);
        return bed.service();
    }
    let last = bed.image("nginx:last");
    bed.update(
        &json!({ "taskDefinition": last, "deploymentConfiguration": { "lifecycleHooks": [], "maximumPercent": 200 } }),
    );
    bed.pass(4 * 3600);
    let truth = bed.world.truth(&bed.caller, "c", "web").unwrap();
    assert!(truth.rolled_out && !truth.failed && truth.healthy == truth.desired, "{truth:?} {:#}", bed.service());
    assert_eq!(truth.task_definition.as_deref(), Some(last.as_str()));
    check_rest(&mut bed);
    bed.service()
}

#[test]
fn whatever_happens_a_good_deployment_completes_in_the_end() {
    let walks: u64 = std::env::var("WALKS").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    for seed in 0..walks {
        let result = std::panic::catch_unwind(|| walk(seed));
        assert!(result.is_ok(), "seed {seed}");
    }
    assert_eq!(walk(3), walk(3));
}
