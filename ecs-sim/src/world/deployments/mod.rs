//! Service deployments and revisions, and the engine that carries them out.

use super::Operation;

/// The operations of this module.
pub(super) fn operation(_name: &str) -> Option<Operation> {
    None
}
