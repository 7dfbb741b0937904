//! What repeats itself: hours, days and weeks, on the clock of a time zone. "The same time last week" is the same time
//! on the wall there, also when the clocks went forward in between.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Seasons that are looked at, at most.
pub const SEASONS: usize = 6;
/// Before so many seasons are known there is no band.
pub const MIN_SEASONS: usize = 3;
/// Most changes of a clock that are looked for: zones have two a year.
const MAX_CHANGES: usize = 1000;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How long a season is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seasonality {
    /// An hour.
    Hourly,
    /// A day.
    Daily,
    /// A week.
    Weekly,
}

impl Seasonality {
    /// The season with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            _ => return None,
        })
    }

    /// Its usual length in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Hourly => HOUR,
            Self::Daily => DAY,
            Self::Weekly => 7 * DAY,
        }
    }
}

/// A season and whose clock it follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// Its length.
    pub seasonality: Seasonality,
    /// The clock.
    pub zone: TimeZone,
}

impl Season {
    /// Weeks of Coordinated Universal Time, the default.
    pub fn weekly() -> Self {
        Self { seasonality: Seasonality::Weekly, zone: TimeZone::UTC }
    }

    /// Seconds from one season to the next among buckets of `step` seconds: whole seasons, a bucket at least.
    pub(crate) fn stride(&self, step: i64) -> i64 {
        let season = self.seasonality.seconds();
        (step + season - 1).div_euclid(season).max(1) * season
    }

    /// Its clock between two times. Hours are the same on every clock.
    pub(crate) fn clock(&self, from: i64, to: i64) -> Clock {
        if self.seasonality == Seasonality::Hourly { Clock::default() } else { Clock::of(&self.zone, from, to) }
    }
}

/// How far a clock is ahead of universal time, and since when. UTC by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Clock {
    first: i64,
    changes: Vec<(i64, i64)>,
}

impl Clock {
    fn of(zone: &TimeZone, from: i64, to: i64) -> Self {
        let Ok(start) = Timestamp::from_second(from) else { return Self::default() };
        let first = i64::from(zone.to_offset(start).seconds());
        let changes = zone
            .following(start)
            .take(MAX_CHANGES)
            .map(|change| (change.timestamp().as_second(), i64::from(change.offset().seconds())))
            .take_while(|(second, _)| *second <= to)
            .collect();
        Self { first, changes }
    }

    /// Whether it never changes.
    pub(crate) fn is_even(&self) -> bool {
        self.changes.is_empty()
    }

    fn offset(&self, second: i64) -> i64 {
        let known = self.changes.partition_point(|(since, _)| *since <= second);
        known.checked_sub(1).map_or(self.first, |at| self.changes[at].1)
    }

    /// The time at which this clock showed what it shows at `second`, some seconds of its own before. An hour that the
    /// clock skipped is its neighbour, of one that it showed twice it is one of the two.
    pub(crate) fn back(&self, second: i64, seconds: i64) -> i64 {
        let plain = second - seconds;
        let wall = plain + self.offset(second);
        let guess = wall - self.offset(plain);
        wall - self.offset(guess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_day_ago_is_the_same_time_on_the_wall() {
        let season = Season { seasonality: Seasonality::Daily, zone: crate::calendar::zone("Europe/Paris").unwrap() };
        let clock = season.clock(second("2024-03-01T00:00:00Z"), second("2024-12-01T00:00:00Z"));
        for (time, days, expected) in [
            ("2024-03-20T12:00:00Z", 1, "2024-03-19T12:00:00Z"),
            // Clocks go forward on 31 March at 1:00 UTC.
            ("2024-03-31T12:00:00Z", 1, "2024-03-30T13:00:00Z"),
            ("2024-03-31T00:30:00Z", 1, "2024-03-30T00:30:00Z"),
            ("2024-04-03T12:00:00Z", 6, "2024-03-28T13:00:00Z"),
            // 2:30 was skipped on the 31st.
            ("2024-04-01T00:30:00Z", 1, "2024-03-31T00:30:00Z"),
            // And back on 27 October at 1:00 UTC.
            ("2024-10-27T12:00:00Z", 1, "2024-10-26T11:00:00Z"),
            ("2024-10-29T12:00:00Z", 1, "2024-10-28T12:00:00Z"),
        ] {
            assert_eq!(clock.back(second(time), days * DAY), second(expected), "{time}");
        }
        let hourly = Season { seasonality: Seasonality::Hourly, ..season };
        assert_eq!(hourly.clock(0, i64::from(u32::MAX)), Clock::default());
    }

    #[test]
    fn seasons_are_not_shorter_than_buckets() {
        let daily = Season { seasonality: Seasonality::Daily, zone: TimeZone::UTC };
        assert_eq!(daily.stride(60), DAY);
        assert_eq!(daily.stride(DAY), DAY);
        assert_eq!(daily.stride(DAY + 1), 2 * DAY);
        assert_eq!(Season::weekly().stride(1), 7 * DAY);
        assert_eq!(Seasonality::parse("Daily"), Some(Seasonality::Daily));
        assert_eq!(Seasonality::parse("yearly"), None);
    }
}
