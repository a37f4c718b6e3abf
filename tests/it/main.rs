//! The tests that stand outside the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod canon;
mod coverage;
mod rule_table;
mod schema;
