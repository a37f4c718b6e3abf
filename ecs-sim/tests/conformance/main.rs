//! One suite of calls and expectations for everything that answers as Amazon ECS: the simulator, and MiniStack and moto
//! wherever those do as AWS does.
//!
//! The cases are data, in `cases/`; what a case may say is told at [`suite::Case`] and [`suite::Step`]. Expectations
//! come from what AWS documents or was seen to do (each case names its source), never from what an emulator does: where
//! one deviates, the case has a `skip` with the reason. Skipped cases are run as well, and one that passes fails the
//! test, so that no skip outlives its reason.
//!
//! `CONFORMANCE=words` runs the cases alone whose topic or name has these words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bed;
mod expect;
mod http;
mod model;
mod run;
mod suite;
mod target;

use target::{Emulator, Simulated};

#[test]
fn the_simulator_conforms() {
    run::all(&mut Simulated::in_process()).fit_the_model();
}

#[test]
fn the_simulator_conforms_on_its_port() {
    run::all(&mut Simulated::on_a_port());
}

#[test]
fn ministack_conforms() {
    run::all(&mut Emulator::ministack());
}

#[test]
fn moto_conforms() {
    run::all(&mut Emulator::moto());
}
