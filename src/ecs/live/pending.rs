//! Questions that wait for others that fit into the same call.

use std::{collections::BTreeMap, sync::Arc};

use super::Waiter;

/// The names of one call, each with those who wait for it.
pub(super) type Call = Vec<(Arc<str>, Vec<Waiter>)>;

/// What became of a question.
pub(super) enum Asked {
    /// The first of a call: somebody must start it, by its number, after the window.
    First { number: u64, is_busy: bool },
    /// The call is full: it must be started now.
    Full(Vec<Call>),
    /// Another question's call takes it along.
    Joined,
}

/// The questions of one group.
#[derive(Default)]
pub(super) struct Pending {
    names: BTreeMap<Arc<str>, Vec<Waiter>>,
    /// How often they were taken: who waited for a call that was full before must not start the next one too early.
    number: u64,
}

impl Pending {
    pub(super) fn add(&mut self, name: &Arc<str>, waiter: Waiter) {
        self.names.entry(name.clone()).or_default().push(waiter);
    }

    pub(super) fn take(&mut self) -> Call {
        self.number += 1;
        std::mem::take(&mut self.names).into_iter().collect()
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
