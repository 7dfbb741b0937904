//! The part of a queue that survives a crash: files of payloads in a folder for each endpoint.
//!
//! - [`file`]: one file, its checksums.
//! - [`queue`]: the files of one endpoint in order, their bounds.
//! - [`folders`]: which folder is whose, and that no second process takes them.

mod file;
mod folders;
mod queue;

pub(crate) use folders::{Claim, Folders};
pub(crate) use queue::{DiskError, DiskQueue, Limits, Loss, Space};
