//! The write-ahead log. One thread writes; all callers that wait share one write and one fdatasync.
//!
//! A record is acknowledged after it is on disk *and* applied to memory. The log is cut into generations by
//! [`Wal::rotate`]: an engine rotates, flushes what was applied up to then into segments, publishes them together with
//! the closed generation, and calls [`Wal::delete_through`]. Each generation must be replayable without the ones
//! before it, because they may be gone.
//!
//! The files are described field by field in docs/formats/wal.md.

mod appender;
mod files;
mod frame;
mod quarantine;
mod queue;
mod recovery;
mod reserve;
mod writer;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use galgo_core::Clock;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use crate::disk::{FileSystem, OsFileSystem, create_dir_durably, is_full};
use appender::{Appender, Start};
use files::Files;
pub use frame::MAX_RECORD_BYTES;
use queue::{Queue, Urgency};
use recovery::{Recovered, Recoverer};
use writer::Writer;

/// The longest file, whatever the configuration says; recovery reads a file whole.
const MOST_FILE_BYTES: u64 = 1 << 30;

/// Number of a stretch of the log; the first is 1, 0 means "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Generation(pub u64);

impl Generation {
    /// The one after this.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What the log does with records once they are durable. All calls come from the one writer thread, in log order.
pub trait Apply: Send + 'static {
    /// The decoded form of a record.
    type Item: Send + 'static;

    /// Applies a record to memory, after its fsync and before its caller is told. Must not block for long: every
    /// other caller waits.
    fn apply(&mut self, item: Self::Item);

    /// A generation was closed: all that was applied so far belongs to it or to earlier ones, all that comes belongs
    /// to later ones.
    fn rotated(&mut self, closed: Generation);
}

/// Bounds of a log.
#[derive(Debug, Clone)]
pub struct WalConfig {
    /// A file that would pass this is followed by another of the same generation.
    pub max_file_bytes: u64,
    /// Bytes of records (with an allowance for each) that may wait or be in flight; beyond: [`WalError::Busy`].
    pub max_queue_bytes: usize,
    /// Bytes that share one fsync at most.
    pub max_group_bytes: usize,
    /// How long to wait for company when the group before had some; less as soon as all are back. Measured with 64
    /// callers, it halves the processor time of an append. Zero: never; callers then gather only while the fsync
    /// before theirs runs.
    pub group_wait: Duration,
    /// Size of a file of zeros that is given up when the disk is full, so that a flush has room to make more. Appends
    /// resume when there is room for it again and for half as much. Zero: none is kept.
    pub reserve_bytes: u64,
}

impl Default for WalConfig {
    /// For a server: files of 64 MiB, 64 MiB in the queue, groups of 8 MiB that wait 1 ms for company, 16 MiB
    /// in reserve.
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_queue_bytes: 64 << 20,
            max_group_bytes: 8 << 20,
            group_wait: Duration::from_millis(1),
            reserve_bytes: 16 << 20,
        }
    }
}

/// Something unreadable that recovery met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file as it was found.
    pub file: PathBuf,
    /// First byte concerned.
    pub offset: u64,
    /// How many bytes are concerned.
    pub bytes: u64,
    /// What is wrong, lower case.
    pub what: String,
    /// Copy of the whole file, when one could be made.
    pub quarantined: Option<PathBuf>,
}

/// What [`Wal::open`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The generation that new records go to.
    pub generation: Generation,
    /// Files read.
    pub files: usize,
    /// Records replayed.
    pub records: u64,
    /// Bytes of the records replayed.
    pub bytes: u64,
    /// Unfinished writes at the end of the log: never acknowledged, now cut off.
    pub torn: Vec<Damage>,
    /// Everything else that could not be read: acknowledged records may be lost here.
    pub damage: Vec<Damage>,
}

