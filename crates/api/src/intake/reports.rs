//! What agents say of their hosts, and service checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use galgo_catalog::HostReport;
use galgo_catalog::hosts::report::kind;
use galgo_intake::host_metadata::{AgentCheck, HostMetadata, Intake};
use galgo_intake::inflate::with_inflater;
use galgo_intake::metadata::Inventory;
use galgo_intake::scrub::scrub_value;
use galgo_intake::{Context, DecodeError, check_run as checks, host_metadata, metadata as inventory};
use galgo_metrics::Batch;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::Sender;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::intake::acknowledged::reply;
use crate::intake::agent_report;
use crate::intake::sightings::Sightings;
use crate::intake::{account, user_agent};
use crate::not_kept::{EVENTS_IN_INTAKE, OTHER_INVENTORY};

/// Largest body as sent; the agent itself stops at 2.5 MiB.
const MAX_WIRE_BYTES: usize = 10 << 20;

/// Largest body unpacked.
const MAX_INFLATED_BYTES: usize = 64 << 20;

/// Inventories whose content describes a host or its agent and is kept whole, without secrets.
const KEPT_INVENTORIES: [&str; 2] = ["host_metadata", "agent_metadata"];

/// The inventory of what checks are configured, kept instance by instance.
const CHECKS_INVENTORY: &str = "check_metadata";

/// Flavour of Galgo's own agent.
const OWN_FLAVOR: &str = "galgo";

/// `POST /api/v1/check_run`.
pub async fn check_run(State(app): State<Arc<App>>, _: Sender, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    let context = Context::new(app.clock.now_s(), user_agent(&headers));
    let Some(taken) = decode(&app, &headers, body, |payload| checks::decode(payload, &context)).await? else {
        return Ok(accepted());
    };
    app.catalog.record_checks(&taken.runs);
    taken.runs.iter().filter(|run| !run.host.is_empty()).for_each(|run| app.catalog.host_seen(&run.host));
    account(&app, &taken.report);
    Ok(accepted())
}

/// `POST /intake/`: host metadata, tags, events, and all that an agent 5 sends.
pub async fn intake(State(app): State<Arc<App>>, _: Sender, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    let sender = user_agent(&headers);
    let Some(taken) = decode(&app, &headers, body, |bytes| TakenIntake::decode(&app, bytes, sender)).await? else {
        return Ok(accepted());
    };
    taken.keep(&app, sender.unwrap_or_default()).await?;
    Ok(accepted())
}

/// Takes a payload of `/intake/` that was made in this process: the description of the server's own host.
pub async fn take_own(app: &App, payload: &[u8], user_agent: &str) -> ApiResult<()> {
    TakenIntake::decode(app, payload, Some(user_agent))?.keep(app, user_agent).await
}

/// A decoded payload of `/intake/` with the points that an agent 5 mixes into it.
struct TakenIntake {
    payload: Intake,
    batch: Batch,
    hosts: Vec<String>,
}

impl TakenIntake {
    fn decode(app: &App, bytes: &[u8], user_agent: Option<&str>) -> Result<Self, DecodeError> {
        let context = Context::new(app.clock.now_s(), user_agent);
        let mut batch = app.engine.batch();
        let mut sink = Sightings::new(&mut batch);
        let payload = host_metadata::decode(bytes, &context, &mut sink)?;
        let (hosts, _) = sink.finish();
        Ok(Self { payload, batch, hosts })
    }

    async fn keep(self, app: &App, user_agent: &str) -> ApiResult<()> {
        let Self { payload, batch, hosts } = self;
        app.engine.commit(batch).await?;
        hosts.iter().for_each(|host| app.catalog.host_seen(host));
        app.catalog.record_checks(&payload.check_runs);
        account(app, &payload.report);
        if !payload.events.is_empty() {
            let bytes = payload.events.iter().map(|event| event.title.len() + event.text.len()).sum::<usize>();
            app.catalog.count_unkept(EVENTS_IN_INTAKE.path, bytes as u64, user_agent);
        }
        if !payload.external_host_tags.is_empty() {
            let tags = payload.external_host_tags.iter().cloned();
            let by_host = tags.map(|(host, tags)| (host, tags.into_iter().collect())).collect();
            app.catalog.external_host_tags(by_host).await?;
        }
        let agent = agent_report::of_intake(&payload);
        if let Some(report) = report_of(payload) {
            app.catalog.report_host(report).await?;
        }
        if let Some(report) = agent {
            app.catalog.report_agent(report).await?;
        }
        Ok(())
    }
}

