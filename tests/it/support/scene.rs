//! The scene: everything a test works with.

use std::{
    ffi::OsString,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::{Event, Namespace};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams},
    discovery::pinned_kind,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

use super::{
    bed::{Bed, OPERATOR_USER, bed, bed_alone},
    kstatus::{self, Kstatus},
    operator::{Operator, Start},
    proxy::{Golden, Proxy},
    watch::{StatusWatch, kinds},
    wire::LiveEcs,
};

/// The region that every scene is in.
pub const REGION: &str = "eu-west-1";
/// How long a test waits for what should take a second or two; a loaded machine takes longer.
pub const SOON: Duration = Duration::from_secs(30);

/// One test's world. Dropped, it ends the operator and fails the test if any status broke the conventions.
pub struct Scene {
    pub bed: &'static Bed,
    pub client: Client,
    /// The namespace of this test alone.
    pub namespace: String,
    /// The AWS account of this test alone.
    pub account: String,
    pub operator: Operator,
    pub proxy: Proxy,
    pub statuses: StatusWatch,
}

impl Scene {
    /// A scene whose operator is not started.
    pub async fn new(name: &str) -> Self {
        Self::on(bed(), name).await
    }

    /// A scene whose operator runs, on a bed of its own.
    pub async fn start_alone(name: &str) -> Self {
        let mut scene = Self::on(bed_alone(), name).await;
        scene.operator.start();
        scene
    }

    async fn on(bed: &'static Bed, name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let client = bed.client().await.expect("a client of the test bed");
        let (namespace, account) = (format!("{name}-{number}"), format!("{:012}", 100_000_000_000 + number));
        let object: Namespace = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        Api::all(client.clone()).create(&PostParams::default(), &object).await.expect("a new namespace");
        let redactions = vec![(namespace.clone(), "NAMESPACE".into())];
        let proxy = Proxy::start(&bed.ecs_address(), Golden { redactions, ..Golden::default() });
        let operator = Operator::new(start(bed, &namespace, &account, &proxy));
        let statuses = StatusWatch::start(bed, &namespace);
        Self { bed, client, namespace, account, operator, proxy, statuses }
    }

    /// A scene whose operator runs.
    pub async fn start(name: &str) -> Self {
        let mut scene = Self::new(name).await;
        scene.operator.start();
        scene
    }

    /// Live ECS, read by a client that isn't ours and past the proxy.
    pub fn ecs(&self) -> LiveEcs {
        LiveEcs { address: self.bed.ecs_address(), account: self.account.clone(), region: REGION.into() }
    }

    /// Applies manifests (YAML, one or more documents) as the field manager "test".
    pub async fn apply(&self, yaml: &str) {
        self.try_apply(yaml).await.unwrap_or_else(|error| panic!("the manifest is refused: {error}"));
    }

    /// Applies manifests; the error is the API server's.
    pub async fn try_apply(&self, yaml: &str) -> Result<(), kube::Error> {
        for document in serde_saphyr::from_multiple::<Value>(yaml).expect("YAML") {
            let text = |place: &str| document.pointer(place).and_then(Value::as_str).unwrap_or_default();
            let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
            let kind = GroupVersionKind::gvk(group, version, text("/kind"));
            let (resource, _) = pinned_kind(&self.client, &kind).await?;
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
            let parameters = PatchParams::apply("test");
            api.patch(text("/metadata/name"), &parameters, &Patch::Apply(&document)).await?;
        }
        Ok(())
    }

