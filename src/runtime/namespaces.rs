//! Several namespaces watched as one.

use std::collections::HashMap;

use futures::{Stream, TryStreamExt, stream};
use kube::{ResourceExt, runtime::watcher::Event};

use super::objects::Object;

type Listed<K> = HashMap<String, K>;

/// A watch whose relists come as changes: a store takes a relist for the whole world, and a relist of one namespace
/// would empty it of all others. What a relist no longer has comes as deleted.
pub fn relists_as_changes<K: Object, E: Send>(
    watch: impl Stream<Item = Result<Event<K>, E>> + Send,
) -> impl Stream<Item = Result<Event<K>, E>> + Send {
    let mut known: Listed<K> = HashMap::new();
    let mut listing: Option<Listed<K>> = None;
    watch.map_ok(move |event| stream::iter(changes(event, &mut known, &mut listing).into_iter().map(Ok))).try_flatten()
}

fn changes<K: Object>(event: Event<K>, known: &mut Listed<K>, listing: &mut Option<Listed<K>>) -> Vec<Event<K>> {
    match event {
        Event::Init => {
            *listing = Some(HashMap::new());
            Vec::new()
        }
        Event::InitApply(object) => {
            listing.get_or_insert_default().insert(object.name_any(), object.clone());
            vec![Event::Apply(object)]
        }
        Event::InitDone => {
            let now = listing.take().unwrap_or_default();
            let before = std::mem::replace(known, now);
            before
                .into_iter()
                .filter(|(name, _)| !known.contains_key(name))
                .map(|(_, object)| Event::Delete(object))
                .collect()
        }
        Event::Apply(object) => {
            known.insert(object.name_any(), object.clone());
            vec![Event::Apply(object)]
        }
        Event::Delete(object) => {
            known.remove(&object.name_any());
            vec![Event::Delete(object)]
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;
    use crate::api::{EcsCluster, EcsClusterSpec};

    fn cluster(name: &str) -> EcsCluster {
        let spec: EcsClusterSpec = serde_json::from_value(serde_json::json!({})).unwrap();
        EcsCluster::new(name, spec)
    }

    /// An object that went away while the watch was broken must not stay in the store for ever.
    #[tokio::test]
    async fn what_a_relist_lacks_is_deleted() {
        let events = vec![
            Event::Init,
            Event::InitApply(cluster("a")),
            Event::InitApply(cluster("b")),
            Event::InitDone,
            Event::Init,
            Event::InitApply(cluster("b")),
            Event::InitDone,
        ];
        let watch = stream::iter(events.into_iter().map(Ok::<_, ()>));
        let told: Vec<String> = relists_as_changes(watch)
            .map(|event| match event {
                Ok(Event::Apply(object)) => format!("+{}", object.name_any()),
                Ok(Event::Delete(object)) => format!("-{}", object.name_any()),
                _ => "?".into(),
            })
            .collect()
            .await;
        assert_eq!(told, ["+a", "+b", "+b", "-a"]);
    }
}
