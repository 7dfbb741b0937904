//! The borrowed form in which a decoder hands series to a store: no string is built on the way in.

use crate::{MetricKind, Point, Sketch};

/// One series as it stands in a payload, not yet normalised. Everything borrows from the payload.
#[derive(Debug, Clone, Copy)]
pub struct RawSeries<'a> {
    /// Metric name as sent.
    pub metric: &'a str,
    /// Host, empty for none.
    pub host: &'a str,
    /// Tags as sent, in any order, with duplicates.
    pub tags: &'a [&'a str],
    /// Further tags that came as pairs (`device`, other resources): each stands for `key:value`.
    pub pairs: &'a [(&'a str, &'a str)],
    /// Kind of the values; [`MetricKind::Distribution`] for sketches only.
    pub kind: MetricKind,
    /// Seconds between submissions, 0 when unknown.
    pub interval: u32,
    /// Unit as sent, empty when unknown.
    pub unit: &'a str,
}

/// One sketch at one second.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchPoint {
    /// Seconds since the UNIX epoch.
    pub time: i64,
    /// The values of that moment.
    pub sketch: Sketch,
}

/// Why a sink would not take a series. The text is shown to the sender; it names the value and the limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejection {
    /// Lower case, no full stop.
    pub reason: String,
    /// Whose fault it is.
    pub cause: RejectionCause,
}

/// Whose fault a rejection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionCause {
    /// The series or point itself: sending it again will not help.
    Invalid,
    /// A bound of the store, such as the number of series of a metric.
    Limit,
}

impl Rejection {
    /// A series or point that no store would take.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: RejectionCause::Invalid }
    }

    /// A series that this store has no room for.
    pub fn limit(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: RejectionCause::Limit }
    }
}

/// Takes the series of one payload in order. A sink belongs to one request and is thrown away whole when the payload
/// turns out to be malformed.
pub trait MetricSink {
    /// Takes points of a count, rate or gauge.
    fn series(&mut self, series: &RawSeries<'_>, points: &[Point]) -> Result<(), Rejection>;

    /// Takes sketches of a distribution.
    fn sketches(&mut self, series: &RawSeries<'_>, points: &[SketchPoint]) -> Result<(), Rejection>;
}
