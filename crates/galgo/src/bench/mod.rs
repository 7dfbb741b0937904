//! `galgo bench`: measures a server on data shaped like host agents and compares it with the goals (docs/benchmarks.md).
//!
//! - [`data`]: the seeded data set. [`body`]: requests of each wire format, built once and patched for every step.
//! - [`load`]: sends them over keep-alive connections. [`server`]: starts a server and reads its CPU, memory and disk.
//! - [`queries`]: what is asked afterwards. [`metrics`]: one measurement. [`suite`]: all of them, beside the goals.

mod api;
mod body;
mod connection;
mod data;
mod load;
mod metrics;
mod process;
mod queries;
mod server;
mod suite;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use galgo_core::Clock;

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Send one data set in one format, then query it.
    Metrics(metrics::MetricsArgs),
    /// Measure everything that has a goal and print the table (what `make bench` runs).
    Suite(suite::SuiteArgs),
}

/// Runs a benchmark; what went wrong is printed.
pub fn run(args: &BenchArgs, clock: &dyn Clock) -> ExitCode {
    let done = match &args.command {
        BenchCommand::Metrics(args) => metrics::run(args, clock),
        BenchCommand::Suite(args) => suite::run(args, clock),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
