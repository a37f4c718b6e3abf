//! ECS as a watch: the only way in which the kinds read clusters, services and task definitions.
//!
//! Live puts what is asked within a short window into whole calls, shares one call among all who ask for the same
//! thing, sweeps what it holds at a steady rate (oldest first), and emits the key of whatever differs between two
//! answers.

mod pace;
mod pending;
mod read;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::Instant,
};

use self::{
    pending::{Asked, Call},
    state::State,
};
use super::{
    arn,
    client::Regions,
    error::{EcsError, unanswered},
};

/// How many reads may be under way at once in one region.
const READS_AT_ONCE: usize = 16;
/// How many of the sweep's: those who ask must not stand in line behind it.
const SWEEPS_AT_ONCE: usize = 4;
/// The sweep looks at what is due so many times in the time in which every rolling object is looked at once.
const TICKS: u32 = 20;
/// An observation that the sweep could not renew for so many sweeps is good for nothing.
const SWEEPS_MISSED: u32 = 3;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A cluster, by name.
    Cluster,
    /// A service of one cluster, by name.
    Service,
    /// A revision of a task definition, by ARN or `family:revision`.
    TaskDefinition,
    /// A revision of a service, by ARN. It never changes.
    ServiceRevision,
    /// A deployment of a service with what only it shows, by ARN.
    ServiceDeployment,
    /// The newest stopped tasks of a service of one cluster, by the service's name.
    StoppedTasks,
}

/// What can go into one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The AWS region.
    pub region: Arc<str>,
    /// What is read.
    pub target: Target,
    /// What they are all of: the cluster (name or ARN) of services and their tasks, the service (ARN) of its revisions and
    /// deployments; else empty.
    pub parent: Arc<str>,
}

/// One object of ECS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is read with.
    pub group: Group,
    /// Its name.
    pub name: Arc<str>,
}

impl Key {
    /// A cluster.
    pub fn cluster(region: &str, name: &str) -> Self {
        Self::new(region, Target::Cluster, "", name)
    }

    /// A service of `cluster` (name or ARN).
    pub fn service(region: &str, cluster: &str, name: &str) -> Self {
        Self::new(region, Target::Service, cluster, name)
    }

    /// A revision of a task definition.
    pub fn task_definition(region: &str, arn: &str) -> Self {
        Self::new(region, Target::TaskDefinition, "", arn)
    }

    /// The revision of a service (ARN) that its deployment `ecs-svc/…` deploys.
    pub fn service_revision(region: &str, service: &str, deployment: &str) -> Self {
        let number = arn::named(deployment);
        let arn = format!("{}/{number}", service.replacen(":service/", ":service-revision/", 1));
        Self::new(region, Target::ServiceRevision, service, &arn)
    }

    /// A deployment of a service (both ARNs).
    pub fn service_deployment(region: &str, service: &str, arn: &str) -> Self {
        Self::new(region, Target::ServiceDeployment, service, arn)
    }

    /// The newest stopped tasks of a service of `cluster` (name or ARN).
    pub fn stopped_tasks(region: &str, cluster: &str, service: &str) -> Self {
        Self::new(region, Target::StoppedTasks, cluster, service)
    }

    fn new(region: &str, target: Target, parent: &str, name: &str) -> Self {
        Self { group: Group { region: region.into(), target, parent: parent.into() }, name: name.into() }
    }
}

/// How often an object is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Nothing is expected: once a quiet sweep.
    Quiet,
    /// It hardly changes and is read alone: once in ten quiet sweeps.
    Slow,
    /// A rollout or a deletion is under way: every few seconds.
    Rolling,
    /// It never changes: never again.
    Fixed,
}

/// One observation.
#[derive(Clone, Debug)]
pub struct Seen {
    value: Option<Arc<str>>,
    /// When the call that saw it started: whatever was written before is in it.
    pub at: Instant,
    /// It is the answer of a write; no read has shown it yet.
    pub is_answer: bool,
}

