//! Tasks and their lives.

use super::Operation;

/// The operations of this module.
pub(super) fn operation(_name: &str) -> Option<Operation> {
    None
}
