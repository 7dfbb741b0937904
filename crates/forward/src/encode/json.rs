//! Service checks, events and log lines as JSON (reference: intake-agent.md §7.2, §7.3; intake-logs.md §3).

use std::collections::BTreeMap;

use galgo_agent::logs::LogLine;
use galgo_core::check::CheckRun;
use galgo_intake::events::Event;
use serde::Serialize;

use super::{Closing, MAX_LINES, Raw};

/// Raw bytes at which a payload of lines is closed; the API's limit is 5 MB.
const LOG_TARGET_BYTES: usize = 4_000_000;
/// Longest text of a line, in bytes (the API cuts there too).
const MAX_LINE_BYTES: usize = 1_000_000;

#[derive(Serialize)]
struct CheckRow<'a> {
    check: &'a str,
    host_name: &'a str,
    timestamp: i64,
    status: u8,
    message: &'a str,
    tags: &'a [String],
}

/// The payloads of service checks: arrays.
pub(super) fn checks(runs: &[CheckRun], closing: Closing) -> Vec<Raw> {
    let rows = runs.iter().map(|run| CheckRow {
        check: &run.check,
        host_name: &run.host,
        timestamp: run.time,
        status: run.status.into(),
        message: &run.message,
        tags: &run.tags,
    });
    arrays(rows, closing)
}

#[derive(Serialize)]
struct LogRow<'a> {
    message: &'a str,
    status: &'a str,
    timestamp: i64,
    hostname: &'a str,
    service: &'a str,
    ddsource: &'a str,
    ddtags: String,
}

/// The payloads of log lines: arrays.
pub(super) fn logs(lines: &[LogLine]) -> Vec<Raw> {
    let rows = lines.iter().map(|line| LogRow {
        message: &line.message[..line.message.floor_char_boundary(MAX_LINE_BYTES)],
        status: if line.status.is_empty() { "info" } else { &line.status },
        timestamp: line.time_ms,
        hostname: &line.host,
        service: &line.service,
        ddsource: &line.source,
        ddtags: line.tags.join(","),
    });
    arrays(rows, Closing { raw_bytes: LOG_TARGET_BYTES, points: MAX_LINES })
}

/// JSON arrays of at most so many rows and, unless one row is larger, bytes.
fn arrays(rows: impl Iterator<Item = impl Serialize>, closing: Closing) -> Vec<Raw> {
    let mut closed = Vec::new();
    let mut open = Raw { body: Vec::new(), points: 0 };
    let mut text = Vec::new();
    for row in rows {
        text.clear();
        if let Err(error) = serde_json::to_writer(&mut text, &row) {
            tracing::error!(%error, "row could not be written as JSON");
            continue;
        }
        if open.points >= closing.points || (open.points > 0 && open.body.len() + text.len() > closing.raw_bytes) {
            closed.push(close(std::mem::replace(&mut open, Raw { body: Vec::new(), points: 0 })));
        }
        open.body.push(if open.points == 0 { b'[' } else { b',' });
        open.body.extend_from_slice(&text);
        open.points += 1;
    }
    if open.points > 0 {
        closed.push(close(open));
    }
    closed
}

fn close(mut open: Raw) -> Raw {
    open.body.push(b']');
    open
}

#[derive(Serialize)]
struct Intake<'a> {
    #[serde(rename = "apiKey")]
    api_key: &'a str,
    events: BTreeMap<&'a str, Vec<EventRow<'a>>>,
    #[serde(rename = "internalHostname")]
    internal_hostname: &'a str,
}

#[derive(Serialize)]
struct EventRow<'a> {
    msg_title: &'a str,
    msg_text: &'a str,
    timestamp: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    priority: &'a str,
    host: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    alert_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    aggregation_key: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    source_type_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    device_name: &'a str,
}

/// The payloads of events, filed by their source.
pub(super) fn events(all: &[Event], host: &str, closing: Closing) -> Vec<Raw> {
    let mut payloads = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest, closing));
        payloads.extend(intake(now, host));
        rest = later;
    }
    payloads
}

/// How many of the first events go into one payload, at least one.
fn fitting(events: &[Event], closing: Closing) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        let tags: usize = event.tags.iter().map(|tag| tag.len() + 3).sum();
        bytes += event.title.len() + event.text.len() + tags + 256;
        bytes <= closing.raw_bytes
    };
    events.iter().take(closing.points).take_while(fits).count().max(1)
}

fn intake(events: &[Event], host: &str) -> Option<Raw> {
    let mut by_source: BTreeMap<&str, Vec<EventRow<'_>>> = BTreeMap::new();
    for event in events {
        let source = if event.source_type_name.is_empty() { "api" } else { &event.source_type_name };
        by_source.entry(source).or_default().push(EventRow {
            msg_title: &event.title,
            msg_text: &event.text,
            timestamp: event.time,
            priority: &event.priority,
            host: &event.host,
            tags: &event.tags,
            alert_type: &event.alert_type,
            aggregation_key: &event.aggregation_key,
            source_type_name: &event.source_type_name,
            event_type: &event.event_type,
            device_name: &event.device,
        });
    }
    let intake = Intake { api_key: "", events: by_source, internal_hostname: host };
    match serde_json::to_vec(&intake) {
        Ok(body) => Some(Raw { body, points: events.len() }),
        Err(error) => {
            tracing::error!(%error, "events could not be written as JSON");
            None
        }
    }
}
