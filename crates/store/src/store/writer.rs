//! A file on its way into the store.

use std::io;
use std::sync::Arc;

use super::local_dir::Unfinished;
use super::{Inner, StoreError};
use crate::segment::SegmentFile;

/// Small writes are gathered up to this length.
const BUFFER_BYTES: usize = 256 << 10;

/// A file that is being written. Dropped without [`SegmentWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct SegmentWriter {
    inner: Arc<Inner>,
    unfinished: Unfinished,
    buffer: Vec<u8>,
    /// What the file will be known as; length and checksum of what was handed to the disk so far.
    file: SegmentFile,
    failed: bool,
}

impl SegmentWriter {
    pub(super) fn begin(inner: Arc<Inner>, name: &str, path: &str) -> Result<Self, StoreError> {
        let unfinished = inner.dir.begin().map_err(|error| StoreError::io(path, error))?;
        let file = SegmentFile { name: name.to_owned(), path: path.to_owned(), bytes: 0, crc32c: 0 };
        Ok(Self { inner, unfinished, buffer: Vec::new(), file, failed: false })
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.file.bytes + self.buffer.len() as u64
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        // After a failure it is unknown how much was written.
        self.failed = true;
        self.unfinished.append(bytes)?;
        self.failed = false;
        self.file.bytes += bytes.len() as u64;
        self.file.crc32c = crc32c::crc32c_append(self.file.crc32c, bytes);
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() && !self.failed {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let drained = self.append(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        drained
    }

    pub(super) fn write_whole(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.append(bytes).map_err(|error| StoreError::io(&self.file.path, error))
    }

    /// Makes the file durable and gives it its name.
    pub async fn finish(self) -> Result<SegmentFile, StoreError> {
        let path = self.file.path.clone();
        let drained = tokio::task::spawn_blocking(move || self.finish_local()).await;
        let (inner, file, unfinished) = drained.map_err(|panic| StoreError::io(&path, panic.into()))??;
        if let (Some(remote), Some(unfinished)) = (&inner.remote, unfinished) {
            remote.upload(&file, &unfinished).await?;
            inner.adopt(&file, unfinished, remote)?;
        }
        Ok(file)
    }

    /// All that blocks. Answers the content when it still has to be uploaded.
    #[allow(clippy::type_complexity)]
    fn finish_local(mut self) -> Result<(Arc<Inner>, SegmentFile, Option<Unfinished>), StoreError> {
        self.drain().map_err(|error| StoreError::io(&self.file.path, error))?;
        let Self { inner, unfinished, file, .. } = self;
        // From here on the file may be in the store, even if this fails.
        inner.written.lock().insert(file.path.clone());
        if inner.remote.is_some() {
            return Ok((inner, file, Some(unfinished)));
        }
        unfinished.install(&file.path, true).map_err(|error| StoreError::io(&file.path, error))?;
        inner.handles.lock().forget(&file.path);
        Ok((inner, file, None))
    }
}

impl io::Write for SegmentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.drain()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            self.append(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    /// Hands what was gathered to the disk; durable it is after [`SegmentWriter::finish`] only.
    fn flush(&mut self) -> io::Result<()> {
        self.drain()
    }
}
