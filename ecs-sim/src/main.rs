//! `ecs-sim`: the simulator on a port.

use std::{io, net::SocketAddr, process::ExitCode, time::SystemTime};

use clap::Parser;
use ecs_sim::{
    Clock, Simulator,
    front::{Fault, Front, Operations, Rule},
    http,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// A simulator of Amazon ECS on a port. Point an AWS client at it with its endpoint URL (AWS_ENDPOINT_URL_ECS) and any
/// credentials; an access key of 12 digits is the account. `GET /_sim/` tells how to control the simulation.
#[derive(Parser)]
#[command(name = "ecs-sim", version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one, and the line printed at the start says which
    #[arg(long, default_value = "127.0.0.1:4566", env = "ECS_SIM_LISTEN")]
    listen: SocketAddr,

    /// Decides all that is left to chance: ids, the order of lists, how long things take, probable faults
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many times as fast as the machine's clock the simulated time goes; 0 holds it, for steps by /_sim/clock
    #[arg(long, default_value_t = 1.0)]
    speed: f64,

    /// Throttle requests as ECS does, with its token buckets
    #[arg(long)]
    buckets: bool,

    /// Milliseconds that each call takes on its way, by the machine's clock
    #[arg(long, default_value_t = 0)]
    latency: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecs-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> io::Result<()> {
    // Clients compare ECS's times with their own.
    let clock = Clock::running_from(SystemTime::now().into(), arguments.speed);
    let front = Front::new(Simulator::new(arguments.seed, clock), arguments.seed);
    front.set_buckets(arguments.buckets);
    if arguments.latency > 0 {
        let slow = Fault::Slow { millis_there: arguments.latency, millis_back: 0 };
        front.add(Rule::of(Operations::Any, slow));
    }
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {}: {error}", arguments.listen)))?;
    println!("ecs-sim listens on http://{}", listener.local_addr()?);
    let end = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    http::serve(listener, front, end).await
}
