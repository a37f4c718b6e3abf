//! Edits of several manifests that belong together: one `kubectl apply` of a service and of its task definition comes as
//! two changes, milliseconds apart, and must not become two deployments.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Subject;

/// For so long an edit waits for the others.
const TOGETHER: Duration = Duration::from_millis(500);

/// When the present generation of each object was first seen.
#[derive(Debug, Default)]
pub struct Gather {
    seen: Mutex<HashMap<Subject, (i64, Instant)>>,
}

impl Gather {
    /// How long this generation of an object still waits for edits of what it refers to.
    pub fn left(&self, subject: &Subject, generation: i64, now: Instant) -> Option<Duration> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.entry(subject.clone()).or_insert((generation, now));
        if first.0 != generation {
            *first = (generation, now);
        }
        TOGETHER.checked_sub(now.saturating_duration_since(first.1)).filter(|left| !left.is_zero())
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, subject: &Subject) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_generation_waits_once() {
        let subject = Subject { kind: "EcsService".into(), namespace: "shop".into(), name: "web".into() };
        let (gather, start) = (Gather::default(), Instant::now());
        let at = |millis: u64| start + Duration::from_millis(millis);
        assert_eq!(gather.left(&subject, 1, at(0)), Some(TOGETHER));
        assert_eq!(gather.left(&subject, 1, at(200)), Some(Duration::from_millis(300)));
        assert_eq!(gather.left(&subject, 1, at(500)), None);
        assert_eq!(gather.left(&subject, 2, at(900)), Some(TOGETHER));
    }
}
