//! Service checks: the newest state of each (check, host, tags) in memory, written in batches, and the history of
//! status changes in the database.

use galgo_core::check::{CheckRun, CheckStatus};

use crate::{Catalog, Result};

/// The newest state of a check on a host with some tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckState {
    /// Name of the check.
    pub check: String,
    /// Host, empty for none.
    pub host: String,
    /// Normalised tags, sorted.
    pub tags: Vec<String>,
    /// Outcome.
    pub status: CheckStatus,
    /// Free text of the newest run.
    pub message: String,
    /// Seconds since the UNIX epoch of the newest run.
    pub time: i64,
    /// Seconds since the UNIX epoch since which the status holds.
    pub since: i64,
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckChange {
    /// Name of the check.
    pub check: String,
    /// Host, empty for none.
    pub host: String,
    /// Normalised tags, sorted.
    pub tags: Vec<String>,
    /// Status before, `None` for the first run.
    pub from: Option<CheckStatus>,
    /// Status from then on.
    pub to: CheckStatus,
    /// Free text of that run.
    pub message: String,
    /// Seconds since the UNIX epoch.
    pub time: i64,
}

/// Which states or changes. Empty fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct CheckQuery {
    /// Name of the check.
    pub check: String,
    /// Host.
    pub host: String,
    /// Tags that must all be there.
    pub tags: Vec<String>,
    /// Runs or changes from this second on.
    pub from: Option<i64>,
    /// Runs or changes before this second.
    pub to: Option<i64>,
    /// At most so many, 1000 when 0.
    pub limit: usize,
}

impl Catalog {
    /// Takes runs of checks. No SQL; written with the next flush.
    pub fn record_checks(&self, runs: &[CheckRun]) {
        let _ = runs;
        todo!()
    }
    /// Newest states, in order of check, host and tags. No SQL.
    pub fn check_states(&self, query: &CheckQuery) -> Vec<CheckState> {
        let _ = query;
        todo!()
    }
    /// Names of all checks, sorted. No SQL.
    pub fn check_names(&self) -> Vec<String> {
        todo!()
    }
    /// Changes of status, newest first.
    pub async fn check_history(&self, query: &CheckQuery) -> Result<Vec<CheckChange>> {
        let _ = query;
        todo!()
    }
}
