//! The values of one histogram in one bucket, and the statistics that come out of them.

use galgo_core::Sketch;

use super::config::HistogramAggregate;

/// A value and how many unsampled values it stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    value: f64,
    weight: u64,
}

/// Values of one bucket. They are kept one by one, so that percentiles are exact, until the caller's budget is used
/// up; from then on further values go into a sketch (1.6 % error) and memory stays bounded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    samples: Vec<Sample>,
    overflow: Option<Box<Sketch>>,
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Adds a value. Takes one of `budget` when the value is kept one by one.
    pub(crate) fn add(&mut self, value: f64, weight: u64, budget: &mut usize) {
        self.count = self.count.saturating_add(weight);
        self.sum += value * weight as f64;
        if *budget > 0 {
            *budget -= 1;
            self.samples.push(Sample { value, weight });
        } else {
            self.overflow.get_or_insert_default().insert(value, weight);
        }
    }

    /// How many values are kept one by one.
    pub(crate) fn held(&self) -> usize {
        self.samples.len()
    }

    /// Statistics of the values.
    pub(crate) fn summarise(mut self) -> Summary {
        self.samples.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
        Summary(self)
    }
}

/// The sorted values of a histogram that holds at least one.
#[derive(Debug)]
pub(crate) struct Summary(Histogram);

impl Summary {
    /// How many unsampled values there were.
    pub(crate) fn count(&self) -> u64 {
        self.0.count
    }

    /// Their sum.
    pub(crate) fn sum(&self) -> f64 {
        self.0.sum
    }

    /// Their mean.
    pub(crate) fn avg(&self) -> f64 {
        self.0.sum / self.0.count as f64
    }

    /// The smallest.
    pub(crate) fn min(&self) -> f64 {
        let exact = self.0.samples.first().map(|sample| sample.value);
        let sketched = self.0.overflow.as_ref().and_then(|sketch| sketch.min());
        exact.unwrap_or(f64::INFINITY).min(sketched.unwrap_or(f64::INFINITY))
    }

    /// The largest.
    pub(crate) fn max(&self) -> f64 {
        let exact = self.0.samples.last().map(|sample| sample.value);
        let sketched = self.0.overflow.as_ref().and_then(|sketch| sketch.max());
        exact.unwrap_or(f64::NEG_INFINITY).max(sketched.unwrap_or(f64::NEG_INFINITY))
    }

    /// One of the aggregates; the count is per second of an interval.
    pub(crate) fn statistic(&self, aggregate: HistogramAggregate, interval_s: i64) -> f64 {
        match aggregate {
            HistogramAggregate::Max => self.max(),
            HistogramAggregate::Min => self.min(),
            HistogramAggregate::Median => self.median(),
            HistogramAggregate::Avg => self.avg(),
            HistogramAggregate::Sum => self.sum(),
            HistogramAggregate::Count => self.count() as f64 / interval_s as f64,
        }
    }

    /// The middle value.
    pub(crate) fn median(&self) -> f64 {
        self.value_beyond((self.0.count - 1) / 2)
    }

    /// A percentile in whole percent.
    pub(crate) fn percentile(&self, percent: u8) -> f64 {
        // Integer division, as in Datadog's agent: the 95th of 20 values is the 19th.
        let target = (u128::from(percent) * u128::from(self.0.count)).saturating_sub(1) / 100;
        self.value_beyond(target as u64)
    }

    /// The smallest value up to which there are more than `target` values.
    fn value_beyond(&self, target: u64) -> f64 {
        if let Some(sketch) = &self.0.overflow {
            let mut all = (**sketch).clone();
            self.0.samples.iter().for_each(|sample| all.insert(sample.value, sample.weight));
            let last_rank = all.count().saturating_sub(1).max(1);
            return all.quantile(target as f64 / last_rank as f64).unwrap_or(0.0);
        }
        let mut cumulative = 0u64;
        for sample in &self.0.samples {
            cumulative = cumulative.saturating_add(sample.weight);
            if cumulative > target {
                return sample.value;
            }
        }
        self.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[(f64, u64)], mut budget: usize) -> Summary {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&(value, weight)| histogram.add(value, weight, &mut budget));
        histogram.summarise()
    }

    #[test]
    fn statistics_of_the_numbers_1_to_20() {
        let values: Vec<(f64, u64)> = (1..=20).rev().map(|value| (f64::from(value), 1)).collect();
        let summary = summary(&values, 100);
        assert_eq!((summary.count(), summary.sum(), summary.avg()), (20, 210.0, 10.5));
        assert_eq!((summary.min(), summary.max(), summary.median()), (1.0, 20.0, 10.0));
        assert_eq!((summary.percentile(95), summary.percentile(99), summary.percentile(1)), (19.0, 20.0, 1.0));
    }

    #[test]
    fn weights_count() {
        let summary = summary(&[(1.0, 1), (2.0, 9)], 100);
        assert_eq!((summary.count(), summary.avg(), summary.median()), (10, 1.9, 2.0));
        assert_eq!(summary.percentile(10), 1.0);
    }

    #[test]
    fn a_single_value_is_everything() {
        let summary = summary(&[(7.0, 1)], 100);
        assert_eq!((summary.min(), summary.max(), summary.median(), summary.percentile(95)), (7.0, 7.0, 7.0, 7.0));
    }

    #[test]
    fn beyond_the_budget_percentiles_are_close() {
        let values: Vec<(f64, u64)> = (1..=1000).map(|value| (f64::from(value), 1)).collect();
        let summary = summary(&values, 100);
        assert_eq!((summary.0.held(), summary.count(), summary.min(), summary.max()), (100, 1000, 1.0, 1000.0));
        for (percent, exact) in [(50, 500.0), (95, 950.0), (99, 990.0)] {
            let estimate = summary.percentile(percent);
            assert!((estimate - exact).abs() / exact < 0.024, "{percent}: {estimate}");
        }
    }
}
