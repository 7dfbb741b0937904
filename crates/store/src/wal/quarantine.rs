//! Keeps damaged log files for somebody to look at. What readers could not use is copied before a flush deletes it.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use crate::disk::{FileSystem, append_all, create_dir_durably};

/// Most bytes of copies. Damage of many files has one cause, and a few of them show it.
const MAX_BYTES: u64 = 256 << 20;

/// The directory of damaged files.
#[derive(Debug)]
pub struct Quarantine<'a> {
    fs: &'a dyn FileSystem,
    dir: PathBuf,
}

impl<'a> Quarantine<'a> {
    /// The quarantine of a log. Its directory is made with the first file.
    pub fn open(fs: &'a dyn FileSystem, log_dir: &Path) -> Self {
        Self { fs, dir: log_dir.join("quarantine") }
    }

    fn place_for(&self, path: &Path) -> io::Result<PathBuf> {
        create_dir_durably(self.fs, &self.dir)?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.dir.join(name))
    }

    /// Copies a file that must stay where it is, because its good records are still needed. A copy from an earlier
    /// start is kept. Answers where the copy is.
    pub fn copy(&mut self, path: &Path, bytes: &[u8]) -> Option<PathBuf> {
        let copied = self.place_for(path).and_then(|to| self.copy_to(&to, bytes).map(|()| to));
        copied
            .inspect_err(|error| tracing::warn!(%error, path = %path.display(), "damaged log file was not copied"))
            .ok()
    }

    fn copy_to(&self, to: &Path, bytes: &[u8]) -> io::Result<()> {
        let copies = self.fs.list(&self.dir)?;
        if copies.iter().any(|entry| entry.path == to) {
            return Ok(());
        }
        let held: u64 = copies.iter().map(|entry| entry.bytes).sum();
        if held + bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other(format!("quarantine would pass {MAX_BYTES} bytes")));
        }
        let unfinished = to.with_extension("unfinished");
        let _ = self.fs.remove(&unfinished);
        let written = self.fs.create_new(&unfinished).and_then(|mut file| {
            append_all(file.as_mut(), &mut [IoSlice::new(bytes)])?;
            file.sync_data()
        });
        if let Err(error) = written {
            let _ = self.fs.remove(&unfinished);
            return Err(error);
        }
        self.fs.rename(&unfinished, to)
    }

    /// Moves a file of which nothing can be read. Answers where it is now.
    pub fn take(&mut self, path: &Path) -> Option<PathBuf> {
        let moved = self.place_for(path).and_then(|to| self.fs.rename(path, &to).map(|()| to));
        moved.inspect_err(|error| tracing::warn!(%error, path = %path.display(), "damaged log file was not moved")).ok()
    }
}
