//! Log lines on their way from a tailer, a listener or a check to a server.

use async_trait::async_trait;

use crate::report::OutputError;

/// One log line, ready to be sent (reference: intake-logs.md §3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogLine {
    /// The text, valid UTF-8, after all processing rules.
    pub message: String,
    /// `info`, `error` and so on (reference: intake-logs.md §4).
    pub status: String,
    /// When it was read, in milliseconds since the UNIX epoch.
    pub time_ms: i64,
    /// Host under which it is filed.
    pub host: String,
    /// `service` of its configuration, may be empty.
    pub service: String,
    /// `source` of its configuration, may be empty.
    pub source: String,
    /// Tags, `sourcecategory:…` among them.
    pub tags: Vec<String>,
}

/// Where log lines go.
#[async_trait]
pub trait LogOutput: Send + Sync + std::fmt::Debug {
    /// Sends a batch. It returns once a server has acknowledged the lines, however long that takes: the caller reads
    /// no further until then and moves its offsets afterwards (at-least-once). An error means that the server refused
    /// the batch for good; trying again would not help.
    async fn deliver(&self, lines: Vec<LogLine>) -> Result<(), OutputError>;
}
