//! The engine as its callers see it: open, take batches, answer leaves, stop.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use galgo_core::{Clock, HostTagsCell};
use galgo_store::{Apply, Generation, Manifest, ManifestError, SegmentStore, StoreError, Wal, WalConfig, WalError};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::batch::Batch;
use crate::codec::CodecError;
use crate::flush::FrozenSet;
use crate::head::series::Series;
use crate::head::{Definition, Head, SeriesLimits};
use crate::record::{self, Content};
use crate::rollup;
use crate::segments::Segments;

/// Bounds and habits of an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Points in the head that start a flush; twice as many refuse further batches. 12 to 18 bytes each.
    pub head_points: u64,
    /// A head that holds points is flushed after this long.
    pub flush_interval: Duration,
    /// Bounds on active series.
    pub series: SeriesLimits,
    /// How long points are kept, in seconds. Older ones are refused.
    pub retention_s: i64,
    /// How long the rollups of closed days are kept, in seconds; at least as long as the points.
    pub rollup_retention_s: i64,
    /// Bytes of segment indexes kept in memory.
    pub index_cache_bytes: usize,
    /// A series without points for this long leaves the head, in seconds.
    pub idle_s: i64,
    /// The log.
    pub wal: WalConfig,
    /// Whether background flushes and compactions run by themselves; tests drive them by hand.
    pub background: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_points: 5_000_000,
            flush_interval: Duration::from_secs(30 * 60),
            series: SeriesLimits { total: 5_000_000, per_metric: 1_000_000 },
            // 15 months, as Datadog keeps metrics.
            retention_s: 456 * 86_400,
            rollup_retention_s: 5 * 365 * 86_400,
            index_cache_bytes: 256 << 20,
            idle_s: 2 * 3600,
            wal: WalConfig {
                max_file_bytes: 64 << 20,
                max_queue_bytes: 64 << 20,
                max_group_bytes: 8 << 20,
                group_wait: Duration::from_millis(1),
                reserve_bytes: 32 << 20,
            },
            background: true,
        }
    }
}

/// What an engine is built from.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Directory of the log, always local.
    pub wal_dir: PathBuf,
    /// Where segments live.
    pub store: SegmentStore,
    /// Which segments are live.
    pub manifest: Arc<dyn Manifest>,
    /// Host tags, resolved at query time.
    pub hosts: HostTagsCell,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Why an engine could not open or maintain itself.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The log.
    #[error("metric log: {0}")]
    Wal(#[from] WalError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The segment store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A segment could not be written.
    #[error("metric segment: {0}")]
    Segment(String),
}

impl From<CodecError> for EngineError {
    fn from(error: CodecError) -> Self {
        Self::Segment(error.to_string())
    }
}

/// Why a batch was not stored. Nothing of it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Too much waits; try again after so many seconds (503).
    #[error("metric engine is busy, try again in {retry_after_s} s")]
    Busy {
        /// For the Retry-After header.
        retry_after_s: u32,
    },
    /// The disk is full (503).
    #[error("disk is full")]
    DiskFull,
    /// The engine is stopping (503).
    #[error("metric engine is stopping")]
    Closed,
    /// The disk failed (500).
    #[error("metric log: {0}")]
    Io(String),
}

impl From<WalError> for CommitError {
    fn from(error: WalError) -> Self {
        match error {
            WalError::Busy { .. } => Self::Busy { retry_after_s: 1 },
            WalError::DiskFull { .. } => Self::DiskFull,
            WalError::Closed => Self::Closed,
            other => Self::Io(other.to_string()),
        }
    }
}

/// Counters of an engine, for its own metrics and the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineStats {
    /// Active series.
    pub series: u64,
    /// Points acknowledged since the start.
    pub points: u64,
    /// Points in the head.
    pub head_points: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Live segments.
    pub segments: u64,
    /// Points in live segments; buckets of rollups are not counted.
    pub segment_points: u64,
    /// Bytes of live segments.
    pub segment_bytes: u64,
    /// Series refused by a limit since the start.
    pub refused_series: u64,
    /// Damaged chunks, indexes and segments met since the start.
    pub damaged: u64,
}

