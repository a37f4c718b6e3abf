//! Integration tests: one binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::too_many_lines)]
// Rows of tables read better with `json!(..)` by value and with `match`.
#![allow(clippy::needless_pass_by_value, clippy::single_match_else)]

mod canon;
mod cli;
mod columns;
mod coverage;
mod crds;
mod generate;
mod manifests;
mod rule_server;
mod rule_stored;
mod rule_table;
mod schema;
mod start;
mod support;
