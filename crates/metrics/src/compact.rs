//! Compaction and retention: small segments of one partition become one, hours become days, old segments go.
//!
//! A merge reads its inputs series by series in their common order and streams the output, so it holds one series'
//! chunks in memory, not a segment.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use galgo_core::Sketch;
use galgo_store::store::SegmentWriter as SegmentFileWriter;
use galgo_store::{Edit, SegmentId, SegmentMeta};

use crate::codec::{CodecError, Effort, MAX_CHUNK_POINTS};
use crate::engine::{Engine, EngineError, Shared};
use crate::flush::{DAY_S, chunk_ranges};
use crate::head::buffer::sort_last_wins;
use crate::rollup::{self, RESOLUTIONS, Resolution};
use crate::segment::{DATA_FILE, EncodedChunk, FinishedSegment, INDEX_FILE, PieceReader, SegmentWriter, SeriesInfo};
use crate::segments::OpenError;

/// Segments of one level that are worth a merge while their partition is still written to. Each point is so merged once
/// on its way and once more when the partition has become quiet, however many flushes the partition saw.
const LEVEL_SEGMENTS: usize = 6;
/// Segments of late points that are worth a merge.
const LATE_SEGMENTS: usize = 4;
/// Late segments above this are left alone: merging them again and again would rewrite the past for every straggler.
const LATE_POINTS: u64 = 50_000_000;
/// A partition counts as closed this long after its end: stragglers have come by then.
const CLOSED_AFTER_S: i64 = 15 * 60;
/// A closed partition is merged to one segment once nothing was flushed to it for this long: a client that fills in
/// old points writes to closed partitions too.
const QUIET_AFTER_S: i64 = 10 * 60;

/// Level of a merged day, beside which its rollups lie.
const DAY_LEVEL: u8 = 2;

/// One merge to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Job {
    inputs: Vec<Arc<SegmentMeta>>,
    kind: String,
    span: (i64, i64),
    level: u8,
    // Hot when the output will soon be merged again.
    effort: Effort,
}

/// The most useful merge at this moment. Pure, so that it is tested without files.
fn plan(live: &[Arc<SegmentMeta>], now: i64, force: bool) -> Option<Job> {
    let mut partitions: BTreeMap<(i64, i64), Vec<Arc<SegmentMeta>>> = BTreeMap::new();
    let mut late = Vec::new();
    for segment in live {
        if rollup::of_kind(&segment.kind).is_some() {
            continue;
        }
        if segment.kind == "late" {
            if segment.points < LATE_POINTS {
                late.push(segment.clone());
            }
        } else {
            partitions.entry((segment.partition_start, segment.partition_end)).or_default().push(segment.clone());
        }
    }
    for (span, segments) in &partitions {
        let done = force || (span.1 + CLOSED_AFTER_S < now && is_quiet(segments, now));
        let whole_day = span.1 - span.0 >= DAY_S;
        let level = if whole_day { DAY_LEVEL } else { 1 };
        if done && segments.len() >= 2 {
            return Some(Job {
                inputs: segments.clone(),
                kind: "raw".into(),
                span: *span,
                level,
                effort: Effort::Cold,
            });
        }
        for input_level in 0..DAY_LEVEL {
            let inputs: Vec<_> = segments.iter().filter(|segment| segment.level == input_level).cloned().collect();
            if inputs.len() >= LEVEL_SEGMENTS && !whole_day {
                return Some(Job { inputs, kind: "raw".into(), span: *span, level, effort: Effort::Hot });
            }
        }
    }
    if late.len() >= if force { 2 } else { LATE_SEGMENTS } {
        let start = late.iter().map(|segment| segment.partition_start).min()?;
        let end = late.iter().map(|segment| segment.partition_end).max()?;
        return Some(Job { inputs: late, kind: "late".into(), span: (start, end), level: 1, effort: Effort::Cold });
    }
    plan_day(&partitions, now)
}

fn is_quiet(segments: &[Arc<SegmentMeta>], now: i64) -> bool {
    segments.iter().all(|segment| segment.created_ms / 1000 + QUIET_AFTER_S < now)
}

