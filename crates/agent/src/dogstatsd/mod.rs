//! The DogStatsD server (reference: dogstatsd.md): sockets, a parser (in `galgo-intake`) and an aggregator.
//!
//! [`Aggregator`] is pure and tested in simulated time; [`Server`] puts UDP and Unix sockets in front of it, flushes
//! closed buckets into an [`Output`](crate::Output) and counts what it drops.

mod aggregator;
mod config;
mod context;
mod flush;
mod histogram;
mod mapper;
mod metric_stats;
mod server;
mod sockets;

pub use aggregator::{Aggregator, AggregatorStats};
pub use config::{
    AggregatorConfig, BUCKET_S, CounterOutput, DEFAULT_MAX_CONTEXTS, HistogramAggregate, percentile_from_fraction,
};
pub(crate) use histogram::Histogram;
pub use mapper::{DEFAULT_MAPPER_CACHE, Mapped, Mapper, MapperError};
pub use metric_stats::MetricStats;
pub use server::{EolRequired, Server, ServerConfig, ServerError, ServerStats, SocketKind};

#[cfg(test)]
mod tests;
