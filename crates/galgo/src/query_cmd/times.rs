//! Moments as people write them.

use anyhow::{Context, anyhow, bail};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Seconds since the UNIX epoch of a moment: `now`, `-1h`, `now-2d`, `14:30` (today), `2026-01-31`,
/// `2026-01-31T08:00[:00][Z|+01:00]`, seconds or milliseconds since the epoch.
pub(super) fn parse(text: &str, now: i64, zone: &TimeZone) -> anyhow::Result<i64> {
    let text = text.trim();
    let relative = text.strip_prefix("now").unwrap_or(text);
    if relative.is_empty() && !text.is_empty() {
        return Ok(now);
    }
    if relative.starts_with(['-', '+']) {
        return now.checked_add(offset(relative)?).context("the moment is out of range");
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() >= 9 {
        let number: i64 = text.parse().context("the number is too large")?;
        // Thirteen digits are milliseconds: as seconds they would be 30,000 years away.
        return Ok(if text.len() >= 12 { number / 1000 } else { number });
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_second());
    }
    let local = civil(text, now, zone)
        .ok_or_else(|| anyhow!("not a moment; write -1h, 14:30, 2026-01-31T08:00 or seconds since 1970"))?;
    Ok(zone.to_timestamp(local)?.as_second())
}

fn civil(text: &str, now: i64, zone: &TimeZone) -> Option<DateTime> {
    // `12` alone could be anything.
    if let Some(time) = text.parse::<Time>().ok().filter(|_| text.contains(':')) {
        let today = Timestamp::from_second(now).ok()?.to_zoned_datetime(zone.clone()).date();
        return Some(today.to_datetime(time));
    }
    if let Ok(datetime) = text.parse::<DateTime>() {
        return Some(datetime);
    }
    text.parse::<Date>().ok().map(|date| date.to_datetime(Time::midnight()))
}

/// Seconds of `-1h30m`.
fn offset(text: &str) -> anyhow::Result<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest.trim()),
        None => (1, text.trim_start_matches('+').trim()),
    };
    if rest.is_empty() {
        bail!("a length of time is missing");
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.len() - tail.trim_start_matches(|character: char| character.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let number: i64 = number.parse().map_err(|_| anyhow!("a number is missing before {tail:?}"))?;
        let seconds =
            unit_seconds(unit).ok_or_else(|| anyhow!("unknown unit {unit:?}; s, m, h, d, w, mo and y are known"))?;
        total = number.checked_mul(seconds).and_then(|part| total.checked_add(part)).context("out of range")?;
        rest = tail.trim_start();
    }
    Ok(sign * total)
}

fn unit_seconds(unit: &str) -> Option<i64> {
    Some(match unit {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        "mo" | "month" | "months" => 30 * 86_400,
        "y" | "year" | "years" => 365 * 86_400,
        _ => return None,
    })
}

/// A moment for people: `2026-01-31 08:00:00`.
pub(super) fn render(seconds: i64, zone: &TimeZone) -> String {
    strftime(seconds, zone, "%Y-%m-%d %H:%M:%S")
}

/// A moment for an axis that covers `span` seconds.
pub(super) fn render_tick(seconds: i64, span: i64, zone: &TimeZone) -> String {
    let format = match span {
        ..=600 => "%H:%M:%S",
        601..=172_800 => "%H:%M",
        172_801..=31_536_000 => "%b %d",
        _ => "%Y-%m",
    };
    strftime(seconds, zone, format)
}

fn strftime(seconds: i64, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_second(seconds) {
        Ok(timestamp) => timestamp.to_zoned_datetime(zone.clone()).strftime(format).to_string(),
        Err(_) => seconds.to_string(),
    }
}

/// A moment for machines: `2026-01-31T08:00:00Z`.
pub(super) fn render_utc(seconds: f64) -> String {
    let whole = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO);
    Timestamp::from_duration(whole).map_or_else(|_| seconds.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-31T12:00:00Z
    const NOW: i64 = 1_769_860_800;

    #[test]
    fn moments_are_read() {
        let zone = TimeZone::fixed(jiff::tz::Offset::constant(1));
        for (text, expected) in [
            ("now", NOW),
            ("-1h", NOW - 3600),
            ("now-1h30m", NOW - 5400),
            ("-2 days", NOW - 172_800),
            ("+10s", NOW + 10),
            ("1769860000", 1_769_860_000),
            ("1769860000123", 1_769_860_000),
            ("2026-01-31T12:00:00Z", NOW),
            ("2026-01-31T13:00", NOW),
            ("2026-01-31 13:00:00", NOW),
            ("13:00", NOW),
            ("2026-01-31", NOW - 13 * 3600),
        ] {
            assert_eq!(parse(text, NOW, &zone).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "not a moment"),
            ("yesterday", "not a moment"),
            ("-", "a length of time is missing"),
            ("-h", "a number is missing"),
            ("-1x", "unknown unit \"x\""),
            ("-99999999999999999999s", "a number is missing"),
            ("-9999999999999999y", "out of range"),
            ("12", "not a moment"),
        ] {
            let error = parse(text, NOW, &TimeZone::UTC).expect_err(text).to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn moments_are_written() {
        assert_eq!(render(NOW, &TimeZone::UTC), "2026-01-31 12:00:00");
        assert_eq!(render_utc(NOW as f64), "2026-01-31T12:00:00Z");
        let ticks = [60, 3600, 604_800, 99_999_999].map(|span| render_tick(NOW, span, &TimeZone::UTC));
        assert_eq!(ticks, ["12:00:00", "12:00", "Jan 31", "2026-01"]);
    }
}
