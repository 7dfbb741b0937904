//! What the metric engine and the event engine share below themselves: a write-ahead log, the list of live segments
//! as a trait, and the store that holds their files.
//!
//! The life of data runs through the modules in this order:
//!
//! - [`wal`]: a request is acknowledged once its record is on disk here; one fsync serves all that wait.
//! - [`segment`]: what an immutable segment is: its identity, its time range, its files with their checksums.
//! - [`store`]: where segment files live (a local directory, or an object store behind a bounded local cache).
//! - [`manifest`]: which segments are live. A segment exists from the moment one transaction says so; the same
//!   transaction says which generations of the log it made superfluous.
//! - [`disk`]: the few calls to the file system that durability rests on, behind a trait, so that tests can make
//!   them fail.
//!
//! With the feature `testing`, the module of that name offers a manifest in memory, the suite that every manifest must pass, and a
//! file system that fails on demand.
//!
//! This crate knows neither metrics nor logs nor SQL.
#![forbid(unsafe_code)]

pub mod disk;
pub mod manifest;
pub mod segment;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wal;

pub use manifest::{Edit, Manifest, ManifestError, Quarantined};
pub use segment::{SegmentFile, SegmentId, SegmentMeta};
pub use store::{LocalFile, SegmentStore, SegmentWriter, StoreError};
pub use wal::{Apply, Generation, Recovery, Wal, WalConfig, WalError};
