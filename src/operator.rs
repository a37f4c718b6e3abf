//! The operator put together: stores, Live, and one controller a kind.

use std::{error::Error, sync::Arc, time::Duration};

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, CustomResourceExt, ResourceExt,
    config::{InferConfigError, KubeconfigError},
    runtime::reflector::{self, ObjectRef, Store},
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition},
    cluster::Cluster,
    ecs::{Cadence, Key, Live, Regions},
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

/// Waiting longer than this between tries of what is needed to start helps nobody.
const SLOWEST_START: Duration = Duration::from_secs(15);

/// Runs until `shutdown`; running passes are finished.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), StartError> {
    let config = kube::Config::infer().await.map_err(|error| StartError::Kubeconfig(Box::new(error)))?;
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config)?;
    let Some(installation) = shutdown.run_until_cancelled(ready_to_start(&client, &server, &options)).await else {
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

// === What must be there first ===

/// Waits for the API server and the CRDs, saying what it waits for; answers the installation id.
async fn ready_to_start(client: &Client, server: &str, options: &Options) -> String {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in [EcsCluster::crd_name(), EcsTaskDefinition::crd_name(), EcsService::crd_name()] {
        until(async || match crds.get_opt(name).await {
            Ok(Some(crd)) if is_established(&crd) => Ok(()),
            Ok(_) => Err(format!("the CRD {name} is not installed; run: ecs-operator crds | kubectl apply -f -")),
            Err(error) => Err(no_answer(server, &error)),
        })
        .await;
    }
    if let Some(id) = &options.installation {
        return id.clone();
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    until(async || {
        let found = namespaces.get("kube-system").await;
        found.map(|found| found.uid().unwrap_or_default()).map_err(|error| {
            let because = no_answer(server, &error);
            format!("the UID of the namespace kube-system can't be read ({because}); --installation-id replaces it")
        })
    })
    .await
}

fn is_established(crd: &CustomResourceDefinition) -> bool {
    let conditions = crd.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Established" && one.status == "True"))
}

/// Why a kubeconfig is of no use.
fn unusable(error: &InferConfigError) -> String {
    match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(KubeconfigError::ReadConfig(cause, path)) => {
            format!("no kubeconfig can be read at {}: {cause}", path.display())
        }
        Some(KubeconfigError::Parse(cause)) => {
            format!("the kubeconfig can't be parsed: {}", cause.to_string().lines().next().unwrap_or_default())
        }
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}

/// Why the API server gave no answer, in its own words or those of the deepest cause: the others only wrap it.
fn no_answer(server: &str, error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("the Kubernetes API server at {server} refuses: {}", status.message);
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("the Kubernetes API server at {server} can't be reached: {cause}")
}

async fn until<T>(attempt: impl AsyncFn() -> Result<T, String>) -> T {
    let mut wait = Duration::from_millis(500);
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(sentence) => tracing::warn!("{sentence}; trying again in {} s", wait.as_secs_f32()),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(SLOWEST_START);
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
        let written: Arc<Written<R::Object>> = Arc::default();
        let context = self.context.clone();
        let (gone, forgotten) = (self.context.clone(), written.clone());
        let touched = move |event: Touched<'_, R::Object>| {
            if let Touched::Deleted(object) = &event {
                // Also those that went without a finalizer, and so without a last pass.
                gone.forget(&Subject::of(*object));
                forgotten.forget(object);
            }
            touched(event);
        };
        let pass: Pass<R::Object> = Arc::new(move |object| {
            let (context, written) = (context.clone(), written.clone());
            Box::pin(async move { pass::<R>(&context, &written, object).await })
        });
        let wiring = Wiring {
            namespaces: self.options.namespaces.clone(),
            client: self.client.clone(),
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

/// Who is woken when something changed elsewhere.
struct Bells {
    clusters: UnboundedSender<ObjectRef<EcsCluster>>,
    task_definitions: UnboundedSender<ObjectRef<EcsTaskDefinition>>,
    services: UnboundedSender<ObjectRef<EcsService>>,
    services_store: Store<EcsService>,
}

impl Bells {
    /// A cluster that becomes ACTIVE releases the services that wait for it.
    fn cluster_touched(&self, event: &Touched<'_, EcsCluster>) {
        let (Touched::Applied(cluster) | Touched::Deleted(cluster)) = event;
        self.wake_services(cluster.namespace().as_deref(), |service| {
            service.spec.cluster_ref.as_ref().is_some_and(|reference| reference.name == cluster.name_any())
                && !knows_cluster(service, cluster)
        });
    }

    /// A new revision reaches the services that refer to it.
    fn task_definition_touched(&self, event: &Touched<'_, EcsTaskDefinition>) {
        let (Touched::Applied(object) | Touched::Deleted(object)) = event;
        self.wake_services(object.namespace().as_deref(), |service| {
            service.spec.task_definition_ref.as_ref().is_some_and(|reference| reference.name == object.name_any())
                && !is_being_looked_at(object)
        });
    }

    /// What a service refers to waits for it when it is deleted.
    fn service_touched(&self, event: &Touched<'_, EcsService>) {
        let Touched::Deleted(service) = event else { return };
        let namespace = service.namespace().unwrap_or_default();
        // Nobody listens while the operator shuts down.
        if let Some(reference) = &service.spec.cluster_ref {
            let _ = self.clusters.send(ObjectRef::new(&reference.name).within(&namespace));
        }
        if let Some(reference) = &service.spec.task_definition_ref {
            let _ = self.task_definitions.send(ObjectRef::new(&reference.name).within(&namespace));
        }
    }

    fn wake_services(&self, namespace: Option<&str>, concerned: impl Fn(&EcsService) -> bool) {
        for service in self.services_store.state() {
            if service.namespace().as_deref() == namespace && concerned(&service) {
                let _ = self.services.send(ObjectRef::from_obj(&*service));
            }
        }
    }
}

/// A service that is bound to the cluster learns nothing from its status changing again.
fn knows_cluster(service: &EcsService, cluster: &EcsCluster) -> bool {
    let bound = service.status.as_ref().and_then(|status| status.cluster_arn.as_ref());
    bound.is_some() && bound == cluster.status.as_ref().and_then(|status| status.cluster_arn.as_ref())
}

/// An edit that has no revision yet: its services are woken when it has.
fn is_being_looked_at(object: &EcsTaskDefinition) -> bool {
    let observed = object.status.as_ref().and_then(|status| status.common.observed_generation);
    observed.is_some() && observed != object.metadata.generation
}

/// Wakes those who look at what changed in ECS.
async fn wake(mut changes: UnboundedReceiver<Key>, context: Arc<Context>, bells: Arc<Bells>) {
    while let Some(key) = changes.recv().await {
        for Subject { kind, namespace, name } in context.interests.of(&key) {
            tracing::debug!(kind, namespace, name, "ECS shows something else than before");
            // Nobody listens while the operator shuts down.
            let _ = match kind.as_str() {
                "EcsCluster" => bells.clusters.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
                "EcsTaskDefinition" => bells.task_definitions.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
                _ => bells.services.send(ObjectRef::new(&name).within(&namespace)).is_ok(),
            };
        }
    }
}
