//! What runs on a host: collectors that measure it, its description, and the DogStatsD server.
//!
//! Nothing here knows a store or an HTTP client. Every part hands over owned [`Report`]s through [`Output`]: inside
//! `galgo serve` that is the metric engine, on a host of its own it is a forwarder. Read it in this order:
//!
//! - [`report`]: what is handed over.
//! - [`check`]: what a check is, how it is scheduled and how its samples become series.
//! - [`logs`]: what a log line is on its way out.
//! - [`config`]: `datadog.yaml`, its environment variables, secrets, and what `conf.d` asks for.
//! - [`collect`]: cpu, load, memory, disk, io, network… under Datadog's names, and the loop that runs them.
//! - [`host`]: the host's name and its description for the infrastructure list.
//! - [`inventory`]: what an agent tells its servers of itself and its checks.
//! - [`dogstatsd`]: the aggregator (pure, in simulated time) and the sockets in front of it.
#![forbid(unsafe_code)]

pub mod check;
pub mod collect;
pub mod config;
pub mod dogstatsd;
pub mod host;
pub mod inventory;
pub mod logs;
pub mod report;
mod stop;

pub use report::{Output, OutputError, Report, Series, SketchSeries};
pub use stop::{Stop, StopHandle, stop_signal};

/// The version that this agent reports: `datadog.agent.running` carries it as a tag and the host list shows it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