// All hours of a closed day become one segment with full chunks.
fn plan_day(partitions: &BTreeMap<(i64, i64), Vec<Arc<SegmentMeta>>>, now: i64) -> Option<Job> {
    let mut days: BTreeMap<i64, Vec<Arc<SegmentMeta>>> = BTreeMap::new();
    for ((start, _), segments) in partitions {
        days.entry(start.div_euclid(DAY_S) * DAY_S).or_default().extend(segments.iter().cloned());
    }
    let (start, inputs) = days.into_iter().find(|(start, segments)| {
        let closed = start + DAY_S + CLOSED_AFTER_S < now;
        let unmerged = segments.iter().any(|segment| segment.partition_end - segment.partition_start < DAY_S);
        closed && unmerged && is_quiet(segments, now)
    })?;
    Some(Job { inputs, kind: "raw".into(), span: (start, start + DAY_S), level: DAY_LEVEL, effort: Effort::Cold })
}

impl Engine {
    /// Does the merges that are due, one after the other, and lets segments beyond the retention go.
    pub async fn compact(&self) -> Result<(), EngineError> {
        self.compact_until_done(false).await
    }

    /// Merges every partition to one segment, closed or not. For benchmarks and before a backup.
    pub async fn compact_fully(&self) -> Result<(), EngineError> {
        self.compact_until_done(true).await
    }

    async fn compact_until_done(&self, force: bool) -> Result<(), EngineError> {
        let _one_at_a_time = self.maintenance.lock().await;
        let now = self.shared.clock.now_s();
        self.expire(now).await?;
        while let Some(job) = plan(&self.shared.segments.live(), now, force) {
            self.merge(job).await?;
        }
        Ok(())
    }

    async fn expire(&self, now: i64) -> Result<(), EngineError> {
        let horizon = now - self.shared.config.retention_s;
        let live = self.shared.segments.live();
        let expired: Vec<Arc<SegmentMeta>> =
            live.iter().filter(|segment| segment.max_time < horizon).cloned().collect();
        if expired.is_empty() {
            return Ok(());
        }
        tracing::info!(segments = expired.len(), "segments beyond the retention removed");
        self.publish(Vec::new(), &expired).await
    }

    async fn publish(&self, add: Vec<SegmentMeta>, remove: &[Arc<SegmentMeta>]) -> Result<(), EngineError> {
        let ids: Vec<SegmentId> = remove.iter().map(|segment| segment.id).collect();
        self.shared.manifest.publish(Edit { add: add.clone(), remove: ids.clone(), flushed: None }).await?;
        self.shared.segments.replace(add, &ids);
        for file in remove.iter().flat_map(|segment| &segment.files) {
            if let Err(error) = self.shared.store.delete(file).await {
                tracing::warn!(path = %file.path, %error, "file of a removed segment stays until the next start");
            }
        }
        Ok(())
    }

    async fn merge(&self, job: Job) -> Result<(), EngineError> {
        let Some(sequence) = job.inputs.iter().map(|segment| segment.sequence).max() else { return Ok(()) };
        let resolutions: &[Resolution] = if job.level == DAY_LEVEL { &RESOLUTIONS } else { &[] };
        let kinds = std::iter::once(job.kind.as_str()).chain(resolutions.iter().map(|resolution| resolution.kind));
        let outputs: Vec<Output> = kinds.map(|kind| Output::new(kind, &job)).collect();
        let mut files = Vec::with_capacity(outputs.len());
        for output in &outputs {
            files.push(self.shared.store.create(DATA_FILE, &output.path(DATA_FILE))?);
        }
        let (shared, inputs, effort) = (self.shared.clone(), job.inputs.clone(), job.effort);
        let merged = tokio::task::spawn_blocking(move || merge_segments(&shared, &inputs, files, effort))
            .await
            .map_err(|error| EngineError::Segment(format!("merge panicked: {error}")))?;
        let finished = match merged {
            Ok(finished) => finished,
            // The damaged input was set aside; the next round merges the others.
            Err(MergeError::SetAside(reason)) => {
                tracing::error!(%reason, "merge given up");
                return Ok(());
            }
            Err(MergeError::Failed(reason)) => return Err(EngineError::Segment(reason)),
        };
        let mut add = Vec::with_capacity(outputs.len());
        for (output, finished) in outputs.iter().zip(finished) {
            add.push(self.complete(output, &job, sequence, finished).await?);
        }
        // Rollups of the day that were made before are replaced with it.
        let mut remove = job.inputs.clone();
        let replaced = |segment: &&Arc<SegmentMeta>| {
            !resolutions.is_empty() && rollup::of_kind(&segment.kind).is_some() && segment.partition_start == job.span.0
        };
        remove.extend(self.shared.segments.live().iter().filter(replaced).cloned());
        tracing::info!(
            inputs = job.inputs.len(),
            points = add[0].points,
            bytes = add[0].bytes,
            level = job.level,
            "segments merged"
        );
        self.publish(add, &remove).await
    }

