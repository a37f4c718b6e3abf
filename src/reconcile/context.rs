//! What every pass is given: clients, settings, stores, and who is interested in what.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_controller::events::{EventRecorder, Reporter};
use kube::{Client, ResourceExt, runtime::reflector::Store};
use serde_json::Value;

use super::{
    account::Accounts, brake::Brake, contests::Contests, doubt::Doubt, gather::Gather, leftovers::Leftovers,
    patience::Patience, refusals::Refusals,
};
use crate::{
    api::{EcsCluster, EcsService, EcsTaskDefinition},
    ecs::{Key, Live, Pace},
    runtime::{
        clock::Clock,
        controller::Listed,
        objects::{FIELD_MANAGER, Object},
    },
};

/// What the operator's flags say to a pass.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Part of every owner tag: two installations never take each other's objects.
    pub installation: String,
    /// The region of objects that name none.
    pub default_region: Option<String>,
}

/// What every pass is given.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// ECS.
    pub live: Live,
    /// The operator's settings.
    pub settings: Settings,
    /// The objects.
    pub stores: Stores,
    /// Kubernetes Events.
    pub events: EventRecorder,
    /// Who is woken by which change in ECS.
    pub interests: Interests,
    /// The date and time.
    pub clock: Clock,
    /// Writes that ECS takes without effect.
    pub brake: Brake,
    /// Failures that may be but ECS's slowness.
    pub patience: Patience,
    /// Calls that may have taken effect untold.
    pub doubt: Doubt,
    /// Edits that wait for others.
    pub gather: Gather,
    /// Calls that ECS refused a moment ago.
    pub refusals: Refusals,
    /// Work of low priority that was not done to its end.
    pub leftovers: Leftovers,
    /// The account of the credentials.
    pub accounts: Accounts,
    /// Services whose `desiredCount` somebody else moves too.
    pub contests: Contests,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// All objects of our kinds, as the API server has them.
#[derive(Clone, Debug)]
pub struct Stores {
    /// All clusters.
    pub clusters: Store<EcsCluster>,
    /// All task definitions.
    pub task_definitions: Store<EcsTaskDefinition>,
    /// All services.
    pub services: Store<EcsService>,
    /// Set for each kind once it has been listed.
    pub listed: [Listed; 3],
}

/// How many services a message names.
const NAMED: usize = 5;

impl Stores {
    /// What to say where services of `namespace` still refer to what is to be deleted.
    pub fn still_refer(&self, namespace: Option<&str>, refers: impl Fn(&EcsService) -> bool) -> Option<String> {
        let services = self.services.state();
        let waits = services.iter().filter(|service| service.namespace().as_deref() == namespace && refers(service));
        let mut waits: Vec<String> = waits.map(|service| service.name_any()).collect();
        waits.sort_unstable();
        let more = waits.len().saturating_sub(NAMED);
        let named = waits.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match (waits.len(), more) {
            (0, _) => None,
            (1, _) => Some(format!("Waits for EcsService {named}, which still refers to it.")),
            (_, 0) => Some(format!("Waits for EcsServices {named}, which still refer to it.")),
            (_, more) => Some(format!("Waits for EcsServices {named} and {more} more, which still refer to it.")),
        }
    }
}

impl Context {
    /// A context that remembers nothing yet.
    pub fn new(client: Client, live: Live, settings: Settings, stores: Stores) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.into(), instance: None };
        Self {
            events: EventRecorder::new(client.clone(), reporter),
            client,
            live,
            settings,
            stores,
            clock: Clock::default(),
            interests: Interests::default(),
            brake: Brake::default(),
            refusals: Refusals::default(),
            patience: Patience::default(),
            doubt: Doubt::default(),
            gather: Gather::default(),
            leftovers: Leftovers::default(),
            accounts: Accounts::default(),
            contests: Contests::default(),
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, subject: &Subject) {
        self.interests.set(&self.live, subject, Vec::new());
        self.brake.release(subject);
        self.refusals.forget(subject);
        self.patience.is_gone(subject);
        self.doubt.forget(subject);
        self.gather.forget(subject);
        self.leftovers.again(subject);
        self.contests.forget(subject);
    }

    /// Takes over what a write was answered, and wakes the others who look at the same thing.
    pub fn absorb(&self, key: &Key, answer: Value) {
        self.live.absorb(key, answer);
        if self.interests.of(key).len() > 1 {
            self.live.wake(key);
        }
    }

    /// Waits until all kinds have been listed once: before that, what is not in a store may be there all the same.
    pub async fn listed(&self) {
        for listed in &self.stores.listed {
            listed.wait().await;
        }
    }
}

/// One of our objects, as others name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// The subject that `object` is.
    pub fn of<K: Object>(object: &K) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// Which objects look at which keys of Live.
#[derive(Debug, Default)]
pub struct Interests {
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    keys: HashMap<Subject, BTreeSet<Key>>,
    subjects: HashMap<Key, BTreeSet<Subject>>,
}

impl Interests {
    /// From now on `subject` looks at exactly these keys, at this pace.
    pub fn set(&self, live: &Live, subject: &Subject, keys: Vec<(Key, Pace)>) {
        let mut index = self.lock();
        let now: BTreeSet<Key> = keys.iter().map(|(key, _)| key.clone()).collect();
        for (key, pace) in keys {
            live.keep(&key, pace);
            index.subjects.entry(key).or_default().insert(subject.clone());
        }
        let before =
            if now.is_empty() { index.keys.remove(subject) } else { index.keys.insert(subject.clone(), now.clone()) };
        for key in before.unwrap_or_default().difference(&now) {
            let left = index.subjects.get_mut(key).is_some_and(|subjects| {
                subjects.remove(subject);
                subjects.is_empty()
            });
            if left {
                index.subjects.remove(key);
                live.forget(key);
            }
        }
    }

    /// Who looks at `key`.
    pub fn of(&self, key: &Key) -> Vec<Subject> {
        self.lock().subjects.get(key).into_iter().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
