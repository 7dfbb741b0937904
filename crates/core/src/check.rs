//! Service checks.

use serde::{Deserialize, Serialize};

/// Outcome of a service check (reference: intake-agent.md §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum CheckStatus {
    /// All is well.
    Ok = 0,
    /// Worth a look.
    Warning = 1,
    /// Broken.
    Critical = 2,
    /// Nobody knows.
    Unknown = 3,
}

impl TryFrom<u8> for CheckStatus {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Ok(match code {
            0 => Self::Ok,
            1 => Self::Warning,
            2 => Self::Critical,
            3 => Self::Unknown,
            _ => return Err(format!("check status must be 0 to 3: {code}")),
        })
    }
}

impl From<CheckStatus> for u8 {
    fn from(status: CheckStatus) -> u8 {
        status as u8
    }
}

/// One report of a service check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// Name of the check, such as `mysql.can_connect`.
    pub check: String,
    /// Host, empty for none.
    pub host: String,
    /// Seconds since the UNIX epoch.
    pub time: i64,
    /// Outcome.
    pub status: CheckStatus,
    /// Free text, may be empty.
    pub message: String,
    /// Tags as sent.
    pub tags: Vec<String>,
}
