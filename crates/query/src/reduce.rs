//! Many values made one: over time for scalars and ranks, over groups for nested aggregations (reference:
//! metric-queries.md §10 and §12). Absent values (NaN) count for nothing.

use crate::frame::Axis;

/// How a series becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Aggregator {
    /// Mean of the buckets.
    #[default]
    Avg,
    /// Smallest bucket.
    Min,
    /// Largest bucket.
    Max,
    /// Sum of the buckets.
    Sum,
    /// Newest bucket that has a value.
    Last,
    /// Sum of value × length of the bucket in seconds.
    Area,
    /// Root of the summed squares.
    L2norm,
    /// The percentile of the query, read over the whole window instead of bucket by bucket.
    Percentile,
}

impl Aggregator {
    /// The aggregator with this name in requests.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "avg" | "mean" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "last" => Self::Last,
            "area" => Self::Area,
            "l2norm" => Self::L2norm,
            "percentile" => Self::Percentile,
            _ => return None,
        })
    }

    /// Reduces a series; NaN when it has no value.
    pub fn reduce(self, values: &[f64], axis: &Axis) -> f64 {
        let present = || values.iter().copied().filter(|value| !value.is_nan());
        match self {
            Self::Avg | Self::Percentile => mean(present()),
            Self::Min => present().fold(f64::NAN, f64::min),
            Self::Max => present().fold(f64::NAN, f64::max),
            Self::Sum => sum(present()),
            Self::Last => present().next_back().unwrap_or(f64::NAN),
            Self::Area => {
                let areas = values.iter().enumerate().map(|(bucket, value)| value * axis.length(bucket) as f64);
                sum(areas.filter(|area| !area.is_nan()))
            }
            Self::L2norm => sum(present().map(|value| value * value)).sqrt(),
        }
    }
}

/// Sum, NaN of nothing.
pub fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut count) = (0.0, 0_u64);
    values.for_each(|value| {
        total += value;
        count += 1;
    });
    if count == 0 { f64::NAN } else { total }
}

/// Mean, NaN of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut count) = (0.0, 0.0);
    values.for_each(|value| {
        total += value;
        count += 1.0;
    });
    total / count
}

/// Statistics of nested layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// Mean.
    Avg,
    /// Sum.
    Sum,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Number of values.
    Count,
    /// Newest, in the order given.
    Last,
    /// Middle value.
    Median,
    /// Standard deviation of the whole population.
    Stddev,
    /// Percentile between 0 and 100, straight line between neighbouring ranks.
    Percentile(f64),
}

impl Statistic {
    /// The statistic with this name: `avg`, `stddev`, `p95` …
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "avg" | "mean" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            "last" => Self::Last,
            "median" => Self::Median,
            "stddev" => Self::Stddev,
            _ => Self::Percentile(crate::parse::percentile(name)?),
        })
    }

    /// Computes it; `values` may be reordered. NaN of nothing.
    pub fn of(self, values: &mut Vec<f64>) -> f64 {
        values.retain(|value| !value.is_nan());
        let Some(&last) = values.last() else { return f64::NAN };
        match self {
            Self::Avg => mean(values.iter().copied()),
            Self::Sum => values.iter().sum(),
            Self::Min => values.iter().copied().fold(f64::NAN, f64::min),
            Self::Max => values.iter().copied().fold(f64::NAN, f64::max),
            Self::Count => values.len() as f64,
            Self::Last => last,
            Self::Median => percentile(values, 50.0),
            Self::Stddev => deviation(values),
            Self::Percentile(rank) => percentile(values, rank),
        }
    }
}

/// A percentile (0 to 100) of values that are there; sorts them. NaN of nothing.
pub fn percentile(values: &mut [f64], rank: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_unstable_by(f64::total_cmp);
    let place = rank / 100.0 * (values.len() - 1) as f64;
    let below = (place.floor() as usize).min(values.len() - 1);
    let above = (below + 1).min(values.len() - 1);
    let (low, high) = (values[below], values[above]);
    // Not `low + (high - low) * share`, which is NaN between equal infinities.
    if low == high { low } else { low + (high - low) * (place - below as f64) }
}

/// Standard deviation of the whole population.
pub fn deviation(values: &[f64]) -> f64 {
    let center = mean(values.iter().copied());
    mean(values.iter().map(|value| (value - center).powi(2))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Grid;

    #[test]
    fn series_become_numbers() {
        let axis = Axis::of(&Grid::Uniform { start: 0, step: 20, len: 4 });
        let values = [3.0, f64::NAN, 4.0, f64::NAN];
        for (name, expected) in [
            ("avg", 3.5),
            ("mean", 3.5),
            ("min", 3.0),
            ("max", 4.0),
            ("sum", 7.0),
            ("last", 4.0),
            ("area", 140.0),
            ("l2norm", 5.0),
        ] {
            let aggregator = Aggregator::parse(name).unwrap();
            assert_eq!(aggregator.reduce(&values, &axis), expected, "{name}");
            assert!(aggregator.reduce(&[f64::NAN; 4], &axis).is_nan(), "{name}");
        }
    }

    #[test]
    fn statistics_ignore_what_is_absent() {
        let values = || vec![4.0, f64::NAN, 1.0, 2.0, 3.0];
        for (name, expected) in [
            ("avg", 2.5),
            ("sum", 10.0),
            ("min", 1.0),
            ("max", 4.0),
            ("count", 4.0),
            ("last", 3.0),
            ("median", 2.5),
            ("p0", 1.0),
            ("p100", 4.0),
            ("p50", 2.5),
            ("stddev", 1.25_f64.sqrt()),
        ] {
            assert_eq!(Statistic::parse(name).unwrap().of(&mut values()), expected, "{name}");
        }
        assert!(Statistic::Count.of(&mut vec![f64::NAN]).is_nan());
        assert_eq!(Statistic::parse("p101"), None);
    }
}
