//! Container instances, which tests make.

use super::Operation;

/// The operations of this module.
pub(super) fn operation(_name: &str) -> Option<Operation> {
    None
}
