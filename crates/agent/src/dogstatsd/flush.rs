//! Turns closed buckets into a report.

use std::sync::Arc;

use galgo_core::check::CheckRun;
use galgo_core::{MetricKind, Point, Sketch, SketchPoint};
use galgo_intake::events::Event;
use hashbrown::HashMap;

use super::aggregator::{State, plain_kind};
use super::config::{AggregatorConfig, BUCKET_S, CounterOutput, HistogramAggregate};
use super::context::{Class, ContextKey};
use super::histogram::Histogram;
use crate::report::{Report, Series, SketchSeries};

/// A sample that came with its own timestamp.
#[derive(Debug)]
pub(super) struct Unaggregated {
    pub(super) key: Arc<ContextKey>,
    pub(super) time: i64,
    pub(super) value: f64,
}

/// The values of a bucket.
pub(super) type States = Vec<(Arc<ContextKey>, State)>;

/// Closed buckets, by their start, and what waits for no bucket.
#[derive(Debug, Default)]
pub(super) struct Closed {
    pub(super) buckets: Vec<(i64, States)>,
    pub(super) waiting: Vec<Unaggregated>,
    pub(super) events: Vec<Event>,
    pub(super) checks: Vec<CheckRun>,
}

impl Closed {
    /// Whether there is nothing to report.
    pub(super) fn is_empty(&self) -> bool {
        let no_values = self.buckets.iter().all(|(_, states)| states.is_empty());
        no_values && self.waiting.is_empty() && self.events.is_empty() && self.checks.is_empty()
    }

    /// The report: one series a context and statistic, with one point a bucket, in order of names and tags.
    pub(super) fn into_report(self, config: &AggregatorConfig) -> Report {
        let mut builder = Builder { config, series: HashMap::new(), sketches: HashMap::new() };
        for (start, states) in self.buckets {
            for (key, state) in states {
                builder.state(&key, start, state);
            }
        }
        for sample in self.waiting {
            builder.unaggregated(&sample);
        }
        let mut series: Vec<Series> = builder.series.into_values().collect();
        series.sort_unstable_by(|a, b| (&a.metric, &a.host, &a.tags).cmp(&(&b.metric, &b.host, &b.tags)));
        let mut sketches: Vec<SketchSeries> = builder.sketches.into_values().collect();
        sketches.sort_unstable_by(|a, b| (&a.metric, &a.host, &a.tags).cmp(&(&b.metric, &b.host, &b.tags)));
        Report { series, sketches, checks: self.checks, events: self.events }
    }
}

/// What is appended to a context's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Suffix {
    None,
    Aggregate(&'static str),
    Percentile(u8),
}

struct Builder<'a> {
    config: &'a AggregatorConfig,
    /// Contexts are unique by their address: all buckets share one key.
    series: HashMap<(*const ContextKey, Suffix), Series>,
    sketches: HashMap<*const ContextKey, SketchSeries>,
}

impl Builder<'_> {
    fn state(&mut self, key: &Arc<ContextKey>, time: i64, state: State) {
        match state {
            State::Counter(sum) => self.counter(key, time, sum),
            State::Gauge(value) => self.point(key, Suffix::None, MetricKind::Gauge, time, value),
            State::Set(members) => self.point(key, Suffix::None, MetricKind::Gauge, time, members.len() as f64),
            State::Histogram(histogram) => self.histogram(key, time, *histogram),
            State::Distribution(sketch) => self.sketch(key, time, *sketch),
        }
    }

    fn unaggregated(&mut self, sample: &Unaggregated) {
        match sample.key.class {
            Class::Counter => self.counter(&sample.key, sample.time, sample.value),
            Class::Distribution => {
                let mut sketch = Sketch::new();
                sketch.insert(sample.value, 1);
                self.sketch(&sample.key, sample.time, sketch);
            }
            _ => self.point(&sample.key, Suffix::None, MetricKind::Gauge, sample.time, sample.value),
        }
    }

    fn counter(&mut self, key: &Arc<ContextKey>, time: i64, sum: f64) {
        let value = match self.config.counters {
            CounterOutput::Count => sum,
            CounterOutput::Rate => sum / BUCKET_S as f64,
        };
        self.point(key, Suffix::None, plain_kind(Class::Counter, self.config.counters), time, value);
    }

    fn histogram(&mut self, key: &Arc<ContextKey>, time: i64, histogram: Histogram) {
        let summary = histogram.summarise();
        // Every value was dropped for being no number.
        if summary.count() == 0 {
            return;
        }
        for &aggregate in &self.config.histogram_aggregates {
            let kind = if aggregate == HistogramAggregate::Count { MetricKind::Rate } else { MetricKind::Gauge };
            let value = summary.statistic(aggregate, BUCKET_S);
            self.point(key, Suffix::Aggregate(aggregate.suffix()), kind, time, value);
        }
        for &percent in &self.config.histogram_percentiles {
            self.point(key, Suffix::Percentile(percent), MetricKind::Gauge, time, summary.percentile(percent));
        }
    }

    fn point(&mut self, key: &Arc<ContextKey>, suffix: Suffix, kind: MetricKind, time: i64, value: f64) {
        let new = || Series {
            metric: match suffix {
                Suffix::None => key.metric.clone(),
                Suffix::Aggregate(name) => format!("{}{name}", key.metric),
                Suffix::Percentile(percent) => format!("{}.{percent}percentile", key.metric),
            },
            kind,
            interval: BUCKET_S as u32,
            unit: "",
            host: key.host.clone(),
            tags: key.tags.clone(),
            points: Vec::new(),
        };
        let series = self.series.entry((Arc::as_ptr(key), suffix)).or_insert_with(new);
        series.points.push(Point { time, value });
    }

    fn sketch(&mut self, key: &Arc<ContextKey>, time: i64, sketch: Sketch) {
        if sketch.count() == 0 {
            return;
        }
        let new = || SketchSeries {
            metric: key.metric.clone(),
            interval: BUCKET_S as u32,
            host: key.host.clone(),
            tags: key.tags.clone(),
            points: Vec::new(),
        };
        let series = self.sketches.entry(Arc::as_ptr(key)).or_insert_with(new);
        series.points.push(SketchPoint { time, sketch });
    }
}
