//! stub
use crate::api::{EcsTaskDefinition, rules::Violation};
/// stub
pub fn violations(_: &EcsTaskDefinition, _: Option<&EcsTaskDefinition>) -> Vec<Violation> { Vec::new() }
