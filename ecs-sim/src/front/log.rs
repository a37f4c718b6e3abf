//! What was called and what came of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::Serialize;
use serde_json::Value;

use super::{Outcome, Request};
use crate::{Caller, Time};

/// So many are kept unless somebody says otherwise.
const KEPT: usize = 10_000;

/// One call that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Counts from 1; calls that the log doesn't keep are counted too.
    pub sequence: u64,
    /// When it arrived.
    pub at: Time,
    /// Who called.
    pub caller: Caller,
    /// The id of the access key.
    pub access_key: String,
    /// What was called.
    pub operation: String,
    /// With what.
    pub input: Value,
    /// What the caller got.
    pub outcome: Outcome,
    /// Whether ECS did as it was asked, even if the caller was not told.
    pub took_effect: bool,
}

/// The calls of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All.
    pub calls: u64,
    /// Those that ended in ThrottlingException.
    pub throttled: u64,
    /// Those that were refused for another reason.
    pub refused: u64,
    /// Those that never got an answer.
    pub broken: u64,
    /// Those that ECS carried out.
    pub took_effect: u64,
}

#[derive(Debug)]
pub(super) struct Log {
    sequence: u64,
    keep: usize,
    records: VecDeque<Arc<Record>>,
    counts: BTreeMap<String, Counts>,
}

impl Default for Log {
    fn default() -> Self {
        Self { sequence: 0, keep: KEPT, records: VecDeque::new(), counts: BTreeMap::new() }
    }
}

impl Log {
    pub(super) fn keep(&mut self, newest: usize) {
        self.keep = newest;
        let surplus = self.records.len().saturating_sub(newest);
        self.records.drain(..surplus);
    }

    pub(super) fn read(&self) -> Vec<Arc<Record>> {
        self.records.iter().cloned().collect()
    }

    pub(super) fn drain(&mut self) -> Vec<Arc<Record>> {
        self.records.drain(..).collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, Counts> {
        self.counts.clone()
    }

    /// Notes a call, and gives its outcome back.
    pub(super) fn add(&mut self, request: Request, at: Time, outcome: Outcome, took_effect: bool) -> Outcome {
        self.sequence += 1;
        self.count(&request.operation, &outcome, took_effect);
        if self.keep > 0 {
            if self.records.len() >= self.keep {
                self.records.pop_front();
            }
            let Request { caller, access_key, operation, input } = request;
            let (sequence, outcome) = (self.sequence, outcome.clone());
            let record = Record { sequence, at, caller, access_key, operation, input, outcome, took_effect };
            self.records.push_back(Arc::new(record));
        }
        outcome
    }

    fn count(&mut self, operation: &str, outcome: &Outcome, took_effect: bool) {
        if !self.counts.contains_key(operation) {
            self.counts.insert(operation.into(), Counts::default());
        }
        let Some(counts) = self.counts.get_mut(operation) else { return };
        counts.calls += 1;
        counts.took_effect += u64::from(took_effect);
        match outcome {
            Outcome::Broken => counts.broken += 1,
            Outcome::Answer { status: 200, .. } => {}
            Outcome::Answer { body, .. } if body["__type"] == "ThrottlingException" => counts.throttled += 1,
            Outcome::Answer { .. } => counts.refused += 1,
        }
    }
}
