//! Where segment files live: a local directory, or an object store behind a bounded local cache.
//!
//! Readers always read from a local file with [`LocalFile::read_at`]; a handle stays valid after its segment was
//! deleted. Writers stream into a temporary file that appears under its name only when complete and durable.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use galgo_core::Clock;
use object_store::ObjectStore;

use crate::segment::{SegmentFile, SegmentMeta};

/// Why a file could not be stored or read. Every variant names the file.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store has no such file.
    #[error("segment file {path} is missing")]
    Missing {
        /// Its path in the store.
        path: String,
    },
    /// The file is not what was published: quarantine its segment.
    #[error("segment file {path}: {what}")]
    Damaged {
        /// Its path in the store.
        path: String,
        /// What is wrong, such as `crc32c 0x0000abcd, expected 0x00001234`.
        what: String,
    },
    /// No room on the disk.
    #[error("disk is full: segment file {path}")]
    DiskFull {
        /// Its path in the store.
        path: String,
    },
    /// The disk failed.
    #[error("segment file {path}: {source}")]
    Io {
        /// Its path in the store.
        path: String,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// The object store failed.
    #[error("segment file {path}: {source}")]
    Remote {
        /// Its path in the store.
        path: String,
        /// What the object store said.
        source: Arc<object_store::Error>,
    },
    /// The path could lead out of the store.
    #[error("segment file path {path:?} is not made of letters, digits, `.`, `_`, `-` and single `/`")]
    Path {
        /// The path as given.
        path: String,
    },
}

impl StoreError {
    /// Whether the segment should be quarantined: its bytes are gone or wrong, and trying again will not help.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Damaged { .. })
    }
}

/// A file that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path in the store.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// When it was last written, milliseconds since the UNIX epoch, by the clock of the store.
    pub modified_ms: i64,
}

/// What a garbage collection removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Garbage {
    /// Number of files.
    pub files: usize,
    /// Their length together.
    pub bytes: u64,
}

/// Keeps the files of a segment from being deleted while it lives: a deletion meanwhile happens when the last hold
/// is dropped.
#[derive(Debug, Clone)]
pub struct Hold {}

/// The store of segment files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SegmentStore {}

impl SegmentStore {
    /// A store in a local directory, which is made if needed.
    pub fn local(_root: &Path, _clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        todo!()
    }

    /// A store in an object store, with a cache in a local directory that holds at most `cache_bytes` (files in use
    /// come on top).
    pub fn remote(
        _objects: Arc<dyn ObjectStore>,
        _cache_dir: &Path,
        _cache_bytes: u64,
        _clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// The object store underneath, for engines that read by themselves.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        todo!()
    }

    /// Stores bytes; durable when this returns. `name` is the role, `path` the place ([`SegmentMeta::path_of`]).
    pub async fn put(&self, _name: &str, _path: &str, _bytes: Bytes) -> Result<SegmentFile, StoreError> {
        todo!()
    }

    /// Starts a file that is written in pieces, with [`std::io::Write`], from a thread that may block.
    pub fn create(&self, _name: &str, _path: &str) -> Result<SegmentWriter, StoreError> {
        todo!()
    }

    /// Opens a file for reading, fetching it first when it is not here. Its length is checked, its checksum only when
    /// it was fetched: see [`LocalFile::verify`].
    pub async fn open(&self, _file: &SegmentFile) -> Result<Arc<LocalFile>, StoreError> {
        todo!()
    }

    /// As [`SegmentStore::open`], but answers `None` instead of fetching.
    pub fn open_local(&self, _file: &SegmentFile) -> Result<Option<Arc<LocalFile>>, StoreError> {
        todo!()
    }

    /// Keeps the files of a segment readable until the hold is dropped.
    pub fn hold(&self, _segment: &SegmentMeta) -> Hold {
        todo!()
    }

    /// Deletes a file; open handles stay valid, held files are deleted later. A missing file is no error.
    pub async fn delete(&self, _file: &SegmentFile) -> Result<(), StoreError> {
        todo!()
    }

    /// All files whose path starts with the parts of `prefix`, in order of paths.
    pub async fn list(&self, _prefix: &str) -> Result<Vec<StoredFile>, StoreError> {
        todo!()
    }

    /// Deletes the files under `engine/` that no segment names and that are older than `grace`, and abandoned
    /// temporary files. `named` must hold the paths of live and quarantined segments. Files that this process wrote
    /// are spared: they may be about to be published.
    pub async fn collect_garbage(
        &self,
        _engine: &str,
        _named: &HashSet<String>,
        _grace: Duration,
    ) -> Result<Garbage, StoreError> {
        todo!()
    }
}

/// A file that is being written. Dropped without [`SegmentWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct SegmentWriter {}

impl SegmentWriter {
    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        todo!()
    }

    /// Makes the file durable and gives it its name.
    pub async fn finish(self) -> Result<SegmentFile, StoreError> {
        todo!()
    }
}

impl std::io::Write for SegmentWriter {
    fn write(&mut self, _buffer: &[u8]) -> std::io::Result<usize> {
        todo!()
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An open file of a segment.
#[derive(Debug)]
pub struct LocalFile {}

impl LocalFile {
    /// Length in bytes, as published.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its path in the store.
    pub fn path(&self) -> &str {
        todo!()
    }

    /// Reads exactly `length` bytes at `offset`. Blocks.
    pub fn read_at(&self, _offset: u64, _length: usize) -> Result<Bytes, StoreError> {
        todo!()
    }

    /// Reads the whole file and checks its checksum. Blocks.
    pub fn read_verified(&self) -> Result<Bytes, StoreError> {
        todo!()
    }

    /// Checks the checksum of the whole file, once in the life of this handle. Blocks.
    pub fn verify(&self) -> Result<(), StoreError> {
        todo!()
    }
}
