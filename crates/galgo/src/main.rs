//! The binary: commands, configuration, wiring. Nothing else.
#![forbid(unsafe_code)]

mod agent;
mod banner;
mod bench;
mod config;
mod local;
mod logging;
mod query_cmd;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use galgo_core::SystemClock;

use crate::config::{Config, Flags};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Self-hosted observability that speaks Datadog's public protocols.
#[derive(Debug, Parser)]
#[command(name = "galgo", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server: intake, API, page, DogStatsD and this machine's own metrics.
    Serve(Box<Flags>),
    /// The host agent: in the place of Datadog's, with the same files, checks and commands.
    Agent(agent::AgentArgs),
    /// Asks a server for a metric query: a table and a small graph.
    Query(query_cmd::QueryArgs),
    /// Measures a server on a fixed data set shaped like host agents.
    Bench(bench::BenchArgs),
    /// Prints the version.
    Version,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(flags) => serve(&flags),
        Command::Agent(args) => agent::main(&args),
        Command::Query(args) => query_cmd::run(&args, &SystemClock::new()),
        Command::Bench(args) => bench::run(&args, &SystemClock::new()),
        Command::Version => {
            println!("galgo {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
    }
}

fn serve(flags: &Flags) -> ExitCode {
    let serving = || -> anyhow::Result<()> {
        let config = Config::load(flags)?;
        logging::start(config.log_format, &config.log_level)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(serve::run(config));
        // A collector may hang in a dead network file system.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        outcome
    };
    match serving() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("galgo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
