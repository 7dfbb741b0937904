//! A rig for tests: an engine on a temporary directory with a clock that stands still.
#![allow(clippy::unwrap_used)] // a failed set-up is a failed test

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use galgo_core::{
    Clock, HostTags, HostTagsCell, ManualClock, MetricKind, MetricSink, Point, RawSeries, Sketch, SketchPoint,
};
use galgo_metrics::{Config, Engine, Parts};
use galgo_query::source::{Budget, Grid, Leaf, Matrix, MetricSource, SpaceAgg, TimeAgg};
use galgo_store::testing::MemoryManifest;
use galgo_store::{Edit, Manifest, SegmentStore};

/// The moment at which the rig's clock stands: a multiple of two hours.
pub const T0: i64 = 1_800_000_000;

pub struct Rig {
    pub engine: Arc<Engine>,
    dir: tempfile::TempDir,
    manifest: Arc<dyn Manifest>,
    memory: Arc<MemoryManifest>,
    hosts: HostTagsCell,
    clock: Arc<ManualClock>,
    config: Config,
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { background: false, ..Config::default() };
        change(&mut config);
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at_ms(T0 * 1000));
        let memory = Arc::new(MemoryManifest::default());
        let manifest: Arc<dyn Manifest> = memory.clone();
        let hosts = HostTagsCell::default();
        let engine = open(&dir, &manifest, &hosts, &clock, &config).await;
        Self { engine, dir, manifest, memory, hosts, clock, config }
    }

    /// Stops orderly and starts again.
    pub async fn restart(&mut self) {
        self.reopen().await;
    }

    /// Starts again from a copy of the disk as it is now, as after a kill: what is not on disk is gone.
    pub async fn crash(&mut self) {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(self.dir.path(), copy.path());
        self.engine = open(&copy, &self.manifest, &self.hosts, &self.clock, &self.config).await;
        self.dir = copy;
    }

    /// Starts again and forgets what is cached; segments that were set aside are live again.
    pub async fn reopen_from_manifest(&mut self) {
        let mut add = self.manifest.live(galgo_metrics::ENGINE).await.unwrap();
        add.extend(self.manifest.quarantined(galgo_metrics::ENGINE).await.unwrap().into_iter().map(|one| one.segment));
        let flushed = self.manifest.flushed(galgo_metrics::STREAM).await.unwrap();
        let fresh = MemoryManifest::default();
        let edit = Edit { add, remove: vec![], flushed: Some((galgo_metrics::STREAM.into(), flushed)) };
        fresh.publish(edit).await.unwrap();
        self.manifest = Arc::new(fresh);
        self.reopen().await;
    }

    async fn reopen(&mut self) {
        // The log is locked by its engine.
        self.engine.shutdown().await;
        self.engine = open(&self.dir, &self.manifest, &self.hosts, &self.clock, &self.config).await;
    }

    pub fn refuse_publishes(&self, refuse: bool) {
        self.memory.refuse_publishes(if refuse { usize::MAX } else { 0 });
    }

    pub fn advance_s(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn set_time(&self, seconds: i64) {
        let ahead = seconds - self.clock.now_s();
        // Back, too: the rig's clock is only read by the engine.
        self.clock.set_ms(self.clock.now_ms() + ahead * 1000);
    }

    pub fn set_host_tags(&self, hosts: &[(&str, &[&str])]) {
        let owned =
            hosts.iter().map(|(host, tags)| (host.to_string(), tags.iter().map(|tag| tag.to_string()).collect()));
        self.hosts.store(HostTags::new(owned));
    }

    pub async fn send(&self, metric: &str, host: &str, tags: &[&str], kind: MetricKind, points: &[Point]) {
        let mut batch = self.engine.batch();
        batch.series(&raw(metric, host, tags, kind), points).unwrap();
        self.engine.commit(batch).await.unwrap();
    }

    pub async fn try_send(&self, metric: &str, points: &[Point]) -> Result<(), String> {
        self.try_send_from(metric, "", points).await
    }

    pub async fn try_send_from(&self, metric: &str, host: &str, points: &[Point]) -> Result<(), String> {
        let mut batch = self.engine.batch();
        batch.series(&raw(metric, host, &[], MetricKind::Gauge), points).map_err(|rejection| rejection.reason)?;
        self.engine.commit(batch).await.map_err(|error| error.to_string())
    }

    pub async fn send_sketch(&self, metric: &str, host: &str, time: i64, values: impl Iterator<Item = f64>) {
        let mut sketch = Sketch::new();
        values.for_each(|value| sketch.insert(value, 1));
        let mut batch = self.engine.batch();
        batch.sketches(&raw(metric, host, &[], MetricKind::Distribution), &[SketchPoint { time, sketch }]).unwrap();
        self.engine.commit(batch).await.unwrap();
    }

    pub async fn leaf(&self, leaf: &Leaf) -> Matrix {
        let (engine, leaf) = (self.engine.clone(), leaf.clone());
        let budget = Budget {
            max_series: 100_000,
            max_points: 1 << 40,
            max_cells: 1 << 30,
            deadline: self.clock.monotonic() + Duration::from_secs(1),
        };
        tokio::task::spawn_blocking(move || engine.leaf(&leaf, &budget)).await.unwrap().unwrap()
    }

    pub async fn sum_of_points(&self, metric: &str) -> f64 {
        self.total(metric, TimeAgg::Sum).await
    }

    pub async fn count_of_points(&self, metric: &str) -> f64 {
        self.total(metric, TimeAgg::Count).await
    }

    async fn total(&self, metric: &str, time: TimeAgg) -> f64 {
        let day = 86_400;
        let answer = self.leaf(&leaf(metric, T0 - day, day, 2, time)).await;
        answer.rows.iter().flat_map(|row| &row.values).filter(|value| !value.is_nan()).sum()
    }

    pub async fn segment_kinds(&self) -> Vec<String> {
        self.manifest.live(galgo_metrics::ENGINE).await.unwrap().into_iter().map(|segment| segment.kind).collect()
    }

    pub fn segment_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.dir.path().join("segments"), &mut files);
        files
            .into_iter()
            .filter(|path| path.extension().is_some_and(|name| name == "data" || name == "index"))
            .collect()
    }
}

