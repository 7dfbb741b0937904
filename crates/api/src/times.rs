//! Moments as text.

use jiff::Timestamp;

/// Seconds since the UNIX epoch as Datadog writes a moment: `2022-05-12T11:27:35+00:00`.
pub fn iso(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        assert_eq!(iso(1_652_354_855), "2022-05-12T11:27:35+00:00");
        assert_eq!(iso(i64::MAX), "1970-01-01T00:00:00+00:00");
    }
}
