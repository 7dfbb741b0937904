//! What the agent's parts hand over: one owned [`Report`] per collector round or DogStatsD flush. The same report goes
//! into the metric engine when the agent lives inside `galgo serve`, or to a forwarder when it runs on its own host;
//! [`Output`] is the seam between the two.

use async_trait::async_trait;
use galgo_core::check::CheckRun;
use galgo_core::{MetricKind, MetricSink, Point, RawSeries, Rejection, SketchPoint};
use galgo_intake::events::Event;

/// Points of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Metric name as the source gave it; the store normalises it.
    pub metric: String,
    /// Count, rate or gauge.
    pub kind: MetricKind,
    /// Seconds between submissions.
    pub interval: u32,
    /// Unit in Datadog's words, empty when unknown.
    pub unit: &'static str,
    /// Host, empty for none.
    pub host: String,
    /// Tags, sorted, without duplicates.
    pub tags: Vec<String>,
    /// Points in order of time.
    pub points: Vec<Point>,
}

/// Sketches of one distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchSeries {
    /// Metric name as the source gave it.
    pub metric: String,
    /// Seconds between submissions.
    pub interval: u32,
    /// Host, empty for none.
    pub host: String,
    /// Tags, sorted, without duplicates.
    pub tags: Vec<String>,
    /// Sketches in order of time.
    pub points: Vec<SketchPoint>,
}

/// Everything one round produced.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Counts, rates and gauges.
    pub series: Vec<Series>,
    /// Distributions.
    pub sketches: Vec<SketchSeries>,
    /// Service checks.
    pub checks: Vec<CheckRun>,
    /// Events.
    pub events: Vec<Event>,
}

impl Report {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.sketches.is_empty() && self.checks.is_empty() && self.events.is_empty()
    }

    /// Number of points and sketches.
    pub fn points(&self) -> usize {
        let scalars: usize = self.series.iter().map(|series| series.points.len()).sum();
        let sketches: usize = self.sketches.iter().map(|series| series.points.len()).sum();
        scalars + sketches
    }

    /// Adds everything of another report.
    pub fn append(&mut self, mut other: Self) {
        self.series.append(&mut other.series);
        self.sketches.append(&mut other.sketches);
        self.checks.append(&mut other.checks);
        self.events.append(&mut other.events);
    }

    /// Hands series and sketches to a metric store. One that is refused does not stop the rest; the refusals are
    /// returned with the metric they concern.
    pub fn feed(&self, sink: &mut dyn MetricSink) -> Vec<(String, Rejection)> {
        let mut refused = Vec::new();
        for series in &self.series {
            let tags: Vec<&str> = series.tags.iter().map(String::as_str).collect();
            let raw = RawSeries {
                metric: &series.metric,
                host: &series.host,
                tags: &tags,
                pairs: &[],
                kind: series.kind,
                interval: series.interval,
                unit: series.unit,
            };
            if let Err(rejection) = sink.series(&raw, &series.points) {
                refused.push((series.metric.clone(), rejection));
            }
        }
        for series in &self.sketches {
            let tags: Vec<&str> = series.tags.iter().map(String::as_str).collect();
            let raw = RawSeries {
                metric: &series.metric,
                host: &series.host,
                tags: &tags,
                pairs: &[],
                kind: MetricKind::Distribution,
                interval: series.interval,
                unit: "",
            };
            if let Err(rejection) = sink.sketches(&raw, &series.points) {
                refused.push((series.metric.clone(), rejection));
            }
        }
        refused
    }
}

/// Why an output did not take a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutputError(pub String);

/// Where reports go: the metric engine of the same process, or a forwarder with its retry queue.
#[async_trait]
pub trait Output: Send + Sync + std::fmt::Debug {
    /// Takes a report; returns once it is safe (committed, or queued for sending). On an error the report is lost to
    /// the caller, who counts it; an output that wants retries does them itself.
    async fn deliver(&self, report: Report) -> Result<(), OutputError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Recorder(Vec<String>);

    impl MetricSink for Recorder {
        fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
            if series.metric == "bad" {
                return Err(Rejection::invalid("no"));
            }
            self.0.push(format!("{} {:?} {:?} {}", series.metric, series.kind, series.tags, points.len()));
            Ok(())
        }

        fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
            self.0.push(format!("{} {:?} {:?} {}", series.metric, series.kind, series.tags, points.len()));
            Ok(())
        }
    }

    #[test]
    fn a_refused_series_does_not_stop_the_rest() {
        let series = |metric: &str| Series {
            metric: metric.into(),
            kind: MetricKind::Gauge,
            interval: 15,
            unit: "",
            host: "h".into(),
            tags: vec!["a:b".into()],
            points: vec![Point { time: 1, value: 2.0 }],
        };
        let report = Report { series: vec![series("one"), series("bad"), series("two")], ..Report::default() };
        let mut sink = Recorder::default();
        let refused = report.feed(&mut sink);
        assert_eq!(refused, [("bad".to_owned(), Rejection::invalid("no"))]);
        assert_eq!(sink.0, ["one Gauge [\"a:b\"] 1", "two Gauge [\"a:b\"] 1"]);
        assert_eq!(report.points(), 3);
    }
}
