//! Integration tests: one binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::too_many_lines)]

mod canon;
mod coverage;
mod crds;
mod edits;
mod generate;
mod rule_server;
mod rule_stored;
mod rule_table;
mod schema;
mod support;
