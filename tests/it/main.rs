//! The tests that stand outside the crate.

mod canon;
mod generate;
