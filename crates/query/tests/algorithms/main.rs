//! `anomalies`, `outliers` and `forecast` against series whose truth is known: seasons, noise, spikes and new levels that
//! are put in by hand.

// clippy.toml allows it in unit tests; this whole crate is one.
#![allow(clippy::unwrap_used)]

mod answers;
mod bands;
#[path = "../oracle/data.rs"]
#[allow(dead_code)]
mod data;
mod forecasts;
mod groups;
mod pictures;
#[path = "../oracle/source.rs"]
#[allow(dead_code)]
mod source;
mod speed;
mod synthetic;
