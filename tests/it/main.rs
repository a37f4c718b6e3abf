//! Integration tests: one binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::pedantic)]

mod account;
mod canon;
mod cli;
mod columns;
mod contest;
mod coverage;
mod crash;
mod crds;
mod deletion;
mod edits;
mod fan_out;
mod generate;
mod manifests;
mod ownership;
mod revisions;
mod rule_server;
mod rule_stored;
mod rule_table;
mod schema;
mod start;
mod status;
mod support;