    async fn complete(
        &self,
        output: &Output,
        job: &Job,
        sequence: u64,
        finished: FinishedSegment<SegmentFileWriter>,
    ) -> Result<SegmentMeta, EngineError> {
        let (rows, points) = (finished.rows, finished.points);
        let (min_time, max_time) = (i64::from(finished.min_time), i64::from(finished.max_time));
        let data = finished.data.finish().await?;
        let index = self.shared.store.put(INDEX_FILE, &output.path(INDEX_FILE), finished.index.into()).await?;
        Ok(SegmentMeta {
            id: output.id,
            engine: crate::ENGINE.to_owned(),
            kind: output.kind.clone(),
            level: job.level,
            sequence,
            partition_start: job.span.0,
            partition_end: job.span.1,
            min_time,
            max_time,
            rows,
            points,
            bytes: data.bytes + index.bytes,
            files: vec![data, index],
            created_ms: self.shared.clock.now_ms(),
        })
    }
}

// One segment that a merge writes.
struct Output {
    id: SegmentId,
    kind: String,
    partition_start: i64,
}

impl Output {
    fn new(kind: &str, job: &Job) -> Self {
        Self { id: SegmentId::random(), kind: kind.to_owned(), partition_start: job.span.0 }
    }

    fn path(&self, file: &str) -> String {
        SegmentMeta::path_of(crate::ENGINE, &self.kind, self.partition_start, self.id, file)
    }
}

#[derive(Debug)]
enum MergeError {
    SetAside(String),
    Failed(String),
}

impl From<CodecError> for MergeError {
    fn from(error: CodecError) -> Self {
        Self::Failed(error.to_string())
    }
}

// Where a merge stands in one input: its series in file order.
struct Cursor {
    reader: PieceReader,
    // Metrics in file order with the range of their series.
    order: Vec<(String, std::ops::Range<u32>)>,
    metric: usize,
    series: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CursorKey {
    metric: String,
    distribution: bool,
    host: String,
    tags: Vec<String>,
}

impl Cursor {
    fn new(reader: PieceReader) -> Self {
        let mut order: Vec<(String, std::ops::Range<u32>)> =
            reader.segment.index.metrics().map(|(name, range)| (name.to_owned(), range)).collect();
        order.sort_by_key(|(_, range)| range.start);
        Self { reader, order, metric: 0, series: 0 }
    }

    fn key(&self) -> Option<CursorKey> {
        let (metric, _) = self.order.get(self.metric)?;
        let index = &self.reader.segment.index;
        Some(CursorKey {
            metric: metric.clone(),
            distribution: index.kind(self.series) == galgo_core::MetricKind::Distribution,
            host: index.host(self.series).to_owned(),
            tags: index.tags(self.series).map(str::to_owned).collect(),
        })
    }