    /// Runs kubectl in the namespace; it must succeed. What it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Runs kubectl in the namespace; what it printed, or its complaint.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.bed.kubectl)
            .arg("--kubeconfig")
            .arg(&self.bed.kubeconfig)
            .args(["--namespace", &self.namespace])
            .args(arguments)
            .env("HOME", &self.bed.dir)
            .output()
            .expect("kubectl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// An object (`EcsService/web`, `ecssvc/web`), `None` where there is none.
    pub async fn get(&self, what: &str) -> Option<Value> {
        let (api, name) = self.api(what);
        let object = api.get_opt(name).await.expect("the API server's answer");
        object.map(|object| serde_json::to_value(object).expect("an object"))
    }

    /// Waits until an object is as asked, and returns it.
    pub async fn wait(&self, what: &str, within: Duration, right: impl Fn(&Value) -> bool) -> Value {
        let found = self.becomes(what, within, |object| object.is_some_and(&right)).await;
        found.expect("an object that was right")
    }

    /// Waits until an object is ready for its present generation, as kstatus has it, and returns it.
    pub async fn ready(&self, what: &str) -> Value {
        let is_ready = |object: &Value| kstatus::kstatus(object) == Kstatus::Current;
        self.wait(what, SOON, is_ready).await
    }

    /// Waits until the Ready condition has this reason for the present generation, and returns the object.
    pub async fn reason(&self, what: &str, reason: &str) -> Value {
        let right = |object: &Value| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && kstatus::reason(object) == reason
        };
        self.wait(what, SOON, right).await
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, what: &str, within: Duration) {
        self.becomes(what, within, |object| object.is_none()).await;
    }

