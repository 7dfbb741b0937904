//! Finds the pieces of every series that a leaf selects, in the head and in segments, and joins them by identity.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use galgo_core::{KeyHash, MetricKind, Sketch};
use galgo_query::source::{Budget, Leaf, SourceError};
use galgo_store::SegmentMeta;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::group::{GroupIds, Grouper};
use crate::engine::Engine;
use crate::head::index::{HeadIndex, MetricEntry};
use crate::head::series::Series;
use crate::rollup;
use crate::segment::{ChunkRef, SegmentIndex, SegmentReader};
use crate::segments::OpenError;
use crate::select::{MetricView, select};

/// Why gathering stopped.
pub enum Stop {
    /// A segment was compacted away; start again.
    Gone,
    /// The query fails.
    Error(SourceError),
}

/// Points of a series that lie together.
#[derive(Debug, Clone)]
pub enum Piece {
    /// A chunk of a segment.
    Chunk {
        /// Position in [`Gathered::segments`], which are in order of sequence.
        segment: u32,
        /// The chunk.
        chunk: ChunkRef,
    },
    /// Points copied from the head.
    Head {
        /// Where the copies lie, in order of arrival.
        range: Range<usize>,
        /// Earliest time.
        first: u32,
        /// Latest time.
        last: u32,
    },
}

impl Piece {
    fn span(&self) -> (u32, u32) {
        match self {
            Self::Chunk { chunk, .. } => (chunk.first, chunk.last),
            Self::Head { first, last, .. } => (*first, *last),
        }
    }
}

/// One series with its pieces, by sequence; in order of time once [`Slot::settle`] was called, unless they overlap.
#[derive(Debug)]
pub struct Slot {
    /// Kind by the newest piece.
    pub kind: MetricKind,
    /// Interval by the newest piece.
    pub interval: u32,
    /// Groups that it belongs to.
    pub groups: GroupIds,
    /// Its pieces.
    pub pieces: SmallVec<[Piece; 2]>,
    // Last time of all pieces so far, and whether any piece started before it.
    last: u32,
    overlapping: bool,
}

impl Slot {
    // Segments are mostly written in order of time; where they were not, pieces may still lie side by side.
    fn settle(&mut self) {
        if !self.overlapping {
            return;
        }
        let mut ordered = self.pieces.clone();
        ordered.sort_by_key(Piece::span);
        if ordered.windows(2).all(|pair| pair[0].span().1 < pair[1].span().0) {
            self.pieces = ordered;
            self.overlapping = false;
        }
    }

    /// Whether pieces overlap in time, so that they must be merged.
    pub fn overlaps(&self) -> bool {
        self.overlapping
    }

    /// The pieces in order of writing: segments by sequence, then the head.
    pub fn by_sequence(&self) -> Vec<&Piece> {
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|piece| match piece {
            Piece::Chunk { segment, .. } => *segment,
            Piece::Head { .. } => u32::MAX,
        });
        pieces
    }
}

/// All that a scan needs.
#[derive(Default)]
pub struct Gathered {
    /// Series in order of their place in the segments.
    pub slots: Vec<Slot>,
    /// Values of the groups.
    pub groups: Vec<Vec<Option<String>>>,
    /// Opened segments in order of sequence.
    pub segments: Vec<SegmentReader>,
    /// Copied points of the head.
    pub head_times: Vec<u32>,
    /// Their values.
    pub head_values: Vec<f64>,
    /// Copied sketches of the head.
    pub sketch_times: Vec<u32>,
    /// Their values.
    pub sketches: Vec<Sketch>,
}

struct HeadView<'a> {
    index: &'a HeadIndex,
    entry: &'a MetricEntry,
}

impl HeadView<'_> {
    fn union(&self, postings: &HashMap<u32, RoaringBitmap>, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        let matching = postings.iter().filter(|(id, _)| matches(self.index.strings.text(**id)));
        matching.fold(RoaringBitmap::new(), |union, (_, positions)| union | positions)
    }

    fn lookup(&self, postings: &HashMap<u32, RoaringBitmap>, text: &str) -> RoaringBitmap {
        self.index.strings.id(text).and_then(|id| postings.get(&id)).cloned().unwrap_or_default()
    }
}

impl MetricView for HeadView<'_> {
    fn all(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..self.entry.series.len() as u32);
        all
    }

    fn with_tag(&self, tag: &str) -> RoaringBitmap {
        self.lookup(&self.entry.by_tag, tag)
    }

    fn with_host(&self, host: &str) -> RoaringBitmap {
        self.lookup(&self.entry.by_host, host)
    }

    fn with_tags_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.union(&self.entry.by_tag, matches)
    }

    fn with_hosts_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.union(&self.entry.by_host, matches)
    }
}

struct SegmentView<'a> {
    index: &'a SegmentIndex,
    range: Range<u32>,
}

