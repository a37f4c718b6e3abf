//! Task definitions.

pub mod rules;
