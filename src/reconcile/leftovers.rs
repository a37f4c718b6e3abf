//! Work of low priority that was not done to its end, and that nothing in ECS tells of.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::Subject;

/// Whose work is done. In a process that starts, nobody's is: the one before it may have died in the middle.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// By object, the generation of which nothing is left.
    done: Mutex<HashMap<Subject, Option<i64>>>,
}

impl Leftovers {
    /// Whether something may be left to do for this generation.
    pub fn are_due(&self, subject: &Subject, generation: Option<i64>) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.get(subject).is_none_or(|done| *done != generation)
    }

    /// Nothing is left to do for this generation.
    pub fn done(&self, subject: &Subject, generation: Option<i64>) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.clone(), generation);
    }

    /// There is something to do again, or the object is gone.
    pub fn again(&self, subject: &Subject) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}