impl MetricView for SegmentView<'_> {
    fn all(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(self.range.clone());
        all
    }

    fn with_tag(&self, tag: &str) -> RoaringBitmap {
        self.index.with_tag(&self.range, tag)
    }

    fn with_host(&self, host: &str) -> RoaringBitmap {
        self.index.with_host(&self.range, host)
    }

    fn with_tags_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.index.with_tags_like(&self.range, matches)
    }

    fn with_hosts_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.index.with_hosts_like(&self.range, matches)
    }
}

struct Gatherer<'a> {
    leaf: &'a Leaf,
    budget: &'a Budget,
    from: i64,
    to: i64,
    grouper: Grouper<'a>,
    by_key: HashMap<KeyHash, u32>,
    found: Gathered,
}

/// Gathers the pieces of a leaf. The head is copied before the list of segments is read: a flush in between moves
/// points from the first to the second, so they may be seen twice (and the scan drops the copies), never not at all.
pub fn gather(engine: &Engine, leaf: &Leaf, budget: &Budget) -> Result<Gathered, Stop> {
    let (from, to) = leaf.scan_range();
    let hosts = engine.shared.hosts.load();
    let grouper = Grouper::new(&leaf.group_by, hosts.clone(), leaf.skip_ungrouped);
    let mut gatherer = Gatherer { leaf, budget, from, to, grouper, by_key: HashMap::new(), found: Gathered::default() };
    let head = gatherer.select_head(engine, &hosts)?;
    let copies = gatherer.copy_head(head);
    let head_first = copies.iter().map(|copy| i64::from(copy.first)).min();
    for meta in choose(engine.shared.segments.overlapping(from, to), leaf, head_first) {
        let reader = match engine.shared.segments.open(&meta) {
            Ok(reader) => reader,
            Err(OpenError::Gone) => return Err(Stop::Gone),
            // It is set aside and named in the log; the rest of the answer stands.
            Err(OpenError::Damaged(_)) => continue,
            Err(OpenError::Io(reason)) => return Err(Stop::Error(SourceError::Storage(reason))),
        };
        gatherer.add_segment(reader, &hosts)?;
    }
    gatherer.add_head(copies)?;
    gatherer.found.slots.iter_mut().for_each(Slot::settle);
    gatherer.found.groups = std::mem::take(&mut gatherer.grouper.groups);
    Ok(gatherer.found)
}

// Reads each day from one place: its coarsest rollup that fits the grid, as long as nothing was written to the day
// since the rollup was made; else from its raw points, or from what is left when those have expired.
fn choose(overlapping: Vec<Arc<SegmentMeta>>, leaf: &Leaf, head_first: Option<i64>) -> Vec<Arc<SegmentMeta>> {
    let is_raw = |segment: &SegmentMeta| rollup::of_kind(&segment.kind).is_none();
    let coarsest = rollup::for_grid(&leaf.grid).map_or(0, |resolution| resolution.seconds);
    let (raw, rollups): (Vec<_>, Vec<_>) = overlapping.into_iter().partition(|segment| is_raw(segment));
    let touches = |one: &SegmentMeta, other: &SegmentMeta| {
        one.min_time < other.partition_end && one.max_time >= other.partition_start
    };
    let mut chosen: Vec<Arc<SegmentMeta>> = Vec::new();
    let mut by_fineness = rollups;
    by_fineness
        .sort_by_key(|segment| std::cmp::Reverse(rollup::of_kind(&segment.kind).map(|resolution| resolution.seconds)));
    for candidate in by_fineness {
        let seconds = rollup::of_kind(&candidate.kind).map_or(0, |resolution| resolution.seconds);
        let day_taken = chosen.iter().any(|taken| taken.partition_start == candidate.partition_start);
        let raw_of_day: Vec<_> = raw.iter().filter(|segment| touches(segment, &candidate)).collect();
        let newer = raw_of_day.iter().any(|segment| segment.sequence > candidate.sequence)
            || head_first.is_some_and(|first| first < candidate.partition_end);
        // Without raw points, a rollup that does not fit the grid is still better than nothing.
        let only_source = raw_of_day.is_empty();
        if !day_taken && ((seconds <= coarsest && !newer) || only_source) {
            chosen.push(candidate);
        }
    }
    let replaced = |segment: &SegmentMeta| {
        chosen.iter().any(|taken| touches(segment, taken) && segment.sequence <= taken.sequence)
    };
    let kept: Vec<_> = raw.into_iter().filter(|segment| !replaced(segment)).collect();
    chosen.extend(kept);
    chosen.sort_by_key(|segment| (segment.sequence, segment.id));
    chosen
}

struct HeadSeries {
    series: Arc<Series>,
    groups: GroupIds,
}

struct HeadCopy {
    hash: KeyHash,
    kind: MetricKind,
    interval: u32,
    groups: GroupIds,
    range: Range<usize>,
    first: u32,
    last: u32,
}

