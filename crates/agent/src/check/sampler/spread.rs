//! Spreads the count of a histogram's bucket over the bins of a sketch.

use galgo_core::Sketch;
use galgo_core::sketch::{key_of, lower_bound};

/// Adds `count` values that lie evenly between two bounds. A bound that is infinite is replaced by the other one: all
/// that is known of those values is that they lie beyond it.
pub(super) fn insert(sketch: &mut Sketch, bounds: (f64, f64), count: u64) {
    let (lower, upper) = match bounds {
        (lower, upper) if lower.is_nan() || upper.is_nan() => return,
        (lower, upper) if lower.is_finite() && upper.is_finite() => (lower.min(upper), lower.max(upper)),
        (lower, _) if lower.is_finite() => (lower, lower),
        (_, upper) if upper.is_finite() => (upper, upper),
        _ => return,
    };
    let (first, last) = (key_of(lower), key_of(upper));
    if first == last || count == 0 {
        sketch.insert(upper, count);
        return;
    }
    // Rounding the running total rather than each share keeps the sum exact.
    let mut given = 0u64;
    for key in first..=last {
        let end = if key == last { upper } else { lower_bound(key + 1).clamp(lower, upper) };
        let until = (count as f64 * (end - lower) / (upper - lower)).round() as u64;
        let share = until.min(count).saturating_sub(given);
        if share > 0 {
            sketch.insert(lower_bound(key).clamp(lower, upper), share);
            given += share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_keeps_its_count_and_its_bounds() {
        let mut sketch = Sketch::new();
        insert(&mut sketch, (10.0, 20.0), 1000);
        assert_eq!(sketch.count(), 1000);
        let median = sketch.quantile(0.5).unwrap();
        assert!((median - 15.0).abs() < 0.5, "{median}");
        assert!(sketch.min().unwrap() >= 10.0 && sketch.max().unwrap() <= 20.0);
    }

    #[test]
    fn infinite_bounds_fall_back_to_the_finite_one() {
        for (bounds, expected) in [((f64::NEG_INFINITY, 5.0), 5.0), ((5.0, f64::INFINITY), 5.0)] {
            let mut sketch = Sketch::new();
            insert(&mut sketch, bounds, 3);
            assert_eq!((sketch.count(), sketch.max()), (3, Some(expected)));
        }
        let mut sketch = Sketch::new();
        insert(&mut sketch, (f64::NEG_INFINITY, f64::INFINITY), 3);
        assert_eq!(sketch.count(), 0);
    }
}
