//! `EcsService`: one pass.

pub mod rules;