    fn advance(&mut self) {
        self.series += 1;
        if self.order.get(self.metric).is_some_and(|(_, range)| self.series >= range.end) {
            self.metric += 1;
        }
    }
}

fn merge_segments<W: Write + Send>(
    shared: &Shared,
    inputs: &[Arc<SegmentMeta>],
    outputs: Vec<W>,
    effort: Effort,
) -> Result<Vec<FinishedSegment<W>>, MergeError> {
    let mut cursors = Vec::with_capacity(inputs.len());
    // In order of sequence, so that later ones win.
    let mut ordered = inputs.to_vec();
    ordered.sort_by_key(|segment| segment.sequence);
    for meta in &ordered {
        let reader = shared.segments.open(meta).map_err(|error| match error {
            OpenError::Damaged(reason) => MergeError::SetAside(reason),
            OpenError::Gone => MergeError::SetAside(format!("segment {} is gone", meta.id)),
            OpenError::Io(reason) => MergeError::Failed(reason),
        })?;
        cursors.push(Cursor::new(PieceReader::new(reader)));
    }
    let mut keys: Vec<Option<CursorKey>> = cursors.iter().map(Cursor::key).collect();
    // The raw points, then the rollups in order of resolution.
    let mut writers = outputs.into_iter().map(SegmentWriter::new).collect::<Result<Vec<_>, _>>()?;
    let mut buffers = Buffers::default();
    while let Some(next) = keys.iter().flatten().min().cloned() {
        let chosen: Vec<usize> = (0..cursors.len()).filter(|&input| keys[input].as_ref() == Some(&next)).collect();
        merge_series(shared, &next, &chosen, &mut cursors, &mut writers, &mut buffers, effort)?;
        for input in chosen {
            cursors[input].advance();
            keys[input] = cursors[input].key();
        }
    }
    Ok(writers.into_iter().map(SegmentWriter::finish).collect::<Result<_, _>>()?)
}

#[derive(Default)]
struct Buffers {
    times: Vec<u32>,
    values: Vec<f64>,
    chunk_times: Vec<u32>,
    chunk_values: Vec<f64>,
    sketches: Vec<Sketch>,
}

fn merge_series<W: Write + Send>(
    shared: &Shared,
    key: &CursorKey,
    chosen: &[usize],
    cursors: &mut [Cursor],
    writers: &mut [SegmentWriter<W>],
    buffers: &mut Buffers,
    effort: Effort,
) -> Result<(), MergeError> {
    let tags: Vec<&str> = key.tags.iter().map(String::as_str).collect();
    let newest = &cursors[chosen[chosen.len() - 1]];
    let index = newest.reader.segment.index.clone();
    let (kind, interval) = (index.kind(newest.series), index.interval(newest.series));
    for writer in &mut *writers {
        writer.series(&SeriesInfo { metric: &key.metric, host: &key.host, tags: &tags, kind, interval });
    }
    let as_good_as_new = |level: u8| effort == Effort::Hot || level >= DAY_LEVEL;
    if let ([only], [writer]) = (chosen, &mut *writers)
        && as_good_as_new(cursors[*only].reader.segment.meta.level)
        && copy_full_chunks(&mut cursors[*only], writer)?
    {
        return Ok(());
    }
    let Buffers { times, values, chunk_times, chunk_values, sketches } = buffers;
    times.clear();
    values.clear();
    sketches.clear();
    for &input in chosen {
        let Cursor { reader, series, .. } = &mut cursors[input];
        let chunks = reader.segment.index.clone();
        for chunk in chunks.chunks(*series) {
            let read = if key.distribution {
                reader.times(chunk, chunk_times).and_then(|()| reader.sketches(chunk)).map(|read| sketches.extend(read))
            } else {
                reader
                    .times(chunk, chunk_times)
                    .and_then(|()| reader.values(chunk, chunk_values))
                    .map(|()| values.extend_from_slice(chunk_values))
            };
            match read {
                Ok(()) => times.extend_from_slice(chunk_times),
                Err(error) => {
                    shared.segments.damaged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    tracing::error!(error, "chunk left out of a merge");
                }
            }
        }
    }
    let Some((raw, rollups)) = writers.split_first_mut() else { return Ok(()) };
    if key.distribution {
        sort_last_wins(times, sketches);
        for range in chunk_ranges(times) {
            raw.chunk(&EncodedChunk::of_sketches(&times[range.clone()], &sketches[range], effort)?)?;
        }
    } else {
        sort_last_wins(times, values);
        for range in chunk_ranges(times) {
            raw.chunk(&EncodedChunk::of_points(&times[range.clone()], &values[range], effort)?)?;
        }
    }
    for (writer, Resolution { seconds, .. }) in rollups.iter_mut().zip(RESOLUTIONS) {
        let chunks = if key.distribution {
            rollup::sketch_chunks(times, sketches, seconds)?
        } else {
            rollup::Buckets::of(times, values, seconds).chunks()?
        };
        for chunk in &chunks {
            writer.chunk(chunk)?;
        }
    }
    Ok(())
}

// A series that only one input has, in chunks that are full already (all but the last): they are copied as they are.
fn copy_full_chunks<W: Write + Send>(cursor: &mut Cursor, writer: &mut SegmentWriter<W>) -> Result<bool, MergeError> {
    let index = cursor.reader.segment.index.clone();
    let chunks = index.chunks(cursor.series);
    let full = chunks
        .split_last()
        .is_some_and(|(_, before)| before.iter().all(|chunk| usize::from(chunk.count) == MAX_CHUNK_POINTS));
    if !full {
        return Ok(false);
    }
    let mut copies = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        // The statistics are not in the index, so they are computed again; a damaged chunk goes the long way.
        let mut values = Vec::new();
        let scalar = index.kind(cursor.series) != galgo_core::MetricKind::Distribution;
        if !scalar || cursor.reader.values(chunk, &mut values).is_err() {
            return Ok(false);
        }
        let Ok((times, blob)) = cursor.reader.blobs(chunk) else { return Ok(false) };
        let sum = values.iter().sum();
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let last = values.last().copied().unwrap_or(f64::NAN);
        copies.push(EncodedChunk {
            first: chunk.first,
            last: chunk.last,
            count: chunk.count,
            statistics: [sum, min, max, last],
            times: times.to_vec(),
            values: blob.to_vec(),
        });
    }
    for copy in &copies {
        writer.chunk(copy)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: &str, start: i64, length: i64, sequence: u64) -> Arc<SegmentMeta> {
        Arc::new(SegmentMeta {
            id: SegmentId::from_u128(u128::from(sequence)),
            engine: "metrics".into(),
            kind: kind.into(),
            level: 0,
            sequence,
            partition_start: start,
            partition_end: start + length,
            min_time: start,
            max_time: start + length - 1,
            rows: 1,
            points: 1,
            bytes: 1,
            files: vec![],
            created_ms: 0,
        })
    }

