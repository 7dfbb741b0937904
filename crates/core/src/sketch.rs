//! The DDSketch with the agent's parameters: relative error 1/128, keys in i16, 4096 bins.
//!
//! The parameters and the quantile rule are those of the agent (reference: intake-agent.md §6.2), so that a sketch
//! that an agent sent answers exactly as the agent's own library would.

/// Ratio of neighbouring bin bounds: 1 + 2/128.
pub const GAMMA: f64 = 1.015625;
/// Natural logarithm of [`GAMMA`].
pub const GAMMA_LN: f64 = 0.015504186535965254;
/// Added to a value's logarithmic index to make its key positive.
pub const BIAS: i32 = 1338;
/// Most bins a sketch keeps; beyond, the lowest keys collapse into the first kept one.
pub const BIN_LIMIT: usize = 4096;
/// Key of infinity.
pub const INFINITY_KEY: i16 = i16::MAX;

/// One bin: how many values fell between `lower_bound(key)` and `lower_bound(key + 1)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Logarithmic index, negative for negative values, 0 for values next to zero.
    pub key: i16,
    /// Number of values. Wider than the agent's u16: bins that were split on the wire are joined here.
    pub count: u64,
}

/// A mergeable summary of values with bounded relative error.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    bins: Vec<Bin>,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Sketch {
    /// A sketch without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sketch from its parts, as decoded from a wire or disk format. Bins may come in any order and repeat a key.
    pub fn from_parts(bins: impl IntoIterator<Item = Bin>, count: u64, sum: f64, min: f64, max: f64) -> Self {
        let mut bins: Vec<Bin> = bins.into_iter().filter(|bin| bin.count > 0).collect();
        bins.sort_by_key(|bin| bin.key);
        bins.dedup_by(|later, kept| {
            let same = later.key == kept.key;
            if same {
                kept.count = kept.count.saturating_add(later.count);
            }
            same
        });
        let mut sketch = Self { bins, count, sum, min, max };
        sketch.limit_bins();
        sketch
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of the values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Smallest value, `None` when empty.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// Largest value, `None` when empty.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// Mean of the values, `None` when empty.
    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The bins in order of keys.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Adds a value `times` times. NaN is ignored.
    pub fn insert(&mut self, value: f64, times: u64) {
        if value.is_nan() || times == 0 {
            return;
        }
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
        let key = key_of(value);
        match self.bins.binary_search_by_key(&key, |bin| bin.key) {
            Ok(at) => self.bins[at].count = self.bins[at].count.saturating_add(times),
            Err(at) => self.bins.insert(at, Bin { key, count: times }),
        }
        self.limit_bins();
    }

    /// Adds all values of another sketch.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = if self.count == 0 { other.max } else { self.max.max(other.max) };
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.bins = merge_bins(&self.bins, &other.bins);
        self.limit_bins();
    }

    /// The value at quantile `q` (0 to 1), `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count == 0 || q.is_nan() {
            return None;
        }
        if q <= 0.0 {
            return Some(self.min);
        }
        if q >= 1.0 {
            return Some(self.max);
        }
        let rank = (q * (self.count - 1) as f64).round_ties_even();
        let mut cumulative = 0.0;
        for (index, bin) in self.bins.iter().enumerate() {
            cumulative += bin.count as f64;
            if cumulative <= rank {
                continue;
            }
            let weight = (cumulative - rank) / bin.count as f64;
            let low = if index == 0 { self.min } else { lower_bound(bin.key) };
            let value = if low.is_finite() { low * weight + low * GAMMA * (1.0 - weight) } else { low };
            // Unlike `clamp`, this does not panic for a sketch that came with a minimum above its maximum.
            return Some(value.max(self.min).min(self.max));
        }
        Some(self.max)
    }

    /// How many values are at most `limit`, to the precision of a bin.
    pub fn count_at_most(&self, limit: f64) -> u64 {
        if self.count == 0 || limit < self.min {
            return 0;
        }
        if limit >= self.max {
            return self.count;
        }
        let key = key_of(limit);
        self.bins.iter().take_while(|bin| bin.key <= key).map(|bin| bin.count).sum()
    }

    fn limit_bins(&mut self) {
        if self.bins.len() <= BIN_LIMIT {
            return;
        }
        let surplus = self.bins.len() - BIN_LIMIT;
        let collapsed: u64 = self.bins[..surplus].iter().map(|bin| bin.count).sum();
        self.bins.drain(..surplus);
        self.bins[0].count = self.bins[0].count.saturating_add(collapsed);
    }
}

