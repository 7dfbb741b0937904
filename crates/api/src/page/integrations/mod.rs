//! Integrations: what agents run, and what could be switched on.
//!
//! - [`known`]: the catalogue. [`list`]: all of them. [`one`]: one in full. [`host`]: what one host runs.
//! - [`document`]: how instances and log sources look.

pub mod document;
pub mod host;
pub mod known;
pub mod list;
pub mod one;

/// How far back metrics count as there, in seconds.
const METRICS_WINDOW_S: i64 = 86_400;

/// Most instances or log sources of one answer.
const MAX_ROWS: usize = 1000;