/// What the threads of an engine share.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub head: Head,
    pub hash_seed: u64,
    pub run: u64,
    pub segments: Segments,
    pub store: SegmentStore,
    pub manifest: Arc<dyn Manifest>,
    pub hosts: HostTagsCell,
    pub acked: AtomicU64,
    pub frozen: Mutex<Option<FrozenSet>>,
    pub forgotten: Mutex<Vec<u32>>,
    // Series that left the head at the last rotation; batches on their way may still use them.
    pub retired: Mutex<Vec<Arc<Series>>>,
    pub wake: Notify,
}

/// The metric engine. Made once, shared by all.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wal: Wal<Applier>,
    pub(crate) maintenance: tokio::sync::Mutex<()>,
    stop: watch::Sender<bool>,
    background: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("stats", &self.stats()).finish()
    }
}

/// One record on its way through the log.
#[derive(Debug, Default)]
pub struct Item {
    definitions: Vec<Definition>,
    content: Content,
}

/// Appends durable points to the head, on the log's thread.
#[derive(Debug)]
pub struct Applier {
    shared: Arc<Shared>,
    // Series by number.
    table: Vec<Option<Arc<Series>>>,
}

impl Applier {
    fn series(&mut self, id: u32) -> Option<&Arc<Series>> {
        self.table.get(id as usize).and_then(Option::as_ref)
    }

    fn set(&mut self, series: &Arc<Series>) {
        let at = series.id as usize;
        if self.table.len() <= at {
            self.table.resize(at + 1, None);
        }
        self.table[at] = Some(series.clone());
    }
}

impl Apply for Applier {
    type Item = Item;

    fn apply(&mut self, item: Item) {
        for definition in &item.definitions {
            self.set(&definition.series);
        }
        self.shared.head.defined(&item.definitions);
        let Content { entries, times, values, sketches } = item.content;
        let applied = (times.len() + sketches.len()) as u64;
        let mut at = 0;
        for entry in entries {
            let end = at + entry.count as usize;
            match self.series(entry.id) {
                Some(series) => series.push(&times[at..end], &values[at..end]),
                None => tracing::error!(series = entry.id, "points of a series that was never defined"),
            }
            at = end;
        }
        for entry in sketches {
            match self.series(entry.id) {
                Some(series) => series.push_sketch(entry.time, entry.sketch),
                None => tracing::error!(series = entry.id, "sketch of a series that was never defined"),
            }
        }
        self.shared.head.points.fetch_add(applied, Ordering::Relaxed);
    }

    fn rotated(&mut self, closed: Generation) {
        let mut items = Vec::new();
        for series in self.table.iter().flatten() {
            if let Some(frozen) = series.freeze() {
                items.push((series.clone(), frozen));
            }
        }
        for id in std::mem::take(&mut *self.shared.forgotten.lock()) {
            let gone = self.table.get_mut(id as usize);
            if let Some(slot) = gone {
                *slot = None;
            }
        }
        *self.shared.frozen.lock() = Some(FrozenSet { closed, items, redefined: false, written: None });
    }
}

