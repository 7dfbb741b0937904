//! The calls to the file system that durability rests on, behind a trait, so that tests can make each of them fail.
//!
//! Everything here blocks. Nothing is durable until the file was synced and, for a new or renamed name, its directory
//! too: [`FileSystem::sync_dir`].

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its path: the directory asked for, joined with its name.
    pub path: PathBuf,
    /// Length in bytes; 0 for directories.
    pub bytes: u64,
    /// When it was last written, milliseconds since the UNIX epoch.
    pub modified_ms: i64,
    /// Whether it is a directory. Symbolic links are neither followed nor listed.
    pub is_dir: bool,
}

/// An open file.
pub trait DiskFile: Send + Sync + std::fmt::Debug {
    /// Writes some of the bytes at the end of the file, at least one unless there are none.
    fn append(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Fills the buffer from an offset or fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, length: u64) -> io::Result<()>;
}

/// Held as long as a directory is locked.
pub trait DirLock: Send + Sync + std::fmt::Debug {}

/// A file system.
pub trait FileSystem: Send + Sync + std::fmt::Debug {
    /// Makes a file that must not exist, for appending.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading, cutting and appending.
    fn open_to_cut(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Lists a directory in order of names.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;
    /// Gives a file another name in the same file system, replacing what had that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Open handles stay valid.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes one directory whose parent exists; it may exist already. Answers whether it was made.
    fn create_dir(&self, dir: &Path) -> io::Result<bool>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Locks a directory against other processes by a file in it; `None` when another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>>;
}

/// Makes a directory with its parents, durably.
pub fn create_dir_durably(fs: &dyn FileSystem, dir: &Path) -> io::Result<()> {
    match fs.create_dir(dir) {
        Ok(false) => return Ok(()),
        Ok(true) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            create_dir_durably(fs, parent.ok_or(error)?)?;
            fs.create_dir(dir)?;
        }
        Err(error) => return Err(error),
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs.sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Appends all bytes of all buffers.
pub fn append_all(file: &mut dyn DiskFile, mut buffers: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut buffers, 0);
    while !buffers.is_empty() {
        match file.append(buffers) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut buffers, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether an error says that there is no room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFileSystem;

#[derive(Debug)]
struct OsFile(File);

#[derive(Debug)]
struct OsLock(#[allow(dead_code)] File); // closing the file gives up the lock

impl DirLock for OsLock {}

impl DiskFile for OsFile {
    fn append(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut self.0, buffers)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

impl FileSystem for OsFileSystem {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        Ok(Box::new(OsFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OsFile(File::open(path)?)))
    }

    fn open_to_cut(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OsFile(OpenOptions::new().read(true).append(true).open(path)?)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            // An entry may vanish between the two calls.
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if !metadata.is_dir() && !metadata.is_file() {
                continue;
            }
            let since_epoch = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            entries.push(DirEntry {
                path: entry.path(),
                bytes: if metadata.is_dir() { 0 } else { metadata.len() },
                modified_ms: since_epoch.as_millis() as i64,
                is_dir: metadata.is_dir(),
            });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::remove_dir(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<bool> {
        match std::fs::create_dir(dir) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(OsLock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_parents_and_appends_past_a_cut() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b/c");
        create_dir_durably(&OsFileSystem, &dir).unwrap();
        create_dir_durably(&OsFileSystem, &dir).unwrap();
        let path = dir.join("file");
        let mut file = OsFileSystem.create_new(&path).unwrap();
        let mut buffers = [IoSlice::new(b""), IoSlice::new(b"one"), IoSlice::new(b"two"), IoSlice::new(b"")];
        append_all(file.as_mut(), &mut buffers).unwrap();
        file.set_len(3).unwrap();
        append_all(file.as_mut(), &mut [IoSlice::new(b"three")]).unwrap();
        append_all(file.as_mut(), &mut []).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"onethree");
        assert!(OsFileSystem.create_new(&path).is_err());
        let names: Vec<_> = OsFileSystem.list(&dir).unwrap().into_iter().map(|entry| entry.path).collect();
        assert_eq!(names, [path]);
    }

    #[test]
    fn a_lock_excludes_a_second_one_until_dropped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let first = OsFileSystem.lock(&path).unwrap();
        assert!(first.is_some());
        assert!(OsFileSystem.lock(&path).unwrap().is_none());
        drop(first);
        assert!(OsFileSystem.lock(&path).unwrap().is_some());
    }
}
