//! The words of Galgo: what a series, a point, a tag, a sketch, a service check and a moment are.
//!
//! This crate is the bottom of the workspace. It knows no file, no socket and no database, so every other crate may
//! depend on it. Read it in this order:
//!
//! - [`metric`]: kinds of metrics, points, the identity of a series ([`SeriesKey`]).
//! - [`tags`]: how tags and metric names are normalised; the same rules hold for every way in.
//! - [`ingest`]: the borrowed form in which a decoder hands series to a store ([`MetricSink`]).
//! - [`sketch`]: the DDSketch with the agent's parameters, mergeable and never flattened.
//! - [`hosts`]: host tags as one immutable snapshot, resolved at query time.
//! - [`check`]: service checks. [`units`]: Datadog's unit table. [`clock`]: where time comes from.
#![forbid(unsafe_code)]

pub mod check;
pub mod clock;
pub mod hosts;
pub mod ingest;
pub mod metric;
pub mod sketch;
pub mod tags;
pub mod units;

pub use clock::{Clock, ManualClock, SystemClock};
pub use hosts::{HostTags, HostTagsCell};
pub use ingest::{MetricSink, RawSeries, Rejection, RejectionCause, SketchPoint};
pub use metric::{KeyHash, MetricKind, Point, SeriesKey};
pub use sketch::Sketch;
