//! Log lines: on standard error as text for people at a terminal and as JSON for collectors, or in the agent's file.

mod rotating;

use std::io::IsTerminal;

use anyhow::Context;
use galgo_agent::config::AgentLog;
use tracing_subscriber::EnvFilter;

use self::rotating::Rotating;
use crate::config::LogFormat;

/// Starts logging. Call it once.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("log_level: {filter:?}"))?;
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Auto if !terminal => lines.json().flatten_event(true).init(),
        LogFormat::Text | LogFormat::Auto => lines.with_ansi(terminal).with_target(false).init(),
    }
    Ok(())
}

/// Starts the agent's log: in its file when it has one, otherwise on standard error. Call it once.
pub fn start_agent(log: &AgentLog) -> anyhow::Result<()> {
    let format = if log.json { LogFormat::Json } else { LogFormat::Text };
    let Some(path) = &log.file else { return start(format, &log.level) };
    let filter = EnvFilter::try_new(&log.level).with_context(|| format!("log_level: {:?}", log.level))?;
    let file = Rotating::open(path).with_context(|| format!("log_file: {}", path.display()))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(file).with_ansi(false);
    if log.json {
        lines.json().flatten_event(true).init()
    } else {
        lines.with_target(false).init()
    }
    Ok(())
}
