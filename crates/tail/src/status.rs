//! What each source does, for the agent's status.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Serialize;

/// Whether a source is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// It has not begun yet.
    #[default]
    Starting,
    /// It is read.
    Ok,
    /// Nothing is there to be read, such as a file that does not exist yet.
    Waiting,
    /// It cannot be read; the last error says why.
    Error,
}

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileStatus {
    /// Its path; for a rotated file the one under which it was read.
    pub path: String,
    /// Position up to which it was read, in bytes.
    pub read: u64,
    /// Position up to which its lines were acknowledged, in bytes.
    pub acknowledged: u64,
    /// Its size, in bytes.
    pub size: u64,
    /// Whether it was rotated away and is read to its end.
    pub rotated: bool,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The integration in whose configuration it stands.
    pub check: String,
    /// File and place of its configuration.
    pub where_from: String,
    /// `file`, `tcp` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it reads, such as `file:/var/log/x.log`.
    pub name: String,
    /// `service` of its lines.
    pub service: String,
    /// `source` of its lines.
    pub source: String,
    /// Whether it is being read.
    pub state: SourceState,
    /// Files that are open, for files.
    pub files: Vec<FileStatus>,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Lines that were read.
    pub lines_read: u64,
    /// Lines that rules have dropped.
    pub lines_dropped: u64,
    /// Lines that a server has acknowledged.
    pub lines_sent: u64,
    /// Lines that a server has refused for good.
    pub lines_refused: u64,
    /// The last error, also one that is over.
    pub last_error: Option<String>,
    /// What is odd in its configuration.
    pub warnings: Vec<String>,
}

/// Everything that is collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TailStatus {
    /// The sources in the order in which they were configured.
    pub sources: Vec<SourceStatus>,
    /// Bytes of lines that wait for their acknowledgement.
    pub bytes_in_flight: u64,
    /// Why places are not saved at the moment.
    pub registry_error: Option<String>,
}

/// Counters of a source, shared by its reader and the pipelines.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub bytes_read: AtomicU64,
    pub lines_read: AtomicU64,
    pub lines_dropped: AtomicU64,
    pub lines_sent: AtomicU64,
    pub lines_refused: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: SourceState,
    files: Vec<FileStatus>,
    last_error: Option<String>,
}

impl Counters {
    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// The source is in a state.
    pub fn set_state(&self, state: SourceState) {
        self.inner.lock().state = state;
    }

    /// The source is in trouble; returns whether the error is a new one.
    pub fn fail(&self, error: String) -> bool {
        let mut inner = self.inner.lock();
        let new = inner.last_error.as_ref() != Some(&error);
        inner.state = SourceState::Error;
        inner.last_error = Some(error);
        new
    }

    /// Something went wrong that does not stop the source.
    pub fn note_error(&self, error: String) {
        self.inner.lock().last_error = Some(error);
    }

    /// The files that are open.
    pub fn set_files(&self, files: Vec<FileStatus>) {
        self.inner.lock().files = files;
    }

    /// Fills in what is counted.
    pub fn fill(&self, status: &mut SourceStatus) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        status.bytes_read = read(&self.bytes_read);
        status.lines_read = read(&self.lines_read);
        status.lines_dropped = read(&self.lines_dropped);
        status.lines_sent = read(&self.lines_sent);
        status.lines_refused = read(&self.lines_refused);
        let inner = self.inner.lock();
        status.state = inner.state;
        status.files.clone_from(&inner.files);
        status.last_error.clone_from(&inner.last_error);
    }
}
