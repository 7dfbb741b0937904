//! Folding points into buckets: the innermost loops of every metric query. Points come in runs that fall into one
//! bucket, so the bucket is found once a run and by an addition, not by a division for each point.

use super::ChunkStats;
use super::buckets::Buckets;

/// What is known of one bucket of one series. `count` is a float so that reading a mean converts nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    pub(super) value: f64,
    pub(super) count: f64,
}

impl Cell {
    pub(super) const EMPTY: Self = Self { value: 0.0, count: 0.0 };

    pub(super) fn is_empty(self) -> bool {
        self.count == 0.0
    }
}

/// One way to fold values into a cell.
pub(super) trait Fold {
    /// Adds a run of values, never empty.
    fn run(cell: &mut Cell, values: &[f64]);
    /// Adds a pre-aggregated run.
    fn stats(cell: &mut Cell, stats: &ChunkStats);
}

#[derive(Debug)]
pub(super) struct SumFold;
#[derive(Debug)]
pub(super) struct MinFold;
#[derive(Debug)]
pub(super) struct MaxFold;
#[derive(Debug)]
pub(super) struct CountFold;
#[derive(Debug)]
pub(super) struct LastFold;

impl Fold for SumFold {
    #[inline(always)]
    fn run(cell: &mut Cell, values: &[f64]) {
        cell.value += sum(values);
        cell.count += values.len() as f64;
    }

    fn stats(cell: &mut Cell, stats: &ChunkStats) {
        cell.value += stats.sum;
        cell.count += stats.count as f64;
    }
}

impl Fold for MinFold {
    #[inline(always)]
    fn run(cell: &mut Cell, values: &[f64]) {
        let first = if cell.is_empty() { values[0] } else { cell.value };
        cell.value = values.iter().fold(first, |least, &value| if value < least { value } else { least });
        cell.count += values.len() as f64;
    }

    fn stats(cell: &mut Cell, stats: &ChunkStats) {
        cell.value = if cell.is_empty() { stats.min } else { cell.value.min(stats.min) };
        cell.count += stats.count as f64;
    }
}

impl Fold for MaxFold {
    #[inline(always)]
    fn run(cell: &mut Cell, values: &[f64]) {
        let first = if cell.is_empty() { values[0] } else { cell.value };
        cell.value = values.iter().fold(first, |most, &value| if value > most { value } else { most });
        cell.count += values.len() as f64;
    }

    fn stats(cell: &mut Cell, stats: &ChunkStats) {
        cell.value = if cell.is_empty() { stats.max } else { cell.value.max(stats.max) };
        cell.count += stats.count as f64;
    }
}

impl Fold for CountFold {
    #[inline(always)]
    fn run(cell: &mut Cell, values: &[f64]) {
        cell.count += values.len() as f64;
        cell.value = cell.count;
    }

    fn stats(cell: &mut Cell, stats: &ChunkStats) {
        cell.count += stats.count as f64;
        cell.value = cell.count;
    }
}

impl Fold for LastFold {
    #[inline(always)]
    fn run(cell: &mut Cell, values: &[f64]) {
        cell.value = values[values.len() - 1];
        cell.count += values.len() as f64;
    }

    fn stats(cell: &mut Cell, stats: &ChunkStats) {
        cell.value = stats.last;
        cell.count += stats.count as f64;
    }
}

