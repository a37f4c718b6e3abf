//! One controller: a watch of its own kind, keys from everybody else, one pass at a time an object.

use std::{
    convert::Infallible,
    fmt::Debug,
    future::{Future, ready},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt, StreamExt, TryStreamExt,
    stream::{self, BoxStream, select_all},
};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        Config, WatchStreamExt,
        controller::{Action, Controller},
        predicates,
        reflector::{ObjectRef, Store, store::Writer},
        utils::Predicate,
        watcher,
    },
};
use tokio::sync::{SetOnce, mpsc::UnboundedReceiver};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use super::{
    backoff::{Delays, Failures},
    namespaces::relists_as_changes,
    objects::Object,
};

/// A pass that takes longer than this is dropped at its next await and counts as failed.
const PASS_LIMIT: Duration = Duration::from_secs(180);
/// After passes that panicked or hung.
const BROKEN_PASS: Delays = Delays { first: Duration::from_millis(500), longest: Duration::from_secs(300) };

/// When an object wants to be looked at again, if nothing happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something changes.
    Change,
    /// After this long.
    After(Duration),
    /// It failed: after a delay that grows with each failure.
    Backoff(Delays),
}

impl Next {
    /// The sooner of two; a delay that is known counts before one that is not.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        match (self, other) {
            (Self::After(one), Self::After(other)) => Self::After(one.min(other)),
            (Self::After(delay), _) | (_, Self::After(delay)) => Self::After(delay),
            (Self::Change, next) | (next, _) => next,
        }
    }
}

/// A pass over one object.
pub type Pass<K> = Arc<dyn Fn(Arc<K>) -> Pin<Box<dyn Future<Output = Next> + Send>> + Send + Sync>;

/// Everything one controller runs on.
pub struct Wiring<K: Object> {
    /// The API server.
    pub client: Client,
    /// The namespaces that are watched; none means all.
    pub namespaces: Vec<String>,
    /// Whether nobody has looked at an object yet: it is new, or its status was lost.
    pub is_unobserved: fn(&K) -> bool,
    /// The store that it fills.
    pub writer: Writer<K>,
    /// The same store, to read.
    pub store: Store<K>,
    /// Objects to look at because something else changed.
    pub triggers: UnboundedReceiver<ObjectRef<K>>,
    /// Set once all objects have been listed.
    pub listed: Listed,
    /// How many passes run at once.
    pub concurrency: u16,
    /// Ends the controller; running passes finish.
    pub shutdown: CancellationToken,
}

/// Whether all objects of a kind have been listed. The store's own `wait_until_ready` can't serve here: of several
/// who wait, it wakes only one, and the controller is one of them.
pub type Listed = Arc<SetOnce<()>>;

/// What happened to an object, for those who refer to it.
#[derive(Debug)]
pub enum Touched<'a, K> {
    /// It is there, new or changed.
    Applied(&'a K),
    /// It is gone.
    Deleted(&'a K),
}

/// Watches, and runs `pass` until the shutdown. `touched` hears of every change of every object, also of its status.
pub async fn run<K>(wiring: Wiring<K>, touched: impl Fn(Touched<'_, K>) + Send + Sync + 'static, pass: Pass<K>)
where
    K: Object,
{
    let Wiring { client, namespaces, is_unobserved, writer, store, triggers, listed, concurrency, shutdown } = wiring;
    let failures = Arc::new(Failures::default());
    let gone = failures.clone();
    let several = namespaces.len() > 1;
    let stream = watches::<K>(&client, &namespaces, &listed)
        // Never read, and larger than the objects themselves.
        .modify(|object: &mut K| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .inspect_ok(move |event| match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => touched(Touched::Applied(object)),
            watcher::Event::Delete(object) => {
                gone.forget(&name(object));
                touched(Touched::Deleted(object));
            }
            watcher::Event::InitDone if !several => {
                // A relist sets it again, which changes nothing.
                let _ = listed.set(());
            }
            watcher::Event::Init | watcher::Event::InitDone => {}
        })
        .inspect_err(|error| tracing::warn!(kind = &*K::kind(&()), %error, "the watch broke; it is begun again"))
        .applied_objects()
        // Our own status writes start no pass; a deletion bumps the generation, prevent-deletion is an annotation.
        .predicate_filter(
            predicates::generation
                .combine(predicates::annotations)
                .combine(move |object: &K| Some(u64::from(is_unobserved(object)))),
            kube::runtime::utils::PredicateConfig::default(),
        );
    Controller::for_stream(stream, store)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(UnboundedReceiverStream::new(triggers))
        .graceful_shutdown_on(shutdown.cancelled_owned())
        .run(
            move |object, pass: Arc<Pass<K>>| {
                let failures = failures.clone();
                async move {
                    Ok::<_, Infallible>(
                        guarded(object, &pass, &failures).await.map_or_else(Action::await_change, Action::requeue),
                    )
                }
            },
            |_, never: &Infallible, _| match *never {},
            Arc::new(pass),
        )
        .for_each(|_| ready(()))
        .await;
}

/// One watch of everything, or one a namespace: the store takes them as one.
fn watches<K: Object>(
    client: &Client,
    namespaces: &[String],
    listed: &Listed,
) -> BoxStream<'static, watcher::Result<watcher::Event<K>>> {
    let watch = |api: Api<K>| watcher(api, watcher::Config::default().any_semantic()).default_backoff();
    match namespaces {
        [] => watch(Api::all(client.clone())).boxed(),
        [one] => watch(Api::namespaced(client.clone(), one)).boxed(),
        several => {
            let outstanding = Arc::new(AtomicUsize::new(several.len()));
            let all = several.iter().map(|one| {
                let (outstanding, listed) = (outstanding.clone(), listed.clone());
                let mut first = true;
                let watch = watch(Api::namespaced(client.clone(), one)).inspect_ok(move |event| {
                    // What was listed before this event has gone through the store by now.
                    let listed_now = matches!(event, watcher::Event::InitDone) && std::mem::take(&mut first);
                    if listed_now && outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
                        let _ = listed.set(());
                    }
                });
                relists_as_changes(watch).boxed()
            });
            // The store waits for one list before it calls itself ready.
            stream::iter([Ok(watcher::Event::Init), Ok(watcher::Event::InitDone)]).chain(select_all(all)).boxed()
        }
    }
}

/// A pass that can neither end the controller nor hold its place for ever; answers in what time the next is due, if
/// nothing happens before.
pub async fn guarded<K: Object>(object: Arc<K>, pass: &Pass<K>, failures: &Failures) -> Option<Duration> {
    let key = name(&*object);
    let next = match tokio::time::timeout(PASS_LIMIT, AssertUnwindSafe(pass(object)).catch_unwind()).await {
        Ok(Ok(next)) => next,
        Ok(Err(_)) => {
            tracing::error!(kind = &*K::kind(&()), object = key, "a pass panicked; the object is tried again later");
            Next::Backoff(BROKEN_PASS)
        }
        Err(_) => {
            tracing::error!(
                kind = &*K::kind(&()),
                object = key,
                "a pass took too long; the object is tried again later"
            );
            Next::Backoff(BROKEN_PASS)
        }
    };
    match next {
        Next::Change => {
            failures.forget(&key);
            None
        }
        Next::After(delay) => {
            failures.forget(&key);
            Some(delay)
        }
        Next::Backoff(delays) => Some(failures.failed(&key, delays, fastrand::f64())),
    }
}

fn name<K: Object>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
