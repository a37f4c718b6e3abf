//! The tests that stand outside the crate.
#![allow(clippy::unwrap_used, clippy::panic)]
// Rows of tables read better with `json!(..)` by value and with `match`.
#![allow(clippy::needless_pass_by_value, clippy::single_match_else)]

mod canon;
mod generate;
