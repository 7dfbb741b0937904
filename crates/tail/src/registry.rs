//! The places up to which sources are delivered, in `registry.json` of the agent's run folder.
//!
//! Each file that was ever seen has a [`Mark`]: which file it is, up to where its lines were handed to a pipeline in
//! this process, and up to where a server has acknowledged them. Only the latter is saved, so that after a crash every
//! line comes at least once. The file is replaced as a whole (write, fsync, rename), at most once a second.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use galgo_core::Clock;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;
use crate::head::{FileId, Head};

/// Version of the file's format.
const VERSION: u32 = 1;
/// Most files whose places are kept; the ones not seen for the longest time are forgotten first.
const MAX_MARKS: usize = 20_000;

/// What is known of a file besides its offsets.
#[derive(Debug, Clone)]
pub(crate) struct MarkInfo {
    /// Path under which it was read first.
    pub path: PathBuf,
    /// Which file it is.
    pub id: FileId,
    /// How it begins.
    pub head: Head,
    /// Last modification that was seen, in nanoseconds since the UNIX epoch.
    pub modified_ns: i64,
    /// When it was last there, in milliseconds since the UNIX epoch.
    pub seen_ms: i64,
    /// How its bytes are text.
    pub encoding: Encoding,
}

/// The place in one file.
#[derive(Debug)]
pub(crate) struct Mark {
    info: Mutex<MarkInfo>,
    handed: AtomicU64,
    committed: AtomicU64,
    /// Whether nothing more is expected of the file: it was rotated away and read to its end.
    closed: AtomicBool,
    /// Whether this process has read from it.
    used: AtomicBool,
}

impl Mark {
    fn new(info: MarkInfo, offset: u64, closed: bool) -> Arc<Self> {
        Arc::new(Self {
            info: Mutex::new(info),
            handed: offset.into(),
            committed: offset.into(),
            closed: closed.into(),
            used: false.into(),
        })
    }

    /// What is known of the file.
    pub fn info(&self) -> MarkInfo {
        self.info.lock().clone()
    }

    /// Changes what is known of the file.
    pub fn update(&self, change: impl FnOnce(&mut MarkInfo)) {
        change(&mut self.info.lock());
    }

    /// Up to where lines were handed to a pipeline.
    pub fn handed(&self) -> u64 {
        self.handed.load(Ordering::Acquire)
    }

    /// Notes that lines up to an offset are in a pipeline.
    pub fn hand(&self, offset: u64) {
        self.handed.fetch_max(offset, Ordering::AcqRel);
    }

