//! Days, weeks, months and years in a time zone: edges of calendar rollups and shifts by calendar units. Clocks that
//! go forward or back make days of 23 and 25 hours here, which is the point of it.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, ZonedDateTime};

/// Most buckets of a calendar rollup.
const MAX_BUCKETS: usize = 4096;
/// Most units of a shift.
const MAX_SHIFT: i64 = 10_000;

/// Where calendar buckets begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A day, from this hour on.
    Day {
        /// 0 to 23.
        hour: i8,
    },
    /// A week, from midnight of this day on.
    Week {
        /// First day.
        first: Weekday,
    },
    /// A month, from midnight of this day on (the last day in months that have no such day).
    Month {
        /// 1 to 31.
        day: i8,
    },
    /// A year, from midnight of the first day of this month on.
    Year {
        /// 1 to 12.
        month: i8,
    },
}

/// Calendar buckets in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Length and start.
    pub unit: Unit,
    /// Zone whose calendar counts.
    pub zone: TimeZone,
}

/// Finds a zone by its name in the IANA database, in any case.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| format!("no such time zone: {name}"))
}

impl Unit {
    /// The unit with this name, starting where Datadog starts it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "daily" => Self::Day { hour: 0 },
            "weekly" => Self::Week { first: Weekday::Monday },
            "monthly" => Self::Month { day: 1 },
            "yearly" => Self::Year { month: 1 },
            _ => return None,
        })
    }

    /// The unit with another start: `4pm`, `sunday`, `15th`, `april`, or a plain number. `None` when the text is no
    /// start of this unit.
    pub fn starting(self, start: &str) -> Option<Self> {
        let start = start.to_ascii_lowercase();
        Some(match self {
            Self::Day { .. } => Self::Day { hour: hour(&start)? },
            Self::Week { .. } => Self::Week { first: weekday(&start)? },
            Self::Month { .. } => Self::Month { day: ordinal(&start).filter(|day| (1..=31).contains(day))? },
            Self::Year { .. } => Self::Year { month: month(&start)? },
        })
    }

    /// Usual length in seconds.
    pub fn seconds(self) -> i64 {
        const DAY: i64 = 86400;
        match self {
            Self::Day { .. } => DAY,
            Self::Week { .. } => 7 * DAY,
            Self::Month { .. } => 30 * DAY,
            Self::Year { .. } => 365 * DAY,
        }
    }
}

fn hour(text: &str) -> Option<i8> {
    if let Some(hour) = text.strip_suffix("am").or_else(|| text.strip_suffix("pm")) {
        let hour: i8 = hour.trim().parse().ok().filter(|hour| (1..=12).contains(hour))?;
        return Some(hour % 12 + if text.ends_with("pm") { 12 } else { 0 });
    }
    let hour = text.split(':').next()?;
    hour.parse().ok().filter(|hour| (0..24).contains(hour))
}

fn weekday(text: &str) -> Option<Weekday> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let day = DAYS.iter().position(|day| *day == text || (text.len() == 3 && day.starts_with(text)))?;
    Weekday::from_monday_zero_offset(day as i8).ok()
}

fn month(text: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let named = MONTHS.iter().position(|month| *month == text || (text.len() == 3 && month.starts_with(text)));
    named.map(|index| index as i8 + 1).or_else(|| text.parse().ok().filter(|month| (1..=12).contains(month)))
}

/// `1st`, `22nd`, `3`.
fn ordinal(text: &str) -> Option<i8> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    matches!(&text[digits.len()..], "" | "st" | "nd" | "rd" | "th").then(|| digits.parse().ok())?
}

