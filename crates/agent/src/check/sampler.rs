//! Turns what one run of a check submitted into series, by the rules of Datadog's check sampler (reference:
//! python-checks.md §3): counters become rates or differences between runs, histograms become aggregates.
//!
//! A sampler belongs to one instance. It is pure: time comes in with every commit.

use std::collections::HashMap;
use std::time::Duration;

use galgo_core::{MetricKind, Point, Sketch, SketchPoint};

use super::sample::{Bucket, Sample, SampleKind, Samples};
use crate::collect::Moment;
use crate::dogstatsd::{Histogram, HistogramAggregate};
use crate::report::{Report, Series, SketchSeries};

mod spread;

/// How long the last value of a counter is kept when it is not submitted any more.
const FORGET_AFTER: Duration = Duration::from_secs(25 * 3600);

/// Interval of what comes out of a histogram or a counter: a check says nothing of how long it watched.
const PER_RUN_INTERVAL: i64 = 1;

/// Most values of one histogram that are kept one by one; further ones go into a sketch.
const EXACT_VALUES: usize = 10_000;

/// Most counters whose last value is kept; beyond, a check that makes up tags is told in a warning.
pub const MAX_COUNTERS: usize = 100_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: SampleKind,
    metric: String,
    tags: Vec<String>,
    host: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BucketKey {
    key: Key,
    bounds: (u64, u64),
}

#[derive(Debug, Clone, Copy)]
struct Last<V> {
    value: V,
    at: Duration,
}

/// What the sampler of one instance is told once.
#[derive(Debug, Clone, Default)]
pub struct SamplerConfig {
    /// Host of everything that names none.
    pub host: String,
    /// Tags of everything, such as `service:shop`.
    pub tags: Vec<String>,
    /// Seconds between runs.
    pub interval: u32,
    /// Statistics of histograms (`histogram_aggregates`).
    pub aggregates: Vec<HistogramAggregate>,
    /// Percentiles of histograms in whole percent (`histogram_percentiles`).
    pub percentiles: Vec<u8>,
}

/// The sampler of one instance.
#[derive(Debug)]
pub struct Sampler {
    config: SamplerConfig,
    counters: HashMap<Key, Last<f64>>,
    buckets: HashMap<BucketKey, Last<i64>>,
}

/// State of one context during a commit.
enum Gathered {
    Last(f64),
    Sum(f64),
    Histogram(Box<Histogram>, usize),
}

impl Sampler {
    /// A sampler without a past.
    pub fn new(config: SamplerConfig) -> Self {
        Self { config, counters: HashMap::new(), buckets: HashMap::new() }
    }

    /// Turns the samples of one run into a report at a moment. What is refused is added to the warnings of `samples`;
    /// its values, checks and events are taken out, the rest stays.
    pub fn commit(&mut self, samples: &mut Samples, moment: Moment) -> Report {
        self.forget_stale(moment.monotonic);
        let mut report = Report::default();
        let mut gathered: HashMap<Key, Gathered> = HashMap::new();
        let mut refused = 0;
        for sample in std::mem::take(&mut samples.values) {
            if sample.value.is_finite() {
                self.take(sample, moment.monotonic, &mut gathered, &mut refused);
            }
        }
        for (key, state) in gathered {
            self.emit(key, state, moment.wall, &mut report);
        }
        self.commit_buckets(std::mem::take(&mut samples.buckets), moment, &mut refused, &mut report);
        if refused > 0 {
            samples.warn(format!("{refused} samples dropped: more than {MAX_COUNTERS} counters in one instance"));
        }
        self.commit_checks(samples, moment.wall, &mut report);
        report.series.sort_by(|a, b| (&a.metric, &a.tags, &a.host).cmp(&(&b.metric, &b.tags, &b.host)));
        report
    }

    /// Number of counters whose last value is kept.
    pub fn counters(&self) -> usize {
        self.counters.len() + self.buckets.len()
    }

    fn forget_stale(&mut self, now: Duration) {
        self.counters.retain(|_, last| now.saturating_sub(last.at) < FORGET_AFTER);
        self.buckets.retain(|_, last| now.saturating_sub(last.at) < FORGET_AFTER);
    }

    fn key(&self, kind: SampleKind, metric: String, mut tags: Vec<String>, host: String) -> Key {
        tags.extend(self.config.tags.iter().cloned());
        tags.sort_unstable();
        tags.dedup();
        let host = if host.is_empty() { self.config.host.clone() } else { host };
        Key { kind, metric, tags, host }
    }

    fn take(&mut self, sample: Sample, now: Duration, gathered: &mut HashMap<Key, Gathered>, refused: &mut usize) {
        let key = self.key(sample.kind, sample.metric, sample.tags, sample.host);
        let value = match sample.kind {
            SampleKind::Gauge => {
                gathered.insert(key, Gathered::Last(sample.value));
                return;
            }
            SampleKind::Count | SampleKind::Counter | SampleKind::Histogram => Some(sample.value),
            SampleKind::Rate | SampleKind::Historate => self.growth_per_second(&key, sample.value, now, refused),
            SampleKind::MonotonicCount => self.growth(&key, sample.value, sample.flush_first, now, refused),
        };
        let Some(value) = value else { return };
        match sample.kind {
            SampleKind::Rate => drop(gathered.insert(key, Gathered::Last(value))),
            SampleKind::Histogram | SampleKind::Historate => {
                let new = || Gathered::Histogram(Box::default(), EXACT_VALUES);
                if let Gathered::Histogram(histogram, budget) = gathered.entry(key).or_insert_with(new) {
                    histogram.add(value, 1, budget);
                }
            }
            _ => {
                if let Gathered::Sum(sum) = gathered.entry(key).or_insert(Gathered::Sum(0.0)) {
                    *sum += value;
                }
            }
        }
    }

