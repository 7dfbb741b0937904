//! Buckets of a histogram: cumulative as they come, or what each holds on its own, with both bounds.

use std::collections::HashMap;

use super::exposition::{Family, Role, Sample};
use super::number;

/// What one bucket holds on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnBucket {
    /// Values above this,
    pub lower: f64,
    /// up to this.
    pub upper: f64,
    /// How many, since the histogram began.
    pub count: f64,
    /// Whether no bucket is below, so that `lower` was not given.
    pub lowest: bool,
}

/// Labels that tell a series from others, sorted.
type Series = Vec<(String, String)>;

/// Takes cumulative buckets apart. A bucket belongs together with those that have the same other labels.
#[derive(Debug, Default)]
pub struct Buckets {
    by_series: HashMap<Series, Vec<(f64, f64)>>,
}

fn series_of(sample: &Sample) -> Series {
    let mut labels: Series = sample.labels.iter().filter(|(name, _)| name != "le").cloned().collect();
    labels.sort_unstable();
    labels
}

/// The upper bound of a bucket.
pub fn upper_bound(sample: &Sample) -> Option<f64> {
    sample.label("le").and_then(number::parse).filter(|bound| !bound.is_nan())
}

impl Buckets {
    /// The buckets of a family.
    pub fn of(family: &Family) -> Self {
        let mut made = Self::default();
        for sample in family.samples.iter().filter(|sample| sample.role == Role::Bucket && sample.value.is_finite()) {
            if let Some(upper) = upper_bound(sample) {
                made.by_series.entry(series_of(sample)).or_default().push((upper, sample.value));
            }
        }
        for buckets in made.by_series.values_mut() {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        made
    }

    /// What a bucket of the family holds on its own. The lowest bucket begins at zero unless its bound is below;
    /// `zero_is_positive` says whether a bound of zero itself begins at zero or at minus infinity.
    pub fn own(&self, sample: &Sample, zero_is_positive: bool) -> Option<OwnBucket> {
        let upper = upper_bound(sample)?;
        let buckets = self.by_series.get(&series_of(sample))?;
        let at = buckets.iter().position(|(bound, _)| *bound == upper)?;
        let cumulative = buckets[at].1;
        Some(match at.checked_sub(1).map(|before| buckets[before]) {
            Some((lower, below)) => OwnBucket { lower, upper, count: cumulative - below, lowest: false },
            None => {
                let from_zero = upper > 0.0 || (upper == 0.0 && zero_is_positive);
                let lower = if from_zero { 0.0 } else { f64::NEG_INFINITY };
                OwnBucket { lower, upper, count: cumulative, lowest: true }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openmetrics::exposition::{Format, Parser};

    #[test]
    fn buckets_are_taken_apart_by_series() {
        let text = "# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 3\nh_bucket{le=\"-1\",a=\"1\"} 1\n\
                    h_bucket{a=\"2\",le=\"0\"} 4\nh_bucket{a=\"1\",le=\"+Inf\"} 7\n";
        let mut parser = Parser::new(Format::Prometheus);
        text.lines().for_each(|line| drop(parser.line(line).unwrap()));
        let family = parser.finish().unwrap().unwrap();
        let buckets = Buckets::of(&family);
        let own: Vec<_> = family.samples.iter().map(|sample| buckets.own(sample, true).unwrap()).collect();
        let bounds: Vec<_> = own.iter().map(|own| (own.lower, own.upper, own.count)).collect();
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(bounds, [(-1.0, 1.0, 2.0), (low, -1.0, 1.0), (0.0, 0.0, 4.0), (1.0, high, 4.0)]);
        assert_eq!(buckets.own(&family.samples[2], false).unwrap().lower, low);
    }
}
