//! What an append costs: processor time for each at 1, 8 and 64 concurrent callers, and how many share an fsync.
//!
//! `cargo run --release -p galgo-store --example wal_append [DIRECTORY] [GROUP_WAIT_MICROSECONDS]`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use galgo_core::{Clock, SystemClock};
use galgo_store::disk::{DirEntry, DirLock, DiskFile, FileSystem, OsFileSystem};
use galgo_store::{Apply, Generation, Wal, WalConfig};

const RECORD: [u8; 1000] = [b'x'; 1000];
const MEASURE_FOR: Duration = Duration::from_secs(4);

struct Nothing;

impl Apply for Nothing {
    type Item = ();

    fn apply(&mut self, (): ()) {}

    fn rotated(&mut self, _closed: Generation) {}
}

/// Counts fsyncs.
#[derive(Debug)]
struct Counting(Arc<AtomicU64>);

#[derive(Debug)]
struct CountingFile(Box<dyn DiskFile>, Arc<AtomicU64>);

impl DiskFile for CountingFile {
    fn append(&mut self, buffers: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
        self.0.append(buffers)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn length(&self) -> std::io::Result<u64> {
        self.0.length()
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.sync_data()
    }

    fn set_len(&self, length: u64) -> std::io::Result<()> {
        self.0.set_len(length)
    }
}

impl FileSystem for Counting {
    fn create_new(&self, path: &std::path::Path) -> std::io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(CountingFile(OsFileSystem.create_new(path)?, Arc::clone(&self.0))))
    }

    fn open(&self, path: &std::path::Path) -> std::io::Result<Box<dyn DiskFile>> {
        OsFileSystem.open(path)
    }

    fn open_to_cut(&self, path: &std::path::Path) -> std::io::Result<Box<dyn DiskFile>> {
        OsFileSystem.open_to_cut(path)
    }

    fn list(&self, dir: &std::path::Path) -> std::io::Result<Vec<DirEntry>> {
        OsFileSystem.list(dir)
    }

    fn rename(&self, from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
        OsFileSystem.rename(from, to)
    }

    fn remove(&self, path: &std::path::Path) -> std::io::Result<()> {
        OsFileSystem.remove(path)
    }

    fn remove_dir(&self, dir: &std::path::Path) -> std::io::Result<()> {
        OsFileSystem.remove_dir(dir)
    }

    fn create_dir(&self, dir: &std::path::Path) -> std::io::Result<bool> {
        OsFileSystem.create_dir(dir)
    }

    fn sync_dir(&self, dir: &std::path::Path) -> std::io::Result<()> {
        OsFileSystem.sync_dir(dir)
    }

    fn lock(&self, path: &std::path::Path) -> std::io::Result<Option<Box<dyn DirLock>>> {
        OsFileSystem.lock(path)
    }
}

/// Processor time of this process, user and system, in microseconds; the kernel counts in hundredths of a second.
fn processor_us() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| -> anyhow::Result<u64> { Ok(fields.get(index).copied().unwrap_or("").parse()?) };
    Ok((ticks(11)? + ticks(12)?) * 10_000)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let group_wait = Duration::from_micros(arguments.next().map_or(Ok(0), |text| text.parse())?);
    println!(
        "{:>8} {:>12} {:>14} {:>14} {:>12}",
        "callers", "appends/s", "CPU us/append", "appends/fsync", "latency us"
    );
    for callers in [1, 8, 64, 512] {
        let dir = tempfile::tempdir_in(&parent)?;
        let syncs = Arc::new(AtomicU64::new(0));
        let fs = Arc::new(Counting(Arc::clone(&syncs)));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let config = WalConfig { group_wait, reserve_bytes: 0, ..WalConfig::default() };
        let opened = Wal::open_on(fs, dir.path(), config, Generation(0), Arc::clone(&clock), |_| Ok(()), Nothing)?;
        let wal = Arc::new(opened.0);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (busy_before, started) = (processor_us()?, clock.monotonic());
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let (wal, clock) = (Arc::clone(&wal), Arc::clone(&clock));
                runtime.spawn(async move {
                    let mut appends = 0_u64;
                    while clock.monotonic() - started < MEASURE_FOR {
                        wal.append(Bytes::from_static(&RECORD), ()).await?;
                        appends += 1;
                    }
                    anyhow::Ok(appends)
                })
            })
            .collect();
        let mut appends = 0;
        for task in tasks {
            appends += runtime.block_on(task)??;
        }
        let seconds = (clock.monotonic() - started).as_secs_f64();
        let busy_us = processor_us()? - busy_before;
        println!(
            "{callers:>8} {:>12.0} {:>14.2} {:>14.1} {:>12.0}",
            appends as f64 / seconds,
            busy_us as f64 / appends as f64,
            appends as f64 / syncs.load(Ordering::Relaxed) as f64,
            seconds * 1e6 * f64::from(callers) / appends as f64,
        );
    }
    Ok(())
}
