//! POST /intake/ (JSON; reference: intake-agent.md §7.1): host metadata, events and checks of agents 6 and 7, and
//! everything that an agent 5 sends in one payload.

use galgo_core::check::CheckRun;
use galgo_core::{MetricKind, MetricSink, Point, RawSeries};
use serde_json::{Map, Value};

use crate::check_run::CheckRuns;
use crate::events::{self, Event};
use crate::loose;
use crate::proto::is_probe;
use crate::report::{Context, DecodeError, Report};
use crate::series_v2::interval_of;
use crate::validate::Gate;

/// Keys of a payload that describe the host and have no field of their own.
const OTHER_KEYS: [&str; 7] = ["network", "logs", "install-method", "container-meta", "proxy-info", "otlp", "python"];
/// Keys of `meta` that name the host.
const NAMES_IN_META: [&str; 7] = [
    "hostname",
    "agent-hostname",
    "socket-hostname",
    "socket-fqdn",
    "ec2-hostname",
    "instance-id",
    "legacy-resolution-hostname",
];
/// Names that many hosts have.
const NAMES_OF_NO_HOST: [&str; 4] = ["localhost", "localhost.localdomain", "localhost6", "ip6-localhost"];

/// Tags of one host by the source that knows them (`system`, `ec2`, …), as sent.
pub type TagsBySource = Vec<(String, Vec<String>)>;

/// A payload of `/intake/`: any part may be missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// The canonical name of the sending host; empty when the payload does not name one.
    pub hostname: String,
    /// What the agent says of its host, `None` when the payload carries none of it.
    pub host: Option<HostMetadata>,
    /// State of the checks that the agent runs, `None` when the payload does not speak of them.
    pub agent_checks: Option<Vec<AgentCheck>>,
    /// The same in full, as Galgo's own agent adds it, as sent.
    pub galgo_checks: Option<Vec<Value>>,
    /// What Galgo's own agent reads log lines from, as sent.
    pub galgo_logs: Option<Vec<Value>>,
    /// Tags that this agent knows of other hosts.
    pub external_host_tags: Vec<(String, TagsBySource)>,
    /// Snapshot of the processes that use most (`resources.processes`), as sent.
    pub processes: Option<Value>,
    /// Events.
    pub events: Vec<Event>,
    /// Service checks (agent 5 only).
    pub check_runs: Vec<CheckRun>,
    /// What became of the metrics (agent 5 only), events and checks.
    pub report: Report,
}

/// What an agent says of its host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostMetadata {
    /// Other names of the host: aliases, cloud instance id, socket names; sorted, without the host's own name.
    pub aliases: Vec<String>,
    /// Such as `7.60.1`; empty when unknown.
    pub agent_version: String,
    /// Such as `agent` or `iot_agent`; empty when unknown.
    pub agent_flavor: String,
    /// Identifier of the machine; empty when unknown.
    pub uuid: String,
    /// Such as `linux`; empty when unknown.
    pub os: String,
    /// Host tags by source; a source with no tags is kept (it clears that source).
    pub tags: TagsBySource,
    /// Whether the payload has a `host-tags` object at all: only then do its tags replace older ones.
    pub has_tags: bool,
    /// `systemStats` as sent.
    pub system_stats: Option<Value>,
    /// `meta` as sent.
    pub meta: Option<Value>,
    /// `gohai`, parsed out of its string.
    pub gohai: Option<Value>,
    /// Every other key of the payload that is known to describe the host (`network`, `logs`, `install-method`,
    /// `container-meta`, `proxy-info`, `otlp`, `python`), as sent.
    pub other: Map<String, Value>,
}

/// One row of `agent_checks`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentCheck {
    /// Name of the check, such as `disk`.
    pub name: String,
    /// Source of its name, most often the same.
    pub source: String,
    /// Instance, or `initialization` for one that did not load.
    pub id: String,
    /// `OK`, `WARNING` or `ERROR`.
    pub status: String,
    /// Messages; several for several warnings.
    pub messages: Vec<String>,
}

/// Decodes the JSON body of `/intake/`. Metrics of an agent 5 go to the sink.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Intake, DecodeError> {
    if is_probe(body) {
        return Ok(Intake::default());
    }
    let mut payload = loose::parse_object(body)?;
    let hostname = hostname_of(&payload);
    let mut checks = CheckRuns::default();
    for run in loose::items(payload.get("service_checks")).iter().filter_map(Value::as_object) {
        checks.take(run, ctx);
    }
    for run in checks.runs.iter_mut().filter(|run| run.host.is_empty()) {
        run.host.clone_from(&hostname);
    }
    let mut gate = Gate::new(ctx, sink);
    take_metrics(loose::items(payload.get("metrics")), &hostname, &mut gate)?;
    let mut report = gate.into_report();
    report.absorb(checks.report);
    let events = events::from_agent(payload.get("events"), ctx);
    report.accepted_series += events.len() as u64;
    Ok(Intake {
        agent_checks: list(&payload, "agent_checks").map(|rows| rows.iter().filter_map(agent_check).collect()),
        galgo_checks: list(&payload, "galgo_checks").map(<[Value]>::to_vec),
        galgo_logs: list(&payload, "galgo_logs").map(<[Value]>::to_vec),
        external_host_tags: external_host_tags(payload.get("external_host_tags")),
        processes: processes(&mut payload),
        host: host_metadata(&mut payload, &hostname),
        hostname,
        events,
        check_runs: checks.runs,
        report,
    })
}

