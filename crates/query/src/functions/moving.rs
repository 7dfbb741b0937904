//! Statistics of a window that moves along a series. Sums and extremes slide: each value enters and leaves once.

use std::collections::VecDeque;

use crate::frame::Axis;
use crate::reduce::Statistic;

/// After so many steps a sliding sum is computed anew, so that rounding does not add up.
const FRESH_SUM: usize = 512;

/// For each bucket that starts at `from` or later the buckets that start in `t - seconds < start <= t`, as
/// `(first, after)`; earlier buckets have an empty range.
pub(super) fn ranges(axis: &Axis, seconds: i64, from: i64) -> Vec<(usize, usize)> {
    let mut first = 0;
    let mut ranges = Vec::with_capacity(axis.len());
    for (bucket, &time) in axis.starts.iter().enumerate() {
        while axis.starts[first] <= time - seconds {
            first += 1;
        }
        // Nobody sees the buckets before the window; one bucket of leeway, since the first may hold `from`.
        let is_seen = time + axis.length(bucket) > from;
        ranges.push(if is_seen { (first, bucket + 1) } else { (bucket, bucket) });
    }
    ranges
}

/// How many values the statistic looks at.
pub(super) fn work(ranges: &[(usize, usize)], statistic: Statistic) -> usize {
    match statistic {
        Statistic::Avg | Statistic::Sum | Statistic::Count | Statistic::Min | Statistic::Max => ranges.len(),
        _ => ranges.iter().map(|(first, after)| after - first).sum(),
    }
}

/// Replaces each value by the statistic of its range.
pub(super) fn roll(values: &mut [f64], ranges: &[(usize, usize)], statistic: Statistic) {
    let finite = values.iter().all(|value| value.is_nan() || value.is_finite());
    let rolled: Vec<f64> = match statistic {
        Statistic::Avg | Statistic::Sum | Statistic::Count if finite => sums(values, ranges, statistic),
        Statistic::Min => extremes(values, ranges, |kept, new| kept >= new),
        Statistic::Max => extremes(values, ranges, |kept, new| kept <= new),
        _ => {
            let mut scratch = Vec::new();
            let mut of = |&(first, after): &(usize, usize)| {
                scratch.clear();
                scratch.extend_from_slice(&values[first..after]);
                statistic.of(&mut scratch)
            };
            ranges.iter().map(&mut of).collect()
        }
    };
    values.copy_from_slice(&rolled);
}

fn sums(values: &[f64], ranges: &[(usize, usize)], statistic: Statistic) -> Vec<f64> {
    let (mut low, mut high) = (0, 0);
    let (mut total, mut count, mut age) = (0.0, 0_usize, 0);
    let present = |range: std::ops::Range<usize>| values[range].iter().filter(|value| !value.is_nan());
    let mut of = |&(first, after): &(usize, usize)| {
        if first == after {
            return f64::NAN;
        }
        age += 1;
        if age > FRESH_SUM || first >= high {
            (total, count, age) = (present(first..after).sum(), present(first..after).count(), 0);
        } else {
            total += present(high..after).sum::<f64>() - present(low..first).sum::<f64>();
            count = count + present(high..after).count() - present(low..first).count();
        }
        (low, high) = (first, after);
        match statistic {
            _ if count == 0 => f64::NAN,
            Statistic::Count => count as f64,
            Statistic::Sum => total,
            _ => total / count as f64,
        }
    };
    ranges.iter().map(&mut of).collect()
}

/// `gives_way(kept, new)`: whether an earlier value can never be the answer once a later one is there.
fn extremes(values: &[f64], ranges: &[(usize, usize)], gives_way: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut entered = 0;
    let mut of = |&(first, after): &(usize, usize)| {
        if first == after {
            return f64::NAN;
        }
        for at in entered.max(first)..after {
            if values[at].is_nan() {
                continue;
            }
            while candidates.back().is_some_and(|&kept| gives_way(values[kept], values[at])) {
                candidates.pop_back();
            }
            candidates.push_back(at);
        }
        entered = entered.max(after);
        while candidates.front().is_some_and(|&kept| kept < first) {
            candidates.pop_front();
        }
        candidates.front().map_or(f64::NAN, |&kept| values[kept])
    };
    ranges.iter().map(&mut of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Grid;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sliding_equals_computing_anew(
            values in prop::collection::vec(prop::option::weighted(0.8, -100..100_i32), 1..900),
            seconds in 1..4000_i64,
            from in 0..4000_i64,
            name in prop::sample::select(vec!["avg", "sum", "count", "min", "max", "median"]),
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value.map_or(f64::NAN, f64::from)).collect();
            let axis = Axis::of(&Grid::Uniform { start: 0, step: 10, len: values.len() });
            let ranges = ranges(&axis, seconds, from);
            let statistic = Statistic::parse(name).unwrap();
            let mut rolled = values.clone();
            roll(&mut rolled, &ranges, statistic);
            for (bucket, &(first, after)) in ranges.iter().enumerate() {
                let expected = statistic.of(&mut values[first..after].to_vec());
                let same = (rolled[bucket].is_nan() && expected.is_nan()) || (rolled[bucket] - expected).abs() < 1e-6;
                prop_assert!(same, "{name} at {bucket}: {} for {expected}", rolled[bucket]);
            }
        }
    }
}
