//! From the head to segments, and the background task that decides when.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use galgo_core::{MetricKind, Sketch};
use galgo_store::{Edit, Generation, ManifestError, SegmentId, SegmentMeta};
use tokio::sync::watch;

use crate::codec::{CodecError, Effort, MAX_CHUNK_POINTS};
use crate::engine::{Engine, EngineError, Shared};
use crate::head::buffer::sort_last_wins;
use crate::head::series::{Frozen, Series};
use crate::segment::{DATA_FILE, EncodedChunk, FinishedSegment, INDEX_FILE, SegmentWriter, SeriesInfo};

/// Length of the partitions that the head is flushed to, in seconds.
pub const HOT_PARTITION_S: i64 = 2 * 3600;
/// Length of the partitions that compaction makes of them.
pub const DAY_S: i64 = 86_400;
/// Points older than this when flushed go to one segment for all of them, whatever they span: a client that fills in
/// a year would otherwise make a segment of each day.
const LATE_S: i64 = 26 * 3600;

/// What one rotation of the log took from the head.
#[derive(Debug)]
pub struct FrozenSet {
    /// The generation that it ends with.
    pub closed: Generation,
    /// Points by series.
    pub items: Vec<(Arc<Series>, Frozen)>,
    /// Whether the newer generation holds the definitions of all series yet. Until it does, the older ones must stay:
    /// its points cannot be replayed without them.
    pub redefined: bool,
    /// The segments that were written for it and are still to be published.
    pub written: Option<Edit>,
}

/// Runs flushes and compactions until the engine is dropped or stops.
pub async fn run(engine: Weak<Engine>, mut stopped: watch::Receiver<bool>) {
    let mut last_flush = None;
    loop {
        {
            let Some(engine) = engine.upgrade() else { return };
            let shared = engine.shared.clone();
            drop(engine);
            tokio::select! {
                () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
                () = shared.wake.notified() => {}
                _ = stopped.changed() => return,
            }
        }
        let Some(engine) = engine.upgrade() else { return };
        let now = engine.shared.clock.monotonic();
        let config = &engine.shared.config;
        let points = engine.shared.head.points.load(Ordering::Relaxed);
        let since = now - *last_flush.get_or_insert(now);
        if points > config.head_points || (points > 0 && since >= config.flush_interval) {
            match engine.flush().await {
                Ok(()) => last_flush = Some(now),
                Err(error) => tracing::error!(%error, "flush failed, will be tried again"),
            }
        }
        if let Err(error) = engine.compact().await {
            tracing::error!(%error, "compaction failed, will be tried again");
        }
    }
}

impl Engine {
    /// Writes the head's points to segments and lets go of the log that held them. Queries see every point all along.
    pub async fn flush(&self) -> Result<(), EngineError> {
        let _one_at_a_time = self.maintenance.lock().await;
        let left_over = self.shared.frozen.lock().is_some();
        if !left_over {
            if self.shared.head.points.load(Ordering::Relaxed) == 0 && self.wal.bytes() < 1 << 20 {
                return Ok(());
            }
            let idle_before = self.shared.clock.now_s() - self.shared.config.idle_s;
            let retired = self.shared.head.retire(idle_before.clamp(0, i64::from(u32::MAX)) as u32);
            self.wal.rotate().await?;
            // The next rotation drops them for good; until then a batch that resolved one before is still applied.
            self.shared.forgotten.lock().extend(retired.iter().map(|series| series.id));
            *self.shared.retired.lock() = retired;
        }
        let Some(mut frozen) = self.shared.frozen.lock().take() else { return Ok(()) };
        if !frozen.redefined {
            let retired = self.shared.retired.lock().clone();
            if let Err(error) = self.log_definitions(&retired).await {
                *self.shared.frozen.lock() = Some(frozen);
                return Err(error);
            }
            frozen.redefined = true;
        }
        let edit = match frozen.written.take() {
            Some(edit) => edit,
            None => match self.write_frozen(&frozen).await {
                Ok(edit) => edit,
                Err(error) => {
                    *self.shared.frozen.lock() = Some(frozen);
                    return Err(error);
                }
            },
        };
        self.settle(frozen, edit).await
    }

