//! One test binary: each file is a module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod coverage;
mod rule_table;
mod schema;
