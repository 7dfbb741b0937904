//! Recognises a file by its first bytes. An inode alone is not enough: it is used again for another file, and a file
//! that was cut off and written anew keeps it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes at the beginning that are looked at.
pub(crate) const HEAD_BYTES: usize = 1024;

/// A file's place in its file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct FileId {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// When the file was made, in nanoseconds since the UNIX epoch; 0 where the file system does not say. It tells a
    /// file from a later one with the same inode.
    #[serde(default)]
    pub born_ns: u64,
}

impl FileId {
    /// The identity of an open or named file.
    pub fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            born_ns: born.and_then(|born| u64::try_from(born.as_nanos()).ok()).unwrap_or(0),
        }
    }
}

/// Hash of a file's first bytes, as many as there were when it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Number of bytes, at most [`HEAD_BYTES`].
    #[serde(rename = "fingerprint_bytes")]
    pub len: u64,
    /// XXH3 of them.
    #[serde(rename = "fingerprint")]
    pub hash: u64,
}

impl Head {
    /// The head of a file as it is now.
    pub fn read(file: &File) -> io::Result<Self> {
        let mut buffer = [0; HEAD_BYTES];
        let len = read_at(file, &mut buffer, 0)?;
        Ok(Self::of(&buffer[..len]))
    }

    /// Whether a file still begins as it did; if so, the head grows with the file.
    pub fn follow(&mut self, file: &File) -> io::Result<bool> {
        let mut buffer = [0; HEAD_BYTES];
        let len = read_at(file, &mut buffer, 0)?;
        let known = self.len as usize;
        if len < known || Self::of(&buffer[..known]) != *self {
            return Ok(false);
        }
        *self = Self::of(&buffer[..len]);
        Ok(true)
    }

    /// Whether a file begins in this way. A head of no bytes fits every file.
    pub fn fits(mut self, file: &File) -> bool {
        self.follow(file).unwrap_or(false)
    }

    fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len() as u64, hash: if bytes.is_empty() { 0 } else { xxh3_64(bytes) } }
    }
}

/// When a file was last changed, in nanoseconds since the UNIX epoch.
pub(crate) fn modified_ns(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}

/// Fills a buffer from a position as far as the file goes.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_follows_a_growing_file_and_notices_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let mut head = Head::read(&File::open(&path).unwrap()).unwrap();
        std::fs::write(&path, "one and more").unwrap();
        assert!(head.follow(&File::open(&path).unwrap()).unwrap());
        assert_eq!(head.len, 12);
        for other in ["One and more", "one", ""] {
            std::fs::write(&path, other).unwrap();
            assert!(!head.fits(&File::open(&path).unwrap()), "{other}");
        }
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        assert_eq!(Head::read(&File::open(&path).unwrap()).unwrap().len, HEAD_BYTES as u64);
        assert!(Head::default().fits(&File::open(&path).unwrap()));
    }
}