    async fn settle(&self, mut frozen: FrozenSet, edit: Edit) -> Result<(), EngineError> {
        match self.shared.manifest.publish(edit.clone()).await {
            Ok(()) => {}
            // An attempt whose answer was lost did publish it.
            Err(ManifestError::Duplicate { .. }) => {}
            Err(error) => {
                frozen.written = Some(edit);
                *self.shared.frozen.lock() = Some(frozen);
                return Err(error.into());
            }
        }
        // Segments first, then the buffers: a query in between sees points twice, never not at all.
        let segments = edit.add.len();
        self.shared.segments.replace(edit.add, &[]);
        let mut points = 0;
        for (series, _) in &frozen.items {
            series.thaw();
        }
        for (_, item) in &frozen.items {
            points += match item {
                Frozen::Points(buffer) => buffer.len(),
                Frozen::Sketches(buffer) => buffer.times.len(),
            } as u64;
        }
        self.shared.head.points.fetch_sub(points, Ordering::Relaxed);
        self.wal.delete_through(frozen.closed)?;
        tracing::info!(points, segments, generation = %frozen.closed, "head flushed");
        Ok(())
    }

    async fn write_frozen(&self, frozen: &FrozenSet) -> Result<Edit, EngineError> {
        let shared = self.shared.clone();
        let items: Vec<(Arc<Series>, Frozen)> = frozen.items.clone();
        let parts = tokio::task::spawn_blocking(move || partition_and_encode(&shared, items))
            .await
            .map_err(|error| EngineError::Segment(format!("flush panicked: {error}")))??;
        let mut edit = Edit { flushed: Some((crate::STREAM.to_owned(), frozen.closed)), ..Edit::default() };
        for (partition, finished) in parts {
            let sequence = self.shared.manifest.next_sequence(crate::ENGINE).await?;
            let (kind, span) = match partition {
                Partition::Late => ("late", day_span(&finished)),
                Partition::Hot(start) => ("raw", (start, start + HOT_PARTITION_S)),
            };
            edit.add.push(store_segment(&self.shared, finished, kind, span, 0, sequence).await?);
        }
        Ok(edit)
    }
}

/// Stores the files of a segment that was written in memory.
pub async fn store_segment(
    shared: &Shared,
    finished: FinishedSegment<Vec<u8>>,
    kind: &str,
    (partition_start, partition_end): (i64, i64),
    level: u8,
    sequence: u64,
) -> Result<SegmentMeta, EngineError> {
    let id = SegmentId::random();
    let path = |name| SegmentMeta::path_of(crate::ENGINE, kind, partition_start, id, name);
    let (rows, points) = (finished.rows, finished.points);
    let (min_time, max_time) = (i64::from(finished.min_time), i64::from(finished.max_time));
    let data = shared.store.put(DATA_FILE, &path(DATA_FILE), Bytes::from(finished.data)).await?;
    let index = shared.store.put(INDEX_FILE, &path(INDEX_FILE), Bytes::from(finished.index)).await?;
    Ok(SegmentMeta {
        id,
        engine: crate::ENGINE.to_owned(),
        kind: kind.to_owned(),
        level,
        sequence,
        partition_start,
        partition_end,
        min_time,
        max_time,
        rows,
        points,
        bytes: data.bytes + index.bytes,
        files: vec![data, index],
        created_ms: shared.clock.now_ms(),
    })
}