/// Why a log would not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WalError {
    /// Too much waits already. Answer 503 with Retry-After.
    #[error("log is busy: {waiting} bytes wait, limit {limit}")]
    Busy {
        /// Bytes that wait.
        waiting: usize,
        /// Most that may.
        limit: usize,
    },
    /// No room on the disk; nothing was applied. Appends succeed again once there is room.
    #[error("disk is full: {file}")]
    DiskFull {
        /// File that could not grow.
        file: PathBuf,
    },
    /// The disk failed; nothing was applied. The next append starts a new file.
    #[error("{file}: {source}")]
    Io {
        /// File concerned.
        file: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// The record is durable but applying it panicked, which is a defect of the engine. Do not retry.
    #[error("record could not be applied")]
    Apply,
    /// A record is longer than a frame may be.
    #[error("record of {bytes} bytes, limit {limit}")]
    TooLong {
        /// Length of the record.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The record was made for another generation than the one it would go to: make it again.
    #[error("record is for generation {expected}, the log is at {current}")]
    Rotated {
        /// Generation given to [`Wal::enqueue_in`].
        expected: Generation,
        /// Generation that records go to now.
        current: Generation,
    },
    /// Another process uses the directory.
    #[error("{dir} is in use by another process")]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// A file was written by a later version.
    #[error("{file}: format version {version}, this program reads up to {supported}")]
    Version {
        /// File concerned.
        file: PathBuf,
        /// Version in its header.
        version: u16,
        /// Latest version known here.
        supported: u16,
    },
    /// The log was closed.
    #[error("log is closed")]
    Closed,
}

impl WalError {
    fn io(file: &Path, error: std::io::Error) -> Self {
        let file = file.to_owned();
        if is_full(&error) { Self::DiskFull { file } } else { Self::Io { file, source: Arc::new(error) } }
    }
}

/// A write-ahead log in one directory. Dropped, it writes what waits and ends its thread; [`Wal::close`] does so
/// without blocking.
pub struct Wal<A: Apply> {
    fs: Arc<dyn FileSystem>,
    queue: Arc<Queue<A::Item>>,
    files: Arc<Files>,
    /// Its other end is dropped when the thread ends.
    ended: watch::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Resolves when a record is durable and applied. Dropping it does not take the record back.
#[derive(Debug)]
#[must_use = "a record is only durable once its ack resolved"]
pub struct Ack(oneshot::Receiver<Result<(), WalError>>);

impl Future for Ack {
    type Output = Result<(), WalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ack| ack.unwrap_or(Err(WalError::Closed)))
    }
}

impl<A: Apply> Wal<A> {
    /// Opens the log in `dir`, which is made if needed: removes the generations through `flushed`, hands every record
    /// of the others to `replay` in log order, and starts a new generation. A record that `replay` refuses is
    /// reported as damage. Blocks.
    pub fn open(
        dir: &Path,
        config: WalConfig,
        flushed: Generation,
        clock: Arc<dyn Clock>,
        replay: impl FnMut(&[u8]) -> Result<(), String>,
        apply: A,
    ) -> Result<(Self, Recovery), WalError> {
        Self::open_on(Arc::new(OsFileSystem), dir, config, flushed, clock, replay, apply)
    }

