//! Where segment files live: a local directory, or an object store behind a bounded local cache.
//!
//! Readers always read from a local file with [`LocalFile::read_at`]; a handle stays valid after its segment was
//! deleted. Writers stream into an unfinished file that appears under its name only when complete and durable: on a
//! local disk that takes an fsync of the file, a rename and an fsync of its directory, which the local backend of
//! `object_store` leaves out, so files are written here and that backend is only lent to readers.

mod cache;
mod error;
mod file;
mod handles;
mod local_dir;
mod remote;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use galgo_core::Clock;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use parking_lot::Mutex;

use crate::disk::{FileSystem, OsFileSystem};
use crate::segment::SegmentFile;
use cache::Cache;
pub use error::StoreError;
use error::check_path;
pub use file::LocalFile;
use handles::Handles;
use local_dir::LocalDir;
use remote::Remote;
pub use writer::SegmentWriter;

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

/// The store of segment files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SegmentStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The store itself, or what the cache keeps of it.
    dir: LocalDir,
    remote: Option<Remote>,
    objects: Arc<dyn ObjectStore>,
    handles: Mutex<Handles>,
    /// Files that this process wrote: no garbage, even while no manifest names them yet.
    written: Mutex<HashSet<String>>,
    clock: Arc<dyn Clock>,
}

impl SegmentStore {
    /// A store in a local directory, which is made if needed.
    pub fn local(root: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::local_on(Arc::new(OsFileSystem), root, clock)
    }

    /// As [`SegmentStore::local`], on a file system of the caller's choice.
    pub fn local_on(fs: Arc<dyn FileSystem>, root: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let dir = LocalDir::open(fs, root).map_err(|error| StoreError::io("", error))?;
        let objects = LocalFileSystem::new_with_prefix(root).map_err(|error| StoreError::remote("", error))?;
        Ok(Self::new(dir, None, Arc::new(objects), clock))
    }

    /// A store in an object store, with a cache in a local directory that holds at most `cache_bytes` beside what is
    /// open.
    pub fn remote(
        objects: Arc<dyn ObjectStore>,
        cache_dir: &Path,
        cache_bytes: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let at_start = |error| StoreError::io("", error);
        let dir = LocalDir::open(Arc::new(OsFileSystem), cache_dir).map_err(at_start)?;
        dir.remove_unfinished(i64::MAX);
        let cache = Cache::over(&dir, cache_bytes).map_err(at_start)?;
        let remote = Remote::new(Arc::clone(&objects), cache);
        Ok(Self::new(dir, Some(remote), objects, clock))
    }

