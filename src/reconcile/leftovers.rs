//! Work of low priority that was not done to its end, and that nothing in ECS tells of.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use super::Subject;

/// Whose work is done. In a process that starts, nobody's is: the one before it may have died in the middle.
#[derive(Debug, Default)]
pub struct Leftovers {
    done: Mutex<HashSet<Subject>>,
}

impl Leftovers {
    /// Whether something may be left to do.
    pub fn are_due(&self, subject: &Subject) -> bool {
        !self.done.lock().unwrap_or_else(PoisonError::into_inner).contains(subject)
    }

    /// Nothing is left to do.
    pub fn done(&self, subject: &Subject) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.clone());
    }

    /// There is something to do again, or the object is gone.
    pub fn again(&self, subject: &Subject) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
    }
}