    /// As [`Wal::open`], on a file system of the caller's choice.
    pub fn open_on(
        fs: Arc<dyn FileSystem>,
        dir: &Path,
        config: WalConfig,
        flushed: Generation,
        clock: Arc<dyn Clock>,
        replay: impl FnMut(&[u8]) -> Result<(), String>,
        apply: A,
    ) -> Result<(Self, Recovery), WalError> {
        create_dir_durably(fs.as_ref(), dir).map_err(|error| WalError::io(dir, error))?;
        let lock_path = dir.join("lock");
        let lock = fs.lock(&lock_path).map_err(|error| WalError::io(&lock_path, error))?;
        let lock = lock.ok_or_else(|| WalError::Locked { dir: dir.to_owned() })?;

        let files = Arc::new(Files::default());
        let recoverer = Recoverer { fs: fs.as_ref(), dir, files: &files, replay };
        let Recovered { recovery, next_record } = recoverer.run(flushed)?;
        let appender = Appender::start(Start {
            fs: Arc::clone(&fs),
            clock,
            dir: dir.to_owned(),
            files: Arc::clone(&files),
            max_file_bytes: config.max_file_bytes.min(MOST_FILE_BYTES),
            reserve_bytes: config.reserve_bytes,
            generation: recovery.generation,
            next_record,
        })?;

        let queue = Arc::new(Queue::new(recovery.generation, config.max_queue_bytes));
        let (end, ended) = watch::channel(());
        let writer = Writer {
            queue: Arc::clone(&queue),
            appender,
            apply,
            max_group_bytes: config.max_group_bytes,
            group_wait: config.group_wait,
        };
        let run = move || {
            writer.run();
            drop(lock);
            drop(end);
        };
        let thread = std::thread::Builder::new().name("galgo-wal".to_owned()).spawn(run);
        let thread = Some(thread.map_err(|error| WalError::io(dir, error))?);
        Ok((Self { fs, queue, files, ended, thread }, recovery))
    }

    /// Writes a record and applies its item; resolves when both are done. A record whose future is dropped meanwhile
    /// is still written.
    pub async fn append(&self, record: impl Into<Bytes>, item: A::Item) -> Result<(), WalError> {
        self.enqueue(record, item)?.await
    }

    /// Puts a record in the queue; the order of these calls is the order of the log. Await the [`Ack`].
    pub fn enqueue(&self, record: impl Into<Bytes>, item: A::Item) -> Result<Ack, WalError> {
        self.push(None, Urgency::Ordinary, record.into(), item)
    }

    /// As [`Wal::append`], for the few records that a flush needs to end (definitions that the new generation has to
    /// repeat): never [`WalError::Busy`], and on a full disk it takes its room from what the reserve gave up.
    pub async fn append_urgent(&self, record: impl Into<Bytes>, item: A::Item) -> Result<(), WalError> {
        self.push(None, Urgency::Urgent, record.into(), item)?.await
    }

    /// As [`Wal::enqueue`], but refuses with [`WalError::Rotated`] when the record would go to another generation
    /// than it was made for (its definitions may be missing there).
    pub fn enqueue_in(&self, expected: Generation, record: impl Into<Bytes>, item: A::Item) -> Result<Ack, WalError> {
        self.push(Some(expected), Urgency::Ordinary, record.into(), item)
    }

    fn push(
        &self,
        expected: Option<Generation>,
        urgency: Urgency,
        record: Bytes,
        item: A::Item,
    ) -> Result<Ack, WalError> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(WalError::TooLong { bytes: record.len(), limit: MAX_RECORD_BYTES });
        }
        self.queue.push(expected, urgency, record, item).map(Ack)
    }

    /// The generation that a record enqueued now goes to.
    pub fn generation(&self) -> Generation {
        self.queue.generation()
    }

    /// Closes the current generation: records enqueued before this call belong to it, later ones to the next.
    /// Resolves after [`Apply::rotated`] returned. Needs no room on the disk.
    pub async fn rotate(&self) -> Result<Generation, WalError> {
        self.queue.push_rotate()?.await.map_err(|_| WalError::Closed)
    }

    /// Removes the files of all closed generations through this one. Blocks for the time of the unlinks.
    pub fn delete_through(&self, generation: Generation) -> Result<(), WalError> {
        self.files.delete_through(self.fs.as_ref(), generation)
    }

    /// Bytes of all files of the log.
    pub fn bytes(&self) -> u64 {
        self.files.bytes()
    }

    /// Refuses further records, writes those that wait and ends the thread; then the directory may be opened again.
    pub async fn close(&self) {
        self.queue.close();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl<A: Apply> Drop for Wal<A> {
    fn drop(&mut self) {
        self.queue.close();
        let Some(thread) = self.thread.take() else { return };
        // An engine may own its log and be dropped by the last call of the log's own thread.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

impl<A: Apply> std::fmt::Debug for Wal<A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wal").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
