//! Statistics that a few wild values hardly move: what every algorithm here is made of. Values are finite.

/// Deviation of normal noise ÷ median of its absolute values.
pub(crate) const MEDIAN_TO_DEVIATION: f64 = 1.4826;
/// Deviation of normal noise ÷ mean of its absolute values.
const MEAN_TO_DEVIATION: f64 = 1.2533;
/// Distance between the quartiles of normal noise in deviations.
pub(crate) const QUARTILES: f64 = 1.349;

/// The middle value, the mean of the two middle ones when their number is even. Reorders; NaN of nothing.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    if values.is_empty() {
        return f64::NAN;
    }
    let is_odd = values.len() % 2 == 1;
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let middle = *middle;
    if is_odd {
        return middle;
    }
    below.iter().copied().fold(f64::NEG_INFINITY, f64::max).midpoint(middle)
}

/// A quantile (0 to 1) of sorted values whose median over many small samples is right (Hyndman and Fan's definition 8):
/// the outer quantiles of ten values are not too narrow. NaN of nothing.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = (share * (sorted.len() as f64 + 1.0 / 3.0) - 2.0 / 3.0).clamp(0.0, last as f64);
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (high - low) * (place - below as f64)
}

/// The deviation of noise of which these are the absolute values, from their median. When more than half of them are
/// zero it is taken from their mean instead, so that only what never changes has no width at all. Reorders; 0 of nothing.
pub(crate) fn deviation_of(distances: &mut [f64]) -> f64 {
    if distances.is_empty() {
        return 0.0;
    }
    let middle = MEDIAN_TO_DEVIATION * median(distances);
    if middle > 0.0 { middle } else { MEAN_TO_DEVIATION * crate::reduce::mean(distances.iter().copied()) }
}

/// The median of changes that takes no sides: of an even number the smaller of the middle two, 0 when they disagree in
/// their direction. One step among many equal values is no trend, a steady rise is. Reorders; 0 of nothing.
pub(crate) fn cautious_median(changes: &mut [f64]) -> f64 {
    changes.sort_unstable_by(f64::total_cmp);
    let half = changes.len() / 2;
    match changes.len() {
        0 => 0.0,
        count if count % 2 == 1 => changes[half],
        _ => agreed(changes[half - 1], changes[half]),
    }
}

fn agreed(low: f64, high: f64) -> f64 {
    if low > 0.0 {
        low
    } else if high < 0.0 {
        high
    } else {
        0.0
    }
}

/// A value moved towards 0 by what may be noise.
pub(crate) fn shrunk(value: f64, noise: f64) -> f64 {
    if noise.is_finite() { (value.abs() - noise).max(0.0).copysign(value) } else { 0.0 }
}

/// Values kept sorted while they come and go: quantiles of a sliding window.
#[derive(Debug, Default)]
pub(crate) struct SortedWindow(Vec<f64>);

impl SortedWindow {
    pub(crate) fn insert(&mut self, value: f64) {
        let at = self.0.partition_point(|known| known.total_cmp(&value).is_lt());
        self.0.insert(at, value);
    }

    /// Takes away a value that was inserted.
    pub(crate) fn remove(&mut self, value: f64) {
        let at = self.0.partition_point(|known| known.total_cmp(&value).is_lt());
        if self.0.get(at).is_some_and(|known| known.total_cmp(&value).is_eq()) {
            self.0.remove(at);
        }
    }

    pub(crate) fn sorted(&self) -> &[f64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles() {
        assert!(median(&mut []).is_nan());
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        let sorted: Vec<f64> = (1..=8).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.5), 4.5);
        assert!((quantile(&sorted, 0.1) - 1.166_666).abs() < 1e-5);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
    }

    #[test]
    fn widths_survive_wild_values_and_many_zeros() {
        assert_eq!(deviation_of(&mut []), 0.0);
        assert_eq!(deviation_of(&mut [0.0, 0.0, 0.0]), 0.0);
        assert_eq!(deviation_of(&mut [1.0, 1.0, 1000.0]), MEDIAN_TO_DEVIATION);
        assert_eq!(deviation_of(&mut [0.0, 0.0, 0.0, 4.0]), MEAN_TO_DEVIATION);
    }

    #[test]
    fn a_step_is_no_trend_but_a_rise_is() {
        for (changes, expected) in [
            (vec![], 0.0),
            (vec![0.0, 0.0, 9.0, 0.0, 0.0], 0.0),
            (vec![9.0, 0.0], 0.0),
            (vec![5.0, -5.0], 0.0),
            (vec![2.0, 2.0], 2.0),
            (vec![-3.0, -2.0, -2.5, -2.0], -2.0),
        ] {
            assert_eq!(cautious_median(&mut changes.clone()), expected, "{changes:?}");
        }
        assert_eq!(shrunk(-3.0, 1.0), -2.0);
        assert_eq!(shrunk(0.5, 1.0), 0.0);
        assert_eq!(shrunk(0.5, f64::NAN), 0.0);
    }
}