fn day_span<W>(finished: &FinishedSegment<W>) -> (i64, i64) {
    let start = i64::from(finished.min_time).div_euclid(DAY_S) * DAY_S;
    let end = (i64::from(finished.max_time).div_euclid(DAY_S) + 1) * DAY_S;
    (start, end)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Partition {
    Late,
    Hot(i64),
}

impl Partition {
    fn of(time: u32, late_before: i64) -> Self {
        let time = i64::from(time);
        if time < late_before { Self::Late } else { Self::Hot(time.div_euclid(HOT_PARTITION_S) * HOT_PARTITION_S) }
    }
}

type Parts = Vec<(Partition, FinishedSegment<Vec<u8>>)>;

fn partition_and_encode(shared: &Shared, items: Vec<(Arc<Series>, Frozen)>) -> Result<Parts, CodecError> {
    let late_before = (shared.clock.now_s() - LATE_S).div_euclid(HOT_PARTITION_S) * HOT_PARTITION_S;
    let mut writers: BTreeMap<Partition, SegmentWriter<Vec<u8>>> = BTreeMap::new();
    for named in in_order(shared, items) {
        let tags: Vec<&str> = named.tags.iter().map(|tag| &**tag).collect();
        let info = SeriesInfo {
            metric: &named.metric,
            host: &named.host,
            tags: &tags,
            kind: named.series.kind(),
            interval: named.series.interval(),
        };
        match &named.frozen {
            Frozen::Points(buffer) => {
                let (mut times, mut values) = (Vec::with_capacity(buffer.len()), Vec::with_capacity(buffer.len()));
                buffer.copy_range(0, i64::MAX, &mut times, &mut values);
                sort_last_wins(&mut times, &mut values);
                write_pieces(&mut writers, &info, late_before, &times, &values, EncodedChunk::of_points)?;
            }
            Frozen::Sketches(buffer) => {
                let (mut times, mut sketches) = (buffer.times.clone(), buffer.sketches.clone());
                sort_last_wins::<Sketch>(&mut times, &mut sketches);
                write_pieces(&mut writers, &info, late_before, &times, &sketches, EncodedChunk::of_sketches)?;
            }
        }
    }
    writers.into_iter().map(|(partition, writer)| Ok((partition, writer.finish()?))).collect()
}

fn write_pieces<T>(
    writers: &mut BTreeMap<Partition, SegmentWriter<Vec<u8>>>,
    info: &SeriesInfo<'_>,
    late_before: i64,
    times: &[u32],
    values: &[T],
    encode: impl Fn(&[u32], &[T], Effort) -> Result<EncodedChunk, CodecError>,
) -> Result<(), CodecError> {
    let mut start = 0;
    while start < times.len() {
        let partition = Partition::of(times[start], late_before);
        let end = start + times[start..].partition_point(|&time| Partition::of(time, late_before) == partition);
        let writer = match writers.entry(partition) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(SegmentWriter::new(Vec::new())?),
        };
        writer.series(info);
        for piece in chunk_ranges(&times[start..end]) {
            let range = start + piece.start..start + piece.end;
            writer.chunk(&encode(&times[range.clone()], &values[range], Effort::Hot)?)?;
        }
        start = end;
    }
    Ok(())
}

/// Cuts times into chunks: none crosses a day, none is longer than [`MAX_CHUNK_POINTS`].
pub fn chunk_ranges(times: &[u32]) -> Vec<std::ops::Range<usize>> {
    let day = |time: u32| i64::from(time).div_euclid(DAY_S);
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < times.len() {
        let same_day = start + times[start..].partition_point(|&time| day(time) == day(times[start]));
        let end = same_day.min(start + MAX_CHUNK_POINTS);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

struct NamedSeries {
    metric: Arc<str>,
    host: Arc<str>,
    tags: Vec<Arc<str>>,
    series: Arc<Series>,
    frozen: Frozen,
}

// The order of a segment: metric, scalars before distributions, host, tags.
fn in_order(shared: &Shared, items: Vec<(Arc<Series>, Frozen)>) -> Vec<NamedSeries> {
    let index = shared.head.index.read();
    let mut named: Vec<NamedSeries> = items
        .into_iter()
        .map(|(series, frozen)| NamedSeries {
            metric: index.strings.text(series.metric).clone(),
            host: index.strings.text(series.host).clone(),
            tags: series.tags.iter().map(|&tag| index.strings.text(tag).clone()).collect(),
            series,
            frozen,
        })
        .collect();
    drop(index);
    let rank = |one: &NamedSeries| one.series.kind() == MetricKind::Distribution;
    named.sort_by(|a, b| (&a.metric, rank(a), &a.host, &a.tags).cmp(&(&b.metric, rank(b), &b.host, &b.tags)));
    named
}
