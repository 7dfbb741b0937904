//! What an agent is told: `datadog.yaml` with its environment variables, secrets, and the files of `conf.d` (reference:
//! agent-config.md, python-checks.md §1).
//!
//! - [`yaml`] reads a file into a tree that knows lines; [`keys`] is the table of all known keys.
//! - [`Settings::load`] lays the environment over the file, resolves secrets and checks every value, all faults at once.
//! - [`discover`] finds instances of checks and sources of logs; a broken file never stops the others.
//! - [`scrub`] takes the secrets out of a text that leaves the agent.

mod command;
mod discover;
mod dogstatsd;
mod endpoints;
mod error;
mod hints;
pub mod keys;
mod layers;
mod logs;
mod scrub;
mod secrets;
mod sections;
mod settings;
mod template;
mod values;
pub mod yaml;

use std::path::Path;

pub use discover::{Discovery, LogSource, Problem, Severity, discover};
pub use dogstatsd::DogStatsd;
pub use endpoints::{Endpoint, hidden, is_hosted};
pub use error::{ConfigError, Fault};
pub use logs::{LogEndpoint, Logs};
pub use scrub::{scrub, scrub_value};
pub use secrets::Secrets;
pub use sections::{AgentLog, Forwarder, Local, Metadata, Payloads, Proxy};
pub use settings::{FILE_NAME, Settings};

/// Whether a folder exists and this process may write into it.
fn is_writable_folder(path: &Path) -> bool {
    path.is_dir() && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}
