//! Time: history does not depend on who looks, and costs nothing where nothing happens.

use ecs_sim::world::{
    Truth,
    tasks::{Stop, StopCode},
};
use serde_json::{Value, json};

use crate::bed::Bed;

/// A story with failures in it, looked at each `step` seconds.
fn story(step: u64) -> (Value, Vec<Value>, Vec<Value>) {
    let mut bed = Bed::with_seed(11);
    let breaker = json!({ "enable": true, "rollback": true });
    bed.create("nginx:1", &json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": breaker } }));
    let wait = |bed: &mut Bed, seconds: u64| {
        for _ in 0..seconds / step {
            bed.pass(step);
            bed.service();
            bed.tasks("STOPPED");
        }
    };
    wait(&mut bed, 600);
    bed.deploy("fail/flaky:80");
    wait(&mut bed, 3600);
    bed.update(&json!({ "desiredCount": 5 }));
    wait(&mut bed, 3600);
    (bed.service(), bed.deployments(), bed.tasks("STOPPED"))
}

#[test]
fn it_makes_no_difference_how_often_anybody_looks() {
    let often = story(5);
    assert_eq!(often, story(600));
    assert_eq!(often, story(60));
}

#[test]
fn the_same_seed_tells_the_same_story_and_another_one_another() {
    assert_eq!(story(600), story(600));
    let first = |seed: u64| Bed::with_seed(seed).create("nginx", &json!({}))["deployments"][0]["id"].clone();
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}

#[test]
fn a_settled_world_sleeps_for_hours() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    bed.pass(400);
    let next = bed.world.next().unwrap();
    assert!(next.seconds() > 6.0 * 3600.0, "{next:?}");
    bed.pass(24 * 3600);
    let steady = bed.events().iter().filter(|words| words.ends_with("has reached a steady state.")).count();
    assert_eq!(steady, 5);
}

#[test]
fn the_truth_is_told_when_it_is_so_and_not_before() {
    let mut bed = Bed::new();
    bed.create("nginx", &json!({}));
    let truth = |bed: &Bed| bed.world.truth(&bed.caller, "c", "web").unwrap();
    assert!(!truth(&bed).deployed && truth(&bed).under_way);
    bed.until("RUNNING", 100, |bed| bed.service()["runningCount"] == 2);
    assert!(!truth(&bed).deployed);
    bed.until_status("SUCCESSFUL");
    assert!(!truth(&bed).deployed, "the old tasks may be there still");
    bed.until_completed();
    assert!(truth(&bed).deployed && !truth(&bed).under_way && !truth(&bed).failed);
    assert_eq!((truth(&bed).healthy, truth(&bed).desired), (2, 2));
    assert_eq!(bed.world.truth(&bed.caller, "c", "gone"), None);
}

#[test]
fn what_was_asked_for_last_is_rolled_out_while_it_is_all_there_is() {
    let mut bed = Bed::new();
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    let first = bed.create("nginx:1", &json!({ "deploymentConfiguration": breaker }))["deployments"][0]["id"].clone();
    let truth = |bed: &Bed| bed.world.truth(&bed.caller, "c", "web").unwrap();
    let asked = |truth: &Truth| json!(truth.asked);
    assert!(asked(&truth(&bed)) == first && !truth(&bed).rolled_out);
    bed.until_completed();
    assert!(truth(&bed).rolled_out);
    // A task that is replaced is missing for a while, and nothing is deployed for that.
    let task = bed.tasks("RUNNING")[0]["taskArn"].as_str().unwrap().to_owned();
    let stop = Stop { code: StopCode::SpotInterruption, reason: "interrupted".into() };
    assert!(bed.world.end_task(&bed.caller, "c", &task, stop));
    assert!(!truth(&bed).rolled_out && truth(&bed).deployed);
    bed.until("replaced", 600, |bed| truth(bed).rolled_out);
    // A rollback is not what was asked for.
    let second = bed.deploy("fail/pull")["deployments"][0]["id"].clone();
    bed.until("rolled back", 7200, |bed| truth(bed).rolled_back && truth(bed).deployed);
    let back = truth(&bed);
    assert!(asked(&back) == second && json!(back.primary) == first && !back.rolled_out, "{back:?}");
    assert_eq!((back.running, back.strays), (2, 2));
    bed.deploy("nginx:3");
    bed.until("both", 600, |bed| truth(bed).running > truth(bed).strays && truth(bed).strays > 0);
    bed.until("rolled out", 7200, |bed| truth(bed).rolled_out);
    assert_eq!((truth(&bed).strays, bed.world.truths(&bed.caller).count()), (0, 1));
}
