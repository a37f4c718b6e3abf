//! The operator put together: stores, Live, and one controller a kind.

pub mod bells;
mod start;

use std::{sync::Arc, time::Duration};

use kube::{
    Client, ResourceExt,
    config::InferConfigError,
    runtime::reflector::{self, ObjectRef, Store},
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use self::{
    bells::{Bells, wake},
    start::{ready_to_start, unusable},
};
use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition, Managed},
    cluster::Cluster,
    ecs::{Cadence, Live, Regions},
    reconcile::{Context, Kind, Settings, Subject, context::Stores, pass::pass},
    runtime::{
        controller::{self, Listed, Pass, Touched, Wiring},
        memory::Written,
        objects::Object,
    },
    service::Service,
    task_definition::TaskDefinition,
};

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespaces to watch; none means all.
    pub namespaces: Vec<String>,
    /// Region of objects that name none.
    pub region: Option<String>,
    /// Installation id; absent: the UID of kube-system.
    pub installation: Option<String>,
    /// Every quiet object is looked at once in this time.
    pub sweep: Duration,
    /// Every rolling object is looked at once in this time.
    pub rolling_sweep: Duration,
    /// How much of the calls that ECS allows an account and region the operator takes; 1 is all.
    pub ecs_rate: f64,
    /// Passes at once, for each kind.
    pub concurrency: u16,
}

/// Why the operator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No way to the API server.
    #[error(
        "no way to a Kubernetes API server: this is no pod with a service account, and {}. Set KUBECONFIG to a \
         kubeconfig file, or run in a pod",
        unusable(.0)
    )]
    Kubeconfig(Box<InferConfigError>),
    /// A client that can't be made.
    #[error("the Kubernetes client can't be made: {0}")]
    Client(#[from] kube::Error),
}

/// Runs until `shutdown`; running passes are finished.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), StartError> {
    let config = kube::Config::infer().await.map_err(|error| StartError::Kubeconfig(Box::new(error)))?;
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config)?;
    let Some(installation) =
        shutdown.run_until_cancelled(ready_to_start(&client, &server, options.installation.as_deref())).await
    else {
        return Ok(());
    };
    let regions = Regions::from_environment(options.region.as_deref(), options.ecs_rate).await;
    let default_region = regions.default_region().map(str::to_owned);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        installation,
        region = default_region.as_deref().unwrap_or("none: every object must name one"),
        namespaces = if options.namespaces.is_empty() { "all".into() } else { options.namespaces.join(",") },
        "ecs-operator runs"
    );
    let (live, changes) = Live::new(regions, Cadence { quiet: options.sweep, rolling: options.rolling_sweep });
    let wires = Wires::default();
    let Wires { clusters, task_definitions, services } = wires;
    let stores = Stores {
        clusters: clusters.store.clone(),
        task_definitions: task_definitions.store.clone(),
        services: services.store.clone(),
        listed: [clusters.listed.clone(), task_definitions.listed.clone(), services.listed.clone()],
    };
    let settings = Settings { installation, default_region };
    let context = Arc::new(Context::new(client.clone(), live.clone(), settings, stores));
    let bells = Arc::new(Bells {
        clusters: clusters.bell.clone(),
        task_definitions: task_definitions.bell.clone(),
        services: services.bell.clone(),
        services_store: services.store.clone(),
    });
    let background = [tokio::spawn(live.sweep()), tokio::spawn(wake(changes, context.clone(), bells.clone()))];
    let start = Start { client: &client, options: &options, context: &context, shutdown: &shutdown };
    let (of_clusters, of_revisions, of_services) = (bells.clone(), bells.clone(), bells);
    let controllers = async {
        tokio::join!(
            start.controller::<Cluster>(clusters, move |event| of_clusters.cluster_touched(&event)),
            start.controller::<TaskDefinition>(task_definitions, move |event| of_revisions
                .task_definition_touched(&event)),
            start.controller::<Service>(services, move |event| of_services.service_touched(&event)),
        );
    };
    tokio::select! {
        () = controllers => {}
        () = stopped_before_the_lists(&context, &shutdown) => {}
    }
    for task in background {
        task.abort();
    }
    tracing::info!("stopped");
    Ok(())
}

