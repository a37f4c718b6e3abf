//! An API server in memory for the objects of the operator: resource versions, generations, finalizers, watches.
//!
//! It does not validate: manifests that a real API server would refuse have no place in a simulation.

mod faults;
mod http;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use ecs_operator::api::{EcsCluster, EcsService, EcsTaskDefinition};
use kube::CustomResourceExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use self::faults::{Fault, Faults};
use crate::journal::{Journal, Who};

/// The namespace of everything.
pub const NAMESPACE: &str = "shop";

/// One object: its kind and its name.
pub type Name = (String, String);

/// What a watch shows.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there, new or changed.
    Applied(Value),
    /// It is gone.
    Deleted(Value),
}

/// What looks at every status that is written: the object before and after.
pub type Observer = Arc<dyn Fn(&Value, &Value) + Send + Sync>;

/// The API server. Clones are the same.
#[derive(Clone)]
pub struct ApiServer {
    state: Arc<Mutex<State>>,
    journal: Journal,
}

struct State {
    version: u64,
    objects: BTreeMap<Name, Value>,
    watches: Vec<UnboundedSender<Change>>,
    faults: Faults,
    observer: Option<Observer>,
    /// What the Events said that may come again, by their names.
    events: BTreeMap<String, String>,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").field("objects", &self.state().objects.len()).finish_non_exhaustive()
    }
}

impl ApiServer {
    /// An empty one; `seed` decides what is left to chance.
    pub fn new(journal: Journal, seed: u64) -> Self {
        let state = State {
            version: 0,
            objects: BTreeMap::new(),
            watches: Vec::new(),
            faults: Faults::new(seed),
            observer: None,
            events: BTreeMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), journal }
    }

    /// From now on `observer` looks at every status that is written.
    pub fn observe(&self, observer: Observer) {
        self.state().observer = Some(observer);
    }

    /// Changes what goes wrong with the operator's writes.
    pub fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut self.state().faults)
    }

    /// All objects as they are, and what happens to them from now on.
    pub fn watch(&self) -> (Vec<Value>, UnboundedReceiver<Change>) {
        let (sender, receiver) = unbounded_channel();
        let mut state = self.state();
        state.watches.retain(|watch| !watch.is_closed());
        state.watches.push(sender);
        (state.objects.values().cloned().collect(), receiver)
    }

    /// An object as it is.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.state().objects.get(&(kind.to_owned(), name.to_owned())).cloned()
    }

    /// All objects.
    pub fn objects(&self) -> Vec<Value> {
        self.state().objects.values().cloned().collect()
    }

    /// Creates an object or replaces the spec, labels and annotations of the one there is, as `kubectl apply` does; says
    /// whether there was a change.
    pub fn apply(&self, manifest: &Value) -> bool {
        let mut state = self.state();
        let text = |place: &str| manifest.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = (text("/kind"), text("/metadata/name"));
        let (annotations, spec) = (&manifest["metadata"]["annotations"], &manifest["spec"]);
        let Some(mut object) = state.objects.get(&name).cloned() else {
            let uid = format!("00000000-0000-4000-8000-{:012}", state.version);
            let object = json!({
                "apiVersion": "ecs-operator.dev/v1alpha1", "kind": name.0, "spec": spec,
                "status": DEFAULT_STATUSES.get(&name.0),
                "metadata": {
                    "name": name.1, "namespace": NAMESPACE, "uid": uid, "generation": 1,
                    "annotations": annotations, "creationTimestamp": self.journal.date(),
                },
            });
            state.put(&name, object);
            return true;
        };
        let before = object.clone();
        object["spec"] = spec.clone();
        if let Some(annotations) = annotations.as_object() {
            for (key, value) in annotations {
                object["metadata"]["annotations"][key] = value.clone();
            }
        }
        let changed = object != before;
        if before["spec"] != object["spec"] {
            bump(&mut object["metadata"]["generation"]);
        }
        if changed {
            state.put(&name, object);
        }
        changed
    }

    /// Sets or takes away an annotation; says whether the object is there.
    pub fn annotate(&self, kind: &str, name: &str, key: &str, value: Option<&str>) -> bool {
        let mut state = self.state();
        let name = (kind.to_owned(), name.to_owned());
        let Some(mut object) = state.objects.get(&name).cloned() else { return false };
        let annotations = &mut object["metadata"]["annotations"];
        match value {
            Some(value) => annotations[key] = value.into(),
            None => drop(annotations.as_object_mut().and_then(|all| all.remove(key))),
        }
        state.put(&name, object);
        true
    }

    /// Takes the status away, as a restore from a backup does.
    pub fn lose_status(&self, kind: &str, name: &str) {
        let mut state = self.state();
        let name = (kind.to_owned(), name.to_owned());
        let Some(mut object) = state.objects.get(&name).cloned() else { return };
        object["status"] = DEFAULT_STATUSES.get(kind).cloned().unwrap_or_default();
        state.put(&name, object);
    }

    /// Marks an object for deletion, and removes it where nothing holds it.
    pub fn delete(&self, kind: &str, name: &str) {
        let mut state = self.state();
        let name = (kind.to_owned(), name.to_owned());
        let Some(mut object) = state.objects.get(&name).cloned() else { return };
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = json!(self.journal.date());
            bump(&mut object["metadata"]["generation"]);
        }
        state.put(&name, object);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a write of the operator did, for the journal.
    fn tell(&self, who: Who, text: String) {
        self.journal.note(who, text);
    }
}

impl State {
    /// Stores an object with a new resource version, or removes it where its deletion is due, and tells the watches.
    fn put(&mut self, name: &Name, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let held = object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        let change = if held || object["metadata"]["deletionTimestamp"].is_null() {
            self.objects.insert(name.clone(), object.clone());
            Change::Applied(object.clone())
        } else {
            self.objects.remove(name);
            Change::Deleted(object.clone())
        };
        self.watches.retain(|watch| watch.send(change.clone()).is_ok());
        object
    }
}

fn bump(generation: &mut Value) {
    *generation = (generation.as_i64().unwrap_or_default() + 1).into();
}

/// The status that the schema of each kind gives a new object. Made once: a walk takes no longer than a few of these.
static DEFAULT_STATUSES: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    [EcsCluster::crd(), EcsTaskDefinition::crd(), EcsService::crd()]
        .into_iter()
        .map(|crd| {
            let kind = crd.spec.names.kind.clone();
            let crd = serde_json::to_value(crd).unwrap_or_default();
            let place = "/spec/versions/0/schema/openAPIV3Schema/properties/status/default";
            (kind, crd.pointer(place).cloned().unwrap_or_default())
        })
        .collect()
});
