//! `ecs-operator`: arguments, then one call.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