impl Gatherer<'_> {
    fn select_head(&mut self, engine: &Engine, hosts: &galgo_core::HostTags) -> Result<Vec<HeadSeries>, Stop> {
        let index = engine.shared.head.index.read();
        let Some(entry) = index.entry(&self.leaf.metric) else { return Ok(Vec::new()) };
        let selected = select(&HeadView { index: &index, entry }, &self.leaf.scope, hosts);
        self.check_series(selected.len() as usize)?;
        let mut head = Vec::with_capacity(selected.len() as usize);
        for position in selected {
            let series = &entry.series[position as usize];
            let tags = series.tags.iter().map(|&tag| &**index.strings.text(tag));
            let groups = self.grouper.groups_of(index.strings.text(series.host), tags);
            if !groups.is_empty() {
                head.push(HeadSeries { series: series.clone(), groups });
            }
        }
        Ok(head)
    }

    fn copy_head(&mut self, head: Vec<HeadSeries>) -> Vec<HeadCopy> {
        let mut copies = Vec::with_capacity(head.len());
        for HeadSeries { series, groups } in head {
            let kind = series.kind();
            let found = &mut self.found;
            let (start, end, times) = if kind == MetricKind::Distribution {
                let start = found.sketch_times.len();
                series.copy_sketches(self.from, self.to, &mut found.sketch_times, &mut found.sketches);
                (start, found.sketch_times.len(), &found.sketch_times)
            } else {
                let start = found.head_times.len();
                series.copy_points(self.from, self.to, &mut found.head_times, &mut found.head_values);
                (start, found.head_times.len(), &found.head_times)
            };
            let copied = &times[start..end];
            let (Some(&first), Some(&last)) = (copied.iter().min(), copied.iter().max()) else { continue };
            let (hash, interval) = (series.hash, series.interval());
            copies.push(HeadCopy { hash, kind, interval, groups, range: start..end, first, last });
        }
        copies
    }

    fn add_segment(&mut self, reader: SegmentReader, hosts: &galgo_core::HostTags) -> Result<(), Stop> {
        let index = reader.index.clone();
        let Some(range) = index.metric(&self.leaf.metric) else { return Ok(()) };
        let segment = self.found.segments.len() as u32;
        self.found.segments.push(reader);
        let selected = select(&SegmentView { index: &index, range }, &self.leaf.scope, hosts);
        for series in selected {
            let chunks = index.chunks(series);
            let start = chunks.partition_point(|chunk| i64::from(chunk.last) < self.from);
            let end = chunks.partition_point(|chunk| i64::from(chunk.first) < self.to);
            if start >= end {
                continue;
            }
            let hash = index.key_hash(&self.leaf.metric, series);
            let slot = match self.by_key.get(&hash) {
                Some(&slot) => slot,
                None => {
                    let groups = self.grouper.groups_of(index.host(series), index.tags(series));
                    if groups.is_empty() {
                        continue;
                    }
                    self.new_slot(hash, groups)?
                }
            };
            let slot = &mut self.found.slots[slot as usize];
            slot.kind = index.kind(series);
            slot.interval = index.interval(series);
            for chunk in &chunks[start..end] {
                slot.add(Piece::Chunk { segment, chunk: *chunk });
            }
        }
        Ok(())
    }

    fn add_head(&mut self, copies: Vec<HeadCopy>) -> Result<(), Stop> {
        for copy in copies {
            let slot = match self.by_key.get(&copy.hash) {
                Some(&slot) => slot,
                None => self.new_slot(copy.hash, copy.groups)?,
            };
            let slot = &mut self.found.slots[slot as usize];
            (slot.kind, slot.interval) = (copy.kind, copy.interval);
            slot.add(Piece::Head { range: copy.range, first: copy.first, last: copy.last });
        }
        Ok(())
    }

    fn new_slot(&mut self, hash: KeyHash, groups: GroupIds) -> Result<u32, Stop> {
        let slot = self.found.slots.len();
        self.check_series(slot + 1)?;
        self.found.slots.push(Slot {
            kind: MetricKind::Gauge,
            interval: 0,
            groups,
            pieces: SmallVec::new(),
            last: 0,
            overlapping: false,
        });
        self.by_key.insert(hash, slot as u32);
        Ok(slot as u32)
    }

    fn check_series(&self, series: usize) -> Result<(), Stop> {
        if series <= self.budget.max_series {
            return Ok(());
        }
        Err(Stop::Error(SourceError::Limit(format!(
            "query of {} reads more than {} series; narrow its scope",
            self.leaf.metric, self.budget.max_series
        ))))
    }
}

impl Slot {
    fn add(&mut self, piece: Piece) {
        let (first, last) = piece.span();
        self.overlapping |= !self.pieces.is_empty() && first <= self.last;
        self.last = self.last.max(last);
        self.pieces.push(piece);
    }
}