fn raw<'a>(metric: &'a str, host: &'a str, tags: &'a [&'a str], kind: MetricKind) -> RawSeries<'a> {
    RawSeries { metric, host, tags, pairs: &[], kind, interval: 10, unit: "" }
}

/// A sum over everything, in `len` buckets of `step` seconds from `start` (moved down to a multiple of `step`).
pub fn leaf(metric: &str, start: i64, step: i64, len: usize, time: TimeAgg) -> Leaf {
    let grid = if start % step == 0 {
        Grid::Uniform { start, step, len }
    } else {
        Grid::Edges((0..=len as i64).map(|edge| start + edge * step).collect())
    };
    Leaf { space: SpaceAgg::Sum, time: Some(time), ..Leaf::all(metric, grid) }
}

async fn open(
    dir: &tempfile::TempDir,
    manifest: &Arc<dyn Manifest>,
    hosts: &HostTagsCell,
    clock: &Arc<ManualClock>,
    config: &Config,
) -> Arc<Engine> {
    let store = SegmentStore::local(&dir.path().join("segments"), clock.clone()).unwrap();
    let parts = Parts {
        wal_dir: dir.path().join("wal"),
        store,
        manifest: manifest.clone(),
        hosts: hosts.clone(),
        clock: clock.clone(),
    };
    Engine::open(config.clone(), parts).await.unwrap()
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn walk(dir: &std::path::Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() { walk(&entry.path(), files) } else { files.push(entry.path()) }
    }
}
