//! One task definition and the many services that refer to it.

use std::{collections::BTreeMap, time::Duration};

use crate::support::{
    Call, SOON, Scene,
    product::{cluster, refers, service, task_definition},
};

const SERVICES: usize = 20;
/// As the scene starts its operator.
const SWEEP: Duration = Duration::from_secs(2);

fn name(number: usize) -> String {
    format!("s{number:02}")
}

async fn twenty(name_of_scene: &str) -> Scene {
    let scene = Scene::start(name_of_scene).await;
    let mut manifests = cluster("main", "") + &task_definition("web", "nginx:1", "");
    for number in 0..SERVICES {
        manifests += &service(&name(number), &format!("{}, desiredCount: 1", refers("main", "web")));
    }
    scene.apply(&manifests).await;
    for number in 0..SERVICES {
        scene.ready(&format!("EcsService/{}", name(number))).await;
    }
    scene
}

fn named<'a>(calls: &'a [Call], operation: &'a str) -> impl Iterator<Item = &'a Call> {
    calls.iter().filter(move |call| call.operation == operation)
}

/// Without it, a new image would reach some services late or twice, each time a deployment.
#[tokio::test]
async fn an_edit_is_one_revision_and_one_call_a_service_within_two_seconds() {
    let scene = twenty("fanout").await;
    let mut delays = Vec::new();
    // A machine that runs other tests beside this one may be late once, not always.
    for revision in 2..=4 {
        scene.proxy.clear();
        scene.apply(&task_definition("web", &format!("nginx:{revision}"), "")).await;
        let all = |calls: &[Call]| named(calls, "UpdateService").filter(|call| call.answered).count() >= SERVICES;
        scene.proxy.wait(SOON, all).await;
        for number in 0..SERVICES {
            let follows = |object: &serde_json::Value| object["status"]["taskDefinition"] == format!("web:{revision}");
            scene.wait(&format!("EcsService/{}", name(number)), SOON, follows).await;
        }
        let calls = scene.proxy.writes();
        let registered: Vec<_> = named(&calls, "RegisterTaskDefinition").collect();
        assert_eq!(registered.len(), 1, "one revision:\n{}", scene.proxy.log());
        assert_eq!(calls.len(), 1 + SERVICES, "one call a service and nothing else:\n{}", scene.proxy.log());
        for call in named(&calls, "UpdateService") {
            let members: Vec<_> = call.body.as_object().unwrap().keys().collect();
            assert_eq!(members, ["cluster", "service", "taskDefinition"], "{}", scene.proxy.log());
        }
        let last = named(&calls, "UpdateService").map(|call| call.time).max().unwrap();
        delays.push(last - registered[0].time);
        if delays.last() <= Some(&Duration::from_secs(2)) {
            return;
        }
    }
    panic!("the last service was updated too long after the registration: {delays:?}");
}

/// Without it, a few hundred services would eat up the account's read limit, which people and other tools share.
#[tokio::test]
async fn a_quiet_sweep_reads_ten_services_a_call() {
    let scene = twenty("sweep").await;
    let mut more = cluster("small", "");
    for number in 0..3 {
        more += &service(&format!("t{number}"), &format!("{}, desiredCount: 1", refers("small", "web")));
    }
    scene.apply(&more).await;
    for number in 0..3 {
        scene.ready(&format!("EcsService/t{number}")).await;
    }
    // What the creation has stirred up is over when everything was looked at once more.
    tokio::time::sleep(SWEEP * 3).await;
    scene.proxy.clear();
    let sweeps: usize = 4;
    tokio::time::sleep(SWEEP * u32::try_from(sweeps).unwrap()).await;
    let calls = scene.proxy.calls();
    assert_eq!(scene.proxy.log(), "", "a quiet time");
    let reads = named(&calls, "DescribeServices").count();
    let full = SERVICES.div_ceil(10) + 3_usize.div_ceil(10);
    assert!(reads <= sweeps * full + 2, "{reads} reads in {sweeps} sweeps:\n{}", scene.proxy.log_all());
    let mut looks: BTreeMap<&str, usize> = BTreeMap::new();
    for call in named(&calls, "DescribeServices") {
        for service in call.body["services"].as_array().unwrap() {
            *looks.entry(service.as_str().unwrap()).or_default() += 1;
        }
    }
    assert_eq!(looks.len(), SERVICES + 3, "{looks:?}");
    assert!(looks.values().all(|looks| *looks >= sweeps - 1), "each is looked at once a sweep: {looks:?}");
}
