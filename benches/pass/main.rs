//! What a pass that finds nothing costs: one object of each kind, settled, and looked at again and again.
//!
//! The pass is the operator's own. Below the AWS SDK and below the Kubernetes client are stand-ins in memory, and both
//! must not be called: then a quiet object has cost what is measured here and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::pedantic)]

mod ecs;
mod kubernetes;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ecs_operator::{
    api::Managed,
    cluster::Cluster,
    ecs::{Cadence, Live, Regions},
    reconcile::{Context, Kind, Settings, context, pass::pass},
    runtime::{controller::Next, memory::Written, objects::Object},
    service::Service,
    task_definition::TaskDefinition,
};
use kube::runtime::{
    reflector::{self, store::Writer},
    watcher::Event,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use self::{ecs::Ecs, kubernetes::Kubernetes};

const WARM_UP: usize = 500;
const PASSES: usize = 5_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (bed, writers) = runtime.block_on(async { Bed::new() });
    println!("| a pass that finds nothing | median µs | 90 % within µs | allocations | kB allocated |");
    println!("|---|--:|--:|--:|--:|");
    let (clusters, task_definitions, services) = writers;
    bed.measure::<Cluster>(&runtime, clusters);
    bed.measure::<TaskDefinition>(&runtime, task_definitions);
    bed.measure::<Service>(&runtime, services);
}

struct Bed {
    ecs: Ecs,
    kubernetes: Kubernetes,
    context: Context,
}

type Store<R> = Writer<<R as Kind>::Object>;

/// The stores of the three kinds, to be filled.
type Stores = (Store<Cluster>, Store<TaskDefinition>, Store<Service>);

impl Bed {
    fn new() -> (Self, Stores) {
        let (ecs, kubernetes) = (Ecs::default(), Kubernetes::default());
        for object in serde_saphyr::from_multiple::<Value>(include_str!("objects.yaml")).expect("YAML") {
            kubernetes.create(object);
        }
        let client = kubernetes.client();
        let cadence = Cadence { quiet: Duration::from_secs(60), rolling: Duration::from_secs(5) };
        let (live, _) = Live::new(Regions::new(ecs.config(), 1.0), cadence);
        let (clusters, cluster_writer) = reflector::store();
        let (task_definitions, task_definition_writer) = reflector::store();
        let (services, service_writer) = reflector::store();
        let settings = Settings {
            installation: "0c8e6cbb-58c5-4bb5-a4a3-0d8fd9d1b9a1".into(),
            default_region: Some(ecs::REGION.into()),
        };
        let listed = std::array::from_fn(|_| Arc::new(tokio::sync::SetOnce::new_with(Some(()))));
        let stores = context::Stores { clusters, task_definitions, services, listed };
        let context = Context::new(client, live, settings, stores);
        (Self { ecs, kubernetes, context }, (cluster_writer, task_definition_writer, service_writer))
    }

    fn measure<R: Kind>(&self, runtime: &Runtime, mut store: Store<R>) {
        let kind = <R::Object as kube::Resource>::kind(&()).into_owned();
        let written = Written::default();
        let object = runtime.block_on(self.settle::<R>(&kind, &written));
        for event in [Event::Init, Event::InitApply((*object).clone()), Event::InitDone] {
            store.apply_watcher_event(&event);
        }
        let once = || pass::<R>(&self.context, &written, object.clone());
        let (calls, writes) = (self.ecs.calls(), self.kubernetes.writes());
        let mut times = runtime.block_on(async {
            for _ in 0..WARM_UP {
                once().await;
            }
            let mut times = Vec::with_capacity(PASSES);
            for _ in 0..PASSES {
                let began = Instant::now();
                once().await;
                times.push(began.elapsed());
            }
            times
        });
        // Counted apart: the count costs time itself.
        let memory = allocation_counter::measure(|| {
            runtime.block_on(once());
        });
        assert_eq!((self.ecs.calls(), self.kubernetes.writes()), (calls, writes), "a pass that finds nothing is free");
        times.sort_unstable();
        #[allow(clippy::cast_precision_loss)] // kilobytes
        let kilobytes = memory.bytes_total as f64 / 1000.0;
        println!(
            "| `{kind}` | {:.0} | {:.0} | {} | {kilobytes:.0} |",
            micros(times[PASSES / 2]),
            micros(times[PASSES * 9 / 10]),
            memory.count_total,
        );
    }

    /// Passes until one finds nothing to do.
    async fn settle<R: Kind>(&self, kind: &str, written: &Written<R::Object>) -> Arc<R::Object>
    where
        R::Object: Object,
    {
        for _ in 0..10 {
            let before = (self.ecs.calls(), self.kubernetes.writes());
            let object = self.kubernetes.get(kind);
            let next = pass::<R>(&self.context, written, Arc::clone(&object)).await;
            if next == Next::Change && (self.ecs.calls(), self.kubernetes.writes()) == before {
                let status = serde_json::to_value(object.status()).unwrap();
                let ready = status["conditions"].as_array().into_iter().flatten();
                let ready: Vec<_> = ready.filter(|condition| condition["status"] == "True").collect();
                assert!(ready.iter().any(|condition| condition["type"] == "Ready"), "{kind} isn't ready: {status:#}");
                return object;
            }
        }
        panic!("{kind} isn't settled after ten passes: {:#?}", self.kubernetes.get::<Value>(kind));
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
