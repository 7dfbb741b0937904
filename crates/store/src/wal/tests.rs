//! What the log promises, over real files.

mod damage;
mod faults;
mod flow;

use std::path::Path;
use std::sync::Arc;

use galgo_core::ManualClock;
use parking_lot::Mutex;

use super::*;
use crate::testing::FaultyFileSystem;

/// What an engine saw.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Applied(String),
    Rotated(u64),
}

/// An engine that notes what it is told.
#[derive(Debug, Clone, Default)]
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Notes {
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock())
    }

    fn applied(&self) -> Vec<String> {
        let applied = |seen: &Seen| match seen {
            Seen::Applied(record) => Some(record.clone()),
            Seen::Rotated(_) => None,
        };
        self.0.lock().iter().filter_map(applied).collect()
    }
}

impl Apply for Notes {
    type Item = String;

    fn apply(&mut self, item: String) {
        assert!(item != "poison", "the engine does not like this one");
        self.0.lock().push(Seen::Applied(item));
    }

    fn rotated(&mut self, closed: Generation) {
        self.0.lock().push(Seen::Rotated(closed.0));
    }
}

type Opened = (Wal<Notes>, Recovery);

/// A log in a directory that ends with it.
struct Fixture {
    dir: tempfile::TempDir,
    fs: FaultyFileSystem,
    clock: Arc<ManualClock>,
    config: WalConfig,
    flushed: Generation,
    notes: Notes,
}

impl Fixture {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            fs: FaultyFileSystem::new(),
            clock: Arc::new(ManualClock::at_ms(0)),
            config: WalConfig { reserve_bytes: 0, ..WalConfig::default() },
            flushed: Generation(0),
            notes: Notes::default(),
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Opens the log; answers it, the records replayed and the report.
    fn open(&self) -> (Wal<Notes>, Vec<String>, Recovery) {
        let (opened, replayed) = self.try_open();
        let (wal, recovery) = opened.unwrap();
        assert_eq!(recovery.records as usize, replayed.len());
        (wal, replayed, recovery)
    }

    fn try_open(&self) -> (Result<Opened, WalError>, Vec<String>) {
        let mut replayed = Vec::new();
        let replay = |record: &[u8]| {
            let text = String::from_utf8(record.to_vec()).map_err(|error| error.to_string())?;
            if text == "refused" {
                return Err("not understood".to_owned());
            }
            assert!(text != "poison", "the engine does not like this one");
            replayed.push(text);
            Ok(())
        };
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let fs = Arc::new(self.fs.clone());
        let notes = self.notes.clone();
        let opened = Wal::open_on(fs, self.path(), self.config.clone(), self.flushed, clock, replay, notes);
        (opened, replayed)
    }

    /// The log files, in order.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
        files.sort();
        files
    }

    fn quarantined(&self) -> Vec<PathBuf> {
        let dir = self.path().join("quarantine");
        if !dir.exists() {
            return vec![];
        }
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

async fn append(wal: &Wal<Notes>, record: &str) -> Result<(), WalError> {
    wal.append(record.as_bytes().to_vec(), record.to_owned()).await
}

async fn append_all_of(wal: &Wal<Notes>, records: &[&str]) {
    for record in records {
        append(wal, record).await.unwrap();
    }
}
