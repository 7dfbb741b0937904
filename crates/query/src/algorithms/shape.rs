//! What `agile`, `robust` and seasonal forecasts share: how values of several seasons at the same time, and of their
//! neighbours, become one expectation and one width.

use super::statistics::median;

/// Buckets to either side whose noise tells the width at a bucket.
pub(super) const NEIGHBOURS: usize = 10;
/// Buckets to either side with which an expectation is averaged.
const SMOOTHED: usize = 3;
/// Neighbours whose expectation is so many deviations away are another part of the shape, not noise.
const SAME_PART: f64 = 1.5;

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

/// How much wider noise around a median of so many values is than it looks: they are close to it because it is made of
/// them, and the next value is not one of them.
pub(super) fn inflation(count: usize) -> f64 {
    let count = count.max(2) as f64;
    ((count + 1.0) / (count - 1.0)).sqrt()
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
