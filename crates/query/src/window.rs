//! The times that a query is about: default bucket lengths, the point limit and the edges of a window (reference:
//! metric-queries.md §5).

use crate::error::QueryError;
use crate::source::Grid;

/// Most points of one series of an answer; a rollup that would give more is made longer.
pub const MAX_POINTS: i64 = 1500;
/// Points that a series has at most when no rollup is asked for.
pub const DEFAULT_POINTS: i64 = 300;
/// Most buckets of an inner layer of nested rollups.
pub const MAX_INNER_POINTS: i64 = 100_000;
/// Latest time in seconds: the end of the year 9999.
pub const MAX_TIME: i64 = 253_402_300_799;

/// Lengths of buckets that graphs use, in seconds; beyond a day whole days are taken.
const LENGTHS: [i64; 17] = [1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, DAY];
const DAY: i64 = 86400;

/// A window of time and how finely it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second.
    pub from: i64,
    /// First second after the window.
    pub to: i64,
    /// Length of a bucket when a query asks for none.
    pub step: i64,
    /// What was asked for, before functions looked further back: the point limit counts over it.
    span: i64,
    max_points: i64,
}

impl Window {
    /// The window `from <= time < to` in seconds. `interval` is the wanted length of a bucket, if any.
    pub fn new(from: i64, to: i64, interval: Option<i64>) -> Result<Self, QueryError> {
        if from >= to {
            return Err(QueryError::Request(format!("from must be before to: {from}, {to}")));
        }
        if from < 0 || to > MAX_TIME {
            return Err(QueryError::Request(format!("times must lie between 0 and {MAX_TIME}: {from}, {to}")));
        }
        let mut window = Self { from, to, step: 1, span: to - from, max_points: MAX_POINTS };
        window.step = match interval {
            Some(interval) => window.allowed(interval.max(1)),
            None => default_interval(to - from),
        };
        Ok(window)
    }

    /// The length of bucket that stands in for a wanted one: longer when there would be too many points.
    pub fn allowed(&self, interval: i64) -> i64 {
        if self.span / interval <= self.max_points {
            interval
        } else {
            length_for(self.span, self.max_points).max(interval)
        }
    }

    /// Whole buckets of this length: the first one starts in the window, the last one holds its end. A window shorter
    /// than a bucket has the one that holds its end.
    pub fn grid(&self, step: i64) -> Grid {
        let last = (self.to - 1).div_euclid(step) * step;
        let first = ((self.from + step - 1).div_euclid(step) * step).min(last);
        Grid::Uniform { start: first, step, len: ((last - first) / step + 1) as usize }
    }

    /// The window with some seconds more on either side, looked at as finely.
    #[must_use]
    pub fn extended(&self, back: i64, ahead: i64) -> Self {
        Self { from: self.from - back, to: self.to + ahead, ..*self }
    }

    /// The window over other times, looked at as finely.
    #[must_use]
    pub fn over(&self, from: i64, to: i64) -> Self {
        Self { from, to, ..*self }
    }

    /// The window moved by some seconds.
    #[must_use]
    pub fn shifted(&self, seconds: i64) -> Self {
        Self { from: self.from + seconds, to: self.to + seconds, ..*self }
    }

    /// The window for a layer below another rollup, which may have more points than a graph.
    #[must_use]
    pub fn inner(&self, from: i64, to: i64) -> Self {
        Self { from, to, step: self.step, span: to - from, max_points: MAX_INNER_POINTS }
    }

    /// The same with a default bucket that is long enough for the bound on inner layers.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let seconds = self.to - self.from;
        if seconds / self.step <= MAX_INNER_POINTS {
            *self
        } else {
            self.with_step(length_for(seconds, MAX_INNER_POINTS))
        }
    }

    /// The same with another default length of buckets.
    #[must_use]
    pub fn with_step(&self, step: i64) -> Self {
        Self { step, ..*self }
    }
}

/// The length of a bucket for a window of this many seconds.
pub fn default_interval(seconds: i64) -> i64 {
    length_for(seconds, DEFAULT_POINTS)
}

/// The shortest usual length with which a window has at most so many points.
pub(crate) fn length_for(seconds: i64, points: i64) -> i64 {
    let usual = LENGTHS.into_iter().find(|length| seconds <= length * points);
    usual.unwrap_or_else(|| (seconds - 1).div_euclid(DAY * points) * DAY + DAY)
}

/// The longest usual length that is at most `limit`, 1 at least.
pub fn length_within(limit: i64) -> i64 {
    LENGTHS.into_iter().rev().find(|&length| length <= limit).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_intervals_follow_the_table() {
        for (seconds, expected) in [
            (60, 1),
            (3600, 20),
            (4 * 3600, 60),
            (DAY, 300),
            (90_001, 600),
            (2 * DAY, 600),
            (7 * DAY, 3600),
            (30 * DAY, 14400),
            (90 * DAY, 43200),
            (300 * DAY, DAY),
            (301 * DAY, 2 * DAY),
        ] {
            assert_eq!(default_interval(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn the_first_partial_bucket_is_dropped_and_the_last_holds_the_end() {
        let window = Window::new(1_641_343_852, 1_641_430_252, None).unwrap();
        assert_eq!(window.step, 300);
        assert_eq!(window.grid(300), Grid::Uniform { start: 1_641_344_100, step: 300, len: 288 });
        assert_eq!(window.grid(86_400), Grid::Uniform { start: 1_641_427_200, step: 86_400, len: 1 });
        let aligned = Window::new(600, 1200, Some(60)).unwrap();
        assert_eq!(aligned.grid(60), Grid::Uniform { start: 600, step: 60, len: 10 });
        let short = Window::new(605, 610, Some(60)).unwrap();
        assert_eq!(short.grid(60), Grid::Uniform { start: 600, step: 60, len: 1 });
    }

    #[test]
    fn rollups_with_too_many_points_are_made_longer() {
        let window = Window::new(0, 30 * DAY, None).unwrap();
        assert_eq!(window.allowed(20), 1800);
        assert_eq!(window.allowed(3600), 3600);
        assert_eq!(Window::new(0, 30 * DAY, Some(1)).unwrap().step, 1800);
        assert!(Window::new(5, 5, None).is_err());
        assert!(Window::new(-5, 5, None).is_err());
    }
}
