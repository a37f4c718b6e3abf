//! Many services created under ECS's own rate limits, by an operator with its defaults: how close it comes to the least
//! time that the limits allow. ECS is the project's simulator on a port, with its token buckets, at real speed; nothing
//! stands between the two.

use std::{
    collections::BTreeMap,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ecs_sim::{
    Clock, Simulator, Time,
    front::{Front, Outcome, Record},
    http,
};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    all_ready, create,
    measure::{Process, Table, writes_by_resource},
    remove_option, scene_before,
    support::Write,
};

/// The bucket that CreateService takes from: calls at once, and calls a second after that ("Request throttling for the
/// Amazon ECS API" in the ECS developer guide).
const SERVICE_MODIFY: (f64, f64) = (50.0, 5.0);
/// The same of DescribeServices, and how many services one call reads.
const SERVICE_READ: (f64, f64) = (100.0, 20.0);
const BATCH: f64 = 10.0;

/// The seconds in which an ideal client creates so many services: one CreateService each, and a look at each before
/// that, ten a call. The buckets are full, so the burst goes at once, and the last call has its token when the rest has
/// been refilled. Each group of calls has a bucket of its own; the slowest decides, which is CreateService: 190 s for
/// 1,000 services.
fn floor(services: f64) -> f64 {
    let least = |calls: f64, (burst, refill): (f64, f64)| ((calls - burst) / refill).max(0.0);
    least(services, SERVICE_MODIFY).max(least((services / BATCH).ceil(), SERVICE_READ))
}

/// The simulator on a port and a thread of its own.
struct Ecs {
    front: Front,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ecs {
    fn start() -> Self {
        let front = Front::new(Simulator::new(1, Clock::running_from(std::time::SystemTime::now().into(), 1.0)), 1);
        front.set_buckets(true);
        front.keep_log(1_000_000);
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let door = front.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let end = async { drop(stopped.await) };
                http::serve(listener, door, end).await.expect("connections");
            });
        });
        Self { front, url, stop: Some(stop), thread: Some(thread) }
    }

    fn now(&self) -> Time {
        self.front.simulator().clock().now()
    }
}

impl Drop for Ecs {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What was called, by operation.
#[derive(Default)]
struct Calls {
    made: usize,
    throttled: usize,
    refused: usize,
}

fn by_operation<'a>(records: impl Iterator<Item = &'a Record>) -> BTreeMap<String, Calls> {
    let mut counted: BTreeMap<String, Calls> = BTreeMap::new();
    for record in records {
        let calls = counted.entry(record.operation.clone()).or_default();
        calls.made += 1;
        if let Outcome::Answer { status, body } = &record.outcome
            && *status != 200
        {
            let throttled = body["__type"] == "ThrottlingException";
            calls.throttled += usize::from(throttled);
            calls.refused += usize::from(!throttled);
        }
    }
    counted
}

/// The reads that are made for services not created yet: of each DescribeServices call the share of its services for
/// which no CreateService had been answered.
#[allow(clippy::cast_precision_loss)] // tens
fn reads_before_creation(records: &[impl AsRef<Record>]) -> f64 {
    let mut created = std::collections::HashSet::new();
    let mut reads = 0.0;
    for record in records.iter().map(AsRef::as_ref) {
        let succeeded = matches!(record.outcome, Outcome::Answer { status: 200, .. });
        if record.operation == "CreateService" && succeeded {
            created.extend(record.input["serviceName"].as_str());
        } else if record.operation == "DescribeServices" {
            let names: Vec<&str> =
                record.input["services"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let new = names.iter().filter(|name| !created.contains(*name)).count();
            reads += new as f64 / names.len().max(1) as f64;
        }
    }
    reads
}

/// Many services of one task definition, created at once, until the last is there, and then until all are ready.
#[allow(clippy::cast_precision_loss)] // thousands
pub async fn created(count: usize, table: &mut Table) {
    let ecs = Ecs::start();
    let scene = scene_before("throttled", |start| {
        remove_option(start, "--ecs-rate");
        for (name, value) in &mut start.environment {
            if name == "AWS_ENDPOINT_URL_ECS" {
                *value = ecs.url.clone().into();
            }
        }
    })
    .await;
    // The cluster has become ACTIVE and what came before has been paid back.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let process = Process(scene.operator.pid().expect("the operator runs"));
    let (empty, cpu) = (process.resident_megabytes(), process.cpu_seconds());
    eprintln!("{count} services under ECS's rate limits ...");
    ecs.front.drain_log();
    let before = scene.audit().0.len();
    let (start, began) = (ecs.now(), Instant::now());
    let created = async {
        create(&scene, count, 1).await;
        loop {
            let records = ecs.front.counts();
            if records.get("CreateService").is_some_and(|calls| calls.took_effect >= count as u64) {
                return (scene.audit().0.len(), process.resident_megabytes(), process.cpu_seconds() - cpu);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (at_creation, ()) = tokio::join!(created, all_ready(&scene, count));
    let ready = began.elapsed();
    let (written, full, cpu) = at_creation;
    let (records, audit) = (ecs.front.drain_log(), scene.audit());

    let last = records.iter().rposition(|record| record.operation == "CreateService").map_or(0, |place| place + 1);
    let (until_created, _) = records.split_at(last);
    let took = records[last.saturating_sub(1)].at.since(start).as_secs_f64();
    let floor = floor(count as f64);
    table.section(&format!("{count} services created under ECS's rate limits"));
    table.row("least time that the limits allow", &format!("{floor:.1} s"));
    table.row("last CreateService after", &format!("{took:.1} s"));
    table.row("- times the least", &format!("{:.3}", took / floor));
    let is_write = |operation: &str| ["CreateService", "UpdateService", "DeleteService"].contains(&operation);
    let writes = until_created.iter().filter(|record| is_write(&record.operation)).count();
    let reads = until_created.len() - writes;
    table.ratio("until then: service writes a service", writes, count);
    table.ratio("until then: reads a service", reads, count);
    table.row(
        "- of these of services to be created",
        &format!("{:.2}", reads_before_creation(until_created) / count as f64),
    );
    tell(table, by_operation(until_created.iter().map(AsRef::as_ref)), count);
    tell_writes(table, &audit.0[before..written], count);
    table.row("- memory before and then", &format!("{empty:.1} MB, {full:.1} MB"));
    table.row("- CPU seconds", &format!("{cpu:.1}"));
    table.row("all ready after", &format!("{:.1} s", ready.as_secs_f64()));
    tell(table, by_operation(records.iter().map(AsRef::as_ref)), count);
    tell_writes(table, &audit.0[before..], count);
    table.row(
        "- memory then, and at most",
        &format!("{:.1} MB, {:.1} MB", process.resident_megabytes(), process.highest_megabytes()),
    );
}

fn tell(table: &mut Table, calls: BTreeMap<String, Calls>, count: usize) {
    for (operation, calls) in calls {
        table.ratio(&format!("- {operation}"), calls.made, count);
        if calls.throttled + calls.refused > 0 {
            table.row("  throttled, refused", &format!("{}, {}", calls.throttled, calls.refused));
        }
    }
}

fn tell_writes(table: &mut Table, writes: &[Write], count: usize) {
    let of_objects = writes.iter().filter(|write| write.resource.starts_with("ecs")).count();
    table.ratio("- API-server writes to objects", of_objects, count);
    for (resource, number) in writes_by_resource(writes) {
        table.ratio(&format!("  - {resource}"), number, count);
    }
}