fn merge_bins(left: &[Bin], right: &[Bin]) -> Vec<Bin> {
    let mut merged = Vec::with_capacity(left.len().max(right.len()));
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        let (a, b) = (left[l], right[r]);
        l += usize::from(a.key <= b.key);
        r += usize::from(b.key <= a.key);
        merged.push(match a.key.cmp(&b.key) {
            std::cmp::Ordering::Less => a,
            std::cmp::Ordering::Greater => b,
            std::cmp::Ordering::Equal => Bin { key: a.key, count: a.count.saturating_add(b.count) },
        });
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    merged
}

/// The key of the bin that holds a value.
pub fn key_of(value: f64) -> i16 {
    if value < 0.0 {
        return -key_of(-value);
    }
    if value < norm_min() {
        return 0;
    }
    let index = (value.ln() / GAMMA_LN).round_ties_even() + f64::from(BIAS);
    index.clamp(1.0, f64::from(INFINITY_KEY)) as i16
}

/// The lowest value that belongs to a key.
pub fn lower_bound(key: i16) -> f64 {
    match key {
        0 => 0.0,
        INFINITY_KEY => f64::INFINITY,
        key if key < 0 => -lower_bound(key.saturating_neg()),
        key => (f64::from(i32::from(key) - BIAS) * GAMMA_LN).exp(),
    }
}

fn norm_min() -> f64 {
    (f64::from(1 - BIAS) * GAMMA_LN).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_match_the_agent() {
        assert_eq!(key_of(1.0), 1338);
        assert_eq!(key_of(10.0), 1487);
        assert_eq!(key_of(0.001), 892);
        assert_eq!(key_of(-1.0), -1338);
        assert_eq!(key_of(0.0), 0);
        assert_eq!(key_of(1e-12), 0);
        assert_eq!(key_of(f64::INFINITY), INFINITY_KEY);
        assert_eq!(lower_bound(-INFINITY_KEY), f64::NEG_INFINITY);
    }

    #[test]
    fn an_empty_sketch_has_no_statistics() {
        let sketch = Sketch::new();
        assert_eq!((sketch.min(), sketch.max(), sketch.avg(), sketch.quantile(0.5)), (None, None, None, None));
    }

    #[test]
    fn split_bins_are_joined() {
        let bins = [Bin { key: 5, count: 65535 }, Bin { key: 5, count: 10 }, Bin { key: 3, count: 1 }];
        let sketch = Sketch::from_parts(bins, 65546, 1.0, 0.0, 1.0);
        assert_eq!(sketch.bins(), [Bin { key: 3, count: 1 }, Bin { key: 5, count: 65545 }]);
    }

    #[test]
    fn too_many_bins_collapse_into_the_lowest_kept() {
        let bins = (0..5000_i16).map(|key| Bin { key, count: 1 });
        let sketch = Sketch::from_parts(bins, 5000, 0.0, 0.0, 1.0);
        assert_eq!(sketch.bins().len(), BIN_LIMIT);
        assert_eq!(sketch.bins()[0], Bin { key: 904, count: 905 });
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_relative_error(mut values in prop::collection::vec(0.001..1e9_f64, 1..300), q in 0.0..1.0_f64) {
            let mut sketch = Sketch::new();
            values.iter().for_each(|&value| sketch.insert(value, 1));
            values.sort_by(f64::total_cmp);
            let rank = (q * (values.len() - 1) as f64).round_ties_even() as usize;
            // A key is rounded to the nearest bound and the estimate lies within one bin above it: 1.5 bins at most.
            let (exact, estimate) = (values[rank], sketch.quantile(q).unwrap());
            prop_assert!((estimate - exact).abs() <= exact * 1.5 * 2.0 / 128.0 + 1e-9, "{estimate} for {exact}");
        }

        #[test]
        fn merging_equals_inserting_all(left in prop::collection::vec(-1e6..1e6_f64, 0..50), right in prop::collection::vec(-1e6..1e6_f64, 0..50)) {
            let sketch_of = |values: &[f64]| { let mut sketch = Sketch::new(); values.iter().for_each(|&v| sketch.insert(v, 2)); sketch };
            let mut merged = sketch_of(&left);
            merged.merge(&sketch_of(&right));
            let all = sketch_of(&[left, right].concat());
            prop_assert_eq!(merged.bins(), all.bins());
            prop_assert_eq!((merged.count(), merged.min(), merged.max()), (all.count(), all.min(), all.max()));
        }
    }
}
