//! A file system over the real one that fails on demand: no room, a failing fsync, short writes.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{DirEntry, DirLock, DiskFile, FileSystem, OsFileSystem};

/// A call that may be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`FileSystem::create_new`].
    Create,
    /// [`FileSystem::open`].
    Open,
    /// [`DiskFile::append`].
    Append,
    /// [`DiskFile::read_exact_at`].
    Read,
    /// [`DiskFile::sync_data`].
    Sync,
    /// [`DiskFile::set_len`].
    SetLen,
    /// [`FileSystem::rename`].
    Rename,
    /// [`FileSystem::remove`].
    Remove,
    /// [`FileSystem::sync_dir`].
    SyncDir,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device failed.
    Io,
    /// No room; nothing was written.
    Full,
    /// Only this many bytes are written; the call succeeds.
    Short(usize),
    /// The bytes were written, and yet the call says that the device failed.
    AfterWrite,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<(Operation, usize, Fault)>,
    room: Option<u64>,
    most_at_once: Option<usize>,
    calls: Vec<Operation>,
}

/// The real file system with planned faults. Nothing is really synced: no test cuts the power, and hundreds of them
/// would wait for the disk. Clones share the plan.
#[derive(Debug, Clone, Default)]
pub struct FaultyFileSystem {
    plan: Arc<Mutex<Plan>>,
}

impl FaultyFileSystem {
    /// A file system without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the call of this kind fail after `skip` more of them succeeded; once.
    pub fn fail(&self, operation: Operation, skip: usize, fault: Fault) {
        self.plan.lock().faults.push((operation, skip, fault));
    }

    /// Lets appends take this many bytes in all, then report a full disk. Removing or cutting files gives room back.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.plan.lock().room = bytes;
    }

    /// Lets each append take this many bytes at most.
    pub fn set_most_at_once(&self, bytes: Option<usize>) {
        self.plan.lock().most_at_once = bytes;
    }

    /// How often a call of this kind was made.
    pub fn calls(&self, operation: Operation) -> usize {
        self.plan.lock().calls.iter().filter(|&&call| call == operation).count()
    }

    /// Every call that may be made to fail, in order.
    pub fn history(&self) -> Vec<Operation> {
        self.plan.lock().calls.clone()
    }

    /// Forgets planned faults that did not happen yet.
    pub fn heal(&self) {
        self.plan.lock().faults.clear();
    }

    fn due(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.plan.lock();
        plan.calls.push(operation);
        let mut due = None;
        plan.faults.retain_mut(|(planned, skip, fault)| {
            if *planned != operation || due.is_some() {
                return true;
            }
            if *skip > 0 {
                *skip -= 1;
                return true;
            }
            due = Some(*fault);
            false
        });
        due
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        match self.due(operation) {
            None => Ok(()),
            Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(_) => Err(io::Error::other("planned fault")),
        }
    }

    fn give_back(&self, bytes: u64) {
        if let Some(room) = &mut self.plan.lock().room {
            *room += bytes;
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    fs: FaultyFileSystem,
    file: Box<dyn DiskFile>,
}

impl DiskFile for FaultyFile {
    fn append(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let fault = self.fs.due(Operation::Append);
        let mut most = buffers.iter().map(|buffer| buffer.len()).sum::<usize>();
        match fault {
            Some(Fault::Io) => return Err(io::Error::other("planned fault")),
            Some(Fault::Full) => return Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Short(bytes)) => most = most.min(bytes),
            Some(Fault::AfterWrite) | None => {}
        }
        let wanted = most;
        {
            let mut plan = self.fs.plan.lock();
            most = most.min(plan.most_at_once.unwrap_or(usize::MAX).max(1));
            if let Some(room) = &mut plan.room {
                most = most.min(usize::try_from(*room).unwrap_or(usize::MAX));
                *room -= most as u64;
            }
        }
        if most == 0 && wanted > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes: Vec<u8> = buffers.iter().flat_map(|buffer| buffer.iter().copied()).take(most).collect();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let written = self.file.append(&[IoSlice::new(rest)])?;
            rest = &rest[written..];
        }
        if fault == Some(Fault::AfterWrite) { Err(io::Error::other("planned fault")) } else { Ok(most) }
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.fs.check(Operation::Read)?;
        self.file.read_exact_at(buffer, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fs.check(Operation::Sync)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.fs.check(Operation::SetLen)?;
        self.fs.give_back(self.file.length()?.saturating_sub(length));
        self.file.set_len(length)
    }
}

impl FileSystem for FaultyFileSystem {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.check(Operation::Create)?;
        let file = OsFileSystem.create_new(path)?;
        Ok(Box::new(FaultyFile { fs: self.clone(), file }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.check(Operation::Open)?;
        let file = OsFileSystem.open(path)?;
        Ok(Box::new(FaultyFile { fs: self.clone(), file }))
    }

    fn open_to_cut(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.check(Operation::Open)?;
        let file = OsFileSystem.open_to_cut(path)?;
        Ok(Box::new(FaultyFile { fs: self.clone(), file }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        OsFileSystem.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Operation::Rename)?;
        OsFileSystem.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Operation::Remove)?;
        let bytes = std::fs::metadata(path)?.len();
        OsFileSystem.remove(path)?;
        self.give_back(bytes);
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        OsFileSystem.remove_dir(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<bool> {
        OsFileSystem.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Operation::SyncDir)?;
        // A name in a directory that is not there could not be made durable either.
        std::fs::metadata(dir).map(drop)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        OsFileSystem.lock(path)
    }
}
