//! What any operator needs and no ECS: objects in the API server, conditions, backoff, controllers, logs.

pub mod backoff;
pub mod clock;
pub mod conditions;
pub mod controller;
pub mod memory;
mod namespaces;
pub mod objects;
pub mod telemetry;
pub mod text;
