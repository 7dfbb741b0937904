//! For tests of this crate and of those above: a manifest in memory, the suite that every manifest must pass, and a
//! file system that fails on demand.

mod faults;
mod manifest;
mod suite;

pub use faults::{Fault, FaultyFileSystem, Operation};
pub use manifest::MemoryManifest;
pub use suite::{example_segment, manifest_suite};