/// The canonical name stands in `internalHostname`; payloads without common keys name the host elsewhere.
fn hostname_of(payload: &Map<String, Value>) -> String {
    let inside = |object: &str, key: &str| payload.get(object).and_then(|object| object.get(key));
    let resources_host = inside("resources", "meta").and_then(|meta| meta.get("host"));
    let candidates = [payload.get("internalHostname"), inside("meta", "hostname"), resources_host];
    candidates.into_iter().map(loose::text).find(|name| !name.is_empty()).unwrap_or_default()
}

/// A list that may be missing; `null` says that there is nothing (any more).
fn list<'a>(payload: &'a Map<String, Value>, key: &str) -> Option<&'a [Value]> {
    match payload.get(key)? {
        Value::Null => Some(&[]),
        other => other.as_array().map(Vec::as_slice),
    }
}

fn processes(payload: &mut Map<String, Value>) -> Option<Value> {
    payload.get_mut("resources")?.get_mut("processes").map(Value::take).filter(Value::is_object)
}

fn host_metadata(payload: &mut Map<String, Value>, hostname: &str) -> Option<HostMetadata> {
    let describes_host = ["agentVersion", "meta", "host-tags", "systemStats", "gohai"];
    if !describes_host.iter().any(|key| payload.contains_key(*key)) {
        return None;
    }
    let host_tags = payload.get("host-tags").and_then(Value::as_object);
    let mut host = HostMetadata {
        agent_version: loose::text(payload.get("agentVersion")),
        agent_flavor: loose::text(payload.get("agent-flavor")),
        uuid: loose::text(payload.get("uuid")),
        os: loose::text(payload.get("os")),
        has_tags: host_tags.is_some(),
        tags: host_tags.map(tags_by_source).unwrap_or_default(),
        ..HostMetadata::default()
    };
    let mut object = |key: &str| payload.shift_remove(key).filter(Value::is_object);
    host.system_stats = object("systemStats");
    host.meta = object("meta");
    host.gohai = match payload.shift_remove("gohai") {
        // The agent writes JSON into a string; one that cannot be read says nothing.
        Some(Value::String(text)) => serde_json::from_str(&text).ok().filter(Value::is_object),
        other => other.filter(Value::is_object),
    };
    host.aliases = aliases(host.meta.as_ref(), hostname);
    host.other = OTHER_KEYS.iter().filter_map(|key| payload.shift_remove_entry(*key)).collect();
    Some(host)
}

fn tags_by_source(sources: &Map<String, Value>) -> TagsBySource {
    sources.iter().map(|(source, tags)| (source.clone(), loose::tags(Some(tags)))).collect()
}

fn aliases(meta: Option<&Value>, hostname: &str) -> Vec<String> {
    let Some(meta) = meta else { return Vec::new() };
    let mut names = loose::texts(meta.get("host_aliases"));
    names.extend(NAMES_IN_META.iter().map(|key| loose::text(meta.get(*key))));
    names.retain(|name| !name.is_empty() && name != hostname && !NAMES_OF_NO_HOST.contains(&name.as_str()));
    names.sort();
    names.dedup();
    names
}

/// `[name, source, id, status, message or messages, …]`.
fn agent_check(row: &Value) -> Option<AgentCheck> {
    let column = |index: usize| loose::text(row.get(index));
    let name = column(0);
    if name.is_empty() {
        return None;
    }
    Some(AgentCheck { name, source: column(1), id: column(2), status: column(3), messages: loose::texts(row.get(4)) })
}

/// `[[host, {source: [tag, …]}], …]`.
fn external_host_tags(rows: Option<&Value>) -> Vec<(String, TagsBySource)> {
    let row = |row: &Value| {
        let host = loose::text(row.get(0));
        (!host.is_empty()).then_some((host, tags_by_source(row.get(1)?.as_object()?)))
    };
    loose::items(rows).iter().filter_map(row).collect()
}

/// Metrics of an agent 5: `[[name, time, value, {type, hostname, tags, device_name}], …]`.
fn take_metrics<S: MetricSink + ?Sized>(
    rows: &[Value],
    hostname: &str,
    gate: &mut Gate<'_, S>,
) -> Result<(), DecodeError> {
    let mut point = Vec::with_capacity(1);
    for row in rows {
        let Some([name, time, value, attributes @ ..]) = row.as_array().map(Vec::as_slice) else {
            return Err(DecodeError::Invalid(
                "expected a metric to be a list of name, time, value and attributes".into(),
            ));
        };
        let attribute = |key: &str| attributes.first().and_then(|attributes| attributes.get(key));
        let text = |key: &str| attribute(key).and_then(Value::as_str).unwrap_or("");
        let metric = name.as_str().unwrap_or("");
        let tags: Vec<&str> = loose::items(attribute("tags")).iter().filter_map(Value::as_str).collect();
        let host = Some(text("hostname")).filter(|host| !host.is_empty()).unwrap_or(hostname);
        let device = [("device", text("device_name"))];
        let pairs = if device[0].1.is_empty() { &[][..] } else { &device[..] };
        let kind = match text("type") {
            "" | "gauge" => MetricKind::Gauge,
            "count" | "counter" => MetricKind::Count,
            "rate" => MetricKind::Rate,
            unknown => {
                let shown: String = unknown.chars().take(40).collect();
                gate.report().drop_series(metric, format!("unknown metric type {shown:?}"));
                continue;
            }
        };
        let interval = loose::number(attribute("interval")).map_or(0, |seconds| interval_of(seconds as i64));
        let raw = RawSeries { metric, host, tags: &tags, pairs, kind, interval, unit: "" };
        point.clear();
        let time = loose::number(Some(time)).unwrap_or(0.0) as i64;
        point.push(Point { time, value: loose::number(Some(value)).unwrap_or(f64::NAN) });
        gate.series(&raw, &mut point);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
