//! `galgo agent`: the host agent and the commands around it, under the names that Datadog's agent gives them.
//!
//! - [`run`]: starts the parts, reloads them on SIGHUP, stops them.
//! - [`parts`]: makes the parts from the configuration; `run` and `check` share it.
//! - [`status`], [`local_api`]: what a running agent tells, and the door through which it does.
//! - the rest: one file per command.

mod check_cmd;
mod client;
mod configcheck;
mod diagnose;
mod flare;
mod local_api;
mod metadata;
mod parts;
mod run;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use galgo_agent::config::Settings;

/// Where the configuration is looked for when no folder is named.
const FOLDERS: [&str; 2] = ["/etc/galgo-agent", "/etc/datadog-agent"];

/// The host agent.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// Folder with datadog.yaml, conf.d and checks.d, or the file itself [default: /etc/galgo-agent, then
    /// /etc/datadog-agent].
    #[arg(short, long, visible_alias = "cfgpath", env = "GALGO_AGENT_CONFIG", value_name = "DIR", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the agent in the foreground. SIGHUP reads the configuration anew.
    #[command(visible_alias = "start")]
    Run,
    /// Shows what the running agent does.
    Status {
        /// As JSON.
        #[arg(short, long)]
        json: bool,
        /// Prints the address of the local page, with the key that opens it.
        #[arg(long)]
        page: bool,
    },
    /// Runs one check here and now and shows what it gives; nothing is sent.
    Check(check_cmd::CheckArgs),
    /// Shows the configuration of every check and what is wrong with it.
    #[command(visible_alias = "checkconfig")]
    Configcheck,
    /// Reads the configuration of the running agent anew.
    Reload,
    /// Prints the name under which this host reports.
    Hostname,
    /// Looks for what keeps the agent from working: servers, keys, clock, Python, permissions.
    #[command(visible_alias = "diagnosis")]
    Diagnose {
        /// As JSON.
        #[arg(short, long)]
        json: bool,
    },
    /// Shows log lines as the running agent sends them.
    StreamLogs(client::StreamArgs),
    /// Shows which metrics DogStatsD received, and how often.
    DogstatsdStats {
        /// As JSON.
        #[arg(short, long)]
        json: bool,
    },
    /// Packs status, configuration and logs into a local archive; secrets are removed.
    Flare {
        /// The archive to write [default: galgo-agent-flare-TIME.zip here].
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Prints the systemd unit.
    Unit,
    /// Prints the version.
    Version,
}

/// The systemd unit, as it also lies in the repository.
const UNIT: &str = include_str!("../../../../packaging/agent/galgo-agent.service");

/// Runs a command of the agent.
pub fn main(args: &AgentArgs) -> ExitCode {
    let folder = folder(args.config.as_deref());
    let outcome = match &args.command {
        Command::Run => run::main(&folder),
        Command::Status { json, page } => client::status(&folder, *json, *page),
        Command::Check(check) => check_cmd::main(&folder, check),
        Command::Configcheck => configcheck::main(&folder),
        Command::Reload => client::reload(&folder),
        Command::Hostname => hostname(&folder),
        Command::Diagnose { json } => diagnose::main(&folder, *json),
        Command::StreamLogs(stream) => client::stream_logs(&folder, stream),
        Command::DogstatsdStats { json } => client::dogstatsd_stats(&folder, *json),
        Command::Flare { file } => flare::main(&folder, file.as_deref()),
        Command::Unit => {
            print!("{UNIT}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            println!("Galgo agent {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("galgo agent: {error:#}");
        ExitCode::FAILURE
    })
}

fn hostname(folder: &Path) -> anyhow::Result<ExitCode> {
    println!("{}", parts::host_name(&load(folder)?).name);
    Ok(ExitCode::SUCCESS)
}

fn folder(named: Option<&Path>) -> PathBuf {
    let exists = |folder: &&str| Path::new(folder).is_dir();
    let usual = || FOLDERS.iter().find(|folder| exists(folder)).unwrap_or(&FOLDERS[0]);
    named.map_or_else(|| PathBuf::from(usual()), Path::to_path_buf)
}

fn load(folder: &Path) -> anyhow::Result<Settings> {
    Ok(Settings::load(folder, std::env::vars())?)
}
