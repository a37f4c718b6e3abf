//! When which object is passed over: kube's `Controller` with its order made the same every time.
//!
//! kube's scheduler picks among objects that are due at once by the order of a hash map, which is another one in every
//! run. Here they are passed over by name, so that a seed replays exactly. All else is as `runtime::controller` has it:
//! one pass an object at a time, a trigger during a pass leads to another one after it, the earliest reason wins.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
};

use ecs_operator::{
    reconcile::Kind,
    runtime::{
        backoff::Failures,
        controller::{Pass, guarded},
    },
};
use futures::FutureExt;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    task::JoinSet,
    time::{Duration, Instant},
};

use crate::journal::Journal;

/// The passes of one kind.
pub(crate) struct Passes<R: Kind> {
    pub store: Store<R::Object>,
    pub triggers: UnboundedReceiver<ObjectRef<R::Object>>,
    pub pass: Pass<R::Object>,
    pub journal: Journal,
}

/// A name within a namespace.
type Key = (String, String);

impl<R: Kind> Passes<R> {
    /// Passes over what is due, for ever.
    pub(crate) async fn run(mut self) {
        let failures = Arc::new(Failures::default());
        let mut due: BTreeMap<Key, Instant> = BTreeMap::new();
        let mut running: BTreeSet<Key> = BTreeSet::new();
        let mut passes: JoinSet<(Key, Option<Duration>)> = JoinSet::new();
        loop {
            let now = Instant::now();
            let ready: Vec<Key> = due
                .iter()
                .filter(|(key, at)| **at <= now && !running.contains(*key))
                .map(|(key, _)| key.clone())
                .collect();
            for key in ready {
                due.remove(&key);
                let name = ObjectRef::new(&key.1).within(&key.0);
                let Some(object) = self.store.get(&name) else { continue };
                running.insert(key.clone());
                let (pass, failures) = (self.noting_panics(), failures.clone());
                passes.spawn(async move { (key, guarded(object, &pass, &failures).await) });
            }
            let next = due.iter().filter(|(key, _)| !running.contains(*key)).map(|(_, at)| *at).min();
            tokio::select! {
                biased;
                Some(done) = passes.join_next() => {
                    let Ok((key, again)) = done else { continue };
                    running.remove(&key);
                    if let Some(delay) = again {
                        sooner(&mut due, key, Instant::now() + delay);
                    }
                }
                Some(trigger) = self.triggers.recv() => {
                    let key = (trigger.namespace.unwrap_or_default(), trigger.name);
                    sooner(&mut due, key, Instant::now());
                }
                () = until(next) => {}
            }
        }
    }

    /// A panic is caught by the operator and told in its log; here it must be seen.
    fn noting_panics(&self) -> Pass<R::Object> {
        let (pass, journal) = (self.pass.clone(), self.journal.clone());
        Arc::new(move |object| {
            let (pass, journal) = (pass.clone(), journal.clone());
            Box::pin(async move {
                match AssertUnwindSafe(pass(object)).catch_unwind().await {
                    Ok(next) => next,
                    Err(panic) => {
                        journal.violation("a pass panicked");
                        resume_unwind(panic)
                    }
                }
            })
        })
    }
}

async fn until(next: Option<Instant>) {
    match next {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn sooner(due: &mut BTreeMap<Key, Instant>, key: Key, at: Instant) {
    let held = due.entry(key).or_insert(at);
    *held = at.min(*held);
}