impl Engine {
    /// Opens the engine: reads the list of segments, replays the log, starts background work.
    pub async fn open(config: Config, parts: Parts) -> Result<Arc<Self>, EngineError> {
        let Parts { wal_dir, store, manifest, hosts, clock } = parts;
        let segments = Segments::load(store.clone(), manifest.clone(), config.index_cache_bytes).await?;
        let flushed = manifest.flushed(crate::STREAM).await?;
        let shared = Arc::new(Shared {
            head: Head::new(config.series.clone()),
            hash_seed: random_u64(),
            run: random_u64(),
            segments,
            store,
            manifest,
            hosts,
            acked: AtomicU64::new(0),
            frozen: Mutex::new(None),
            forgotten: Mutex::new(Vec::new()),
            retired: Mutex::new(Vec::new()),
            wake: Notify::new(),
            clock: clock.clone(),
            config,
        });
        let opening = shared.clone();
        let (wal, recovery) = tokio::task::spawn_blocking(move || {
            let mut replay = Replay { shared: opening.clone(), series: HashMap::new(), waiting: HashMap::new() };
            let applier = Applier { shared: opening.clone(), table: Vec::new() };
            let opened =
                Wal::open(&wal_dir, opening.config.wal.clone(), flushed, clock, |bytes| replay.record(bytes), applier);
            replay.finish();
            opened
        })
        .await
        .map_err(|error| EngineError::Segment(format!("replay panicked: {error}")))??;
        for damage in recovery.torn.iter().chain(&recovery.damage) {
            tracing::error!(file = %damage.file.display(), offset = damage.offset, bytes = damage.bytes, what = %damage.what, "metric log is damaged");
        }
        let (stop, stopped) = watch::channel(false);
        let engine = Arc::new(Self {
            shared,
            wal,
            maintenance: tokio::sync::Mutex::new(()),
            stop,
            background: Mutex::new(None),
        });
        engine.hand_over_replayed().await?;
        tokio::spawn(collect_garbage(engine.shared.clone()));
        if engine.shared.config.background {
            let task = tokio::spawn(crate::flush::run(Arc::downgrade(&engine), stopped));
            *engine.background.lock() = Some(task);
        }
        Ok(engine)
    }

    // Replayed series are known to the head, not yet to the applier: one record defines them anew for this run, and
    // the old generations stay until the next flush.
    async fn hand_over_replayed(&self) -> Result<(), EngineError> {
        if self.shared.head.index.read().len() == 0 {
            return Ok(());
        }
        self.log_definitions(&[]).await
    }

    /// Logs the definitions of all active series, so that older generations are no longer needed to read newer ones.
    pub(crate) async fn log_definitions(&self, more: &[Arc<Series>]) -> Result<(), EngineError> {
        /// Series of one record; keeps it far below the log's limit.
        const SERIES_OF_A_RECORD: usize = 10_000;
        let all: Vec<Arc<Series>> = {
            let index = self.shared.head.index.read();
            index.metrics.values().flat_map(|entry| entry.series.iter()).chain(more).cloned().collect()
        };
        for part in all.chunks(SERIES_OF_A_RECORD) {
            let definitions: Vec<Definition> = part.iter().cloned().map(Definition::of).collect();
            let mut bytes = Vec::new();
            record::begin(self.shared.run, &definitions, &self.shared.head.index.read(), &mut bytes);
            record::put_content(&Content::default(), &mut bytes);
            // Urgent: a full disk or a full queue must not stop the flush that makes room.
            self.wal.append_urgent(bytes, Item { definitions, content: Content::default() }).await?;
        }
        Ok(())
    }

    /// A batch for one request.
    pub fn batch(&self) -> Batch {
        Batch::new(self.shared.clone())
    }

    /// Stores a batch. When this returns `Ok`, all its points survive a crash.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        if batch.is_empty() {
            return Ok(());
        }
        let limit = self.shared.config.head_points.saturating_mul(2);
        if self.shared.head.points.load(Ordering::Relaxed) > limit {
            self.shared.wake.notify_one();
            return Err(CommitError::Busy { retry_after_s: 2 });
        }
        let points = batch.points() as u64;
        let Batch { content, definitions, .. } = batch;
        let mut bytes = Vec::with_capacity(32 + content.times.len() * 16);
        if definitions.is_empty() {
            record::begin_plain(self.shared.run, &mut bytes);
        } else {
            record::begin(self.shared.run, &definitions, &self.shared.head.index.read(), &mut bytes);
        }
        record::put_content(&content, &mut bytes);
        self.wal.append(bytes, Item { definitions, content }).await?;
        self.shared.acked.fetch_add(points, Ordering::Relaxed);
        if self.shared.head.points.load(Ordering::Relaxed) > self.shared.config.head_points {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// Counters of this moment.
    pub fn stats(&self) -> EngineStats {
        let live = self.shared.segments.live();
        EngineStats {
            series: self.shared.head.index.read().len() as u64,
            points: self.shared.acked.load(Ordering::Relaxed),
            head_points: self.shared.head.points.load(Ordering::Relaxed),
            wal_bytes: self.wal.bytes(),
            segments: live.len() as u64,
            segment_points: live
                .iter()
                .filter(|segment| rollup::of_kind(&segment.kind).is_none())
                .map(|segment| segment.points)
                .sum(),
            segment_bytes: live.iter().map(|segment| segment.bytes).sum(),
            refused_series: self.shared.head.refused.load(Ordering::Relaxed),
            damaged: self.shared.segments.damaged.load(Ordering::Relaxed),
        }
    }

    /// Flushes the head and stops. Further batches are refused with [`CommitError::Closed`].
    pub async fn shutdown(&self) {
        let _ = self.stop.send(true);
        let task = self.background.lock().take();
        if let Some(task) = task {
            let _ = task.await;
        }
        if let Err(error) = self.flush().await {
            // Nothing is lost: the log still holds the points.
            tracing::warn!(%error, "final flush failed");
        }
        self.wal.close().await;
    }
}

