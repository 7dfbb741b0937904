//! Checks of the host itself, under Datadog's names (reference: agent-metrics.md §1-8).
//!
//! Most are collectors: they read the kernel's files below injectable [`Roots`] in a blocking task and submit what they
//! find; rates and differences are the sampler's work. A new check is one file and one line in [`factories`].

mod agent;
mod collector;
mod cpu;
mod cpu_times;
mod disk;
mod disk_options;
mod diskstats;
mod file_handles;
mod io;
pub(crate) mod kernel;
mod labels;
mod load;
mod memory;
mod moment;
mod mounts;
mod network;
mod ntp;
mod options;
mod pattern;
mod process;
mod runner;
mod system_core;
mod units;
mod uptime;
mod volumes;

use std::time::Duration;

pub use kernel::{CollectError, MachineVolumes, Roots, VolumeUsage, Volumes};
pub use moment::Moment;
pub use runner::{Runner, RunnerConfig};
pub use units::unit_of;

pub(crate) use mounts::{Mount, distinct_mounts};

use crate::check::Factory;

/// What runs without a configuration file, as in a fresh Datadog agent.
pub const DEFAULT_CHECKS: &[&str] = &["cpu", "load", "memory", "uptime", "file_handle", "disk", "io", "network", "ntp"];

/// Every check of this module by Datadog's name of it; `agent` is the agent's own sign of life.
pub fn factories() -> Vec<(&'static str, Factory)> {
    const FACTORIES: &[(&str, Factory)] = &[
        ("agent", agent::make),
        ("cpu", cpu::make),
        ("disk", disk::make),
        ("file_handle", file_handles::make),
        ("io", io::make),
        ("load", load::make),
        ("memory", memory::make),
        ("network", network::make),
        ("ntp", ntp::make),
        ("process", process::make),
        ("system_core", system_core::make),
        ("uptime", uptime::make),
    ];
    FACTORIES.to_vec()
}

/// Time between two runs of a check whose configuration does not say.
pub fn default_interval(check: &str) -> Duration {
    // Public time servers ask their guests not to come more often.
    Duration::from_secs(if check == "ntp" { 900 } else { 15 })
}

#[cfg(test)]
mod tests;
