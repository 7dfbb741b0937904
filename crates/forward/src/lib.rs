//! Sends what an agent gathered to its servers, and keeps it while they are away.
//!
//! A [`Forwarder`] takes reports and log lines, makes payloads of them in Datadog's formats and queues each at every
//! endpoint (a server and a key). Every endpoint has a queue and a task of its own, so that a dead server never holds
//! up another. Read it in this order:
//!
//! - [`config`], [`stats`]: what it is told and what it tells.
//! - `forwarder`, `plan`: the way in. `encode`: payloads of reports and lines. `receipt`: how a log's sender learns its fate.
//! - `endpoint`, `worker`, `hand`: the queue of a server and key, and who empties it; `pace`: when; `verdict`: what an answer
//!   means.
//! - `disk`: the part of a queue that survives a crash.
//! - `transport`, `http`, `proxy`: the wire.
#![forbid(unsafe_code)]

mod compress;
pub mod config;
mod disk;
mod encode;
mod endpoint;
mod error;
mod forwarder;
mod hand;
mod http;
mod pace;
mod payload;
mod plan;
mod proxy;
mod receipt;
pub mod stats;
mod transport;
mod verdict;
mod wire;
mod worker;

pub use config::{
    BackoffConfig, Compression, DiskConfig, EnabledPayloads, EndpointConfig, ForwarderConfig, LogEndpointConfig,
    PayloadLimits, ProxyConfig,
};
pub use error::ForwarderError;
pub use forwarder::{Forwarder, KeyCheck, KeyVerdict};
pub use payload::Route;
pub use stats::{Dropped, EndpointState, EndpointStats, ForwarderStats, Queued};

#[cfg(test)]
mod tests;
