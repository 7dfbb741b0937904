//! An open file of a segment.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::StoreError;
use crate::disk::DiskFile;
use crate::segment::SegmentFile;

/// How much of a file is in memory while its checksum is computed.
const VERIFY_PIECE_BYTES: usize = 1 << 20;

/// An open file of a segment. It can be read as long as this handle lives, even after it was deleted.
#[derive(Debug)]
pub struct LocalFile {
    path: String,
    bytes: u64,
    crc32c: u32,
    file: Box<dyn DiskFile>,
    verified: AtomicBool,
}

impl LocalFile {
    pub(super) fn new(expected: &SegmentFile, file: Box<dyn DiskFile>) -> Self {
        let SegmentFile { path, bytes, crc32c, .. } = expected;
        Self { path: path.clone(), bytes: *bytes, crc32c: *crc32c, file, verified: AtomicBool::new(false) }
    }

    pub(super) fn assume_verified(&self) {
        self.verified.store(true, Ordering::Relaxed);
    }

    pub(super) fn wrong_length(&self, found: u64) -> StoreError {
        self.damaged(format!("{found} bytes, expected {}", self.bytes))
    }

    /// Length in bytes, as published.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Its path in the store.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    /// Reads exactly `length` bytes at `offset`. A range beyond the published length is damage: some other file
    /// points there. Blocks.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let end = offset.checked_add(length as u64).filter(|&end| end <= self.bytes);
        if end.is_none() {
            let what = format!("read of {length} bytes at {offset} goes beyond its {} bytes", self.bytes);
            return Err(self.damaged(what));
        }
        let mut buffer = vec![0; length];
        self.fill(&mut buffer, offset)?;
        Ok(buffer.into())
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<(), StoreError> {
        self.file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                let end = offset + buffer.len() as u64;
                self.damaged(format!("ends before byte {end}, expected {} bytes", self.bytes))
            }
            _ => StoreError::io(&self.path, error),
        })
    }

    fn compare(&self, found: u32) -> Result<(), StoreError> {
        if found != self.crc32c {
            return Err(self.damaged(format!("crc32c {found:#010x}, expected {:#010x}", self.crc32c)));
        }
        self.verified.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Reads the whole file and checks its checksum. Blocks.
    pub fn read_verified(&self) -> Result<Bytes, StoreError> {
        let length = usize::try_from(self.bytes).map_err(|_| self.damaged("too long for memory".to_owned()))?;
        let bytes = self.read_at(0, length)?;
        self.compare(crc32c::crc32c(&bytes))?;
        Ok(bytes)
    }

    /// Checks the checksum of the whole file, once in the life of this handle. Blocks.
    pub fn verify(&self) -> Result<(), StoreError> {
        if self.verified.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut piece = vec![0; VERIFY_PIECE_BYTES.min(usize::try_from(self.bytes).unwrap_or(VERIFY_PIECE_BYTES))];
        let mut found = 0;
        let mut offset = 0;
        while offset < self.bytes {
            let length = piece.len().min(usize::try_from(self.bytes - offset).unwrap_or(piece.len()));
            self.fill(&mut piece[..length], offset)?;
            found = crc32c::crc32c_append(found, &piece[..length]);
            offset += length as u64;
        }
        self.compare(found)
    }
}
