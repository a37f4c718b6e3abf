//! The always-on checker: sees every status that is written in a namespace and holds it against `kstatus::check`.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use ecs_operator::api::{EcsCluster, EcsService, EcsTaskDefinition};
use futures::{StreamExt, stream::select_all};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{bed::Bed, kstatus};

/// After this time without news, all writes have been seen.
const QUIET: Duration = Duration::from_millis(200);

/// The operator's kinds, as the API server names them.
pub fn kinds() -> [ApiResource; 3] {
    [
        ApiResource::erase::<EcsCluster>(&()),
        ApiResource::erase::<EcsTaskDefinition>(&()),
        ApiResource::erase::<EcsService>(&()),
    ]
}

/// What was seen of the objects of a namespace.
#[derive(Default)]
struct Seen {
    /// By kind/name: every version of the object with a status that differs from the one before.
    history: HashMap<String, Vec<Value>>,
    violations: Vec<String>,
}

impl Seen {
    fn take(&mut self, object: Value) {
        let key = format!("{}/{}", text(&object, "/kind"), text(&object, "/metadata/name"));
        let history = self.history.entry(key.clone()).or_default();
        let same_object = |before: &&Value| before["metadata"]["uid"] == object["metadata"]["uid"];
        let before = history.last().filter(same_object);
        if before.is_some_and(|before| before["status"] == object["status"]) {
            return;
        }
        let wrong = kstatus::check(before, &object);
        let violations = wrong.into_iter().map(|sentence| format!("{key}: {sentence}: {}", object["status"]));
        self.violations.extend(violations);
        history.push(object);
    }
}

fn text<'a>(object: &'a Value, place: &str) -> &'a str {
    object.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// Watches one namespace on a thread of its own.
pub struct StatusWatch {
    seen: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StatusWatch {
    /// Returns when it watches: what is written from now on is seen.
    pub fn start(bed: &'static Bed, namespace: &str) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let (filled, namespace) = (seen.clone(), namespace.to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let client = bed.client().await.expect("a client");
                watch(client, &namespace, &filled, &ready, stopped).await;
            });
        });
        for _ in kinds() {
            is_ready.recv_timeout(Duration::from_secs(20)).expect("the status watch starts");
        }
        Self { seen, stop: Some(stop), thread: Some(thread) }
    }

    /// Every distinct status of an object (kind/name), oldest first, with the object that had it.
    pub fn history(&self, key: &str) -> Vec<Value> {
        self.seen().history.get(key).cloned().unwrap_or_default()
    }

    /// What was wrong so far.
    pub fn violations(&self) -> Vec<String> {
        self.seen().violations.clone()
    }

    /// Sees what is still under way, ends, and returns what was wrong. A test that expects something wrong takes it
    /// here, or the end of its scene fails it.
    pub fn finish(&mut self) -> Vec<String> {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        std::mem::take(&mut self.seen().violations)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(
    client: Client,
    namespace: &str,
    seen: &Mutex<Seen>,
    ready: &mpsc::Sender<()>,
    mut stopped: oneshot::Receiver<()>,
) {
    let streams = kinds().map(|kind| {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        watcher::watcher(api, watcher::Config::default()).default_backoff().boxed()
    });
    let mut events = pin!(select_all(streams));
    let mut stopping = false;
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            _ = &mut stopped, if !stopping => { stopping = true; continue }
            () = tokio::time::sleep(QUIET), if stopping => return,
        };
        match event {
            Some(Ok(Event::Apply(object) | Event::InitApply(object))) => {
                let object = serde_json::to_value(object).expect("an object");
                seen.lock().unwrap_or_else(PoisonError::into_inner).take(object);
            }
            Some(Ok(Event::InitDone)) => drop(ready.send(())),
            Some(_) => {}
            None => return,
        }
    }
}
