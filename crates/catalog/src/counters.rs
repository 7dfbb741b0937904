//! Counters of what came in and was not kept: requests to paths that Galgo acknowledges but does not use, and data
//! that was dropped, by reason. Kept in memory, flushed now and then.

use crate::Catalog;

/// Requests to a path whose content is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnkeptPath {
    /// Path as in the table of routes.
    pub path: String,
    /// Number of requests.
    pub requests: u64,
    /// Bytes of their bodies as sent.
    pub bytes: u64,
    /// Seconds since the UNIX epoch.
    pub first_seen: i64,
    /// Seconds since the UNIX epoch.
    pub last_seen: i64,
    /// Who sent them (bounded).
    pub user_agents: Vec<String>,
}

/// Data dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Reason, a short stable text without values.
    pub reason: String,
    /// How many items.
    pub count: u64,
    /// Seconds since the UNIX epoch.
    pub first_seen: i64,
    /// Seconds since the UNIX epoch.
    pub last_seen: i64,
    /// The newest example.
    pub example: String,
}

impl Catalog {
    /// Counts a request whose content is not kept. No SQL.
    pub fn count_unkept(&self, path: &str, bytes: u64, user_agent: &str) {
        let _ = (path, bytes, user_agent);
        todo!()
    }
    /// Counts dropped items. No SQL.
    pub fn count_dropped(&self, reason: &str, count: u64, example: &str) {
        let _ = (reason, count, example);
        todo!()
    }
    /// What agents send that is not kept, most requests first. No SQL.
    pub fn unkept_paths(&self) -> Vec<UnkeptPath> {
        todo!()
    }
    /// What was dropped, most items first. No SQL.
    pub fn dropped(&self) -> Vec<Dropped> {
        todo!()
    }
}
