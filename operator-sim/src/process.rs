//! One life of the operator: it begins with what the API server and ECS say, and can end at any moment.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use ecs_operator::{
    api::Managed,
    cluster::Cluster,
    ecs::{Cadence, Live, Regions},
    operator::{
        bells::{Bells, wake},
        is_unobserved, lane,
    },
    reconcile::{Context, Kind, Settings, context::Stores},
    runtime::{
        clock::Clock,
        controller::{Listed, Pass, Touched},
        objects::Object,
    },
    service::Service,
    task_definition::TaskDefinition,
};
use ecs_sim::{front::Front, sdk::SimHttpClient};
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    runtime::{
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::Event,
    },
};
use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::{
    api_server::{ApiServer, Change},
    journal::{Journal, OPERATOR},
    passes::Passes,
};

/// The region of everything.
pub const REGION: &str = "eu-west-1";
/// The operator's installation id.
pub const INSTALLATION: &str = "sim";

/// What the operator runs on, and how.
#[derive(Clone, Debug)]
pub struct Ground {
    /// ECS.
    pub ecs: Front,
    /// The API server.
    pub api_server: ApiServer,
    /// What happened.
    pub journal: Journal,
    /// By how much the clock of the operator's machine is ahead of ECS's.
    pub ahead: SignedDuration,
    /// How often Live looks.
    pub cadence: Cadence,
    /// How long the watch lags behind.
    pub watch_lag: Duration,
}

impl Ground {
    /// The date as the operator's machine has it.
    fn clock(&self) -> Clock {
        let (clock, ahead) = (self.ecs.simulator().clock().clone(), self.ahead);
        Clock::new(move || {
            let now = i64::try_from(clock.now().0).unwrap_or_default();
            Timestamp::from_millisecond(now).unwrap_or_default().saturating_add(ahead).unwrap_or_default()
        })
    }
}

/// The running operator; it dies where this is dropped.
#[derive(Debug)]
pub struct Process {
    _tasks: JoinSet<()>,
}

impl Process {
    /// Starts it. Made inside of a runtime.
    pub fn start(ground: &Ground) -> Self {
        let regions = Regions::new(config(&ground.ecs), 1.0);
        let (live, changes) = Live::new(regions, ground.cadence);
        let (clusters, task_definitions, services) = (Wire::default(), Wire::default(), Wire::default());
        let bells = Arc::new(Bells {
            clusters: clusters.bell.clone(),
            task_definitions: task_definitions.bell.clone(),
            services: services.bell.clone(),
            services_store: services.store.clone(),
        });
        let listed: [Listed; 3] = std::array::from_fn(|_| Arc::default());
        let stores = Stores {
            clusters: clusters.store.clone(),
            task_definitions: task_definitions.store.clone(),
            services: services.store.clone(),
            listed: listed.clone(),
        };
        let settings = Settings { installation: INSTALLATION.into(), default_region: Some(REGION.into()) };
        let mut context = Context::new(ground.api_server.client(), live.clone(), settings, stores);
        context.clock = ground.clock();
        let context = Arc::new(context);
        let mut tasks = JoinSet::new();
        tasks.spawn(live.sweep());
        tasks.spawn(wake(changes, context.clone(), bells.clone()));
        let (of_clusters, of_revisions, of_services) = (bells.clone(), bells.clone(), bells);
        let clusters =
            clusters.start::<Cluster>(&mut tasks, ground, &context, move |event| of_clusters.cluster_touched(&event));
        let task_definitions = task_definitions.start::<TaskDefinition>(&mut tasks, ground, &context, move |event| {
            of_revisions.task_definition_touched(&event);
        });
        let services =
            services.start::<Service>(&mut tasks, ground, &context, move |event| of_services.service_touched(&event));
        tasks.spawn(feed(ground.clone(), clusters, task_definitions, services, listed));
        Self { _tasks: tasks }
    }
}

fn config(ecs: &Front) -> SdkConfig {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60))
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(OPERATOR, "secret", None, None, "sim")))
        .timeout_config(limits)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(SharedHttpClient::new(SimHttpClient::new(ecs.clone())))
        .build()
}

