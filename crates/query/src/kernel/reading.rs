//! How the points of one series in one bucket become a value, by kind and type modifier (reference:
//! metric-queries.md §7 and §9).

use galgo_core::MetricKind;

use crate::source::{Leaf, TimeAgg, TypeModifier};

use super::buckets::Buckets;
use super::fold::Cell;

/// What a bucket keeps of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoldKind {
    Sum,
    Min,
    Max,
    Count,
    Last,
}

/// What the value of a bucket is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Constant(f64),
    /// `factor` ÷ the bucket's length, but at least `shortest` seconds.
    PerSecond {
        factor: f64,
        shortest: f64,
    },
    /// The bucket's length.
    Seconds,
}

/// The rule for one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub(super) kind: MetricKind,
    pub(super) fold: FoldKind,
    pub(super) weighted: bool,
    mean: bool,
    scale: Scale,
}

impl Reading {
    pub(super) fn of(leaf: &Leaf, kind: MetricKind, interval: u32) -> Self {
        let seconds = f64::from(interval);
        let weighted = leaf.weighted
            && kind == MetricKind::Gauge
            && interval > 0
            && leaf.time.is_none_or(|time| time == TimeAgg::Avg);
        let (time, scale) = match kind {
            MetricKind::Gauge | MetricKind::Distribution if weighted => {
                (TimeAgg::Sum, Scale::PerSecond { factor: seconds, shortest: seconds })
            }
            MetricKind::Gauge | MetricKind::Distribution => (leaf.time.unwrap_or(TimeAgg::Avg), Scale::Constant(1.0)),
            MetricKind::Count => count_reading(leaf, seconds),
            MetricKind::Rate => rate_reading(leaf, seconds),
        };
        // The number of points is no amount of anything: it is never scaled.
        let scale = if time == TimeAgg::Count { Scale::Constant(1.0) } else { scale };
        let (fold, mean) = match time {
            TimeAgg::Avg => (FoldKind::Sum, true),
            TimeAgg::Sum => (FoldKind::Sum, false),
            TimeAgg::Min => (FoldKind::Min, false),
            TimeAgg::Max => (FoldKind::Max, false),
            TimeAgg::Count => (FoldKind::Count, false),
            TimeAgg::Last => (FoldKind::Last, false),
        };
        Self { kind, fold, weighted, mean, scale }
    }

    /// Reads the cells of some buckets, the first of which is `first`, as values, NaN where there is none, and empties
    /// them.
    pub(super) fn take(&self, cells: &mut [Cell], values: &mut [f64], first: usize, buckets: &Buckets) {
        if self.mean {
            // An empty cell is 0 ÷ 0, which is NaN.
            cells.iter().zip(values.iter_mut()).for_each(|(cell, value)| *value = cell.value / cell.count);
        } else {
            for (cell, value) in cells.iter().zip(values.iter_mut()) {
                *value = if cell.is_empty() { f64::NAN } else { cell.value };
            }
        }
        cells.fill(Cell::EMPTY);
        let constant = match self.scale {
            Scale::Constant(factor) => Some(factor),
            _ if buckets.is_uniform() => Some(self.factor(buckets.length(first))),
            _ => None,
        };
        match constant {
            Some(1.0) => {}
            Some(factor) => values.iter_mut().for_each(|value| *value *= factor),
            None => {
                for (index, value) in values.iter_mut().enumerate() {
                    *value *= self.factor(buckets.length(first + index));
                }
            }
        }
    }

    fn factor(&self, length: f64) -> f64 {
        match self.scale {
            Scale::Constant(factor) => factor,
            Scale::PerSecond { factor, shortest } => factor / length.max(shortest),
            Scale::Seconds => length,
        }
    }
}

fn count_reading(leaf: &Leaf, interval: f64) -> (TimeAgg, Scale) {
    let per_bucket = Scale::PerSecond { factor: 1.0, shortest: 0.0 };
    match (leaf.modifier, leaf.time) {
        (TypeModifier::None, time) => (time.unwrap_or(TimeAgg::Avg), Scale::Constant(1.0)),
        (TypeModifier::AsCount, time) => (time.unwrap_or(TimeAgg::Sum), Scale::Constant(1.0)),
        (TypeModifier::AsRate, None | Some(TimeAgg::Sum)) => (TimeAgg::Sum, per_bucket),
        (TypeModifier::AsRate, Some(time)) if interval > 0.0 => (time, Scale::Constant(1.0 / interval)),
        (TypeModifier::AsRate, Some(time)) => (time, per_bucket),
    }
}

fn rate_reading(leaf: &Leaf, interval: f64) -> (TimeAgg, Scale) {
    match (leaf.modifier, leaf.time) {
        (TypeModifier::None, time) => (time.unwrap_or(TimeAgg::Avg), Scale::Constant(1.0)),
        // Without an interval the best guess of a count is the mean rate over the whole bucket.
        (TypeModifier::AsCount, None | Some(TimeAgg::Sum)) if interval == 0.0 => (TimeAgg::Avg, Scale::Seconds),
        (TypeModifier::AsCount, Some(time)) if interval == 0.0 => (time, Scale::Seconds),
        (TypeModifier::AsCount, time) => (time.unwrap_or(TimeAgg::Sum), Scale::Constant(interval)),
        (TypeModifier::AsRate, None | Some(TimeAgg::Sum)) if interval == 0.0 => (TimeAgg::Avg, Scale::Constant(1.0)),
        // The mean per second of the whole bucket, so that it agrees with the count divided by the bucket's length.
        (TypeModifier::AsRate, None | Some(TimeAgg::Sum)) => {
            (TimeAgg::Sum, Scale::PerSecond { factor: interval, shortest: interval })
        }
        (TypeModifier::AsRate, Some(time)) => (time, Scale::Constant(1.0)),
    }
}