    #[test]
    fn open_partitions_wait_for_company_and_closed_ones_for_quiet() {
        let two: Vec<_> = (1..=2).map(|sequence| segment("raw", 7200, 7200, sequence)).collect();
        assert_eq!(plan(&two, 10_000, false), None);
        assert_eq!(plan(&two, 14_400 + 901, false).map(|job| (job.inputs.len(), job.level)), Some((2, 1)));
        let six: Vec<_> = (1..=6).map(|sequence| segment("raw", 7200, 7200, sequence)).collect();
        assert_eq!(plan(&six, 10_000, false).map(|job| job.inputs.len()), Some(6));
        let just_written: Vec<_> = (1..=2)
            .map(|sequence| {
                let mut written = (*segment("raw", 7200, 7200, sequence)).clone();
                written.created_ms = 100_000_000;
                Arc::new(written)
            })
            .collect();
        assert_eq!(plan(&just_written, 100_000 + QUIET_AFTER_S - 1, false), None);
        assert!(plan(&just_written, 100_000 + QUIET_AFTER_S + 1, false).is_some());
    }

    #[test]
    fn hours_of_a_closed_day_become_a_day() {
        let hours: Vec<_> = (0..12).map(|hour| segment("raw", hour * 7200, 7200, hour as u64 + 1)).collect();
        assert_eq!(plan(&hours, DAY_S, false), None);
        let job = plan(&hours, DAY_S + 901, false).unwrap();
        assert_eq!((job.inputs.len(), job.span, job.level), (12, (0, DAY_S), 2));
        assert_eq!(plan(&[segment("raw", 0, DAY_S, 20)], 10 * DAY_S, false), None);
        let straggler = [segment("raw", 0, DAY_S, 20), segment("raw", 7200, 7200, 21)];
        assert_eq!(plan(&straggler, 10 * DAY_S, false).map(|job| job.inputs.len()), Some(2));
    }

    #[test]
    fn late_segments_are_merged_among_themselves() {
        let late: Vec<_> = (1..=4).map(|sequence| segment("late", sequence * DAY_S, DAY_S, sequence as u64)).collect();
        assert_eq!(plan(&late[..3], 100 * DAY_S, false), None);
        assert_eq!(
            plan(&late, 100 * DAY_S, false).map(|job| (job.inputs.len(), job.span)),
            Some((4, (DAY_S, 5 * DAY_S)))
        );
    }
}