impl Seen {
    /// The object as ECS shows it, `None` where there is none.
    pub fn json(&self) -> Option<Value> {
        // What is held was written by serde_json.
        self.value.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

/// How often things are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    /// Every quiet object is looked at once in this time.
    pub quiet: Duration,
    /// Every rolling object is looked at once in this time.
    pub rolling: Duration,
}

impl Cadence {
    /// How old what is held may get before it must be read anew.
    fn oldest(self) -> Duration {
        self.quiet * SWEEPS_MISSED
    }
}

/// ECS as a watch.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    regions: Regions,
    cadence: Cadence,
    state: Mutex<State>,
    reads: Mutex<Permits>,
    changes: mpsc::UnboundedSender<Key>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("cadence", &self.shared.cadence).finish_non_exhaustive()
    }
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    /// Somebody who waits for it.
    Asker,
    /// The sweep.
    Sweep,
}

type Permits = BTreeMap<(Arc<str>, Reader), Arc<Semaphore>>;
type Waiter = oneshot::Sender<Result<Seen, EcsError>>;

impl Live {
    /// A Live over `regions`, and the keys of what changes in ECS.
    pub fn new(regions: Regions, cadence: Cadence) -> (Self, mpsc::UnboundedReceiver<Key>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let shared = Shared { regions, cadence, state: Mutex::default(), reads: Mutex::default(), changes };
        (Self { shared: Arc::new(shared) }, receiver)
    }

    /// ECS in each region.
    pub fn regions(&self) -> &Regions {
        &self.shared.regions
    }

    /// In which time every rolling object is looked at once.
    pub fn rolling(&self) -> Duration {
        self.shared.cadence.rolling
    }

    /// In which time every quiet object is looked at once.
    pub fn quiet(&self) -> Duration {
        self.shared.cadence.quiet
    }

    /// The last observation, without a call.
    pub fn peek(&self, key: &Key) -> Option<Seen> {
        self.state().peek(key)
    }

    /// An observation that began at `since` or later. Where `since` is `None`, what is held is good unless the sweep
    /// has failed to renew it for several sweeps.
    pub async fn get(&self, key: &Key, since: Option<Instant>) -> Result<Seen, EcsError> {
        let answer = {
            let mut state = self.state();
            let oldest = since.or_else(|| state.oldest(key, self.shared.cadence));
            if let Some(seen) = state.peek(key).filter(|seen| oldest.is_none_or(|oldest| seen.at >= oldest)) {
                return Ok(seen);
            }
            let (waiter, answer) = oneshot::channel();
            let asked = state.ask(key, waiter);
            drop(state);
            match asked {
                Asked::First { number, is_busy } => {
                    self.fetch_after(key.group.clone(), number, self.window(&key.group, is_busy));
                }
                Asked::Full(calls) => self.fetch_for_askers(&key.group, calls),
                Asked::Joined => {}
            }
            answer
        };
        answer.await.unwrap_or_else(|_| Err(unanswered(key.group.target)))
    }

    /// Looks at an object now, for whoever keeps it: what was just learnt by other means speaks against what is held.
    pub fn look(&self, key: &Key) {
        let (live, key) = (self.clone(), key.clone());
        tokio::spawn(async move {
            // Who keeps it is told of a change, and tells what fails.
            let _ = live.get(&key, Some(Instant::now())).await;
        });
    }

    /// The same after a while: what ECS showed just now may be from before a write of a process that is gone.
    pub fn look_later(&self, key: &Key) {
        let (live, key) = (self.clone(), key.clone());
        tokio::spawn(async move {
            tokio::time::sleep(state::STALE).await;
            live.look(&key);
        });
    }

    /// Keeps an object in the sweep; its changes are emitted from now on.
    pub fn keep(&self, key: &Key, pace: Pace) {
        self.state().keep(key, pace);
    }

    /// Takes an object out of the sweep. What no read has shown yet stays for [`Live::peek`] and [`Live::held`].
    pub fn forget(&self, key: &Key) {
        self.state().forget(key);
    }

    /// A write got no answer: whoever asks for the object from now on is told what ECS shows after it.
    pub fn distrust(&self, key: &Key) {
        self.state().distrust(key, Instant::now());
    }