    /// Up to where lines were acknowledged.
    pub fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Whether nothing more is expected of the file.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Nothing more is expected of the file.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether this process has read from it.
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    /// This process reads from it; more is expected of it.
    pub fn take_up(&self) {
        self.used.store(true, Ordering::Release);
        self.closed.store(false, Ordering::Release);
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedFile {
    path: String,
    #[serde(flatten)]
    id: FileId,
    #[serde(flatten)]
    head: Head,
    offset: u64,
    encoding: String,
    modified_ns: i64,
    last_seen_ms: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedSource {
    last_seen_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    version: u32,
    files: Vec<SavedFile>,
    sources: BTreeMap<String, SavedSource>,
}

#[derive(Debug, Default)]
struct Places {
    marks: Vec<Arc<Mark>>,
    sources: BTreeMap<String, SavedSource>,
}

/// All places.
#[derive(Debug)]
pub(crate) struct Registry {
    file: PathBuf,
    clock: Arc<dyn Clock>,
    ttl_ms: i64,
    places: Mutex<Places>,
    dirty: AtomicBool,
    writing: Mutex<()>,
    error: Mutex<Option<String>>,
}

impl Registry {
    /// Reads the places of a run folder. A file that cannot be understood is put aside and said so.
    pub fn open(run_dir: &Path, clock: Arc<dyn Clock>, ttl_ms: i64) -> Arc<Self> {
        let file = run_dir.join("registry.json");
        let mut error = std::fs::create_dir_all(run_dir).err().map(|error| format!("{}: {error}", run_dir.display()));
        let saved = match std::fs::read(&file) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => Saved::default(),
            Err(reason) => {
                error = Some(format!("{}: {reason}", file.display()));
                Saved::default()
            }
            Ok(bytes) => understand(&bytes).unwrap_or_else(|reason| {
                let aside = run_dir.join("registry.json.unreadable");
                let moved = std::fs::rename(&file, &aside).is_ok();
                tracing::warn!(file = %file.display(), reason, moved, "places in log files cannot be read and are given up");
                Saved::default()
            }),
        };
        if let Some(error) = &error {
            tracing::error!(error, "places in log files cannot be kept: set run_path to a folder that can be written");
        }
        Arc::new(Self {
            file,
            clock,
            ttl_ms,
            places: Mutex::new(places_of(saved)),
            dirty: AtomicBool::new(false),
            writing: Mutex::new(()),
            error: Mutex::new(error),
        })
    }

    /// Why places are not saved at the moment.
    pub fn error(&self) -> Option<String> {
        self.error.lock().clone()
    }

    /// A new mark for a file.
    pub fn add(&self, info: MarkInfo, offset: u64) -> Arc<Mark> {
        let mark = Mark::new(info, offset, false);
        self.places.lock().marks.push(Arc::clone(&mark));
        self.touch();
        mark
    }

    /// Forgets a file.
    pub fn remove(&self, mark: &Arc<Mark>) {
        self.places.lock().marks.retain(|kept| !Arc::ptr_eq(kept, mark));
        self.touch();
    }

    /// Marks that a condition holds for, in the order in which they were made.
    pub fn find(&self, wanted: impl Fn(&MarkInfo) -> bool) -> Vec<Arc<Mark>> {
        self.places.lock().marks.iter().filter(|mark| wanted(&mark.info.lock())).cloned().collect()
    }

    /// Files are there now.
    pub fn files_seen(&self, ids: &HashSet<FileId>) {
        let now = self.clock.now_ms();
        for mark in &self.places.lock().marks {
            let mut info = mark.info.lock();
            if ids.contains(&info.id) {
                info.seen_ms = now;
            }
        }
        self.touch();
    }

    /// Lines up to an offset are acknowledged.
    pub fn commit(&self, mark: &Mark, offset: u64) {
        mark.committed.fetch_max(offset, Ordering::AcqRel);
        self.touch();
    }

    /// Whether a source was ever read, and its journal cursor.
    pub fn source(&self, name: &str) -> Option<Option<String>> {
        self.places.lock().sources.get(name).map(|source| source.cursor.clone())
    }

    /// A source is read now.
    pub fn source_seen(&self, name: &str) {
        let now = self.clock.now_ms();
        let mut places = self.places.lock();
        let source = places.sources.entry(name.to_owned()).or_insert(SavedSource { last_seen_ms: now, cursor: None });
        source.last_seen_ms = now;
    }

    /// Entries of the journal up to a cursor are acknowledged; `None` forgets the place.
    pub fn set_cursor(&self, name: &str, cursor: Option<String>) {
        let saved = SavedSource { last_seen_ms: self.clock.now_ms(), cursor };
        self.places.lock().sources.insert(name.to_owned(), saved);
        self.touch();
    }

    /// Something is to be saved.
    pub fn touch(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// Saves what has changed; blocks on the disk.
    pub fn save(&self) {
        let _one_at_a_time = self.writing.lock();
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return;
        }
        let outcome = self.write();
        if let Err(error) = &outcome {
            self.touch();
            tracing::debug!(%error, file = %self.file.display(), "places in log files were not saved");
        }
        let text = outcome.err().map(|error| format!("{}: {error}", self.file.display()));
        let mut last = self.error.lock();
        if let (Some(text), None) = (&text, &*last) {
            tracing::error!(error = text, "places in log files cannot be saved: lines will come again after a restart");
        }
        *last = text;
    }

    /// Forgets files and sources that were not there for the time to live.
    pub fn forget_gone(&self) {
        let oldest = self.clock.now_ms() - self.ttl_ms;
        let mut places = self.places.lock();
        let before = places.marks.len() + places.sources.len();
        // A mark that a reader still holds is in use, whatever its file's state.
        places.marks.retain(|mark| Arc::strong_count(mark) > 1 || mark.info.lock().seen_ms >= oldest);
        places.sources.retain(|_, source| source.last_seen_ms >= oldest);
        let excess = places.marks.len().saturating_sub(MAX_MARKS);
        if excess > 0 {
            places.marks.sort_by_key(|mark| (Arc::strong_count(mark) > 1, mark.info.lock().seen_ms));
            places.marks.drain(..excess);
        }
        if places.marks.len() + places.sources.len() != before {
            self.touch();
        }
    }

    fn write(&self) -> io::Result<()> {
        let bytes = serde_json::to_vec(&self.saved())?;
        let temporary = self.file.with_extension("json.tmp");
        let mut out = File::create(&temporary)?;
        out.write_all(&bytes)?;
        out.sync_all()?;
        std::fs::rename(&temporary, &self.file)?;
        // The rename itself is on disk only when the folder is.
        if let Some(folder) = self.file.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn saved(&self) -> Saved {
        let places = self.places.lock();
        let files = places.marks.iter().map(|mark| {
            let info = mark.info.lock();
            SavedFile {
                path: info.path.to_string_lossy().into_owned(),
                id: info.id,
                head: info.head,
                offset: mark.committed(),
                encoding: info.encoding.name().to_owned(),
                modified_ns: info.modified_ns,
                last_seen_ms: info.seen_ms,
                closed: mark.is_closed() && mark.committed() >= mark.handed(),
            }
        });
        Saved { version: VERSION, files: files.collect(), sources: places.sources.clone() }
    }
}

fn understand(bytes: &[u8]) -> Result<Saved, String> {
    let saved: Saved = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if saved.version != VERSION {
        return Err(format!("version {} of the format, expected {VERSION}", saved.version));
    }
    Ok(saved)
}

fn places_of(saved: Saved) -> Places {
    let marks = saved.files.into_iter().map(|file| {
        let info = MarkInfo {
            path: PathBuf::from(file.path),
            id: file.id,
            head: file.head,
            modified_ns: file.modified_ns,
            seen_ms: file.last_seen_ms,
            encoding: Encoding::from_name(&file.encoding).unwrap_or_default(),
        };
        Mark::new(info, file.offset, file.closed)
    });
    Places { marks: marks.collect(), sources: saved.sources }
}

#[cfg(test)]
mod tests {
    use super::*;
    use galgo_core::ManualClock;

    fn info(path: &str, seen_ms: i64) -> MarkInfo {
        MarkInfo {
            path: path.into(),
            id: FileId { device: 1, inode: 2, born_ns: 3 },
            head: Head { len: 3, hash: u64::MAX },
            modified_ns: 4,
            seen_ms,
            encoding: Encoding::ShiftJis,
        }
    }

    #[test]
    fn what_is_acknowledged_is_saved_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<ManualClock> = Arc::new(ManualClock::at_ms(1000));
        let registry = Registry::open(folder.path(), clock.clone(), 500);
        let mark = registry.add(info("/a.log", 1000), 10);
        mark.hand(50);
        registry.commit(&mark, 30);
        registry.set_cursor("journald:", Some("s=1".into()));
        registry.save();
        let text = std::fs::read_to_string(folder.path().join("registry.json")).unwrap();
        expect_test::expect![[r#"{"version":1,"files":[{"path":"/a.log","device":1,"inode":2,"born_ns":3,"fingerprint_bytes":3,"fingerprint":18446744073709551615,"offset":30,"encoding":"shift-jis","modified_ns":4,"last_seen_ms":1000}],"sources":{"journald:":{"last_seen_ms":1000,"cursor":"s=1"}}}"#]].assert_eq(&text);
        let again = Registry::open(folder.path(), clock.clone(), 500);
        let found = again.find(|info| info.path == Path::new("/a.log"));
        assert_eq!((found[0].committed(), found[0].handed(), found[0].is_used()), (30, 30, false));
        assert_eq!(again.source("journald:"), Some(Some("s=1".into())));
        drop(found);
        clock.advance(std::time::Duration::from_millis(501));
        again.forget_gone();
        assert!(again.find(|_| true).is_empty());
        assert_eq!(again.source("journald:"), None);
    }

    #[test]
    fn an_unreadable_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["{", r#"{"Version":2,"Registry":{}}"#, r#"{"version":9,"files":[],"sources":{}}"#] {
            std::fs::write(folder.path().join("registry.json"), text).unwrap();
            let registry = Registry::open(folder.path(), Arc::new(ManualClock::at_ms(0)), 1);
            assert!(registry.find(|_| true).is_empty());
            let aside = std::fs::read_to_string(folder.path().join("registry.json.unreadable")).unwrap();
            assert_eq!(aside, text);
        }
    }
}
