//! What one account has in one region.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Caller, Cx,
    capacity_providers::CapacityProvider,
    clusters::Cluster,
    instances::Instances,
    outside::Outside,
    services::{self, Service},
    task_definitions::TaskDefinitions,
    tasks::{self, Task, Used},
};
use crate::clock::Time;

/// Something to which things happen in time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actor {
    /// A service with its tasks, by its key.
    Service(String),
    /// A task that RunTask launched, by its id.
    Task(String),
}

/// One account in one region.
#[derive(Debug)]
pub struct Region {
    /// Where everything random in it comes from. A region has its own, so that what happens in one is not changed by
    /// calls to another; reads must not draw from it.
    pub random: fastrand::Rng,
    /// By name.
    pub clusters: BTreeMap<String, Cluster>,
    /// By name; FARGATE and FARGATE_SPOT are always there and not among them.
    pub capacity_providers: BTreeMap<String, CapacityProvider>,
    /// Of all clusters.
    pub instances: Instances,
    /// Account settings by name, where somebody set them.
    pub settings: BTreeMap<String, String>,
    /// All families.
    pub task_definitions: TaskDefinitions,
    /// By `cluster/name`.
    pub services: BTreeMap<String, Box<Service>>,
    /// The tasks that RunTask launched, by id.
    pub tasks: BTreeMap<String, Task>,
    /// The client tokens of RunTask, by `cluster/token`.
    pub run_tokens: BTreeMap<String, Used>,
    /// The rest of AWS.
    pub outside: Outside,
    /// When something happens to whom next.
    queue: BTreeSet<(Time, Actor)>,
}

impl Region {
    /// An empty one, whose randomness is the world's seed and its own name.
    pub fn new(seed: u64, caller: &Caller) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, caller).hash(&mut hasher);
        Self {
            random: fastrand::Rng::with_seed(hasher.finish()),
            clusters: BTreeMap::new(),
            capacity_providers: BTreeMap::new(),
            instances: Instances::default(),
            settings: BTreeMap::new(),
            task_definitions: TaskDefinitions::default(),
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            run_tokens: BTreeMap::new(),
            outside: Outside::default(),
            queue: BTreeSet::new(),
        }
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Lets all happen that happens until `to`, in order.
    pub(super) fn run(&mut self, caller: &Caller, to: Time) {
        while self.next().is_some_and(|at| at <= to) {
            let Some((now, actor)) = self.queue.pop_first() else { return };
            let mut cx = Cx { caller, now, region: self };
            match actor {
                Actor::Service(key) => {
                    services::change(&mut cx, &key, |_, service| service.due = None);
                }
                Actor::Task(id) => tasks::step_alone(&mut cx, &id),
            }
        }
    }

    /// Something changed that nobody was told of: all services look at it.
    pub(super) fn wake(&mut self, caller: &Caller, now: Time) {
        let keys: Vec<String> = self.services.keys().cloned().collect();
        let mut cx = Cx { caller, now, region: self };
        for key in keys {
            services::change(&mut cx, &key, |_, _| ());
        }
    }

    /// Something happens to the actor at another time than thought, or no more.
    pub(super) fn reschedule(&mut self, actor: Actor, former: Option<Time>, next: Option<Time>) {
        let actor = match former {
            Some(at) => {
                let entry = (at, actor);
                self.queue.remove(&entry);
                entry.1
            }
            None => actor,
        };
        if let Some(at) = next {
            self.queue.insert((at, actor));
        }
    }
}