/// A shutdown before all kinds are listed: no pass has begun, so none is to be finished, and kube's controllers would
/// wait for their lists for ever.
async fn stopped_before_the_lists(context: &Context, shutdown: &CancellationToken) {
    tokio::select! {
        biased;
        () = context.listed() => std::future::pending().await,
        () = shutdown.cancelled() => {}
    }
}

// === Wires ===

/// Store and bell of one kind.
struct Wire<K: Object> {
    store: Store<K>,
    writer: reflector::store::Writer<K>,
    bell: UnboundedSender<ObjectRef<K>>,
    triggers: UnboundedReceiver<ObjectRef<K>>,
    listed: Listed,
}

impl<K: Object> Default for Wire<K> {
    fn default() -> Self {
        let (store, writer) = reflector::store();
        let (bell, triggers) = mpsc::unbounded_channel();
        Self { store, writer, bell, triggers, listed: Listed::default() }
    }
}

#[derive(Default)]
struct Wires {
    clusters: Wire<EcsCluster>,
    task_definitions: Wire<EcsTaskDefinition>,
    services: Wire<EcsService>,
}

/// What starting a controller takes.
struct Start<'a> {
    client: &'a Client,
    options: &'a Options,
    context: &'a Arc<Context>,
    shutdown: &'a CancellationToken,
}

impl Start<'_> {
    async fn controller<R: Kind>(
        &self,
        wire: Wire<R::Object>,
        touched: impl Fn(Touched<'_, R::Object>) + Send + Sync + 'static,
    ) {
        let (touched, pass) = lane::<R>(self.context, &wire.store, touched);
        let wiring = Wiring {
            namespaces: self.options.namespaces.clone(),
            client: self.client.clone(),
            is_unobserved,
            writer: wire.writer,
            store: wire.store,
            triggers: wire.triggers,
            listed: wire.listed,
            concurrency: self.options.concurrency,
            shutdown: self.shutdown.clone(),
        };
        controller::run(wiring, touched, pass).await;
    }
}

/// What a controller does when an object is touched, and its pass.
type Lane<T, K> = (T, Pass<K>);

/// What a controller does for one kind: what it does when an object is touched (`touched` besides), and its pass.
pub fn lane<R: Kind>(
    context: &Arc<Context>,
    store: &Store<R::Object>,
    touched: impl Fn(Touched<'_, R::Object>) + Send + Sync + 'static,
) -> Lane<impl Fn(Touched<'_, R::Object>) + Send + Sync + 'static, R::Object> {
    let written: Arc<Written<R::Object>> = Arc::default();
    let (gone, forgotten) = (context.clone(), written.clone());
    let touched = move |event: Touched<'_, R::Object>| {
        if let Touched::Deleted(object) = &event {
            // Also those that went without a finalizer, and so without a last pass.
            gone.forget(&Subject::of(*object));
            forgotten.forget(object);
        }
        touched(event);
    };
    let (context, store) = (context.clone(), store.clone());
    let pass: Pass<R::Object> = Arc::new(move |object| {
        let (context, written, store) = (context.clone(), written.clone(), store.clone());
        Box::pin(async move {
            let next = pass::<R>(&context, &written, object.clone()).await;
            let now = store.get(&ObjectRef::from_obj(&*object));
            if now.is_none_or(|now| now.uid() != object.uid()) {
                // It was deleted while the pass was under way: what the pass noted of it is of nobody any more.
                context.forget(&Subject::of(&*object));
                written.forget(&*object);
            }
            next
        })
    });
    (touched, pass)
}

/// Whether nobody has looked at an object yet: it is new, or its status was lost, as a restored backup loses it.
pub fn is_unobserved<K: Managed>(object: &K) -> bool {
    object.observed_generation().is_none_or(|generation| generation < 0)
}
