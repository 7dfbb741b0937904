//! What lies in a queue: one request's body, compressed, with where it goes.

use bytes::Bytes;

use crate::receipt::Receipt;

/// Which path a payload goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Counts, rates and gauges, as protobuf.
    Series,
    /// Distributions, as protobuf.
    Sketches,
    /// Service checks.
    CheckRun,
    /// Host metadata and events.
    Intake,
    /// Inventories.
    Metadata,
    /// Log lines, to `/api/v2/logs`.
    Logs,
    /// Log lines, to `/v1/input`.
    LogsV1,
}

impl Route {
    /// Path below the server's address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Series => "/api/v2/series",
            Self::Sketches => "/api/beta/sketches",
            Self::CheckRun => "/api/v1/check_run",
            Self::Intake => "/intake/",
            Self::Metadata => "/api/v1/metadata",
            Self::Logs => "/api/v2/logs",
            Self::LogsV1 => "/v1/input",
        }
    }

    /// Whether the body is protobuf, and JSON otherwise.
    pub(crate) fn is_protobuf(self) -> bool {
        matches!(self, Self::Series | Self::Sketches)
    }

    pub(crate) fn is_logs(self) -> bool {
        matches!(self, Self::Logs | Self::LogsV1)
    }

    pub(crate) fn content_type(self) -> &'static str {
        if self.is_protobuf() { "application/x-protobuf" } else { "application/json" }
    }

    /// Number in files of the disk queue; never reused.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Series => 1,
            Self::Sketches => 2,
            Self::CheckRun => 3,
            Self::Intake => 4,
            Self::Metadata => 5,
            Self::Logs => 6,
            Self::LogsV1 => 7,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all =
            [Self::Series, Self::Sketches, Self::CheckRun, Self::Intake, Self::Metadata, Self::Logs, Self::LogsV1];
        all.into_iter().find(|route| route.code() == code)
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Zstd,
    Deflate,
    Gzip,
}

impl Encoding {
    /// Value of `Content-Encoding`, `None` for none.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Zstd => Some("zstd"),
            Self::Deflate => Some("deflate"),
            Self::Gzip => Some("gzip"),
        }
    }

    /// Number in files of the disk queue; never reused.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Identity => 0,
            Self::Zstd => 1,
            Self::Deflate => 2,
            Self::Gzip => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Identity, Self::Zstd, Self::Deflate, Self::Gzip].into_iter().find(|encoding| encoding.code() == code)
    }
}

/// One request to be. The body is shared between the endpoints that get it.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) route: Route,
    pub(crate) encoding: Encoding,
    pub(crate) body: Bytes,
    /// Points, sketches, checks, events or lines in it.
    pub(crate) points: u32,
    /// When it was made, in milliseconds since the UNIX epoch.
    pub(crate) created_ms: i64,
    /// How often its body was halved because a server found it too large.
    pub(crate) halvings: u8,
    /// How often a server answered in a way that may or may not be for good.
    pub(crate) doubtful_answers: u8,
    /// Who waits for it.
    pub(crate) receipt: Option<Receipt>,
}

impl Payload {
    /// Size in a queue, in bytes: the body and what is around it.
    pub(crate) fn bytes(&self) -> usize {
        const AROUND: usize = 128;
        self.body.len() + AROUND
    }

    /// The same once more. Nobody waits for a copy.
    pub(crate) fn copy(&self) -> Self {
        let &Self { route, encoding, points, created_ms, halvings, doubtful_answers, .. } = self;
        Self { route, encoding, body: self.body.clone(), points, created_ms, halvings, doubtful_answers, receipt: None }
    }

    /// Whether somebody still waits for it and would offer it again after a crash: it then needs no place on disk.
    pub(crate) fn is_awaited(&self) -> bool {
        self.receipt.as_ref().is_some_and(Receipt::is_awaited)
    }
}