    /// Takes over what a write of ours answered, so that nobody has to read it again. For a while after it, a read that
    /// shows exactly what was there before is taken for one that ECS answered from the past.
    pub fn absorb(&self, key: &Key, value: Value) {
        let value = read::project(key.group.target, value);
        self.state().absorb(key, &value, Instant::now());
    }

    /// Wakes whoever looks at `key`, as a change in ECS does.
    pub fn wake(&self, key: &Key) {
        // Nobody listens while the operator shuts down.
        let _ = self.shared.changes.send(key.clone());
    }

    /// Every object of a kind that is held, without a call.
    pub fn held(&self, target: Target) -> Vec<(Key, Seen)> {
        self.state().held(target)
    }

    /// Looks at what is kept, for ever. Nothing is swept until this runs.
    pub async fn sweep(self) {
        let mut tick = tokio::time::interval((self.shared.cadence.rolling / TICKS).min(self.shared.cadence.quiet / 4));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            let now = tick.tick().await;
            let due =
                self.state().due(now, now - last, self.shared.cadence, |region, of| self.calls_a_second(region, of));
            last = now;
            for (group, names) in due {
                self.fetch(group, names.into_iter().map(|name| (name, Vec::new())).collect(), Reader::Sweep);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves plain data, each entry whole.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch_after(&self, group: Group, number: u64, wait: Duration) {
        let live = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let calls = live.state().take_pending(&group, number);
            live.fetch_for_askers(&group, calls);
        });
    }

    fn fetch_for_askers(&self, group: &Group, calls: Vec<Call>) {
        for names in calls {
            self.fetch(group.clone(), names, Reader::Asker);
        }
    }

    /// One call, in a task of its own.
    fn fetch(&self, group: Group, names: Call, reader: Reader) {
        let live = self.clone();
        live.state().began(&group);
        tokio::spawn(async move {
            let permits = live.permits(&group.region, reader);
            let _permit = permits.acquire().await;
            let ecs = live.shared.regions.ecs(&group.region);
            let at = Instant::now();
            let asked: Vec<&str> = names.iter().map(|(name, _)| &**name).collect();
            let answer = read::describe(&ecs, &group, &asked).await;
            live.state().ended(&group, names.iter().map(|(name, _)| name));
            if let [(name, _)] = names.as_slice() {
                live.state().set_apart(&group, name, answer.as_ref().is_err_and(EcsError::is_of_what_was_asked));
            }
            match answer {
                Ok(found) => {
                    for ((name, waiters), value) in names.into_iter().zip(found) {
                        live.answer(&Key { group: group.clone(), name }, value, at, waiters);
                    }
                }
                // One bad name must not blind the others of its call.
                Err(error) if names.len() > 1 && error.is_of_what_was_asked() => {
                    for name in names {
                        live.fetch(group.clone(), vec![name], reader);
                    }
                }
                Err(error) => {
                    if names.iter().all(|(_, waiters)| waiters.is_empty()) {
                        // Nobody asked, so nobody else tells.
                        tracing::warn!(region = &*group.region, of = &*group.parent, %error, "the sweep can't read ECS");
                    }
                    let overdue = live.state().overdue(&group, names.iter().map(|(name, _)| name), live.shared.cadence);
                    for key in &overdue {
                        live.wake(key);
                    }
                    for waiter in names.into_iter().flat_map(|(_, waiters)| waiters) {
                        // Who asked may be gone.
                        let _ = waiter.send(Err(error.clone()));
                    }
                }
            }
        });
    }

    fn answer(&self, key: &Key, value: Option<Value>, at: Instant, waiters: Vec<Waiter>) {
        let value = value.map(|value| read::project(key.group.target, value));
        let (seen, changed) = self.state().store(key, value, at);
        if changed {
            self.wake(key);
        }
        for waiter in waiters {
            let _ = waiter.send(Ok(seen.clone()));
        }
    }

    fn permits(&self, region: &Arc<str>, reader: Reader) -> Arc<Semaphore> {
        let at_once = if reader == Reader::Sweep { SWEEPS_AT_ONCE } else { READS_AT_ONCE };
        let mut reads = self.shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.entry((region.clone(), reader)).or_insert_with(|| Arc::new(Semaphore::new(at_once))).clone()
    }
}
