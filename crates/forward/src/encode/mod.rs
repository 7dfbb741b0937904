//! Makes payloads of reports and log lines, each within the limits of its path (reference: intake-agent.md §5–7,
//! intake-logs.md §3, §7).

mod json;
mod proto;
mod split;

use galgo_agent::Report;
use galgo_agent::logs::LogLine;
use serde_json::Value;

use crate::compress::compress;
use crate::config::{Compression, EnabledPayloads, PayloadLimits};
use crate::payload::{Payload, Route};

pub(crate) use split::halve;

/// Raw bytes at which a payload is closed, unless its limit is lower. Far below the usual limits (4 and 5 MiB), so that
/// one payload in the making costs little memory.
const RAW_TARGET_BYTES: usize = 1024 * 1024;
/// Most checks or events of a payload.
const MAX_ROWS: usize = 1000;
/// Most lines of a payload (the API's limit).
const MAX_LINES: usize = 1000;

/// Makes payloads.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) host: String,
    pub(crate) compression: Compression,
    pub(crate) log_compression: Compression,
    pub(crate) enabled: EnabledPayloads,
    pub(crate) limits: PayloadLimits,
}

/// When a payload in the making is closed.
#[derive(Debug, Clone, Copy)]
struct Closing {
    raw_bytes: usize,
    points: usize,
}

/// A body before compression, and the number of points in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Raw {
    pub(crate) body: Vec<u8>,
    pub(crate) points: usize,
}

impl Encoder {
    /// The payloads of a report, in order of the paths.
    pub(crate) fn report(&self, report: &Report, created_ms: i64) -> Vec<Payload> {
        let limits = self.limits;
        let closing = |raw_bytes: usize, points| Closing {
            raw_bytes: raw_bytes.clamp(1, RAW_TARGET_BYTES),
            points: usize::max(points, 1),
        };
        let rows = closing(limits.other_raw_bytes, MAX_ROWS);
        let mut payloads = Vec::new();
        let mut add = |route, raws: Vec<Raw>| {
            for raw in raws {
                self.add(route, raw, created_ms, &mut payloads);
            }
        };
        if self.enabled.series {
            add(Route::Series, proto::series(&report.series, closing(limits.series_raw_bytes, limits.points)));
        }
        if self.enabled.sketches {
            add(Route::Sketches, proto::sketches(&report.sketches, closing(limits.other_raw_bytes, limits.points)));
        }
        if self.enabled.service_checks {
            add(Route::CheckRun, json::checks(&report.checks, rows));
        }
        if self.enabled.events {
            add(Route::Intake, json::events(&report.events, &self.host, rows));
        }
        payloads
    }

    /// The payloads of log lines.
    pub(crate) fn logs(&self, lines: &[LogLine], created_ms: i64) -> Vec<Payload> {
        let mut payloads = Vec::new();
        for raw in json::logs(lines) {
            self.add(Route::Logs, raw, created_ms, &mut payloads);
        }
        payloads
    }

    /// The payload of one JSON document.
    pub(crate) fn document(&self, route: Route, document: &Value, created_ms: i64) -> Payload {
        self.finish(route, Raw { body: document.to_string().into_bytes(), points: 0 }, created_ms)
    }

    /// Adds a payload, or several when it does not become small enough.
    fn add(&self, route: Route, raw: Raw, created_ms: i64, payloads: &mut Vec<Payload>) {
        let limit = match route {
            Route::Series => self.limits.series_bytes,
            _ => self.limits.other_bytes,
        };
        // Only a payload that may have to be halved is kept as it was, and the limit on logs is one on raw bytes.
        let kept =
            (raw.body.len() > limit && !route.is_logs()).then(|| Raw { body: raw.body.clone(), points: raw.points });
        let payload = self.finish(route, raw, created_ms);
        let halves = kept.filter(|_| payload.body.len() > limit).and_then(|kept| halve(route, &kept));
        match halves {
            Some((first, second)) => {
                self.add(route, first, created_ms, payloads);
                self.add(route, second, created_ms, payloads);
            }
            None => payloads.push(payload),
        }
    }

    fn finish(&self, route: Route, raw: Raw, created_ms: i64) -> Payload {
        let compression = if route.is_logs() { self.log_compression } else { self.compression };
        let points = u32::try_from(raw.points).unwrap_or(u32::MAX);
        let (encoding, body) = compress(raw.body, compression);
        Payload { route, encoding, body, points, created_ms, halvings: 0, doubtful_answers: 0, receipt: None }
    }
}

/// Halves a payload that a server found too large; `None` when it cannot be halved. Nobody waits for the halves yet.
pub(crate) fn halve_payload(payload: &Payload, compression: Compression) -> Option<(Payload, Payload)> {
    let body = crate::compress::decompress(&payload.body, payload.encoding)?;
    let (first, second) = halve(payload.route, &Raw { body, points: payload.points as usize })?;
    let half = |raw: Raw| {
        let (encoding, body) = compress(raw.body, compression);
        let points = u32::try_from(raw.points).unwrap_or(u32::MAX);
        Payload { encoding, body, points, halvings: payload.halvings + 1, ..payload.copy() }
    };
    Some((half(first), half(second)))
}

#[cfg(test)]
mod tests;
