//! Answers a leaf of a query: selects series in the head and in segments, joins the pieces of each series, and feeds
//! them to the query language's kernel, which aggregates while we scan. Nothing is materialised but one chunk.

mod gather;
mod group;

use galgo_core::{MetricKind, Sketch};
use galgo_query::kernel::Kernel;
use galgo_query::source::{Budget, Leaf, Matrix, MetricInfo, MetricSource, SourceError};

use crate::engine::Engine;
use crate::head::buffer::sort_last_wins;
use crate::rollup::{self, Buckets};
use crate::segment::{ChunkRef, PieceReader};
use gather::{Gathered, Piece, Slot, Stop};

impl MetricSource for Engine {
    fn describe(&self, metric: &str) -> Option<MetricInfo> {
        let newest = self.shared.head.index.read().entry(metric).and_then(|entry| entry.newest());
        if let Some((kind, interval)) = newest {
            return Some(MetricInfo { kind, interval });
        }
        /// Segments looked into for a metric that is not active: a mistyped name must not read years of indexes.
        const SEGMENTS: usize = 48;
        let live = self.shared.segments.live();
        let mut newest_first: Vec<_> = live.iter().collect();
        newest_first.sort_by_key(|segment| std::cmp::Reverse(segment.max_time));
        newest_first.into_iter().take(SEGMENTS).find_map(|segment| {
            let reader = self.shared.segments.open(segment).ok()?;
            let series = reader.index.metric(metric)?.start;
            Some(MetricInfo { kind: reader.index.kind(series), interval: reader.index.interval(series) })
        })
    }

    fn leaf(&self, leaf: &Leaf, budget: &Budget) -> Result<Matrix, SourceError> {
        /// Compaction may take a segment away between the list and the opening; a new list names its successor.
        const ATTEMPTS: usize = 5;
        for _ in 0..ATTEMPTS {
            match gather::gather(self, leaf, budget) {
                Ok(gathered) => return Scan::new(self, leaf, budget).run(gathered),
                Err(Stop::Gone) => {}
                Err(Stop::Error(error)) => return Err(error),
            }
        }
        Err(SourceError::Storage("segments changed faster than they could be opened".into()))
    }
}

struct Scan<'a> {
    engine: &'a Engine,
    budget: &'a Budget,
    kernel: Kernel,
    from: i64,
    to: i64,
    points: u64,
    times: Vec<u32>,
    times64: Vec<i64>,
    values: Vec<f64>,
    buckets: Buckets,
    // Longest bucket of a rollup that lies in one bucket of the answer, 0 for none.
    coarsest: u32,
}

impl<'a> Scan<'a> {
    fn new(engine: &'a Engine, leaf: &'a Leaf, budget: &'a Budget) -> Self {
        let (from, to) = leaf.scan_range();
        Self {
            engine,
            budget,
            kernel: Kernel::new(leaf),
            from,
            to,
            points: 0,
            times: Vec::new(),
            times64: Vec::new(),
            values: Vec::new(),
            buckets: Buckets::default(),
            coarsest: rollup::for_grid(&leaf.grid).map_or(0, |resolution| resolution.seconds),
        }
    }

    fn run(mut self, mut gathered: Gathered) -> Result<Matrix, SourceError> {
        /// Series between two looks at the clock.
        const SERIES_PER_CHECK: usize = 256;
        let mut readers: Vec<PieceReader> =
            std::mem::take(&mut gathered.segments).into_iter().map(PieceReader::new).collect();
        let slots = std::mem::take(&mut gathered.slots);
        for (position, slot) in slots.iter().enumerate() {
            if position % SERIES_PER_CHECK == 0 {
                self.check_deadline()?;
            }
            for &group in &slot.groups {
                self.kernel.begin(group as usize, slot.kind, slot.interval);
                if slot.kind == MetricKind::Distribution {
                    self.feed_sketches(slot, &gathered, &mut readers);
                } else {
                    self.feed_points(slot, &gathered, &mut readers);
                }
                self.kernel.end();
            }
            if self.points > self.budget.max_points {
                return Err(SourceError::Limit(format!(
                    "query reads more than {} points; narrow its scope or its time range",
                    self.budget.max_points
                )));
            }
        }
        Ok(self.kernel.finish(gathered.groups))
    }

    fn check_deadline(&self) -> Result<(), SourceError> {
        if self.engine.shared.clock.monotonic() > self.budget.deadline {
            return Err(SourceError::Limit("query took too long; narrow its scope or its time range".into()));
        }
        Ok(())
    }

    fn feed_points(&mut self, slot: &Slot, gathered: &Gathered, readers: &mut [PieceReader]) {
        if slot.overlaps() {
            self.feed_merged(slot, gathered, readers);
            return;
        }
        for piece in &slot.pieces {
            match piece {
                Piece::Chunk { segment, chunk } => self.feed_chunk(&mut readers[*segment as usize], chunk),
                Piece::Head { range, .. } => {
                    // Points of the head may be out of order among themselves.
                    self.times.clear();
                    self.values.clear();
                    self.times.extend_from_slice(&gathered.head_times[range.clone()]);
                    self.values.extend_from_slice(&gathered.head_values[range.clone()]);
                    sort_last_wins(&mut self.times, &mut self.values);
                    self.feed_buffers();
                }
            }
        }
    }

