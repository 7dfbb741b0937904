//! Kills a writing process at random moments and checks that every acknowledged record is there exactly once, over
//! many lives of one log with rotations, flushes and deletions in between.
//!
//! The test runs its own binary as the child. The child plays an engine: what a generation held goes to a "segment"
//! file, then the generation is called flushed, then its log files are deleted.

#![allow(clippy::unwrap_used)] // helpers of a test are tests too

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use galgo_core::SystemClock;
use galgo_store::{Apply, Generation, Wal, WalConfig};
use parking_lot::Mutex;
use rand::RngExt;

/// Names the directory of the log to the child.
const DIR: &str = "GALGO_TEST_KILL_DIR";
/// Names the child's number, which makes its records unique.
const LIFE: &str = "GALGO_TEST_KILL_LIFE";
const LIVES: usize = 20;
const CALLERS: usize = 8;
/// Records of one caller before the child asks for a flush.
const FLUSH_EVERY: usize = 60;

/// Records in the order in which they were applied.
type Applied = Arc<Mutex<Vec<String>>>;

struct Engine {
    applied: Applied,
    closed: Applied,
}

impl Apply for Engine {
    type Item = String;

    fn apply(&mut self, item: String) {
        self.applied.lock().push(item);
    }

    fn rotated(&mut self, _closed: Generation) {
        self.closed.lock().append(&mut self.applied.lock());
    }
}

fn config() -> WalConfig {
    WalConfig { max_file_bytes: 4000, reserve_bytes: 0, ..WalConfig::default() }
}

fn segment_path(dir: &Path, generation: Generation) -> PathBuf {
    dir.join("segments").join(format!("{generation}"))
}

/// The last generation whose segment file was made.
fn flushed(dir: &Path) -> Generation {
    let names = std::fs::read_dir(dir.join("segments")).unwrap();
    let numbers = names.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    numbers.max().map(Generation).unwrap_or_default()
}

fn open(dir: &Path) -> (Wal<Engine>, Applied) {
    let mut replayed = Vec::new();
    let (applied, closed) = (Applied::default(), Applied::default());
    let engine = Engine { applied: Arc::clone(&applied), closed: Arc::clone(&closed) };
    let replay = |record: &[u8]| {
        replayed.push(String::from_utf8(record.to_vec()).map_err(|error| error.to_string())?);
        Ok(())
    };
    let clock = Arc::new(SystemClock::new());
    let (wal, recovery) = Wal::open(&dir.join("log"), config(), flushed(dir), clock, replay, engine).unwrap();
    assert_eq!(recovery.damage, vec![], "a kill damages nothing that was acknowledged");
    assert!(recovery.torn.len() <= 1, "{:?}", recovery.torn);
    *applied.lock() = replayed;
    (wal, closed)
}

/// Writes until it is killed, and says on its output which records were acknowledged.
#[test]
#[ignore = "the child of the test below"]
fn child() {
    let (Ok(dir), Ok(life)) = (std::env::var(DIR), std::env::var(LIFE)) else { return };
    let dir = PathBuf::from(dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (wal, closed) = open(&dir);
    let wal = Arc::new(wal);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (wal, dir, life, closed) = (Arc::clone(&wal), dir.clone(), life.clone(), Arc::clone(&closed));
            runtime.spawn(async move {
                for number in 0.. {
                    let padding = "x".repeat(number * 37 % 300);
                    let record = format!("{life}/{caller}/{number}/{padding}");
                    wal.append(record.clone().into_bytes(), record.clone()).await.unwrap();
                    // One short write to a pipe arrives whole or not at all.
                    writeln!(std::io::stdout(), "acked {record}").unwrap();
                    if caller == 0 && number % FLUSH_EVERY == FLUSH_EVERY - 1 {
                        flush(&wal, &dir, &closed).await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        runtime.block_on(caller).unwrap();
    }
}

async fn flush(wal: &Wal<Engine>, dir: &Path, closed: &Applied) {
    let generation = wal.rotate().await.unwrap();
    let records = std::mem::take(&mut *closed.lock());
    let unfinished = dir.join("unfinished");
    std::fs::write(&unfinished, records.join("\n")).unwrap();
    std::fs::rename(&unfinished, segment_path(dir, generation)).unwrap();
    wal.delete_through(generation).unwrap();
}

fn spawn_child(dir: &Path, life: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(DIR, dir).env(LIFE, life.to_string()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Everything that survived: how often each record is there.
fn survivors(dir: &Path) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    let mut note = |record: &str| *found.entry(record.to_owned()).or_insert(0) += 1;
    for entry in std::fs::read_dir(dir.join("segments")).unwrap() {
        let content = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        content.lines().for_each(&mut note);
    }
    let engine = Engine { applied: Applied::default(), closed: Applied::default() };
    let replay = |record: &[u8]| {
        note(std::str::from_utf8(record).map_err(|error| error.to_string())?);
        Ok(())
    };
    let clock = Arc::new(SystemClock::new());
    Wal::open(&dir.join("log"), config(), flushed(dir), clock, replay, engine).unwrap();
    found
}

#[test]
fn what_was_acknowledged_survives_kills_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("segments")).unwrap();
    let mut random = rand::rng();
    let mut acked = Vec::new();
    for life in 0..LIVES {
        let mut child = spawn_child(dir.path(), life);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut until_kill = random.random_range(0..800);
        let mut killed = false;
        // After the kill, what the child had said before is still to be read.
        while let Some(Ok(line)) = lines.next() {
            let Some(record) = line.split_once("acked ").map(|(_, record)| record.to_owned()) else { continue };
            acked.push(record);
            until_kill -= 1;
            if until_kill <= 0 && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        let status = child.wait().unwrap();
        assert!(killed, "the child ended by itself: {status}");

        let found = survivors(dir.path());
        let lost: Vec<_> = acked.iter().filter(|record| !found.contains_key(*record)).collect();
        assert_eq!(lost, Vec::<&String>::new(), "life {life}: acknowledged and lost");
        let doubled: BTreeMap<_, _> = found.iter().filter(|(_, count)| **count > 1).collect();
        assert_eq!(doubled, BTreeMap::new(), "life {life}: there more than once");
        // Each caller of each life had one record under way when the child died, which may have come through.
        let unacked = found.len() - acked.len();
        assert!(unacked <= (life + 1) * CALLERS, "life {life}: {unacked} records that nobody acknowledged");
    }
    assert!(acked.len() > LIVES * 60);
    assert!(flushed(dir.path()) > Generation(5), "flushes happened");
}