/// `POST /api/v1/metadata`: one inventory.
pub async fn metadata(State(app): State<Arc<App>>, _: Sender, headers: HeaderMap, body: Body) -> ApiResult<Response> {
    let Some(payload) = decode(&app, &headers, body, inventory::decode).await? else {
        return Ok(accepted());
    };
    let named = !payload.hostname.is_empty();
    if named && payload.discriminator == CHECKS_INVENTORY {
        let mut report = agent_report::of_inventory(payload);
        if app.catalog.host(&report.host).is_some_and(|host| host.agent_flavor == OWN_FLAVOR) {
            // Our own agent tells more of its logs, with its checks.
            report.logs = None;
        }
        app.catalog.report_agent(report).await?;
        return Ok(accepted());
    }
    if !named || !KEPT_INVENTORIES.contains(&payload.discriminator.as_str()) {
        let bytes = payload.content.to_string().len() as u64;
        app.catalog.count_unkept(OTHER_INVENTORY.path, bytes, user_agent(&headers).unwrap_or_default());
        return Ok(reply(&OTHER_INVENTORY));
    }
    app.catalog.report_host(inventory_report(payload)).await?;
    Ok(accepted())
}

/// Reads, unpacks and decodes a body; `None` for an empty one.
async fn decode<T>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    decoder: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
) -> ApiResult<Option<T>> {
    let held = body::read(app, headers, body, MAX_WIRE_BYTES).await?;
    app.stats.received_bytes(held.bytes.len() as u64);
    if held.bytes.is_empty() {
        return Ok(None);
    }
    let encoding = body::content_encoding(headers)?;
    with_inflater(|inflater| {
        let payload = inflater.inflate(encoding, &held.bytes, MAX_INFLATED_BYTES)?;
        decoder(payload).map(Some).map_err(ApiError::from)
    })
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "ok" }))).into_response()
}

/// What the catalogue keeps of a payload of `/intake/`; `None` when it names no host or says nothing of it.
fn report_of(payload: Intake) -> Option<HostReport> {
    if payload.hostname.is_empty() {
        return None;
    }
    let mut report = HostReport { host: payload.hostname, ..HostReport::default() };
    let checks = payload.agent_checks.unwrap_or_default();
    let silent = payload.host.is_none() && checks.is_empty() && payload.processes.is_none();
    if let Some(host) = payload.host {
        describe(&mut report, host);
    }
    if !checks.is_empty() {
        report.apps.extend(checks.iter().map(|check| check.name.clone()));
        let rows = checks.iter().map(check_row).collect();
        report.metadata.insert(kind::AGENT_CHECKS.into(), Value::Array(rows));
    }
    if let Some(processes) = payload.processes {
        report.metadata.insert(kind::RESOURCES.into(), json!({ "processes": processes }));
    }
    (!silent).then_some(report)
}

fn describe(report: &mut HostReport, host: HostMetadata) {
    report.apps.push("agent".into());
    report.sources.push("agent".into());
    report.aliases = host.aliases;
    report.agent_version = host.agent_version.clone();
    report.agent_flavor = host.agent_flavor.clone();
    report.platform = host.os.clone();
    if host.has_tags {
        report.tags = host.tags.into_iter().collect::<BTreeMap<_, _>>();
    }
    let mut document = host.other;
    for (key, value) in [
        ("agentVersion", Value::String(host.agent_version)),
        ("agent-flavor", Value::String(host.agent_flavor)),
        ("uuid", Value::String(host.uuid)),
        ("os", Value::String(host.os)),
        ("systemStats", host.system_stats.unwrap_or(Value::Null)),
        ("meta", host.meta.unwrap_or(Value::Null)),
    ] {
        if !value.is_null() && value != "" {
            document.insert(key.into(), value);
        }
    }
    report.metadata.insert(kind::HOST.into(), Value::Object(document));
    if let Some(gohai) = host.gohai {
        report.metadata.insert(kind::GOHAI.into(), gohai);
    }
}

/// A row of `agent_checks` as Datadog shows it: six entries, the messages as one text.
fn check_row(check: &AgentCheck) -> Value {
    json!([check.name, check.source, check.id, check.status, check.messages.join("\n"), ""])
}

fn inventory_report(payload: Inventory) -> HostReport {
    let text = |key: &str| payload.content.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut report = HostReport { host: payload.hostname.clone(), ..HostReport::default() };
    report.agent_version = text("agent_version");
    report.agent_flavor = text("flavor");
    report.platform = if payload.discriminator == "host_metadata" { text("os") } else { String::new() };
    let mut document = match payload.content {
        Value::Object(content) => content,
        other => Map::from_iter([("content".to_owned(), other)]),
    };
    document.extend(payload.other);
    report.metadata.insert(payload.discriminator, scrub_value(Value::Object(document)));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_without_a_host_reports_nothing() {
        assert!(report_of(Intake::default()).is_none());
        assert!(report_of(Intake { hostname: "h".into(), ..Intake::default() }).is_none());
    }

    #[test]
    fn agent_checks_become_apps_and_rows_of_six() {
        let check = AgentCheck {
            name: "ntp".into(),
            source: "ntp".into(),
            id: "ntp:1".into(),
            status: "WARNING".into(),
            messages: vec!["a".into(), "b".into()],
        };
        let intake = Intake { hostname: "h".into(), agent_checks: Some(vec![check]), ..Intake::default() };
        let report = report_of(intake).expect("it names a host and a check");
        assert_eq!(report.apps, ["ntp"]);
        assert_eq!(report.metadata[kind::AGENT_CHECKS], json!([["ntp", "ntp", "ntp:1", "WARNING", "a\nb", ""]]));
    }
}
