//! What `agile`, `robust` and seasonal forecasts share: how values of several seasons at the same time, and of their
//! neighbours, become one expectation and one width.

use super::statistics::median;

/// Buckets to either side whose noise tells the width at a bucket.
pub(super) const NEIGHBOURS: usize = 10;
/// Buckets to either side with which an expectation is averaged.
const SMOOTHED: usize = 3;
/// Neighbours whose expectation is so many deviations away are another part of the shape, not noise.
const SAME_PART: f64 = 1.5;
/// Usual distance of a further value of normal noise from the median of three ÷ that of the closest two of them.
const CLOSEST_OF_THREE: f64 = 2.248;

/// The buckets around one, within bounds.
pub(super) fn around(bucket: usize, half: usize, len: usize) -> std::ops::Range<usize> {
    bucket.saturating_sub(half)..(bucket + half + 1).min(len)
}

/// The median of the values that are there, and how many they are.
pub(super) fn middle(values: impl Iterator<Item = f64>, scratch: &mut Vec<f64>) -> (f64, usize) {
    scratch.clear();
    scratch.extend(values.filter(|value| !value.is_nan()));
    (median(scratch), scratch.len())
}

/// How far a further value may be expected from the median of these: distances whose median is that of the distances of
/// further values. Of four and more values they are those of each one to the median of the others. Of three the two that
/// are closest to each other decide, so that one odd season does not widen the band. Reorders; nothing for fewer than two.
pub(super) fn distances(values: &mut [f64]) -> impl Iterator<Item = f64> + '_ {
    values.sort_unstable_by(f64::total_cmp);
    let values = &*values;
    let count = match values.len() {
        0 | 1 => 0,
        2 | 3 => 1,
        more => more,
    };
    (0..count).map(move |at| match values {
        [low, high] => high - low,
        [low, middle, high] => CLOSEST_OF_THREE * (middle - low).min(high - middle),
        _ => (values[at] - median_without(values, at)).abs(),
    })
}

/// The median of sorted values but one.
fn median_without(sorted: &[f64], left_out: usize) -> f64 {
    let others = sorted.len() - 1;
    let other = |at: usize| sorted[if at < left_out { at } else { at + 1 }];
    if others % 2 == 1 { other(others / 2) } else { other(others / 2 - 1).midpoint(other(others / 2)) }
}

/// An expectation averaged with those of its neighbours that differ by noise only: ramps and spikes stay.
pub(super) fn smoothed(expected: impl Fn(usize) -> f64, bucket: usize, width: f64, reach: usize, len: usize) -> f64 {
    let own = expected(bucket);
    let (mut sum, mut count) = (0.0, 0.0);
    for neighbour in around(bucket, SMOOTHED.min(reach), len) {
        let difference = expected(neighbour) - own;
        if difference.abs() <= SAME_PART * width {
            sum += difference;
            count += 1.0;
        }
    }
    if count > 0.0 { own + sum / count } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_leave_out_the_value_itself() {
        let found = |values: &[f64]| distances(&mut values.to_vec()).collect::<Vec<f64>>();
        assert_eq!(found(&[3.0]), Vec::<f64>::new());
        assert_eq!(found(&[1.0, 5.0]), [4.0]);
        assert_eq!(found(&[9.0, 1.0, 2.0]), [CLOSEST_OF_THREE]);
        // Others of 1: 2, 4, 9; of 2: 1, 4, 9; of 4: 1, 2, 9; of 9: 1, 2, 4.
        assert_eq!(found(&[9.0, 1.0, 4.0, 2.0]), [3.0, 2.0, 2.0, 7.0]);
        assert_eq!(found(&[1.0, 1.0, 1.0, 8.0]), [0.0, 0.0, 0.0, 7.0]);
    }

    #[test]
    fn noise_is_averaged_and_spikes_stay() {
        let values = [1.0, 2.0, 1.0, 50.0, f64::NAN, 2.0, 1.0];
        let at = |bucket: usize| smoothed(|at| values[at], bucket, 1.0, 10, values.len());
        assert_eq!(at(3), 50.0);
        assert!((at(1) - 4.0 / 3.0).abs() < 1e-12);
        assert!(at(4).is_nan());
        assert_eq!(smoothed(|at| values[at], 1, 1.0, 0, values.len()), 2.0);
        assert_eq!(around(0, 3, 7), 0..4);
        assert_eq!(around(6, 3, 7), 3..7);
    }
}