    /// Waits, by a watch, until the object, or that there is none, is right.
    pub async fn becomes(&self, what: &str, within: Duration, right: impl Fn(Option<&Value>) -> bool) -> Option<Value> {
        let (api, name) = self.api(what);
        let events = watcher::watch_object(api, name);
        pin_mut!(events);
        let mut last = None;
        let waiting = async {
            while let Some(event) = events.next().await {
                let Ok(object) = event else { continue };
                last = object.map(|object| serde_json::to_value(object).expect("an object"));
                if right(last.as_ref()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(within, waiting).await.is_err() {
            let calls = self.proxy.log_all();
            let last = last.map_or_else(|| "not there".into(), |object| format!("{object:#}"));
            panic!("within {within:?} {what} didn't become as expected. It is:\n{last}\nCalls to ECS:\n{calls}");
        }
        last
    }

    /// The events about an object, oldest first.
    pub async fn events(&self, what: &str) -> Vec<KubeEvent> {
        let (api, fields) = self.events_of(what);
        let mut events = api.list(&ListParams::default().fields(&fields)).await.expect("events").items;
        events.sort_by_key(|event| event.metadata.creation_timestamp.clone());
        events.into_iter().map(KubeEvent::from).collect()
    }

    /// The Event of an object with that reason, which comes a moment after the status that it is about.
    pub async fn told(&self, what: &str, reason: &str) -> KubeEvent {
        let (api, fields) = self.events_of(what);
        let all = watcher(api, watcher::Config::default().fields(&fields)).applied_objects();
        let of_reason =
            all.filter_map(|event| async { event.ok().map(KubeEvent::from).filter(|event| event.reason == reason) });
        let found = tokio::time::timeout(SOON, std::pin::pin!(of_reason).next()).await;
        found.ok().flatten().unwrap_or_else(|| panic!("no Event {reason} of {what}"))
    }

    fn events_of(&self, what: &str) -> (Api<Event>, String) {
        let (kind, name) = Self::resource(what);
        let fields = format!("involvedObject.kind={},involvedObject.name={name}", kind.kind);
        (Api::namespaced(self.client.clone(), &self.namespace), fields)
    }

    /// What the operator has written to the API server in this namespace since the scene began.
    pub fn audit(&self) -> Audit {
        let log = std::fs::read_to_string(&self.bed.audit_log).expect("the audit log");
        let records = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ours = records.filter(|record| {
            record["user"]["username"] == OPERATOR_USER && record["objectRef"]["namespace"] == self.namespace.as_str()
        });
        let text =
            |record: &Value, place: &str| record.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        Audit(
            ours.map(|record| Write {
                verb: text(&record, "/verb"),
                resource: text(&record, "/objectRef/resource"),
                subresource: text(&record, "/objectRef/subresource"),
                name: text(&record, "/objectRef/name"),
                code: record["responseStatus"]["code"].as_i64().unwrap_or_default(),
            })
            .collect(),
        )
    }

    fn api<'a>(&self, what: &'a str) -> (Api<DynamicObject>, &'a str) {
        let (kind, name) = Self::resource(what);
        (Api::namespaced_with(self.client.clone(), &self.namespace, &kind), name)
    }

    /// Of `EcsService/web`, `ecsservices/web` or `ecssvc/web`, the kind and the name.
    fn resource(what: &str) -> (ApiResource, &str) {
        let (kind, name) = what.split_once('/').expect("kind/name");
        let place = match kind.to_ascii_lowercase().trim_end_matches('s') {
            "ecscl" | "ecscluster" => 0,
            "ecstd" | "ecstaskdefinition" => 1,
            "ecssvc" | "ecsservice" => 2,
            _ => panic!("{kind} is none of the operator's kinds"),
        };
        let [cluster, task_definition, service] = kinds();
        ([cluster, task_definition, service].into_iter().nth(place).unwrap(), name)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.operator.kill();
        let violations = self.statuses.finish().join("\n");
        if std::thread::panicking() {
            eprintln!("namespace {}; calls to ECS:\n{}", self.namespace, self.proxy.log_all());
            eprintln!("statuses that broke the conventions:\n{violations}");
        } else {
            assert!(violations.is_empty(), "statuses that broke the conventions:\n{violations}");
        }
    }
}

/// How the operator is started in a scene: the one place that knows its flags.
fn start(bed: &Bed, namespace: &str, account: &str, proxy: &Proxy) -> Start {
    // MiniStack has no rates to keep to.
    let arguments = ["run", "--namespace", namespace, "--region", REGION, "--sweep-seconds", "2", "--ecs-rate", "100"];
    let nothing = || OsString::from("/dev/null");
    let environment: [(&str, OsString); 9] = [
        ("KUBECONFIG", bed.operator_kubeconfig.clone().into()),
        ("HOME", bed.dir.clone().into()),
        ("AWS_ENDPOINT_URL_ECS", proxy.url().into()),
        ("AWS_ENDPOINT_URL_STS", bed.ecs.clone().into()),
        ("AWS_ACCESS_KEY_ID", account.into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
        ("AWS_CONFIG_FILE", nothing()),
        ("AWS_SHARED_CREDENTIALS_FILE", nothing()),
        ("RUST_BACKTRACE", "1".into()),
    ];
    Start {
        program: env!("CARGO_BIN_EXE_ecs-operator").into(),
        arguments: arguments.map(Into::into).to_vec(),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    }
}

/// A Kubernetes event, as far as tests look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct KubeEvent {
    /// Normal or Warning.
    pub kind: String,
    pub reason: String,
    pub message: String,
    pub count: i32,
}

impl From<Event> for KubeEvent {
    fn from(event: Event) -> Self {
        Self {
            kind: event.type_.unwrap_or_default(),
            reason: event.reason.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
            count: event.series.and_then(|series| series.count).or(event.count).unwrap_or(1),
        }
    }
}

/// One write to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub verb: String,
    pub resource: String,
    /// Empty where there is none.
    pub subresource: String,
    pub name: String,
    pub code: i64,
}

/// Writes to the API server, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit(pub Vec<Write>);

impl Audit {
    /// How many writes went to a resource (`ecsservices`, or `ecsservices/status`).
    pub fn count(&self, resource: &str) -> usize {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        self.0.iter().filter(|write| write.resource == resource && write.subresource == subresource).count()
    }

    /// The writes to one object and its subresources.
    pub fn of(&self, resource: &str, name: &str) -> Self {
        Self(self.0.iter().filter(|write| write.resource == resource && write.name == name).cloned().collect())
    }

    /// The writes to our objects and their status, which a quiet hour has none of.
    pub fn of_objects(&self) -> Self {
        Self(self.0.iter().filter(|write| write.resource.starts_with("ecs")).cloned().collect())
    }
}