/// The store of one kind, and how its objects are woken.
struct Wire<K: Object> {
    store: Store<K>,
    writer: Writer<K>,
    bell: UnboundedSender<ObjectRef<K>>,
    triggers: UnboundedReceiver<ObjectRef<K>>,
}

impl<K: Object> Default for Wire<K> {
    fn default() -> Self {
        let (store, writer) = reflector::store();
        let (bell, triggers) = unbounded_channel();
        Self { store, writer, bell, triggers }
    }
}

impl<K: Object + Managed> Wire<K> {
    fn start<R: Kind<Object = K>>(
        self,
        tasks: &mut JoinSet<()>,
        ground: &Ground,
        context: &Arc<Context>,
        touched: impl Fn(Touched<'_, K>) + Send + Sync + 'static,
    ) -> Feed<K> {
        let Self { store, writer, bell, triggers } = self;
        let (touched, pass): (_, Pass<K>) = lane::<R>(context, &store, touched);
        let passes = Passes::<R> { store, triggers, pass, journal: ground.journal.clone() };
        tasks.spawn(passes.run());
        Feed { writer, bell, touched: Box::new(touched), seen: BTreeMap::new(), journal: ground.journal.clone() }
    }
}

/// What decides whether a change of an object starts a pass: generation, annotations, and whether the status was lost.
type Trigger = (Option<i64>, BTreeMap<String, String>, bool);

/// Who hears that an object was touched.
type TouchedHook<K> = dyn Fn(Touched<'_, K>) + Send + Sync;

/// The watch of one kind, as the operator's controller takes it.
struct Feed<K: Object> {
    writer: Writer<K>,
    bell: UnboundedSender<ObjectRef<K>>,
    touched: Box<TouchedHook<K>>,
    seen: BTreeMap<String, Trigger>,
    journal: Journal,
}

impl<K: Object + Managed> Feed<K> {
    fn list(&mut self, objects: &[Value]) {
        self.writer.apply_watcher_event(&Event::Init);
        for object in objects.iter().filter_map(|object| self.read(object)).collect::<Vec<_>>() {
            self.writer.apply_watcher_event(&Event::InitApply(object.clone()));
            self.applied(&object);
        }
        self.writer.apply_watcher_event(&Event::InitDone);
    }

    fn take(&mut self, change: &Change) {
        match change {
            Change::Applied(object) => {
                let Some(object) = self.read(object) else { return };
                self.writer.apply_watcher_event(&Event::Apply(object.clone()));
                self.applied(&object);
            }
            Change::Deleted(object) => {
                let Some(object) = self.read(object) else { return };
                self.writer.apply_watcher_event(&Event::Delete(object.clone()));
                self.seen.remove(&object.name_any());
                (self.touched)(Touched::Deleted(&object));
            }
        }
    }

    fn applied(&mut self, object: &K) {
        (self.touched)(Touched::Applied(object));
        let trigger = (object.meta().generation, object.annotations().clone(), is_unobserved(object));
        if self.seen.insert(object.name_any(), trigger.clone()).as_ref() != Some(&trigger) {
            // Nobody listens once the operator was killed.
            let _ = self.bell.send(ObjectRef::from_obj(object));
        }
    }

    /// The object, if it is one of this kind.
    fn read(&self, object: &Value) -> Option<K> {
        if object["kind"] != *K::kind(&()) {
            return None;
        }
        let read = serde_json::from_value(object.clone());
        read.inspect_err(|error| self.journal.violation(format!("an object can't be read: {error}: {object}"))).ok()
    }
}

/// The three watches.
async fn feed(
    ground: Ground,
    mut clusters: Feed<<Cluster as Kind>::Object>,
    mut task_definitions: Feed<<TaskDefinition as Kind>::Object>,
    mut services: Feed<<Service as Kind>::Object>,
    listed: [Listed; 3],
) {
    let (objects, mut changes) = ground.api_server.watch();
    clusters.list(&objects);
    task_definitions.list(&objects);
    services.list(&objects);
    for listed in listed {
        // Nobody else sets it.
        let _ = listed.set(());
    }
    while let Some(change) = changes.recv().await {
        if !ground.watch_lag.is_zero() {
            tokio::time::sleep(ground.watch_lag).await;
        }
        clusters.take(&change);
        task_definitions.take(&change);
        services.take(&change);
    }
}
