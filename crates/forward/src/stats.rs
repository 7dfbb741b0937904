//! What a forwarder tells of itself: for the status, the local page and its own metrics.

use serde::Serialize;

/// The forwarder as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForwarderStats {
    /// One for each server and key, in the order of the configuration, log endpoints last.
    pub endpoints: Vec<EndpointStats>,
    /// Points, checks and events that wait to be made a payload.
    pub gathering_points: u64,
}

impl ForwarderStats {
    /// Sums over all endpoints under the names of Galgo's own `/metrics`.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let sum = |of: fn(&EndpointStats) -> u64| self.endpoints.iter().map(of).sum();
        vec![
            ("galgo_forwarder_sent_payloads_total", sum(|endpoint| endpoint.sent_payloads)),
            ("galgo_forwarder_sent_points_total", sum(|endpoint| endpoint.sent_points)),
            ("galgo_forwarder_sent_bytes_total", sum(|endpoint| endpoint.sent_bytes)),
            ("galgo_forwarder_retries_total", sum(|endpoint| endpoint.retries)),
            ("galgo_forwarder_dropped_payloads_total", sum(|endpoint| endpoint.dropped.payloads())),
            ("galgo_forwarder_dropped_points_total", sum(|endpoint| endpoint.dropped.points)),
            (
                "galgo_forwarder_queued_payloads",
                sum(|endpoint| endpoint.queued.memory_payloads + endpoint.queued.disk_payloads),
            ),
            ("galgo_forwarder_queued_disk_bytes", sum(|endpoint| endpoint.queued.disk_bytes)),
        ]
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Nothing was sent yet.
    #[default]
    Idle,
    /// The last request was answered well.
    Ok,
    /// It answers again; what was queued is being sent.
    CatchingUp,
    /// It cannot be reached or answers with errors; payloads wait.
    Failing,
    /// It refuses the key; payloads wait until the key is repaired.
    KeyRefused,
}

/// One server and key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointStats {
    /// The server, without credentials.
    pub url: String,
    /// Last characters of the key.
    pub key: String,
    /// `metrics` or `logs`.
    pub role: &'static str,
    /// How it does.
    pub state: EndpointState,
    /// What was wrong the last time, empty when all is well.
    pub last_error: String,
    /// When a request was answered well, in seconds since the UNIX epoch.
    pub last_success: Option<i64>,
    /// Since when it fails, in seconds since the UNIX epoch.
    pub failing_since: Option<i64>,
    /// What `validate_keys` found; `None` before, and when the server could not say.
    pub key_valid: Option<bool>,
    /// Seconds by which this host's clock is ahead of the server's (behind, when negative), to about a second; `None`
    /// before the first answer.
    pub clock_skew_s: Option<i64>,
    /// Payloads that were taken.
    pub sent_payloads: u64,
    /// Points, checks, events and lines in them.
    pub sent_points: u64,
    /// Bytes of their bodies as sent.
    pub sent_bytes: u64,
    /// Attempts that failed and were, or will be, repeated.
    pub retries: u64,
    /// What waits.
    pub queued: Queued,
    /// What was given up.
    pub dropped: Dropped,
}

/// What waits at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Queued {
    /// Payloads in memory, those under way included.
    pub memory_payloads: u64,
    /// Bytes of them.
    pub memory_bytes: u64,
    /// Payloads on disk.
    pub disk_payloads: u64,
    /// Bytes of their files.
    pub disk_bytes: u64,
    /// Creation of the oldest of all, in seconds since the UNIX epoch.
    pub oldest: Option<i64>,
}

/// What an endpoint will never get, in payloads by reason, and in points altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Dropped {
    /// The server refused them for good (400, 404, 413 and the like).
    pub refused: u64,
    /// The queue was full.
    pub overflow: u64,
    /// They lay on disk for too long.
    pub outdated: u64,
    /// Their file was damaged; payloads of a damaged part are not known, so this counts files.
    pub torn: u64,
    /// The forwarder ended and could keep them nowhere.
    pub shutdown: u64,
    /// Points, checks, events and lines in all of these.
    pub points: u64,
}

impl Dropped {
    /// Payloads of all reasons.
    pub fn payloads(&self) -> u64 {
        self.refused + self.overflow + self.outdated + self.torn + self.shutdown
    }
}

/// Why payloads are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DropReason {
    Refused,
    Overflow,
    Outdated,
    Torn,
    Shutdown,
}

impl Dropped {
    pub(crate) fn add(&mut self, reason: DropReason, payloads: u64, points: u64) {
        let counter = match reason {
            DropReason::Refused => &mut self.refused,
            DropReason::Overflow => &mut self.overflow,
            DropReason::Outdated => &mut self.outdated,
            DropReason::Torn => &mut self.torn,
            DropReason::Shutdown => &mut self.shutdown,
        };
        *counter += payloads;
        self.points += points;
    }
}
