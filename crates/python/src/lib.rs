//! Runs checks that are written in Python, custom ones and Datadog's own, unchanged and at a safe distance.
//!
//! Checks live in Python processes of their own, so that one which crashes, hangs or leaks costs the agent a process
//! and not its life. The code on the other side is in `runner/`; it is part of the binary and is written below the
//! agent's run folder when the first Python check is met. Read it in this order:
//!
//! - [`loader`]: what the agent's scheduler sees.
//! - [`message`] and [`frame`]: what the two sides say to each other.
//! - [`process`] and [`watch`]: one Python process, and the loop that watches over it.
//! - [`ledger`]: who misbehaved, and what follows from it.
//! - [`pool`]: which process an instance runs in.
#![forbid(unsafe_code)]

mod capture;
mod config;
mod diagnose;
mod files;
mod frame;
mod interpreter;
mod ledger;
mod loader;
mod message;
mod pool;
mod process;
mod state;
mod submission;
mod watch;

pub use config::{PythonConfig, PythonError};
pub use diagnose::{Finding, Verdict};
pub use loader::{PythonCheck, PythonLoader};
pub use state::{IsolatedCheck, ProcessState, PythonState, PythonStats};
