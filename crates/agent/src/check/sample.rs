//! What a check submits during one run, before rates and differences are worked out.

use galgo_core::check::{CheckRun, CheckStatus};
use galgo_intake::events::Event;
use serde_json::Value;

/// How a submitted value is to be understood (reference: python-checks.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// The value of this moment; the last one of a run counts.
    Gauge,
    /// A counter whose growth per second is wanted.
    Rate,
    /// A number of things since the last run; summed.
    Count,
    /// A counter whose growth since the last run is wanted.
    MonotonicCount,
    /// Deprecated `increment` and `decrement`.
    Counter,
    /// One of many values; aggregates and percentiles come out.
    Histogram,
    /// As a histogram, of the growth per second of a counter.
    Historate,
}

/// One submitted value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How the value is to be understood.
    pub kind: SampleKind,
    /// Full metric name.
    pub metric: String,
    /// The value; one that is not finite is dropped.
    pub value: f64,
    /// Tags in any order.
    pub tags: Vec<String>,
    /// Host; empty for the agent's own.
    pub host: String,
    /// For monotonic counts: whether the first value after a start or reset counts as growth from zero.
    pub flush_first: bool,
}

/// One bucket of a histogram that was counted elsewhere, such as by a Prometheus client.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Full metric name.
    pub metric: String,
    /// Number of values in the bucket.
    pub count: i64,
    /// Lower bound, may be minus infinity.
    pub lower: f64,
    /// Upper bound, may be infinity.
    pub upper: f64,
    /// Whether `count` grows from run to run.
    pub monotonic: bool,
    /// Tags in any order.
    pub tags: Vec<String>,
    /// Host; empty for the agent's own.
    pub host: String,
    /// Whether the first monotonic value counts as growth from zero.
    pub flush_first: bool,
}

/// A log line that a check sends.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckLog {
    /// The line as one JSON object, as the base class makes it.
    pub json: Value,
}

/// Everything that one run submitted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    /// Values.
    pub values: Vec<Sample>,
    /// Buckets of histograms.
    pub buckets: Vec<Bucket>,
    /// Service checks. An empty host stands for the agent's own, time 0 for the moment of the commit.
    pub checks: Vec<CheckRun>,
    /// Events; the same holds for their host and time.
    pub events: Vec<Event>,
    /// Log lines.
    pub logs: Vec<CheckLog>,
    /// What the check found odd, for the status.
    pub warnings: Vec<String>,
    /// Facts about what is checked, such as `version.raw`.
    pub metadata: Vec<(String, String)>,
    /// Tags for other hosts: (host, source, tags).
    pub external_tags: Vec<(String, String, Vec<String>)>,
    /// Payloads for the event platform, such as samples of database queries: (track, body).
    pub platform_events: Vec<(String, String)>,
}

impl Samples {
    /// Submits a value.
    pub fn submit(&mut self, kind: SampleKind, metric: impl Into<String>, value: f64, tags: &[String]) {
        self.values.push(Sample {
            kind,
            metric: metric.into(),
            value,
            tags: tags.to_vec(),
            host: String::new(),
            flush_first: false,
        });
    }

    /// A value of this moment.
    pub fn gauge(&mut self, metric: impl Into<String>, value: f64, tags: &[String]) {
        self.submit(SampleKind::Gauge, metric, value, tags);
    }

    /// A counter whose growth per second is wanted.
    pub fn rate(&mut self, metric: impl Into<String>, counter: f64, tags: &[String]) {
        self.submit(SampleKind::Rate, metric, counter, tags);
    }

    /// A number of things since the last run.
    pub fn count(&mut self, metric: impl Into<String>, number: f64, tags: &[String]) {
        self.submit(SampleKind::Count, metric, number, tags);
    }

    /// A counter whose growth since the last run is wanted.
    pub fn monotonic_count(&mut self, metric: impl Into<String>, counter: f64, tags: &[String]) {
        self.submit(SampleKind::MonotonicCount, metric, counter, tags);
    }

    /// One of many values.
    pub fn histogram(&mut self, metric: impl Into<String>, value: f64, tags: &[String]) {
        self.submit(SampleKind::Histogram, metric, value, tags);
    }

    /// The outcome of a service check of the agent's own host, now.
    pub fn service_check(
        &mut self,
        check: impl Into<String>,
        status: CheckStatus,
        tags: &[String],
        message: impl Into<String>,
    ) {
        self.checks.push(CheckRun {
            check: check.into(),
            host: String::new(),
            time: 0,
            status,
            message: message.into(),
            tags: tags.to_vec(),
        });
    }

    /// Something odd that the status shows.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Number of values and buckets.
    pub fn metric_samples(&self) -> usize {
        self.values.len() + self.buckets.len()
    }
}
