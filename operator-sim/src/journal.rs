//! What happened, in order, to be read as a story.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ecs_sim::{
    Time,
    front::{Front, Outcome, Record},
};
use jiff::Timestamp;
use regex::{Captures, Regex};
use serde_json::Value;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever writes manifests, or acts in AWS behind the operator's back.
    User,
    /// The operator's calls to ECS.
    Ecs,
    /// What the operator writes into its objects.
    Status,
    /// Kubernetes Events.
    Event,
    /// What the simulation itself has to tell: the operator was killed, a check failed.
    World,
}

impl Who {
    const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ecs => "ecs",
            Self::Status => "status",
            Self::Event => "event",
            Self::World => "world",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, since the simulation began.
    pub at: Duration,
    /// Who did it.
    pub who: Who,
    /// What.
    pub text: String,
}

/// The journal of one simulation. Clones are the same.
#[derive(Clone)]
pub struct Journal {
    front: Front,
    start: Time,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    violations: Vec<String>,
    shows_reads: bool,
    is_live: bool,
    ecs_writes: usize,
    kubernetes_writes: usize,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("entries", &self.state().entries.len()).finish_non_exhaustive()
    }
}

impl Journal {
    /// An empty journal of what goes through this front door of ECS.
    pub fn new(front: Front) -> Self {
        let start = front.simulator().clock().now();
        Self { front, start, state: Arc::default() }
    }

    /// Whether calls that only read are written down, too.
    pub fn show_reads(&self, on: bool) {
        self.state().shows_reads = on;
    }

    /// Whether everything is also printed as it happens: for what never ends.
    pub fn live(&self, on: bool) {
        self.state().is_live = on;
    }

    /// Writes something down, after all that ECS was called with until now.
    pub fn note(&self, who: Who, text: impl Into<String>) {
        self.catch_up();
        let at = self.front.simulator().clock().now().since(self.start);
        self.state().push(Entry { at, who, text: text.into() });
    }

    /// The date and time, as the API server keeps it: in whole seconds.
    pub fn date(&self) -> String {
        let seconds = self.front.simulator().clock().now().0 / 1000;
        Timestamp::from_second(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default().to_string()
    }

    /// Something that must never be so.
    pub fn violation(&self, text: impl Into<String>) {
        let text = text.into();
        self.note(Who::World, format!("VIOLATION: {text}"));
        self.state().violations.push(text);
    }

    /// The operator wrote to the API server.
    pub fn count_kubernetes_write(&self) {
        self.state().kubernetes_writes += 1;
    }

    /// All that must never be so and was.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// How many writes the operator has sent to ECS and to the API server so far.
    pub fn writes(&self) -> (usize, usize) {
        self.catch_up();
        let state = self.state();
        (state.ecs_writes, state.kubernetes_writes)
    }

    /// The calls that ECS got meanwhile.
    fn catch_up(&self) {
        for record in self.front.drain_log() {
            let is_read = is_read(&record.operation);
            let mut state = self.state();
            if record.access_key != OPERATOR {
                continue;
            }
            if !is_read {
                state.ecs_writes += 1;
            }
            if !is_read || state.shows_reads {
                let at = record.at.since(self.start);
                state.push(Entry { at, who: Who::Ecs, text: call(&record) });
            }
        }
    }

    /// The story so far. What is drawn at random (ids of deployments, tasks, tokens) is numbered in order of appearance, so
    /// that two stories compare although they drew differently.
    pub fn text(&self) -> String {
        self.catch_up();
        let mut text = String::new();
        let (mut last, mut blank) = (Duration::ZERO, false);
        for entry in &self.state().entries {
            if blank && entry.at > last + Duration::from_secs(30) {
                text.push('\n');
            }
            (last, blank) = (entry.at, true);
            let _ = writeln!(text, "{entry}");
        }
        numbered(&text)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, entry: Entry) {
        if self.is_live {
            println!("{entry}");
        }
        self.entries.push(entry);
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02} {:<6} {}", self.who.as_str(), self.text)
    }
}

/// The access key of the operator, and so its account; others who call ECS in a simulation have another.
pub const OPERATOR: &str = "123456789012";

/// What is drawn at random: ids of deployments and of revisions of services, of service deployments, of tasks and the
/// like, tokens; each with the letter that stands for it.
const DRAWN: [(&str, &str); 4] = [
    (r"\b[0-9]{19}\b", "D"),
    (r"\b(service-deployment/[^/ ]+/[^/ ]+/)[A-Za-z0-9_-]+", "service-deployment-"),
    (r"\b[0-9a-f]{32}(?:[0-9a-f]{32})?\b", "X"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "U"),
];

fn is_read(operation: &str) -> bool {
    operation.starts_with("Describe") || operation.starts_with("List")
}

fn call(record: &Record) -> String {
    let input = record.input.to_string();
    let mut text = format!("{} {input}", record.operation);
    match &record.outcome {
        Outcome::Broken if record.took_effect => text.push_str(" → took effect, and the answer was lost"),
        Outcome::Broken => text.push_str(" → no answer"),
        Outcome::Answer { status: 200, .. } => {}
        Outcome::Answer { body, .. } => {
            let part = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let _ = write!(text, " → {}: {}", part("__type"), part("message"));
        }
    }
    text
}

fn numbered(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, letter) in DRAWN {
        let Ok(pattern) = Regex::new(pattern) else { continue };
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let number = |found: &Captures<'_>| {
            let next = known.len() + 1;
            format!("{letter}{}", known.entry(found[0].to_owned()).or_insert(next))
        };
        text = pattern.replace_all(&text, number).into_owned();
    }
    text
}