    fn replace(&mut self, key: &Key, value: f64, at: Duration, refused: &mut usize) -> Option<Last<f64>> {
        if let Some(last) = self.counters.get_mut(key) {
            return Some(std::mem::replace(last, Last { value, at }));
        }
        if self.counters.len() >= MAX_COUNTERS {
            *refused += 1;
        } else {
            self.counters.insert(key.clone(), Last { value, at });
        }
        None
    }

    /// Nothing for the first value, after a reset and when no time has passed.
    fn growth_per_second(&mut self, key: &Key, value: f64, now: Duration, refused: &mut usize) -> Option<f64> {
        let last = self.replace(key, value, now, refused)?;
        let elapsed = now.saturating_sub(last.at).as_secs_f64();
        let growth = value - last.value;
        (elapsed > 0.0 && growth >= 0.0).then(|| growth / elapsed)
    }

    /// Nothing for the first value, 0 after a reset; the value itself in both cases with `flush_first`.
    fn growth(&mut self, key: &Key, value: f64, flush_first: bool, now: Duration, refused: &mut usize) -> Option<f64> {
        match self.replace(key, value, now, refused) {
            Some(last) if value >= last.value => Some(value - last.value),
            Some(_) => Some(if flush_first { value } else { 0.0 }),
            None => flush_first.then_some(value),
        }
    }

    fn emit(&self, key: Key, state: Gathered, time: i64, report: &mut Report) {
        let mut push = |suffix: &str, kind: MetricKind, interval: u32, value: f64| {
            let metric = format!("{}{suffix}", key.metric);
            report.series.push(Series {
                unit: crate::collect::unit_of(&metric),
                metric,
                kind,
                interval,
                host: key.host.clone(),
                tags: key.tags.clone(),
                points: vec![Point { time, value }],
            });
        };
        let interval = self.config.interval;
        match (state, key.kind) {
            (Gathered::Last(value), _) => push("", MetricKind::Gauge, interval, value),
            (Gathered::Sum(sum), SampleKind::Counter) => push("", MetricKind::Rate, PER_RUN_INTERVAL as u32, sum),
            (Gathered::Sum(sum), _) => push("", MetricKind::Count, interval, sum),
            (Gathered::Histogram(histogram, _), _) => {
                let summary = histogram.summarise();
                for &aggregate in &self.config.aggregates {
                    let is_count = aggregate == HistogramAggregate::Count;
                    let (kind, interval) = if is_count {
                        (MetricKind::Rate, PER_RUN_INTERVAL as u32)
                    } else {
                        (MetricKind::Gauge, interval)
                    };
                    push(aggregate.suffix(), kind, interval, summary.statistic(aggregate, PER_RUN_INTERVAL));
                }
                for &percent in &self.config.percentiles {
                    let suffix = format!(".{percent}percentile");
                    push(&suffix, MetricKind::Gauge, interval, summary.percentile(percent));
                }
            }
        }
    }

    fn commit_buckets(&mut self, buckets: Vec<Bucket>, moment: Moment, refused: &mut usize, report: &mut Report) {
        let mut sketches: HashMap<Key, Sketch> = HashMap::new();
        for bucket in buckets {
            let key = self.key(SampleKind::Histogram, bucket.metric, bucket.tags, bucket.host);
            let bounds = (bucket.lower, bucket.upper);
            let count = if bucket.monotonic {
                self.bucket_growth(&key, bounds, bucket.count, bucket.flush_first, moment.monotonic, refused)
            } else {
                bucket.count
            };
            let count = u64::try_from(count).unwrap_or(0);
            spread::insert(sketches.entry(key).or_default(), bounds, count);
        }
        for (key, sketch) in sketches.into_iter().filter(|(_, sketch)| sketch.count() > 0) {
            report.sketches.push(SketchSeries {
                metric: key.metric,
                interval: self.config.interval,
                host: key.host,
                tags: key.tags,
                points: vec![SketchPoint { time: moment.wall, sketch }],
            });
        }
        report.sketches.sort_by(|a, b| (&a.metric, &a.tags, &a.host).cmp(&(&b.metric, &b.tags, &b.host)));
    }

    fn bucket_growth(
        &mut self,
        key: &Key,
        bounds: (f64, f64),
        count: i64,
        flush_first: bool,
        at: Duration,
        refused: &mut usize,
    ) -> i64 {
        let key = BucketKey { key: key.clone(), bounds: (bounds.0.to_bits(), bounds.1.to_bits()) };
        if self.buckets.len() >= MAX_COUNTERS && !self.buckets.contains_key(&key) {
            *refused += 1;
            return 0;
        }
        match self.buckets.insert(key, Last { value: count, at }) {
            Some(last) if count >= last.value => count - last.value,
            _ if flush_first => count,
            _ => 0,
        }
    }

    fn commit_checks(&self, samples: &mut Samples, wall: i64, report: &mut Report) {
        let or_own = |host: String| if host.is_empty() { self.config.host.clone() } else { host };
        for mut check in std::mem::take(&mut samples.checks) {
            check.host = or_own(check.host);
            check.time = if check.time == 0 { wall } else { check.time };
            check.tags.extend(self.config.tags.iter().cloned());
            report.checks.push(check);
        }
        for mut event in std::mem::take(&mut samples.events) {
            event.host = or_own(event.host);
            event.time = if event.time == 0 { wall } else { event.time };
            event.tags.extend(self.config.tags.iter().cloned());
            report.events.push(event);
        }
    }
}

#[cfg(test)]
mod tests;
