//! What stands in the buckets of a series that have no point of their own (reference: metric-queries.md §8). The
//! reach is measured from bucket start to bucket start.

use std::ops::Range;

use galgo_core::MetricKind;

use crate::source::{Fill, Leaf};

use super::DEFAULT_FILL_LIMIT;
use super::buckets::Buckets;

/// How one series is interpolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpolation {
    None,
    /// Between two samples, `limit` seconds after the earlier one at most.
    Linear {
        limit: i64,
        only_combined: bool,
    },
    Last {
        limit: i64,
    },
    Zero {
        limit: i64,
    },
}

impl Interpolation {
    pub(super) fn of(leaf: &Leaf, kind: MetricKind, weighted: bool) -> Self {
        match leaf.fill {
            Fill::Null => Self::None,
            Fill::Linear { limit } => Self::Linear { limit, only_combined: false },
            Fill::Last { limit } => Self::Last { limit },
            Fill::Zero { limit } => Self::Zero { limit },
            // Differences are amounts like counts, and a weighted mean already accounts for missing points.
            Fill::ByKind if kind != MetricKind::Gauge || leaf.diff.is_some() || weighted => Self::None,
            Fill::ByKind => Self::Linear { limit: DEFAULT_FILL_LIMIT, only_combined: true },
        }
    }

    /// Whether it must wait until a second series joins the group.
    pub(super) fn only_combined(self) -> bool {
        matches!(self, Self::Linear { only_combined: true, .. })
    }

    /// Fills gaps; `touched` are the buckets outside of which all is NaN. Returns the buckets that may hold values now.
    pub(super) fn apply(self, values: &mut [f64], touched: Range<usize>, buckets: &Buckets) -> Range<usize> {
        match self {
            Self::None => touched,
            Self::Linear { limit, .. } => {
                linear(values, touched.clone(), buckets, limit);
                touched
            }
            Self::Last { limit } => hold(values, touched, buckets, limit, |last| last),
            Self::Zero { limit } => hold(values, touched, buckets, limit, |_| 0.0),
        }
    }
}

fn linear(values: &mut [f64], touched: Range<usize>, buckets: &Buckets, limit: i64) {
    // Most series have no gap. Counting without a way out early becomes vector code.
    let gaps: u64 = values[touched.clone()].iter().map(|value| u64::from(value.is_nan())).sum();
    if gaps == 0 {
        return;
    }
    let mut before: Option<usize> = None;
    for bucket in touched {
        if values[bucket].is_nan() {
            continue;
        }
        if let Some(left) = before.filter(|left| left + 1 < bucket) {
            draw(values, left, bucket, buckets, limit);
        }
        before = Some(bucket);
    }
}

/// Draws the line between the samples at `left` and `right`.
fn draw(values: &mut [f64], left: usize, right: usize, buckets: &Buckets, limit: i64) {
    let (from, to) = (buckets.start(left), buckets.start(right));
    let (low, high) = (values[left], values[right]);
    for (offset, value) in values[left + 1..right].iter_mut().enumerate() {
        let elapsed = buckets.start(left + 1 + offset) - from;
        if elapsed > limit {
            return;
        }
        *value = low + (high - low) * (elapsed as f64 / (to - from) as f64);
    }
}

fn hold(
    values: &mut [f64],
    touched: Range<usize>,
    buckets: &Buckets,
    limit: i64,
    filler: impl Fn(f64) -> f64,
) -> Range<usize> {
    let (mut last, mut until) = (f64::NAN, i64::MIN);
    let mut end = touched.end;
    for (bucket, value) in values.iter_mut().enumerate().skip(touched.start) {
        let start = buckets.start(bucket);
        if !value.is_nan() {
            (last, until) = (*value, start + limit);
        } else if start <= until {
            *value = filler(last);
            end = end.max(bucket + 1);
        } else if bucket >= touched.end {
            break;
        }
    }
    touched.start..end
}
