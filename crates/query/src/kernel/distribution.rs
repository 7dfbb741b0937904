//! Distributions: sketches are merged over time and series, then the statistic is read (reference:
//! metric-queries.md §3). Statistics that need no bins keep none.

use galgo_core::Sketch;
use galgo_core::sketch::{GAMMA, key_of, lower_bound};

use crate::source::{Leaf, SpaceAgg, TypeModifier};

/// Merged distributions of all groups, group after group.
#[derive(Debug)]
pub(super) struct Distributions {
    len: usize,
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    Summaries(Vec<Summary>),
    Sketches(Vec<Option<Box<Sketch>>>),
}

/// A sketch without its bins.
#[derive(Debug, Clone, Copy)]
struct Summary {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
}

const NOTHING: Summary = Summary { count: 0.0, sum: 0.0, min: f64::NAN, max: f64::NAN };

impl Distributions {
    pub(super) fn new(space: SpaceAgg, len: usize) -> Self {
        let needs_bins = matches!(space, SpaceAgg::Percentile(_) | SpaceAgg::Stddev | SpaceAgg::CountBetween { .. });
        let cells = if needs_bins { Cells::Sketches(Vec::new()) } else { Cells::Summaries(Vec::new()) };
        Self { len, cells }
    }

    /// Number of groups.
    pub(super) fn len(&self) -> usize {
        let cells = match &self.cells {
            Cells::Summaries(cells) => cells.len(),
            Cells::Sketches(cells) => cells.len(),
        };
        cells / self.len.max(1)
    }

    pub(super) fn add(&mut self, group: usize, bucket: usize, sketch: &Sketch) {
        let (Some(min), Some(max)) = (sketch.min(), sketch.max()) else { return };
        let at = group * self.len + bucket;
        let wanted = (group + 1) * self.len;
        match &mut self.cells {
            Cells::Summaries(cells) => {
                cells.resize(wanted.max(cells.len()), NOTHING);
                let cell = &mut cells[at];
                cell.count += sketch.count() as f64;
                cell.sum += sketch.sum();
                cell.min = cell.min.min(min);
                cell.max = cell.max.max(max);
            }
            Cells::Sketches(cells) => {
                cells.resize(wanted.max(cells.len()), None);
                match &mut cells[at] {
                    Some(merged) => merged.merge(sketch),
                    empty => *empty = Some(Box::new(sketch.clone())),
                }
            }
        }
    }

    /// Combines the values of a group with those that scalar series of the same metric already put into `out`.
    pub(super) fn read(&self, group: usize, out: &mut [f64], leaf: &Leaf, length: impl Fn(usize) -> f64) {
        let range = group * self.len..(group + 1) * self.len;
        let amount = matches!(leaf.space, SpaceAgg::Count | SpaceAgg::Sum | SpaceAgg::CountBetween { .. });
        let per_second = amount && leaf.modifier == TypeModifier::AsRate;
        let mut put = |bucket: usize, value: f64| {
            let value = if per_second { value / length(bucket) } else { value };
            let scalar = out[bucket];
            out[bucket] = if scalar.is_nan() { value } else { join(leaf.space, scalar, value) };
        };
        match &self.cells {
            Cells::Summaries(cells) => {
                for (bucket, cell) in cells.get(range).unwrap_or_default().iter().enumerate() {
                    if cell.count > 0.0 {
                        put(bucket, cell.read(leaf.space));
                    }
                }
            }
            Cells::Sketches(cells) => {
                for (bucket, cell) in cells.get(range).unwrap_or_default().iter().enumerate() {
                    if let Some(sketch) = cell {
                        put(bucket, read_sketch(sketch, leaf.space));
                    }
                }
            }
        }
    }
}

/// A metric that has been both scalar and distribution shows what both have to say.
fn join(space: SpaceAgg, scalar: f64, distribution: f64) -> f64 {
    match space {
        SpaceAgg::Sum => scalar + distribution,
        SpaceAgg::Min => scalar.min(distribution),
        SpaceAgg::Max => scalar.max(distribution),
        _ => (scalar + distribution) / 2.0,
    }
}

impl Summary {
    fn read(&self, space: SpaceAgg) -> f64 {
        match space {
            SpaceAgg::Sum => self.sum,
            SpaceAgg::Min => self.min,
            SpaceAgg::Max => self.max,
            SpaceAgg::Count => self.count,
            _ => self.sum / self.count,
        }
    }
}

fn read_sketch(sketch: &Sketch, space: SpaceAgg) -> f64 {
    match space {
        SpaceAgg::Percentile(percentile) => sketch.quantile(percentile / 100.0).unwrap_or(f64::NAN),
        SpaceAgg::Stddev => deviation(sketch),
        SpaceAgg::CountBetween { low, low_inclusive, high, high_inclusive } => {
            let below_high = count_below(sketch, high, high_inclusive);
            // What is not above the lower bound is below it, or at it when the bound itself does not count.
            let below_low = count_below(sketch, low, !low_inclusive);
            below_high.saturating_sub(below_low) as f64
        }
        SpaceAgg::Avg | SpaceAgg::Sum | SpaceAgg::Min | SpaceAgg::Max | SpaceAgg::Count => f64::NAN,
    }
}

/// How many values are below `limit` (or at it), to the precision of a bin: the values of the limit's own bin count
/// as equal to it.
fn count_below(sketch: &Sketch, limit: f64, inclusive: bool) -> u64 {
    let (min, max) = (sketch.min().unwrap_or(f64::NAN), sketch.max().unwrap_or(f64::NAN));
    if limit > max || (limit == max && inclusive) {
        return sketch.count();
    }
    if limit < min || (limit == min && !inclusive) {
        return 0;
    }
    let key = key_of(limit);
    let below = sketch.bins().iter().take_while(|bin| bin.key < key || (inclusive && bin.key == key));
    below.map(|bin| bin.count).sum()
}

/// Standard deviation of the whole population, each bin standing for its middle.
fn deviation(sketch: &Sketch) -> f64 {
    let Some(mean) = sketch.avg() else { return f64::NAN };
    let (min, max) = (sketch.min().unwrap_or(mean), sketch.max().unwrap_or(mean));
    if min == max {
        return 0.0;
    }
    let squares: f64 = sketch
        .bins()
        .iter()
        .map(|bin| {
            let low = lower_bound(bin.key);
            let middle = if low.is_finite() { low * (1.0 + GAMMA) / 2.0 } else { low };
            (middle.clamp(min, max) - mean).powi(2) * bin.count as f64
        })
        .sum();
    (squares / sketch.count() as f64).sqrt()
}
