//! What every decoder takes ([`Context`]) and gives back ([`Report`] or [`DecodeError`]).

use std::borrow::Cow;

/// Most kinds of drops that a report lists; beyond, they are only counted.
pub const MAX_DROPPED_LISTED: usize = 16;

/// Most bytes of a metric name that a report quotes.
const MAX_EXAMPLE_BYTES: usize = 100;

/// What a decoder must know beside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Seconds since the UNIX epoch, for points without a time and for the limit on future points.
    pub now_s: i64,
    /// Whether the sender is an agent by its `User-Agent`: broken UTF-8 in its v2 tags is repaired, not refused.
    pub from_agent: bool,
}

impl Context {
    /// The context of a request with this `User-Agent`.
    pub fn new(now_s: i64, user_agent: Option<&str>) -> Self {
        let from_agent = user_agent.is_some_and(|agent| starts_with_ignoring_case(agent, "datadog-agent"));
        Self { now_s, from_agent }
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Series or points that were dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Lower case, no full stop; names the value and the limit.
    pub reason: String,
    /// Metric (or check) of the first one, cut to a readable length; may be empty.
    pub example: String,
    /// How many series or points.
    pub count: u64,
}

/// What became of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Series (or checks, events) that were taken.
    pub accepted_series: u64,
    /// Points that were taken, sketches included.
    pub accepted_points: u64,
    /// Series that were dropped whole.
    pub dropped_series: u64,
    /// Points that were dropped out of series that were otherwise taken or dropped for lack of other points.
    pub dropped_points: u64,
    /// Why, at most [`MAX_DROPPED_LISTED`] reasons.
    pub dropped: Vec<Dropped>,
}

impl Report {
    /// Counts one dropped series.
    pub fn drop_series(&mut self, metric: &str, reason: impl Into<Cow<'static, str>>) {
        self.dropped_series += 1;
        self.list(metric, reason.into(), 1);
    }

    /// Counts dropped points of one series.
    pub fn drop_points(&mut self, metric: &str, count: u64, reason: impl Into<Cow<'static, str>>) {
        self.dropped_points += count;
        self.list(metric, reason.into(), count);
    }

    /// Adds what became of another part of the same request.
    pub fn absorb(&mut self, other: Self) {
        self.accepted_series += other.accepted_series;
        self.accepted_points += other.accepted_points;
        self.dropped_series += other.dropped_series;
        self.dropped_points += other.dropped_points;
        for dropped in other.dropped {
            self.list(&dropped.example, dropped.reason.into(), dropped.count);
        }
    }

    /// Whether anything was dropped.
    pub fn has_drops(&self) -> bool {
        self.dropped_series + self.dropped_points > 0
    }

    fn list(&mut self, metric: &str, reason: Cow<'static, str>, count: u64) {
        if let Some(known) = self.dropped.iter_mut().find(|known| known.reason == reason) {
            known.count += count;
        } else if self.dropped.len() < MAX_DROPPED_LISTED {
            let example = metric[..metric.floor_char_boundary(MAX_EXAMPLE_BYTES)].to_owned();
            self.dropped.push(Dropped { reason: reason.into_owned(), example, count });
        }
    }
}

/// Why a whole payload is refused. Each stands for a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of the expected shape.
    #[error("malformed json at byte {at}: {what}")]
    Json {
        /// Offset into the inflated body.
        at: usize,
        /// What was found or wanted.
        what: Cow<'static, str>,
    },
    /// Not protobuf, or not the expected message.
    #[error("malformed protobuf at byte {at}: {what}")]
    Proto {
        /// Offset into the inflated body.
        at: usize,
        /// What was found or wanted.
        what: &'static str,
    },
    /// A text field holds bytes that are no UTF-8.
    #[error("{field} is not valid utf-8")]
    NotUtf8 {
        /// Name of the field.
        field: &'static str,
    },
    /// Well-formed, but breaks a rule that makes the whole payload unusable.
    #[error("{0}")]
    Invalid(String),
}
