//! Integration tests: one binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::too_many_lines)]
// Rows of tables read better with `json!(..)` by value and with `match`.
#![allow(clippy::needless_pass_by_value, clippy::single_match_else)]

mod canon;
mod coverage;
mod crash;
mod deletion;
mod fan_out;
mod generate;
mod ownership;
mod revisions;
mod rule_table;
mod schema;
mod support;
