//! `operator-sim`: plays scenarios and random walks from the command line.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Parser, Subcommand};
use ecs_operator::runtime::telemetry::{self, LogFormat};
use operator_sim::{
    scenario::{Stage, play},
    walk::{Shown, Walked, walk, walk_many},
};

/// The whole operator with an API server and an ECS in memory, in simulated time.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays stories and prints what happened; without a name all of them, and then only what was wrong.
    Scenario {
        /// The story: the name of its folder.
        name: Option<String>,
        /// Only with this strategy.
        #[arg(long)]
        strategy: Option<String>,
        /// Writes the golden logs instead of printing.
        #[arg(long)]
        write: bool,
        /// Where the stories are.
        #[arg(long, default_value = "tests/scenarios")]
        folder: PathBuf,
    },
    /// Walks at random, and tells the seeds of the walks that end otherwise than they should.
    Walk {
        /// How many walks.
        #[arg(long, default_value_t = 1000)]
        count: u64,
        /// The seed of the first; the others follow.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many at once.
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Repeats one walk and prints what happened.
    Replay {
        /// Its seed.
        seed: u64,
        /// Also the calls that only read.
        #[arg(long)]
        reads: bool,
        /// Prints as it happens, with ids as they were drawn: for a walk that does not end.
        #[arg(long)]
        live: bool,
        /// Also what the operator logs, from this level on; best with --live.
        #[arg(long, value_name = "LEVEL")]
        logs: Option<String>,
    },
}

/// A walk spends a quarter of its time in the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let good = match Arguments::parse().command {
        Command::Scenario { name, strategy, write, folder } => {
            scenarios(name.as_deref(), strategy.as_deref(), write, &folder).unwrap_or_else(|error| {
                eprintln!("{error}");
                false
            })
        }
        Command::Walk { count, from, threads } => walks(from, count, threads),
        Command::Replay { seed, reads, live, logs } => {
            if let Some(Err(error)) = logs.map(|level| telemetry::init(LogFormat::Text, &level)) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
            let walked = walk(seed, Shown { reads, live });
            if !live {
                println!("{}", walked.log);
            }
            tell(&walked)
        }
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn walks(from: u64, count: u64, threads: usize) -> bool {
    let began = Instant::now();
    let failed = walk_many(from, count, threads, |walked, done| {
        if !walked.wrong.is_empty() {
            tell(walked);
        }
        if done % 500 == 0 {
            eprintln!("{done} of {count} walks, {} s", began.elapsed().as_secs());
        }
    });
    println!("{count} walks from seed {from}: {} wrong, {} s", failed.len(), began.elapsed().as_secs());
    if let Some(first) = failed.first() {
        println!("to see one: operator-sim replay {}", first.seed);
    }
    failed.is_empty()
}

fn tell(walked: &Walked) -> bool {
    for wrong in &walked.wrong {
        println!("seed {}: {wrong}", walked.seed);
    }
    walked.wrong.is_empty()
}

fn scenarios(name: Option<&str>, strategy: Option<&str>, write: bool, folder: &Path) -> Result<bool, Box<dyn Error>> {
    let stage = Stage::read(folder)?;
    let mut scripts = match name {
        Some(name) => stage.script(name)?,
        None => stage.scripts()?,
    };
    scripts.retain(|script| strategy.is_none_or(|strategy| script.strategy == strategy));
    let mut good = true;
    for script in &scripts {
        let began = Instant::now();
        let played = play(script)?;
        if write {
            fs::write(stage.log(script), &played.log)?;
        } else if name.is_some() {
            println!("{}", played.log);
        }
        for wrong in &played.wrong {
            println!("{}/{}: {wrong}", script.name, script.strategy);
            good = false;
        }
        eprintln!("{}/{}: {} ms", script.name, script.strategy, began.elapsed().as_millis());
    }
    Ok(good)
}
