//! `EcsCluster`: one pass.

pub mod rules;
