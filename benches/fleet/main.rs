//! What many objects cost: the operator as a process, behind it a real API server whose audit log records every write,
//! before it MiniStack by way of the tests' proxy, which records every call to ECS, or the project's simulator with ECS's
//! rate limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::pedantic)]

mod measure;
#[path = "../../tests/it/support/mod.rs"]
mod support;
mod throttled;

use std::{
    collections::HashSet,
    pin::pin,
    time::{Duration, Instant},
};

use clap::Parser;
use ecs_operator::api::EcsService;
use futures::{StreamExt, stream};
use kube::{
    Api, ResourceExt,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

use self::{
    measure::{Process, Table, calls_by_operation, writes_by_resource},
    support::{Kstatus, Scene, kstatus, operator::Start},
};

/// Measures the operator with many services.
#[derive(Parser)]
struct Options {
    /// How many services are created at once; 0 leaves that part out.
    #[arg(long, default_value_t = 200)]
    create: usize,
    /// How many services are created under ECS's rate limits; 0 leaves that part out.
    #[arg(long, default_value_t = 1000)]
    throttled: usize,
    /// How many idle services there are; 0 leaves that part out.
    #[arg(long, default_value_t = 1000)]
    idle: usize,
    /// How many seconds the idle services are watched for.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How many creations the bench has under way at once.
const CREATIONS: usize = 50;
/// What may still come after the last service is ready.
const SETTLE: Duration = Duration::from_secs(12);
/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(1200);

const SHARED: &str = "apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCluster
metadata: {name: main}
spec: {}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsTaskDefinition
metadata: {name: web}
spec:
  requiresCompatibilities: [FARGATE]
  networkMode: awsvpc
  cpu: '256'
  memory: '512'
  containerDefinitions:
    - {name: web, image: 'nginx:1.29', portMappings: [{containerPort: 80}], environment: [{name: A, value: b}]}
";

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let mut table = Table::default();
    if options.create > 0 {
        created_at_once(options.create, &mut table).await;
    }
    if options.throttled > 0 {
        throttled::created(options.throttled, &mut table).await;
    }
    if options.idle > 0 {
        idle(options.idle, Duration::from_secs(options.seconds), &mut table).await;
    }
}

/// Many services of one task definition, created at once where ECS has no limits, until all are ready and a while
/// longer.
async fn created_at_once(count: usize, table: &mut Table) {
    let scene = scene("create").await;
    eprintln!("{count} services created at once ...");
    scene.proxy.clear();
    let before = scene.audit().0.len();
    let began = Instant::now();
    tokio::join!(create(&scene, count, 1), all_ready(&scene, count));
    let took = began.elapsed();
    tokio::time::sleep(SETTLE).await;

    let (calls, audit) = (scene.proxy.calls(), scene.audit());
    let writes = &audit.0[before..];
    let of_objects = writes.iter().filter(|write| write.resource.starts_with("ecs")).count();
    table.section(&format!("{count} services of one task definition, created at once"));
    table.ratio("AWS calls an object", calls.len(), count);
    for (operation, number) in calls_by_operation(&calls) {
        table.ratio(&format!("- {operation}"), number, count);
    }
    table.ratio("API-server writes an object", of_objects, count);
    for (resource, number) in writes_by_resource(writes) {
        table.ratio(&format!("- {resource}"), number, count);
    }
    table.row("all ready after", &format!("{:.1} s", took.as_secs_f64()));
}

/// Many services that nothing happens to.
async fn idle(count: usize, watched: Duration, table: &mut Table) {
    let scene = scene("idle").await;
    let process = Process(scene.operator.pid().expect("the operator runs"));
    let empty = process.resident_megabytes();
    eprintln!("{count} idle services ...");
    let began = Instant::now();
    tokio::join!(create(&scene, count, 0), all_ready(&scene, count));
    let took = began.elapsed();
    tokio::time::sleep(SETTLE).await;

    eprintln!("watching them for {} s ...", watched.as_secs());
    scene.proxy.clear();
    let (writes, cpu) = (scene.audit().0.len(), process.cpu_seconds());
    tokio::time::sleep(watched).await;
    let (calls, cpu) = (scene.proxy.calls(), process.cpu_seconds() - cpu);
    let writes = scene.audit().0.len() - writes;
    let full = process.resident_megabytes();
    let minutes = watched.as_secs_f64() / 60.0;
    table.section(&format!("{count} idle services, sweep at its default of once a minute"));
    table.row("all ready after", &format!("{:.1} s", took.as_secs_f64()));
    table.row("resident memory without services", &format!("{empty:.1} MB"));
    table.row("resident memory with them", &format!("{full:.1} MB"));
    #[allow(clippy::cast_precision_loss)] // thousands
    table.row("- a service", &format!("{:.1} kB", (full - empty) * 1000.0 / count as f64));
    table.row("- highest so far", &format!("{:.1} MB", process.highest_megabytes()));
    for (operation, number) in calls_by_operation(&calls) {
        table.rate(&format!("{operation} a minute"), number, minutes);
    }
    table.rate("AWS writes a minute", calls.iter().filter(|call| call.is_write()).count(), minutes);
    table.rate("API-server writes a minute", writes, minutes);
    table.row("CPU seconds a minute", &format!("{:.2}", cpu / minutes));
}

/// A scene with a cluster and a task definition, and the operator with its defaults, but that MiniStack has no rates to
/// keep to.
async fn scene(name: &str) -> Scene {
    scene_before(name, |_| {}).await
}

/// The same after a change of how the operator is started.
async fn scene_before(name: &str, change: impl FnOnce(&mut Start)) -> Scene {
    eprintln!("starting the test bed and the operator ...");
    let mut scene = Scene::new(&format!("bench-{name}")).await;
    scene.operator.configure(|start| {
        remove_option(start, "--sweep-seconds");
        change(start);
    });
    scene.operator.start();
    scene.apply(SHARED).await;
    scene.ready("ecscl/main").await;
    scene.ready("ecstd/web").await;
    scene
}

/// Takes an option and its value from the operator's arguments.
fn remove_option(start: &mut Start, option: &str) {
    if let Some(place) = start.arguments.iter().position(|argument| argument == option) {
        start.arguments.drain(place..place + 2);
    }
}

fn services(scene: &Scene) -> Api<EcsService> {
    Api::namespaced(scene.client.clone(), &scene.namespace)
}

async fn create(scene: &Scene, count: usize, desired: usize) {
    let api = services(scene);
    let creations = (0..count).map(|number| {
        let api = api.clone();
        let manifest = json!({
            "apiVersion": "ecs-operator.dev/v1alpha1",
            "kind": "EcsService",
            "metadata": { "name": format!("web-{number}") },
            "spec": {
                "clusterRef": { "name": "main" },
                "taskDefinitionRef": { "name": "web" },
                "launchType": "FARGATE",
                "desiredCount": desired,
                "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a"] } },
                "tags": [{ "key": "team", "value": "shop" }],
            },
        });
        let service: EcsService = serde_json::from_value(manifest).expect("a service");
        async move { api.create(&PostParams::default(), &service).await.expect("a new service") }
    });
    stream::iter(creations).buffer_unordered(CREATIONS).for_each(|_| async {}).await;
}

async fn all_ready(scene: &Scene, count: usize) {
    let mut events = pin!(watcher(services(scene), watcher::Config::default()).applied_objects());
    let mut ready = HashSet::new();
    let waiting = async {
        while ready.len() < count {
            let Some(Ok(service)) = events.next().await else { continue };
            let name = service.name_any();
            if kstatus(&serde_json::to_value(&service).expect("a service")) == Kstatus::Current
                && ready.insert(name)
                && ready.len() % 100 == 0
            {
                eprintln!("  {} of {count} are ready", ready.len());
            }
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "{} of {count} services were ready in time; the operator says:\n{}",
        ready.len(),
        scene.operator.log()
    )
}