impl Calendar {
    /// Edges of the buckets of a window: the first one starts in it, the last one holds its end.
    pub fn edges(&self, from: i64, to: i64) -> Result<Vec<i64>, String> {
        let mut start = self.start_before(to - 1)?;
        let mut edges = vec![self.second(self.step(&start, 1)?), self.second(start)];
        loop {
            start = self.step(&start, -1)?;
            let second = self.second(start);
            if second < from {
                break;
            }
            edges.push(second);
            if edges.len() > MAX_BUCKETS {
                return Err(format!("more than {MAX_BUCKETS} calendar buckets"));
            }
        }
        edges.reverse();
        // Zones that skip a whole day would leave a bucket without length.
        edges.dedup();
        Ok(edges)
    }

    /// First day and hour of the bucket that holds a time.
    fn start_before(&self, second: i64) -> Result<Date, String> {
        let local = zoned(second, &self.zone)?;
        let today = local.date();
        let guess = match self.unit {
            Unit::Day { .. } => today,
            Unit::Week { first } => {
                today.checked_sub(i64::from(today.weekday().since(first)).days()).map_err(|error| error.to_string())?
            }
            Unit::Month { day } => clamped(today.year(), today.month(), day)?,
            Unit::Year { month } => clamped(today.year(), month, 1)?,
        };
        if self.second(guess) > second { self.step(&guess, -1) } else { Ok(guess) }
    }

    fn step(&self, start: &Date, by: i64) -> Result<Date, String> {
        let moved = |span: Span| start.checked_add(span).map_err(|error| error.to_string());
        match self.unit {
            Unit::Day { .. } => moved(by.days()),
            Unit::Week { .. } => moved(by.weeks()),
            Unit::Month { day } => {
                let month = start.first_of_month().checked_add(by.months()).map_err(|error| error.to_string())?;
                clamped(month.year(), month.month(), day)
            }
            Unit::Year { .. } => moved(by.years()),
        }
    }

    fn second(&self, date: Date) -> i64 {
        let time = match self.unit {
            Unit::Day { hour } => Time::new(hour, 0, 0, 0).unwrap_or(Time::midnight()),
            _ => Time::midnight(),
        };
        // An hour that the clock skips starts at its end, as everywhere in jiff.
        let zoned = self.zone.to_zoned_datetime(date.to_datetime(time));
        zoned.map_or(i64::MAX, |zoned| zoned.timestamp().as_second())
    }
}

fn clamped(year: i16, month: i8, day: i8) -> Result<Date, String> {
    let first = Date::new(year, month, 1).map_err(|error| error.to_string())?;
    Date::new(year, month, day.min(first.days_in_month())).map_err(|error| error.to_string())
}

fn zoned(second: i64, zone: &TimeZone) -> Result<ZonedDateTime, String> {
    let timestamp = Timestamp::from_second(second).map_err(|error| error.to_string())?;
    Ok(timestamp.to_zoned_datetime(zone.clone()))
}

/// A shift such as `-1d`, `-4w`, `-1mo`, as `calendar_shift` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    count: i64,
    unit: ShiftUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShiftUnit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Shift {
    /// Parses a number and its unit.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "min" => ShiftUnit::Minute,
            "h" => ShiftUnit::Hour,
            "d" => ShiftUnit::Day,
            "w" => ShiftUnit::Week,
            "mo" => ShiftUnit::Month,
            "y" => ShiftUnit::Year,
            _ => return None,
        };
        let count: i64 = digits.parse().ok()?;
        (count.abs() <= MAX_SHIFT).then_some(Self { count, unit })
    }

    /// The time that lies this far from `second` on a calendar.
    pub fn apply(self, second: i64, zone: &TimeZone) -> Result<i64, String> {
        let span = match self.unit {
            ShiftUnit::Minute => return Ok(second + self.count * 60),
            ShiftUnit::Hour => return Ok(second + self.count * 3600),
            ShiftUnit::Day => self.count.days(),
            ShiftUnit::Week => self.count.weeks(),
            ShiftUnit::Month => self.count.months(),
            ShiftUnit::Year => self.count.years(),
        };
        let shifted = zoned(second, zone)?.checked_add(span).map_err(|error| error.to_string())?;
        Ok(shifted.timestamp().as_second())
    }
}

