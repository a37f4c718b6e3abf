//! `ecs-operator run`.

use std::{error::Error, time::Duration};

use ecs_operator::{
    operator::{self, Options},
    runtime::telemetry::{self, LogFormat},
};
use tokio_util::sync::CancellationToken;

/// The operator's settings. Each flag has an environment variable of the same meaning.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Namespace to watch; may be given several times, or as a list with commas. Absent: all namespaces.
    #[arg(long = "namespace", env = "ECS_OPERATOR_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',', value_parser = namespace)]
    namespaces: Vec<String>,
    /// AWS region of objects that name none. Absent: AWS's own way (AWS_REGION, the profile, the instance).
    #[arg(long, env = "ECS_OPERATOR_REGION", value_name = "REGION", value_parser = region)]
    region: Option<String>,
    /// Part of the owner tag on everything the operator makes in AWS. Two installations with different ids never take
    /// each other's objects; a rebuilt cluster takes its own back by being given the old one. Absent: the UID of the
    /// kube-system namespace.
    #[arg(long, env = "ECS_OPERATOR_INSTALLATION_ID", value_name = "ID", value_parser = installation)]
    installation_id: Option<String>,
    /// Every cluster and service is compared with ECS at least once in this many seconds, every task definition in ten
    /// times as many; drift is seen within it.
    #[arg(long, env = "ECS_OPERATOR_SWEEP_SECONDS", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    sweep_seconds: Duration,
    /// The same while a rollout or a deletion is under way.
    #[arg(long, env = "ECS_OPERATOR_ROLLING_SWEEP_SECONDS", value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    rolling_sweep_seconds: Duration,
    /// How much of the calls that ECS allows an AWS account and region the operator takes: 1 is all of the documented
    /// rates. Less leaves room for others in the same account; more is for accounts whose rates AWS has raised.
    #[arg(long, env = "ECS_OPERATOR_ECS_RATE", value_name = "SHARE", default_value = "1", value_parser = share)]
    ecs_rate: f64,
    /// How many objects of each kind are worked on at once. Those that wait for one of ECS's rates count; what many of
    /// them ask of ECS goes into one call.
    #[arg(long, env = "ECS_OPERATOR_CONCURRENCY", value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// How log lines are written.
    #[arg(long, env = "ECS_OPERATOR_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// What is logged: a level (error, warn, info, debug, trace) or a filter such as `info,kube=warn`.
    #[arg(long, env = "ECS_OPERATOR_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// A DNS label. A name that can't be would be watched in silence for ever.
fn namespace(text: &str) -> Result<String, String> {
    let inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let label =
        (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-');
    if label { Ok(text.into()) } else { Err("must be the name of a namespace: a-z, 0-9 and '-', at most 63".into()) }
}

/// As `spec.region` of the manifests.
fn region(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split('-').collect();
    let letters = |word: &&str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase());
    let good = match words.as_slice() {
        [country, middle @ .., number] => {
            country.len() == 2
                && letters(country)
                && !middle.is_empty()
                && middle.iter().all(letters)
                && !number.is_empty()
                && number.chars().all(|digit| digit.is_ascii_digit())
        }
        _ => false,
    };
    if good && text.len() <= 64 { Ok(text.into()) } else { Err("must be an AWS region, such as eu-west-1".into()) }
}

/// It stands before a `/` in a tag of 256 letters.
fn installation(text: &str) -> Result<String, String> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if (1..=64).contains(&text.len()) && text.chars().all(good) {
        Ok(text.into())
    } else {
        Err("must have 1 to 64 letters, digits, '.', '_' or '-'".into())
    }
}

/// At least a tenth of a second.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be a number of seconds from 0.1 to 86400".into()),
    }
}

/// From a twentieth of the rates to a hundred times them.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.05..=100.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0.05 to 100".into()),
    }
}

/// Runs until SIGTERM or SIGINT.
pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    telemetry::init(arguments.log_format, &arguments.log_level)?;
    let options = Options {
        namespaces: arguments.namespaces.clone(),
        region: arguments.region.clone(),
        installation: arguments.installation_id.clone(),
        sweep: arguments.sweep_seconds,
        rolling_sweep: arguments.rolling_sweep_seconds,
        ecs_rate: arguments.ecs_rate,
        concurrency: arguments.concurrency,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        tokio::spawn(cancel_on_signal(shutdown.clone()));
        operator::run(options, shutdown).await
    })?;
    Ok(())
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: running passes are finished first");
    shutdown.cancel();
}
