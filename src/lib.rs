//! A Kubernetes operator for Amazon ECS.
//!
//! Arrows point one way: `cli` → the kinds (`cluster`, `task_definition`, `service`) → `api`, `ecs`, `runtime`.
//! `api` is what users write and read; `ecs` is everything AWS; `runtime` is what any operator needs.

pub mod api;
pub mod cluster;
pub mod ecs;
pub mod operator;
pub mod reconcile;
pub mod runtime;
pub mod service;
pub mod task_definition;
