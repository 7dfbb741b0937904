//! A sink that holds decoders to what they promise of every series that they pass on.

use galgo_core::{MetricKind, MetricSink, Point, RawSeries, Rejection, SketchPoint};
use galgo_intake::{Context, DecodeError, Report, validate};

/// The moment at which everything is decoded.
pub const CTX: Context = Context { now_s: 1_800_000_000, from_agent: true };

/// Counts what arrives.
#[derive(Default)]
pub struct CheckedSink {
    series: u64,
    points: u64,
}

impl CheckedSink {
    fn check(&mut self, series: &RawSeries<'_>, times: impl Iterator<Item = i64>) {
        assert!(validate::check_series(series).is_none(), "{series:?}");
        self.series += 1;
        let before = self.points;
        for time in times {
            assert!(time > 0 && time <= CTX.now_s + validate::MAX_FUTURE_S, "time {time}");
            self.points += 1;
        }
        assert!(self.points > before, "a series without points");
    }

    /// The report of a decoder must agree with what it passed on.
    #[allow(dead_code)] // not every target decodes series alone
    pub fn agree_with(&self, decoded: &Result<Report, DecodeError>) {
        if let Ok(report) = decoded {
            assert_eq!((report.accepted_series, report.accepted_points), (self.series, self.points));
        }
    }
}

impl MetricSink for CheckedSink {
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection> {
        assert_ne!(series.kind, MetricKind::Distribution);
        assert!(points.iter().all(|point| !point.value.is_nan()));
        self.check(series, points.iter().map(|point| point.time));
        Ok(())
    }

    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection> {
        assert_eq!(series.kind, MetricKind::Distribution);
        for point in points {
            let bins = point.sketch.bins();
            assert!(point.sketch.count() > 0);
            assert!(point.sketch.min() <= point.sketch.max());
            assert!(bins.len() <= galgo_core::sketch::BIN_LIMIT);
            assert!(bins.windows(2).all(|pair| pair[0].key < pair[1].key));
            // Whatever the parts are, asking must not panic.
            let _ = point.sketch.quantile(0.5);
        }
        self.check(series, points.iter().map(|point| point.time));
        Ok(())
    }
}
