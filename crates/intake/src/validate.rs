//! The limits on one series (reference: intake-agent.md §5.3) and the gate that every decoded series passes on its way
//! to the sink. A series or point that breaks a limit is dropped and reported; it never takes the payload with it.

use std::borrow::Cow;

use galgo_core::{MetricSink, Point, RawSeries, SketchPoint};

use crate::report::{Context, Report};

/// Longest metric name in bytes.
pub const MAX_METRIC_BYTES: usize = galgo_core::tags::MAX_METRIC_BYTES;
/// Most tags of one series. Longer single tags are cut when they are normalised.
pub const MAX_TAGS: usize = 100;
/// Most bytes of all tags of one series together.
pub const MAX_TAG_SET_BYTES: usize = 100 * 1024;
/// Most resources of one series, its host included.
pub const MAX_RESOURCES: usize = 500;
/// Longest host name in bytes.
pub const MAX_HOST_BYTES: usize = 255;
/// How far in the future a point may lie, in seconds.
pub const MAX_FUTURE_S: i64 = 600;

/// Why a series may not pass, `None` when it may.
pub fn check_series(series: &RawSeries<'_>) -> Option<Cow<'static, str>> {
    if series.metric.is_empty() {
        return Some("metric name is empty".into());
    }
    if series.metric.len() > MAX_METRIC_BYTES {
        return Some(format!("metric name has {} bytes, the limit is {MAX_METRIC_BYTES}", series.metric.len()).into());
    }
    if !series.metric.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Some("metric name has no ascii letter".into());
    }
    if series.host.len() > MAX_HOST_BYTES {
        return Some(format!("host name has {} bytes, the limit is {MAX_HOST_BYTES}", series.host.len()).into());
    }
    if series.tags.len() > MAX_TAGS {
        return Some(format!("series has {} tags, the limit is {MAX_TAGS}", series.tags.len()).into());
    }
    if series.pairs.len() > MAX_RESOURCES {
        return Some(format!("series has {} resources, the limit is {MAX_RESOURCES}", series.pairs.len()).into());
    }
    let pair_bytes: usize = series.pairs.iter().map(|(key, value)| key.len() + value.len() + 1).sum();
    let tag_bytes = pair_bytes + series.tags.iter().map(|tag| tag.len()).sum::<usize>();
    if tag_bytes > MAX_TAG_SET_BYTES {
        return Some(format!("tags of the series have {tag_bytes} bytes, the limit is {MAX_TAG_SET_BYTES}").into());
    }
    None
}

/// Hands series to the sink and keeps the report.
pub(crate) struct Gate<'s, S: ?Sized> {
    sink: &'s mut S,
    now_s: i64,
    report: Report,
}

impl<'s, S: MetricSink + ?Sized> Gate<'s, S> {
    pub(crate) fn new(ctx: &Context, sink: &'s mut S) -> Self {
        Self { sink, now_s: ctx.now_s, report: Report::default() }
    }

    pub(crate) fn into_report(self) -> Report {
        self.report
    }

    /// For what a decoder drops before there is a series.
    pub(crate) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Passes a series on. `points` is used as scratch: points that may not pass are removed from it.
    pub(crate) fn series(&mut self, series: &RawSeries<'_>, points: &mut Vec<Point>) {
        if let Some(reason) = check_series(series) {
            return self.report.drop_series(series.metric, reason);
        }
        self.keep_valid(series.metric, points, |point| (&mut point.time, point.value.is_nan()));
        if points.is_empty() {
            return self.report.drop_series(series.metric, "series has no points");
        }
        let taken = self.sink.series(series, points);
        self.account(series.metric, points.len(), taken);
    }

    /// As [`Gate::series`], for sketches.
    pub(crate) fn sketches(&mut self, series: &RawSeries<'_>, points: &mut Vec<SketchPoint>) {
        if let Some(reason) = check_series(series) {
            return self.report.drop_series(series.metric, reason);
        }
        self.keep_valid(series.metric, points, |point| {
            let sketch = &point.sketch;
            let broken =
                sketch.sum().is_nan() || sketch.min().is_some_and(f64::is_nan) || sketch.max().is_some_and(f64::is_nan);
            (&mut point.time, broken)
        });
        if points.is_empty() {
            return self.report.drop_series(series.metric, "series has no points");
        }
        let taken = self.sink.sketches(series, points);
        self.account(series.metric, points.len(), taken);
    }

    fn account(&mut self, metric: &str, points: usize, taken: Result<(), galgo_core::Rejection>) {
        match taken {
            Ok(()) => {
                self.report.accepted_series += 1;
                self.report.accepted_points += points as u64;
            }
            Err(rejection) => self.report.drop_series(metric, rejection.reason),
        }
    }

    /// Gives points without a time the present and removes those that may not pass.
    fn keep_valid<P>(&mut self, metric: &str, points: &mut Vec<P>, view: impl Fn(&mut P) -> (&mut i64, bool)) {
        let (now_s, latest) = (self.now_s, self.now_s.saturating_add(MAX_FUTURE_S));
        let (mut not_numbers, mut in_future) = (0, 0);
        points.retain_mut(|point| {
            let (time, is_nan) = view(point);
            if *time <= 0 {
                *time = now_s;
            }
            let too_late = *time > latest;
            not_numbers += u64::from(is_nan);
            in_future += u64::from(too_late && !is_nan);
            !is_nan && !too_late
        });
        if not_numbers > 0 {
            self.report.drop_points(metric, not_numbers, "value is not a number");
        }
        if in_future > 0 {
            self.report.drop_points(
                metric,
                in_future,
                format!("point is more than {MAX_FUTURE_S} seconds in the future"),
            );
        }
    }
}
