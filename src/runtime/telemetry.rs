//! Logs: text for people, JSON for machines.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One readable line an event.
    #[default]
    Text,
    /// One JSON object an event.
    Json,
}

/// A log filter that can't be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log level '{given}' can't be read: {cause}. Write a level (error, warn, info, debug, trace) or a filter such as 'info,kube=warn'"
)]
pub struct BadLogLevel {
    given: String,
    cause: String,
}

/// What others log and we say better. The given level comes after and may name them again.
const QUIET: &str = "kube_runtime::controller=warn,kube_client::client::builder=off,aws_config::imds::region=error";

/// Starts logging to standard error.
pub fn init(format: LogFormat, level: &str) -> Result<(), BadLogLevel> {
    // kube's span around each pass says what our own lines say, at three times the length. That the API server can't be
    // reached, or that there is no instance to ask for a region, we say ourselves.
    let bad = |cause: String| BadLogLevel { given: level.to_owned(), cause };
    if !level.contains(['=', ',', '[']) {
        // A filter would take a misspelt level for the name of a module, and say nothing any more.
        level.parse::<LevelFilter>().map_err(|cause| bad(cause.to_string()))?;
    }
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|cause| bad(cause.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
