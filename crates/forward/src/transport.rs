//! The seam between queues and HTTP: one request, one answer.

use std::time::Duration;

use async_trait::async_trait;

use crate::payload::Payload;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Its clock (`Date`), in seconds since the UNIX epoch.
    pub(crate) server_time: Option<i64>,
    /// How long it wants to be left alone (`Retry-After`).
    pub(crate) retry_after: Option<Duration>,
    /// Where it sends the request instead (`Location`), or the start of its words when it refuses.
    pub(crate) words: String,
}

/// Why there is no answer; names no key and no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TransportError(pub(crate) String);

/// Sends requests to one server.
#[async_trait]
pub(crate) trait Transport: Send + Sync + std::fmt::Debug {
    /// Posts a payload.
    async fn post(&self, payload: &Payload, key: &str) -> Result<Answer, TransportError>;

    /// Asks whether the server knows a key (`GET /api/v1/validate`).
    async fn validate(&self, key: &str, timeout: Duration) -> Result<Answer, TransportError>;
}
