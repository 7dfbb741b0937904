//! Status of a line by a syslog severity (reference: intake-logs.md §4).

/// The status when nothing says more.
pub(crate) const INFO: &str = "info";

/// Statuses of the severities 0 to 7.
const STATUSES: [&str; 8] = ["emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"];

/// Status of a severity from 0 to 7.
pub(crate) fn of_severity(severity: u64) -> &'static str {
    usize::try_from(severity).ok().and_then(|severity| STATUSES.get(severity)).copied().unwrap_or(INFO)
}

/// Status of a line that may begin with a syslog priority, `<34>`.
pub(crate) fn of_line(line: &str) -> &'static str {
    let priority = line.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(digits, _)| digits);
    let digits =
        priority.filter(|digits| (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    let value = digits.and_then(|digits| digits.parse::<u64>().ok()).filter(|value| *value <= 191);
    value.map_or(INFO, |value| of_severity(value % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_decides_the_status() {
        for (line, status) in [
            ("<34>1 2026-11-24T15:38:52Z host app - - - x", "critical"),
            ("<14>Nov 24 15:38:52 x", "info"),
            ("<0>x", "emergency"),
            ("<191>x", "debug"),
            ("<192>x", "info"),
            ("<error>x", "info"),
            ("<>x", "info"),
            ("x <34>", "info"),
        ] {
            assert_eq!(of_line(line), status, "{line}");
        }
    }
}
