//! Reads log files, sockets and the journal; keeps its place on disk.
//!
//! [`Tail`] runs the sources of the agent's configuration ([`TailSource`]) and hands their lines to a
//! [`LogOutput`](galgo_agent::logs::LogOutput), at least once and in order. It waits rather than loses: nothing is read
//! that the output has no room for, and a place on disk moves only when the output has acknowledged the lines before
//! it. Read it in the order in which a line meets it:
//!
//! - [`source`], [`config`]: what is configured.
//! - `file` (with `glob`, `siblings`, `head`): finding files, following them through rotations. `listen`, `journal`,
//!   `check_logs`: the other places that lines come from.
//! - `encoding`, `framer`, `assembler` (with `openings`): bytes become lines, lines become logs.
//! - [`rules`] (with `pattern`): what is kept, dropped and hidden.
//! - `pipeline`: batches, back-pressure, delivery. `registry`: the places on disk.
//! - [`status`]: what all of them have done.
#![forbid(unsafe_code)]

mod assembler;
mod check_logs;
pub mod config;
mod encoding;
mod file;
mod framer;
mod glob;
mod head;
mod journal;
mod listen;
mod openings;
mod pattern;
mod pipeline;
mod registry;
pub mod rules;
mod severity;
mod shared;
mod siblings;
pub mod source;
pub mod status;
mod stream;
mod tail;

pub use config::TailConfig;
pub use encoding::Encoding;
pub use pipeline::{BatchConfig, WatchedLine};
pub use rules::{RuleError, RuleSet};
pub use source::{SourceError, SourceKind, TailSource};
pub use status::{FileStatus, SourceState, SourceStatus, TailStatus};
pub use tail::Tail;
