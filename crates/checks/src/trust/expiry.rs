//! How soon before its end a certificate is worth a warning.

use galgo_agent::check::InstanceError;
use galgo_core::check::CheckStatus;

use crate::options::Options;

const DAY: f64 = 86_400.0;

/// Seconds before the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Below this the status is a warning.
    pub warning: f64,
    /// Below this it is critical.
    pub critical: f64,
}

impl Thresholds {
    /// Reads `seconds_warning`, else `days_warning`, else 14 days; the same for critical, else 7 days. Zero counts as
    /// not given.
    pub fn read(options: &Options<'_>) -> Result<Self, InstanceError> {
        let given = |key: &str| Ok(options.number(key)?.filter(|number| *number != 0.0));
        let either = |seconds: &str, days: &str, default: f64| -> Result<f64, InstanceError> {
            Ok(given(seconds)?.or(given(days)?.map(|days| days * DAY)).unwrap_or(default * DAY))
        };
        Ok(Self {
            warning: either("seconds_warning", "days_warning", 14.0)?,
            critical: either("seconds_critical", "days_critical", 7.0)?,
        })
    }

    /// The status of a certificate with so many seconds left.
    pub fn status(&self, seconds_left: f64) -> CheckStatus {
        if seconds_left <= 0.0 || seconds_left < self.critical {
            CheckStatus::Critical
        } else if seconds_left < self.warning {
            CheckStatus::Warning
        } else {
            CheckStatus::Ok
        }
    }
}

/// Days in so many seconds.
pub fn days(seconds: f64) -> f64 {
    seconds / DAY
}
