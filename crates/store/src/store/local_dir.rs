//! A directory of files that appear whole or not at all.

use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::{Garbage, StoredFile};
use crate::disk::{DiskFile, FileSystem, append_all, create_dir_durably};

/// Where files are until they are complete. The leading dot keeps it apart from every path of a segment.
const UNFINISHED: &str = ".unfinished";
/// Directories below each other; a segment file stands in the fourth.
const MAX_DEPTH: usize = 16;

/// The directory.
#[derive(Debug, Clone)]
pub struct LocalDir {
    fs: Arc<dyn FileSystem>,
    root: PathBuf,
    /// Held while directories are made, filled or removed: one that another thread finds must be durable already, and
    /// none may vanish before its first file has its name.
    naming: Arc<Mutex<()>>,
    /// Files that are being written.
    writing: Arc<Mutex<HashSet<PathBuf>>>,
}

/// A file that has no name yet. Dropped before it is installed, it is removed.
#[derive(Debug)]
pub struct Unfinished {
    dir: LocalDir,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    installed: bool,
}

impl LocalDir {
    pub fn open(fs: Arc<dyn FileSystem>, root: &Path) -> io::Result<Self> {
        create_dir_durably(fs.as_ref(), &root.join(UNFINISHED))?;
        Ok(Self { fs, root: root.to_owned(), naming: Arc::default(), writing: Arc::default() })
    }

    fn full(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn open_file(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.fs.open(&self.full(path))
    }

    pub fn begin(&self) -> io::Result<Unfinished> {
        let path = self.root.join(UNFINISHED).join(Uuid::new_v4().simple().to_string());
        self.writing.lock().insert(path.clone());
        match self.fs.create_new(&path) {
            Ok(file) => Ok(Unfinished { dir: self.clone(), path, file, installed: false }),
            Err(error) => {
                self.writing.lock().remove(&path);
                Err(error)
            }
        }
    }

    /// Removes a file and, when that was the last one, its directory. A missing file is no error.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        let full = self.full(path);
        match self.fs.remove(&full) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let Some(parent) = full.parent().filter(|parent| *parent != self.root) {
            let _nobody_fills_it = self.naming.lock();
            let _ = self.fs.remove_dir(parent); // fails unless it is empty
        }
        Ok(())
    }

    /// The files below a path, in order of paths.
    pub fn list(&self, below: &str) -> io::Result<Vec<StoredFile>> {
        let mut files = Vec::new();
        self.list_into(below, 0, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn list_into(&self, below: &str, depth: usize, files: &mut Vec<StoredFile>) -> io::Result<()> {
        let entries = match self.fs.list(&self.full(below)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            // Names that this store would not give belong to somebody else.
            let Some(name) = entry.path.file_name().and_then(|name| name.to_str()) else { continue };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            if super::check_path(&path).is_err() {
                continue;
            }
            if !entry.is_dir {
                files.push(StoredFile { path, bytes: entry.bytes, modified_ms: entry.modified_ms });
            } else if depth < MAX_DEPTH {
                self.list_into(&path, depth + 1, files)?;
            }
        }
        Ok(())
    }

    /// Removes unfinished files that nobody wrote to since `oldest_kept_ms`, except those that this process is writing:
    /// their age says nothing when the clock has been set.
    pub fn remove_unfinished(&self, oldest_kept_ms: i64) -> Garbage {
        let mut garbage = Garbage::default();
        let entries = self.fs.list(&self.root.join(UNFINISHED)).unwrap_or_default();
        let abandoned = |path: &Path| !self.writing.lock().contains(path);
        for entry in entries.into_iter().filter(|entry| !entry.is_dir && entry.modified_ms <= oldest_kept_ms) {
            if !abandoned(&entry.path) {
                continue;
            }
            match self.fs.remove(&entry.path) {
                Ok(()) => {
                    garbage.files += 1;
                    garbage.bytes += entry.bytes;
                }
                Err(error) => tracing::warn!(%error, path = %entry.path.display(), "unfinished file stays"),
            }
        }
        garbage
    }
}

impl Unfinished {
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        append_all(self.file.as_mut(), &mut [IoSlice::new(bytes)])
    }

    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Gives the file its name; a file of that name is replaced. When `durably`, it survives a crash from then on.
    pub fn install(mut self, path: &str, durably: bool) -> io::Result<()> {
        if durably {
            self.file.sync_data()?;
        }
        let to = self.dir.full(path);
        let parent = to.parent().ok_or(io::ErrorKind::InvalidInput)?;
        {
            let _nobody_removes_it = self.dir.naming.lock();
            create_dir_durably(self.dir.fs.as_ref(), parent)?;
            self.dir.fs.rename(&self.path, &to)?;
        }
        self.installed = true;
        if durably { self.dir.fs.sync_dir(parent) } else { Ok(()) }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.dir.writing.lock().remove(&self.path);
        if !self.installed
            && let Err(error) = self.dir.fs.remove(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "unfinished file stays until the next start");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsFileSystem;

    #[test]
    fn a_file_that_is_being_written_is_no_garbage_however_old_it_looks() {
        let root = tempfile::tempdir().unwrap();
        let dir = LocalDir::open(Arc::new(OsFileSystem), root.path()).unwrap();
        let mut unfinished = dir.begin().unwrap();
        unfinished.append(b"content").unwrap();
        assert_eq!(dir.remove_unfinished(i64::MAX).files, 0);
        unfinished.install("a/b", true).unwrap();
        let abandoned = root.path().join(UNFINISHED).join("left-by-a-crash");
        std::fs::write(&abandoned, b"x").unwrap();
        assert_eq!(dir.remove_unfinished(i64::MAX).files, 1);
        assert!(root.path().join("a/b").exists());
    }
}
