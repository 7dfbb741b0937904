//! Collectors: each measures one aspect of the host under Datadog's metric names (reference: agent-metrics.md §1-7).
//!
//! A collector reads the kernel's files below injectable [`Roots`] and writes into [`Readings`], which turns counters
//! into rates and differences. [`Runner`] runs all of them every 15 s; a new collector is one file and one line in
//! [`all`].

mod cpu;
mod disk;
mod diskstats;
mod file_handles;
mod io;
pub(crate) mod kernel;
mod load;
mod memory;
mod network;
mod readings;
mod runner;
mod units;
mod uptime;

pub use kernel::{CollectError, MachineVolumes, Roots, VolumeUsage, Volumes};
pub use readings::{Counters, Moment, Readings};
pub use runner::{Runner, RunnerConfig};

pub(crate) use disk::{Mount, distinct_mounts};

/// Measures one aspect of the host.
pub trait Collector: Send {
    /// Datadog's name of the check.
    fn name(&self) -> &'static str;

    /// Measures once. What was emitted before an error is kept.
    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError>;
}

/// Every collector, new.
pub fn all() -> Vec<Box<dyn Collector>> {
    vec![
        Box::new(cpu::Cpu::default()),
        Box::new(load::Load),
        Box::new(memory::Memory::default()),
        Box::new(uptime::Uptime),
        Box::new(file_handles::FileHandles),
        Box::new(disk::Disk::default()),
        Box::new(io::Io::default()),
        Box::new(network::Network),
    ]
}

#[cfg(test)]
mod tests;