    fn new(dir: LocalDir, remote: Option<Remote>, objects: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>) -> Self {
        let (handles, written) = (Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { dir, remote, objects, handles, written, clock }) }
    }

    /// The object store underneath, for engines that read by themselves. Do not write through it: see the module.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.objects)
    }

    /// Stores bytes; durable when this returns. `name` is the role, `path` the place
    /// ([`SegmentMeta::path_of`](crate::SegmentMeta::path_of)).
    pub async fn put(&self, name: &str, path: &str, bytes: Bytes) -> Result<SegmentFile, StoreError> {
        let mut writer = self.create(name, path)?;
        let written = tokio::task::spawn_blocking(move || writer.write_whole(&bytes).map(|()| writer)).await;
        written.map_err(|panic| StoreError::io(path, panic.into()))??.finish().await
    }

    /// Starts a file that is written in pieces, with [`std::io::Write`], from a thread that may block.
    pub fn create(&self, name: &str, path: &str) -> Result<SegmentWriter, StoreError> {
        check_path(path)?;
        SegmentWriter::begin(Arc::clone(&self.inner), name, path)
    }

    /// Opens a file for reading, fetching it first when it is not here. Its length is checked, its checksum only when
    /// it is fetched: see [`LocalFile::verify`].
    pub async fn open(&self, file: &SegmentFile) -> Result<Arc<LocalFile>, StoreError> {
        if let Some(open) = self.open_local(file)? {
            return Ok(open);
        }
        let Some(remote) = &self.inner.remote else {
            return Err(StoreError::Missing { path: file.path.clone() });
        };
        let fetching = remote.fetching(&file.path);
        let _one_at_a_time = fetching.lock().await;
        if let Some(open) = self.open_local(file)? {
            return Ok(open);
        }
        let unfinished = remote.fetch(&self.inner.dir, file).await?;
        self.inner.adopt(file, unfinished, remote)
    }

    /// As [`SegmentStore::open`], but answers `None` instead of fetching.
    pub fn open_local(&self, file: &SegmentFile) -> Result<Option<Arc<LocalFile>>, StoreError> {
        check_path(&file.path)?;
        self.inner.open_local(file)
    }

    /// Deletes a file; open handles stay valid. A missing file is no error.
    pub async fn delete(&self, file: &SegmentFile) -> Result<(), StoreError> {
        self.delete_path(&file.path).await
    }

    async fn delete_path(&self, path: &str) -> Result<(), StoreError> {
        check_path(path)?;
        self.inner.handles.lock().forget(path);
        if let Some(remote) = &self.inner.remote {
            remote.delete(path).await?;
            remote.cache.lock().forget(path);
        }
        self.inner.dir.remove(path).map_err(|error| StoreError::io(path, error))?;
        self.inner.written.lock().remove(path);
        Ok(())
    }

    /// All files whose path starts with the parts of `prefix` (empty: all), in order of paths.
    pub async fn list(&self, prefix: &str) -> Result<Vec<StoredFile>, StoreError> {
        if !prefix.is_empty() {
            check_path(prefix)?;
        }
        if let Some(remote) = &self.inner.remote {
            return remote.list(prefix).await;
        }
        let (inner, below) = (Arc::clone(&self.inner), prefix.to_owned());
        let listed = tokio::task::spawn_blocking(move || inner.dir.list(&below)).await;
        listed.map_err(|panic| StoreError::io(prefix, panic.into()))?.map_err(|error| StoreError::io(prefix, error))
    }

    /// Deletes the files under `engine/` that no segment names and that are older than `grace`, and unfinished files
    /// of that age. `named` must hold the paths of live and quarantined segments. Files that this process wrote are
    /// spared: they may be about to be published.
    pub async fn collect_garbage(
        &self,
        engine: &str,
        named: &HashSet<String>,
        grace: Duration,
    ) -> Result<Garbage, StoreError> {
        let oldest_kept = self.inner.clock.now_ms().saturating_sub(grace.as_millis() as i64);
        let mut garbage = Garbage::default();
        for file in self.list(engine).await? {
            let spared = named.contains(&file.path) || self.inner.written.lock().contains(&file.path);
            if spared || file.modified_ms > oldest_kept {
                continue;
            }
            match self.delete_path(&file.path).await {
                Ok(()) => {
                    tracing::info!(path = file.path, bytes = file.bytes, "file that no segment names is deleted");
                    garbage.files += 1;
                    garbage.bytes += file.bytes;
                }
                Err(error) => tracing::warn!(%error, "file that no segment names could not be deleted"),
            }
        }
        let unfinished = self.inner.dir.remove_unfinished(oldest_kept);
        garbage.files += unfinished.files;
        garbage.bytes += unfinished.bytes;
        Ok(garbage)
    }
}

impl Inner {
    fn open_local(&self, file: &SegmentFile) -> Result<Option<Arc<LocalFile>>, StoreError> {
        if let Some(open) = self.handles.lock().get(&file.path) {
            return Ok(Some(open));
        }
        if let Some(remote) = &self.remote
            && !remote.cache.lock().touch(&file.path)
        {
            return Ok(None);
        }
        let opened = self.dir.open_file(&file.path).and_then(|opened| Ok((opened.length()?, opened)));
        let (found, opened) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.absent(file, StoreError::Missing { path: file.path.clone() });
            }
            Err(error) => return Err(StoreError::io(&file.path, error)),
        };
        let open = LocalFile::new(file, opened);
        let checked = if found == file.bytes { Ok(()) } else { Err(open.wrong_length(found)) };
        // What an earlier process left in the cache was never checked by this one.
        let checked = checked.and_then(|()| if self.remote.is_some() { open.verify() } else { Ok(()) });
        match checked {
            Ok(()) => Ok(Some(self.handles.lock().put(open))),
            Err(error) => self.absent(file, error),
        }
    }

    /// A bad file in the cache is only a reason to fetch it again.
    fn absent(&self, file: &SegmentFile, error: StoreError) -> Result<Option<Arc<LocalFile>>, StoreError> {
        let Some(remote) = &self.remote else { return Err(error) };
        tracing::warn!(%error, "cached file is dropped");
        remote.cache.lock().forget(&file.path);
        self.dir.remove(&file.path).map_err(|error| StoreError::io(&file.path, error))?;
        Ok(None)
    }

    /// Takes a complete local copy into the cache and opens it.
    fn adopt(
        &self,
        file: &SegmentFile,
        unfinished: local_dir::Unfinished,
        remote: &Remote,
    ) -> Result<Arc<LocalFile>, StoreError> {
        let at_file = |error| StoreError::io(&file.path, error);
        unfinished.install(&file.path, false).map_err(at_file)?;
        let opened = self.dir.open_file(&file.path).map_err(at_file)?;
        let open = LocalFile::new(file, opened);
        open.assume_verified();
        let evicted = remote.cache.lock().put(&file.path, file.bytes);
        for path in evicted {
            self.handles.lock().forget(&path);
            if let Err(error) = self.dir.remove(&path) {
                tracing::warn!(%error, path, "cached file could not be removed");
            }
        }
        Ok(self.handles.lock().put(open))
    }
}

#[cfg(test)]
mod tests;
