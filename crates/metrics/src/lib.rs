//! The metric engine: everything between a decoded point and the answer of a query's leaf.
//!
//! The code follows the way of a point:
//!
//! - [`Batch`] takes the raw series of one request and resolves them to numbers of active series ([`head`]).
//! - [`Engine::commit`] writes one record ([`record`]) to the log; after the fsync the log's thread appends the points
//!   to the head, then the request is acknowledged.
//! - A flush ([`flush`]) turns the head's points into immutable segments ([`segment`]), compaction ([`compact`]) merges
//!   them into larger ones, summarises closed days ([`rollup`]) and lets old ones go.
//! - A query selects series ([`select`]) and scans head and segments into the query language's kernel ([`scan`]).
//!
//! The engine knows series, points and tags. It knows neither the query language's text nor HTTP nor SQL.
#![forbid(unsafe_code)]

mod batch;
mod codec;
mod compact;
mod engine;
mod flush;
mod head;
mod record;
mod rollup;
mod scan;
mod segment;
mod segments;
mod select;
mod views;

pub use batch::Batch;
pub use engine::{CommitError, Config, Engine, EngineError, EngineStats, Parts};
pub use head::SeriesLimits;
pub use views::{MetricSummary, Sender, TagKey};

/// The name under which this engine's segments stand in the manifest.
pub const ENGINE: &str = "metrics";
/// The name of this engine's log in the manifest.
pub const STREAM: &str = "metrics";
