//! A file of zeros that is given up when the disk is full. A flush then has room to write the segments that free the
//! log, and because appends resume only when the file fits again, they do not eat that room at once.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{FileSystem, append_all};

/// Zeros are written in pieces of this size.
static PIECE: [u8; 64 << 10] = [0; 64 << 10];

/// The reserve of one log.
#[derive(Debug)]
pub struct Reserve {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub fn new(fs: Arc<dyn FileSystem>, dir: &Path, bytes: u64) -> Self {
        Self { fs, path: dir.join("reserve"), bytes }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a reserve is wanted at all.
    pub fn is_wanted(&self) -> bool {
        self.bytes > 0
    }

    /// Makes sure that the file is there in full length; leaves nothing behind when it does not fit.
    pub fn keep(&self) -> io::Result<()> {
        self.keep_beside(0)
    }

    /// As [`Reserve::keep`], after the disk was full: half as much again must be free beside it. Giving the file up
    /// made exactly its own length free, so without that the log would take it back before a flush could use it.
    pub fn keep_again(&self) -> io::Result<()> {
        self.keep_beside(self.bytes / 2)
    }

    fn keep_beside(&self, free: u64) -> io::Result<()> {
        let there = self.fs.open(&self.path).and_then(|file| file.length()).ok();
        if there == Some(self.bytes) {
            return Ok(());
        }
        if there.is_some() {
            self.fs.remove(&self.path)?;
        }
        if !self.is_wanted() {
            return Ok(());
        }
        self.fill(free).inspect_err(|_| self.give_up())
    }

    fn fill(&self, free: u64) -> io::Result<()> {
        let mut file = self.fs.create_new(&self.path)?;
        let mut missing = self.bytes + free;
        while missing > 0 {
            let piece = PIECE.len().min(usize::try_from(missing).unwrap_or(PIECE.len()));
            append_all(file.as_mut(), &mut [IoSlice::new(&PIECE[..piece])])?;
            missing -= piece as u64;
        }
        if free > 0 {
            file.set_len(self.bytes)?;
        }
        // Only a synced file is sure to have its blocks.
        file.sync_data()
    }

    /// Removes the file.
    pub fn give_up(&self) {
        match self.fs.remove(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, path = %self.path.display(), "reserve could not be given up"),
        }
    }
}
