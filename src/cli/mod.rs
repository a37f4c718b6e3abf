//! The command line: one file a command.

mod crds;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Amazon ECS from Kubernetes manifests: clusters, task definitions and services.
#[derive(Debug, Parser)]
#[command(name = "ecs-operator", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the manifests and keep ECS equal to them.
    Run(Box<run::Arguments>),
    /// Print the CustomResourceDefinitions, to be piped into `kubectl apply -f -`.
    Crds(crds::Arguments),
}

/// Reads the arguments and runs the command.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Crds(arguments) => crds::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecs-operator: {error}");
            ExitCode::FAILURE
        }
    }
}
