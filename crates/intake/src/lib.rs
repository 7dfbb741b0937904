//! From bytes to core types: what Datadog agents and API clients send, decoded.
//!
//! Every decoder is a pure function over a whole body: no I/O, no clock (the caller passes the time in [`Context`]) and
//! no panic on any input. Series and sketches are not collected but handed one by one to a [`galgo_core::MetricSink`],
//! with names and tags that borrow from the body. Two kinds of trouble are kept apart:
//!
//! - a body that cannot be read as what it claims to be is a [`DecodeError`]: the whole payload is refused and the
//!   caller throws its sink away;
//! - one series (or point) that breaks a rule of [`validate`] is dropped and counted in the [`Report`]; the rest is kept.
//!
//! Read it in this order:
//!
//! - [`inflate`]: content encodings, capped. [`report`]: what every decoder takes and gives back. [`validate`]: limits.
//! - [`series_v1`], [`series_v2`], [`distribution_points`]: the API's series, JSON and protobuf.
//! - [`sketches`]: the agent's distributions. [`series_v3`]: the columnar payload of both.
//! - [`check_run`], [`events`], [`host_metadata`], [`metadata`]: what is no metric. [`scrub`]: without its secrets.
//! - [`dogstatsd`]: the packets of the local protocol.
#![forbid(unsafe_code)]

pub mod check_run;
pub mod distribution_points;
pub mod dogstatsd;
pub mod events;
pub mod host_metadata;
pub mod inflate;
mod json;
mod loose;
pub mod metadata;
mod proto;
mod repair;
pub mod report;
pub mod scrub;
mod series_json;
pub mod series_v1;
pub mod series_v2;
pub mod series_v3;
pub mod sketches;
pub mod validate;

pub use inflate::{InflateError, Inflater};
pub use report::{Context, DecodeError, Dropped, Report};