/// A length of time in seconds: `90`, `90s`, `15m`, `4h`, `1d`, `2w`, `1mo` (30 days).
pub fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "mo" => 30 * 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn edges(unit: &str, start: Option<&str>, name: &str, from: &str, to: &str) -> Vec<String> {
        let mut unit = Unit::parse(unit).unwrap();
        if let Some(start) = start {
            unit = unit.starting(start).unwrap();
        }
        let calendar = Calendar { unit, zone: zone(name).unwrap() };
        let edges = calendar.edges(second(from), second(to)).unwrap();
        edges.into_iter().map(|edge| Timestamp::from_second(edge).unwrap().to_string()).collect()
    }

    #[test]
    fn days_follow_the_clock_of_their_zone() {
        // The clocks of Paris go forward on 31 March 2024.
        let days = edges("daily", None, "Europe/Paris", "2024-03-29T23:00:00Z", "2024-04-01T12:00:00Z");
        assert_eq!(
            days,
            ["2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z"]
        );
        let days = edges("daily", Some("4pm"), "America/New_York", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
        assert_eq!(days, ["2024-01-01T21:00:00Z", "2024-01-02T21:00:00Z"]);
    }

    #[test]
    fn weeks_months_and_years_start_where_asked() {
        let weeks = edges("weekly", Some("sunday"), "UTC", "2024-01-01T00:00:00Z", "2024-01-15T00:00:00Z");
        assert_eq!(weeks, ["2024-01-07T00:00:00Z", "2024-01-14T00:00:00Z", "2024-01-21T00:00:00Z"]);
        let months = edges("monthly", Some("31st"), "UTC", "2024-01-15T00:00:00Z", "2024-03-05T00:00:00Z");
        assert_eq!(months, ["2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z"]);
        let years = edges("yearly", Some("april"), "UTC", "2022-01-15T00:00:00Z", "2024-03-05T00:00:00Z");
        assert_eq!(years, ["2022-04-01T00:00:00Z", "2023-04-01T00:00:00Z", "2024-04-01T00:00:00Z"]);
    }

    #[test]
    fn a_window_inside_one_bucket_has_that_bucket() {
        let days = edges("monthly", None, "UTC", "2024-01-10T00:00:00Z", "2024-01-11T00:00:00Z");
        assert_eq!(days, ["2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"]);
    }

    #[test]
    fn starts_are_read_in_many_spellings() {
        let day = Unit::Day { hour: 0 };
        for (text, hour) in [("12am", 0), ("12pm", 12), ("11pm", 23), ("6", 6), ("06:00", 6)] {
            assert_eq!(day.starting(text), Some(Unit::Day { hour }), "{text}");
        }
        assert_eq!(day.starting("Europe/Paris"), None);
        assert_eq!(Unit::parse("weekly").unwrap().starting("Sun"), Some(Unit::Week { first: Weekday::Sunday }));
        assert_eq!(Unit::Month { day: 1 }.starting("32"), None);
        assert_eq!(Unit::Month { day: 1 }.starting("2nd"), Some(Unit::Month { day: 2 }));
    }

    #[test]
    fn shifts_follow_the_calendar() {
        let paris = zone("Europe/Paris").unwrap();
        for (shift, from, expected) in [
            ("-1d", "2024-03-31T22:00:00Z", "2024-03-30T23:00:00Z"),
            ("-1mo", "2024-03-31T10:00:00Z", "2024-02-29T11:00:00Z"),
            ("-4w", "2024-02-29T00:00:00Z", "2024-02-01T00:00:00Z"),
            ("-1h", "2024-02-29T00:00:00Z", "2024-02-28T23:00:00Z"),
        ] {
            let shifted = Shift::parse(shift).unwrap().apply(second(from), &paris).unwrap();
            assert_eq!(shifted, second(expected), "{shift}");
        }
        assert_eq!(Shift::parse("1x"), None);
        assert_eq!(Shift::parse("d"), None);
        assert!(zone("Europe/Nowhere").is_err());
    }
}
