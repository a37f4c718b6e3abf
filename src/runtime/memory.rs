//! A pass never reads its own past: the watch lags our own writes by milliseconds.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::ResourceExt;
use tokio::time::Instant;

use super::objects::Object;

/// The answers of our last writes, by UID, until the store has caught up.
#[derive(Debug)]
pub struct Written<K> {
    latest: Mutex<HashMap<String, K>>,
    times: Mutex<HashMap<String, Instant>>,
    doubtful: Mutex<HashSet<String>>,
}

impl<K> Default for Written<K> {
    fn default() -> Self {
        Self { latest: Mutex::default(), times: Mutex::default(), doubtful: Mutex::default() }
    }
}

impl<K: Object> Written<K> {
    /// Remembers the answer of a write.
    pub fn remember(&self, object: K) {
        if let Some(uid) = object.uid() {
            self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
            self.times.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.clone(), Instant::now());
            self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, object);
        }
    }

    /// A write begins. Until its answer is remembered it may have taken effect, and the store may not show it yet.
    pub fn doubt(&self, object: &K) {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).extend(object.uid());
    }

    /// Whether the last write has got no answer. Whoever asks looks at the API server itself.
    pub fn is_doubtful(&self, object: &K) -> bool {
        let doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
        object.uid().is_some_and(|uid| doubtful.contains(&uid))
    }

    /// How long it is until the last write is `pause` old; `None` where it is.
    pub fn wrote_lately(&self, object: &K, pause: Duration) -> Option<Duration> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let since = times.get(&object.uid()?)?.elapsed();
        pause.checked_sub(since).filter(|left| !left.is_zero())
    }

    /// The object as it was last written by us where `seen` (from the store) is older; else `seen`.
    pub fn newest(&self, seen: &K) -> K {
        let Some(uid) = seen.uid() else { return seen.clone() };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match latest.get(&uid) {
            Some(written) if version(written) > version(seen) => written.clone(),
            Some(_) => {
                latest.remove(&uid);
                seen.clone()
            }
            None => seen.clone(),
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, object: &K) {
        if let Some(uid) = object.uid() {
            self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
            self.times.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
            self.latest.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
        }
    }
}

/// Resource versions are numbers that grow: Kubernetes promises it for custom resources since 1.35, etcd always did.
fn version<K: Object>(object: &K) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or(0)
}