// Files that a crash left behind between writing and publishing.
async fn collect_garbage(shared: Arc<Shared>) {
    /// Younger files may belong to a process that has just stopped and whose publishing we do not see yet.
    const GRACE: Duration = Duration::from_secs(600);
    let (live, quarantined) =
        match (shared.manifest.live(crate::ENGINE).await, shared.manifest.quarantined(crate::ENGINE).await) {
            (Ok(live), Ok(quarantined)) => (live, quarantined),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "left-over files stay until the next start");
                return;
            }
        };
    let segments = live.iter().chain(quarantined.iter().map(|one| &one.segment));
    let named: HashSet<String> = segments.flat_map(|segment| &segment.files).map(|file| file.path.clone()).collect();
    match shared.store.collect_garbage(crate::ENGINE, &named, GRACE).await {
        Ok(garbage) if garbage.files > 0 => {
            tracing::info!(files = garbage.files, bytes = garbage.bytes, "left-over files removed")
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "left-over files stay until the next start"),
    }
}

/// Rebuilds the head from the log.
struct Replay {
    shared: Arc<Shared>,
    series: HashMap<(u64, u32), Arc<Series>>,
    // Points whose definition stands further on in the log (see docs/formats/metric-wal-record.md).
    waiting: HashMap<(u64, u32), Vec<Waiting>>,
}

enum Waiting {
    Points(Vec<u32>, Vec<f64>),
    Sketch(u32, galgo_core::Sketch),
}

impl Replay {
    fn record(&mut self, bytes: &[u8]) -> Result<(), String> {
        let record = record::decode(bytes).map_err(|error| error.to_string())?;
        for definition in &record.definitions {
            let head = &self.shared.head;
            let series = head
                .define(definition.metric, definition.host, &definition.tags, definition.kind, definition.interval, "")
                .map_err(|rejection| rejection.reason)?;
            let key = (record.run, definition.id);
            for waiting in self.waiting.remove(&key).unwrap_or_default() {
                push(&series, waiting);
            }
            self.series.insert(key, series);
        }
        let Content { entries, times, values, sketches } = record.content;
        self.shared.head.points.fetch_add((times.len() + sketches.len()) as u64, Ordering::Relaxed);
        let mut at = 0;
        for entry in entries {
            let end = at + entry.count as usize;
            let points = Waiting::Points(times[at..end].to_vec(), values[at..end].to_vec());
            self.take((record.run, entry.id), points);
            at = end;
        }
        for entry in sketches {
            self.take((record.run, entry.id), Waiting::Sketch(entry.time, entry.sketch));
        }
        Ok(())
    }

    fn take(&mut self, key: (u64, u32), points: Waiting) {
        match self.series.get(&key) {
            Some(series) => push(series, points),
            None => self.waiting.entry(key).or_default().push(points),
        }
    }

    fn finish(&mut self) {
        if !self.waiting.is_empty() {
            tracing::error!(series = self.waiting.len(), "log holds points of series that are defined nowhere in it");
        }
    }
}

fn push(series: &Series, points: Waiting) {
    match points {
        Waiting::Points(times, values) => series.push(&times, &values),
        Waiting::Sketch(time, sketch) => series.push_sketch(time, sketch),
    }
}

fn random_u64() -> u64 {
    // The standard library seeds its hash maps from the system's randomness.
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
