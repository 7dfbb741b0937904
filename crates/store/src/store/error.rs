//! What can go wrong with a segment file. Every variant names the file.

use std::sync::Arc;

use crate::disk::is_full;

/// The longest path of a file.
const MAX_PATH_BYTES: usize = 512;

/// Why a file could not be stored or read.
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

    pub(super) fn io(path: &str, error: std::io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&error) { Self::DiskFull { path } } else { Self::Io { path, source: Arc::new(error) } }
    }

    pub(super) fn remote(path: &str, error: object_store::Error) -> Self {
        let path = path.to_owned();
        match error {
            object_store::Error::NotFound { .. } => Self::Missing { path },
            other => Self::Remote { path, source: Arc::new(other) },
        }
    }
}

/// Paths come from the catalogue and end up as paths of a file system: only plain relative ones pass. No part starts
/// with a dot; such names are the store's own.
pub(super) fn check_path(path: &str) -> Result<(), StoreError> {
    let plain = |part: &str| {
        let characters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(characters)
    };
    if path.len() <= MAX_PATH_BYTES && path.split('/').all(plain) {
        Ok(())
    } else {
        let shown = path.chars().take(MAX_PATH_BYTES).collect();
        Err(StoreError::Path { path: shown })
    }
}