    fn feed_buckets(&mut self, reader: &mut PieceReader, chunk: &ChunkRef, seconds: u32) {
        if let Err(error) = reader.buckets(chunk, &mut self.buckets) {
            self.skip_damaged(&error);
            return;
        }
        for at in 0..self.buckets.starts.len() {
            let start = i64::from(self.buckets.starts[at]);
            if start + i64::from(seconds) > self.from && start < self.to {
                self.points += 1;
                self.kernel.stats(&self.buckets.stats(at, seconds));
            }
        }
    }

    fn feed_chunk(&mut self, reader: &mut PieceReader, chunk: &ChunkRef) {
        if let Some(resolution) = rollup::of_kind(&reader.segment.meta.kind) {
            if resolution.seconds <= self.coarsest {
                self.feed_buckets(reader, chunk, resolution.seconds);
            } else {
                match self.read_points(reader, chunk) {
                    Ok(()) => self.feed_buffers(),
                    Err(error) => self.skip_damaged(&error),
                }
            }
            return;
        }
        if let Err(error) = reader.values(chunk, &mut self.values) {
            self.skip_damaged(&error);
            return;
        }
        if let Some(step) = chunk.step.filter(|&step| step > 0) {
            let (first, step) = (i64::from(chunk.first), i64::from(step));
            // Ceiling divisions: the first position at or after `from`, the first at or after `to`.
            let start = (self.from - first + step - 1).div_euclid(step).clamp(0, self.values.len() as i64);
            let end = (self.to - first + step - 1).div_euclid(step).clamp(start, self.values.len() as i64);
            self.points += (end - start) as u64;
            self.kernel.points_regular(first + start * step, step, &self.values[start as usize..end as usize]);
            return;
        }
        match reader.times(chunk, &mut self.times) {
            Ok(()) => self.feed_buffers(),
            Err(error) => self.skip_damaged(&error),
        }
    }

    // Feeds `times` and `values`, ascending, trimmed to the range.
    fn feed_buffers(&mut self) {
        let start = self.times.partition_point(|&time| i64::from(time) < self.from);
        let end = self.times.partition_point(|&time| i64::from(time) < self.to);
        self.times64.clear();
        self.times64.extend(self.times[start..end].iter().map(|&time| i64::from(time)));
        self.points += self.times64.len() as u64;
        self.kernel.points(&self.times64, &self.values[start..end]);
    }

    // Pieces that overlap in time: later written ones win second by second.
    fn feed_merged(&mut self, slot: &Slot, gathered: &Gathered, readers: &mut [PieceReader]) {
        let (mut all_times, mut all_values) = (Vec::new(), Vec::new());
        for piece in slot.by_sequence() {
            match piece {
                Piece::Chunk { segment, chunk } => {
                    let reader = &mut readers[*segment as usize];
                    match self.read_points(reader, chunk) {
                        Ok(()) => {
                            all_times.extend_from_slice(&self.times);
                            all_values.extend_from_slice(&self.values);
                        }
                        Err(error) => self.skip_damaged(&error),
                    }
                }
                Piece::Head { range, .. } => {
                    all_times.extend_from_slice(&gathered.head_times[range.clone()]);
                    all_values.extend_from_slice(&gathered.head_values[range.clone()]);
                }
            }
        }
        sort_last_wins(&mut all_times, &mut all_values);
        self.times = all_times;
        self.values = all_values;
        self.feed_buffers();
    }

    // The points of a chunk in `times` and `values`. A bucket of a rollup that must be merged with raw points of the
    // same time, or that is longer than a bucket of the answer (the raw points of the day have expired), counts as one
    // point: its average.
    fn read_points(&mut self, reader: &mut PieceReader, chunk: &ChunkRef) -> Result<(), String> {
        if rollup::of_kind(&reader.segment.meta.kind).is_none() {
            reader.values(chunk, &mut self.values)?;
            return reader.times(chunk, &mut self.times);
        }
        reader.buckets(chunk, &mut self.buckets)?;
        self.times.clone_from(&self.buckets.starts);
        self.values.clear();
        let [count, sum, ..] = &self.buckets.columns;
        self.values.extend(sum.iter().zip(count).map(|(sum, count)| sum / count));
        Ok(())
    }

    fn feed_sketches(&mut self, slot: &Slot, gathered: &Gathered, readers: &mut [PieceReader]) {
        let (mut all_times, mut all_sketches): (Vec<u32>, Vec<Sketch>) = (Vec::new(), Vec::new());
        for piece in slot.by_sequence() {
            match piece {
                Piece::Chunk { segment, chunk } => {
                    let reader = &mut readers[*segment as usize];
                    match reader.times(chunk, &mut self.times).and_then(|()| reader.sketches(chunk)) {
                        Ok(sketches) => {
                            all_times.extend_from_slice(&self.times);
                            all_sketches.extend(sketches);
                        }
                        Err(error) => self.skip_damaged(&error),
                    }
                }
                Piece::Head { range, .. } => {
                    all_times.extend_from_slice(&gathered.sketch_times[range.clone()]);
                    all_sketches.extend_from_slice(&gathered.sketches[range.clone()]);
                }
            }
        }
        sort_last_wins(&mut all_times, &mut all_sketches);
        for (&time, sketch) in all_times.iter().zip(&all_sketches) {
            if i64::from(time) >= self.from && i64::from(time) < self.to {
                self.points += 1;
                self.kernel.sketch(i64::from(time), sketch);
            }
        }
    }

    // A damaged chunk is named, counted and left out; the rest of the answer stands.
    fn skip_damaged(&self, error: &str) {
        self.engine.shared.segments.damaged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tracing::error!(error, "chunk left out of an answer");
    }
}
