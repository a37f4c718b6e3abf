//! What a service says of itself (ECS developer guide, "Amazon ECS service event messages").

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Service;
use crate::{clock::Time, world::Cx};

/// So many are kept (DescribeServices API reference).
const KEPT: usize = 100;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A UUID.
    pub id: String,
    /// When.
    pub at: Time,
    /// `(service web) has reached a steady state.`
    pub message: String,
}

impl Service {
    /// Says something: `(service <name>) ` and the words given.
    pub(in crate::world) fn say(&mut self, cx: &mut Cx<'_>, words: &str) {
        let id = uuid(cx);
        let message = format!("(service {}) {words}", self.name);
        self.events.push_front(Event { id, at: cx.now, message });
        self.events.truncate(KEPT);
    }

    /// Says something unless it is what it said last of that kind, a while ago.
    pub(in crate::world) fn say_now_and_then(
        &mut self,
        cx: &mut Cx<'_>,
        kind: &'static str,
        pause: Duration,
        words: &str,
    ) {
        if self.quiet.get(kind).is_none_or(|(until, said)| *until <= cx.now || said != words) {
            self.quiet.insert(kind, (cx.now + pause, words.to_owned()));
            self.say(cx, words);
        }
    }
}

/// As events list tasks: `(task 1) (task 2)`.
pub(in crate::world) fn tasks<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    ids.map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
}

/// As DescribeServices shows it.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut shown = to.serialize_map(Some(3))?;
        shown.serialize_entry("id", &self.id)?;
        shown.serialize_entry("createdAt", &self.at.seconds())?;
        shown.serialize_entry("message", &self.message)?;
        shown.end()
    }
}

fn uuid(cx: &mut Cx<'_>) -> String {
    let hex = cx.hex(32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