/// Sum in four lanes: one addition depends on every fourth only, which the processor overlaps.
#[inline(always)]
fn sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().sum();
    }
    let (quads, rest) = values.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for quad in quads {
        for lane in 0..4 {
            lanes[lane] += quad[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest.iter().sum::<f64>()
}

/// Folds points; returns the range of buckets that got some.
pub(super) fn points<F: Fold>(
    cells: &mut [Cell],
    buckets: &Buckets,
    times: &[i64],
    values: &[f64],
) -> Option<(usize, usize)> {
    let (from, to) = buckets.range();
    let (&first_time, &last_time) = (times.first()?, times.last()?);
    // Chunks mostly lie inside the range, so look before searching.
    let begin = if first_time < from { times.partition_point(|&time| time < from) } else { 0 };
    let end = if last_time >= to { times.partition_point(|&time| time < to) } else { times.len() };
    if begin >= end {
        return None;
    }
    let (times, values) = (&times[begin..end], &values[begin..end]);
    // Submissions mostly keep their interval; asking costs less than comparing each time with a bucket's edge.
    if let Some(step) = regular_step(times) {
        return regular::<F>(cells, buckets, times[0], step, values);
    }
    match buckets {
        Buckets::Uniform { start, step, .. } => Some(points_uniform::<F>(cells, *start, *step, times, values)),
        Buckets::Edges { .. } => points_uneven::<F>(cells, buckets, times, values),
    }
}

/// The distance of the times when it is the same between all of them.
fn regular_step(times: &[i64]) -> Option<i64> {
    let step = times.get(1)? - times[0];
    // Counting without a way out early becomes vector code.
    let differing: u64 = times[1..].iter().zip(times).map(|(next, time)| u64::from(next - time != step)).sum();
    (differing == 0 && step > 0).then_some(step)
}

fn points_uniform<F: Fold>(cells: &mut [Cell], start: i64, step: i64, times: &[i64], values: &[f64]) -> (usize, usize) {
    let low = ((times[0] - start) / step) as usize;
    let mut bucket = low;
    let mut edge = start + (low as i64 + 1) * step;
    let mut at = 0;
    for (index, &time) in times.iter().enumerate().skip(1) {
        if time < edge {
            continue;
        }
        F::run(&mut cells[bucket], &values[at..index]);
        at = index;
        // Mostly the next bucket; divide only over gaps.
        let ahead = if time < edge + step { 1 } else { (time - edge) / step + 1 };
        bucket += ahead as usize;
        edge += ahead * step;
    }
    F::run(&mut cells[bucket], &values[at..]);
    (low, bucket + 1)
}

fn points_uneven<F: Fold>(
    cells: &mut [Cell],
    buckets: &Buckets,
    times: &[i64],
    values: &[f64],
) -> Option<(usize, usize)> {
    let low = buckets.index_of(times[0])?;
    let mut bucket = low;
    let mut at = 0;
    loop {
        let edge = buckets.start(bucket + 1);
        let after = at + times[at..].partition_point(|&time| time < edge);
        F::run(&mut cells[bucket], &values[at..after]);
        if after == times.len() {
            return Some((low, bucket + 1));
        }
        at = after;
        bucket = next_bucket(buckets, bucket, times[at])?;
    }
}

/// The bucket of `time`, which lies after `bucket`: mostly the next one.
#[inline(always)]
fn next_bucket(buckets: &Buckets, bucket: usize, time: i64) -> Option<usize> {
    if time < buckets.start(bucket + 2) { Some(bucket + 1) } else { buckets.index_of(time) }
}

/// Folds points that are `step` seconds apart; returns the range of buckets that got some.
pub(super) fn regular<F: Fold>(
    cells: &mut [Cell],
    buckets: &Buckets,
    start: i64,
    step: i64,
    values: &[f64],
) -> Option<(usize, usize)> {
    let (from, to) = buckets.range();
    let begin = points_before(start, step, from, values.len());
    let end = points_before(start, step, to, values.len());
    if begin >= end {
        return None;
    }
    let start = start + begin as i64 * step;
    let values = &values[begin..end];
    if let Buckets::Uniform { step: length, .. } = buckets
        && length % step == 0
    {
        return Some(regular_whole::<F>(cells, buckets, start, step, (length / step) as usize, values));
    }
    let low = buckets.index_of(start)?;
    let mut bucket = low;
    let mut at = 0;
    let mut time = start;
    loop {
        let run = points_before(time, step, buckets.start(bucket + 1), values.len() - at);
        F::run(&mut cells[bucket], &values[at..at + run]);
        at += run;
        if at == values.len() {
            return Some((low, bucket + 1));
        }
        time += run as i64 * step;
        bucket = next_bucket(buckets, bucket, time)?;
    }
}

/// The common case of [`regular`]: every bucket takes the same number of points.
fn regular_whole<F: Fold>(
    cells: &mut [Cell],
    buckets: &Buckets,
    start: i64,
    step: i64,
    in_bucket: usize,
    values: &[f64],
) -> (usize, usize) {
    let low = buckets.index_of(start).unwrap_or(0);
    let lead = points_before(start, step, buckets.start(low + 1), values.len());
    F::run(&mut cells[low], &values[..lead]);
    let runs = values[lead..].chunks_exact(in_bucket);
    let tail = runs.remainder();
    let mut bucket = low + 1 + runs.len();
    let whole = &mut cells[low + 1..bucket];
    // Host metrics mostly have a few points a bucket; loops over runs of known length unroll.
    match in_bucket {
        1 => runs_of::<F, 1>(whole, &values[lead..]),
        2 => runs_of::<F, 2>(whole, &values[lead..]),
        3 => runs_of::<F, 3>(whole, &values[lead..]),
        6 => runs_of::<F, 6>(whole, &values[lead..]),
        _ => whole.iter_mut().zip(runs).for_each(|(cell, run)| F::run(cell, run)),
    }
    if !tail.is_empty() {
        F::run(&mut cells[bucket], tail);
        bucket += 1;
    }
    (low, bucket)
}

fn runs_of<F: Fold, const LEN: usize>(cells: &mut [Cell], values: &[f64]) {
    for (cell, run) in cells.iter_mut().zip(values.as_chunks::<LEN>().0) {
        F::run(cell, run);
    }
}

/// How many of `count` regular points lie before `time`.
fn points_before(start: i64, step: i64, time: i64, count: usize) -> usize {
    if time <= start {
        return 0;
    }
    (((time - start - 1) / step + 1) as u64).min(count as u64) as usize
}
