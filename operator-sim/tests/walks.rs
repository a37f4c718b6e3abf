//! Random walks over the whole operator; `cargo run -p operator-sim -- walk` takes any number of them.
#![allow(clippy::panic)]

use std::thread::available_parallelism;

use operator_sim::walk::walk_many;

/// A walk spends a quarter of its time in the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as a test run can afford: three minutes on two cores.
const WALKS: u64 = 2000;

#[test]
fn whatever_happens_all_converges_and_the_status_is_true() {
    let threads = available_parallelism().map_or(2, usize::from);
    let failed = walk_many(0, WALKS, threads, |_, _| ());
    let told: Vec<String> = failed
        .iter()
        .flat_map(|walked| walked.wrong.iter().map(|wrong| format!("seed {}: {wrong}", walked.seed)))
        .collect();
    assert!(
        told.is_empty(),
        "{}\n\nTo see what happened: cargo run -p operator-sim -- replay {}",
        told.join("\n"),
        failed.first().map(|walked| walked.seed).unwrap_or_default()
    );
}
