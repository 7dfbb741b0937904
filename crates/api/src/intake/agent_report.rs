//! What the catalogue keeps of an agent's checks and logs, out of the payloads of Datadog's agents and of our own.

use galgo_catalog::agents::{
    AgentReport, CheckConfiguration, CheckInstance, ConfigurationDetails, InstanceDetails, LastRun, LogSource,
    RunStatus,
};
use galgo_intake::host_metadata::{AgentCheck, Intake};
use galgo_intake::metadata::Inventory;
use galgo_intake::scrub::{scrub_message, scrub_text, scrub_value};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The state of an instance as `galgo agent` sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GalgoCheck {
    check: String,
    id: String,
    version: String,
    last: Option<GalgoRun>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct GalgoRun {
    at: i64,
    outcome: RunStatus,
    #[serde(flatten)]
    run: LastRun,
}

/// What a payload of `/intake/` says of its agent's checks; `None` when it says nothing of them or names no host.
pub fn of_intake(payload: &Intake) -> Option<AgentReport> {
    // Our own agent tells the same twice: in full, and in the rows that everybody reads.
    let checks = match (&payload.galgo_checks, &payload.agent_checks) {
        (Some(full), _) => Some(full.iter().filter_map(galgo_check).collect()),
        (None, Some(rows)) => Some(rows.iter().map(agent_check).collect()),
        (None, None) => None,
    };
    let logs = payload.galgo_logs.as_ref().map(|sources| sources.iter().filter_map(galgo_log).collect());
    let silent = checks.is_none() && logs.is_none();
    if silent || payload.hostname.is_empty() {
        return None;
    }
    Some(AgentReport { host: payload.hostname.clone(), checks, logs, ..AgentReport::default() })
}

/// What the inventory `check_metadata` says: configurations and, beside them, sources of logs.
pub fn of_inventory(payload: Inventory) -> AgentReport {
    let configurations = instances(&payload.content).map(|(check, own)| configuration(check, own)).collect();
    let logs = payload.other.get("logs_metadata").map(|logs| instances(logs).map(|(_, own)| agent_log(own)).collect());
    AgentReport { host: payload.hostname, configurations: Some(configurations), logs, ..AgentReport::default() }
}

/// `{name: [{…}, …], …}` as pairs.
fn instances(content: &Value) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    content.as_object().into_iter().flatten().flat_map(|(name, list)| {
        let items = list.as_array().into_iter().flatten().filter_map(Value::as_object);
        items.map(move |item| (name.as_str(), item))
    })
}

fn galgo_check(state: &Value) -> Option<CheckInstance> {
    let read = GalgoCheck::deserialize(state).ok()?;
    let mut details = InstanceDetails::deserialize(Value::Object(read.rest)).ok()?;
    details.error = scrub_message(&details.error);
    details.traceback = scrub_message(&details.traceback);
    details.warnings.iter_mut().for_each(|warning| *warning = scrub_message(warning));
    details.last = read.last.as_ref().map(|last| last.run);
    let status = read.last.as_ref().map_or(RunStatus::Pending, |last| last.outcome);
    // A check that cannot be loaded never runs, and says why.
    let broken = status == RunStatus::Pending && !details.error.is_empty();
    Some(CheckInstance {
        check: read.check,
        instance: read.id,
        status: if broken { RunStatus::Error } else { status },
        version: told(read.version),
        last_run: read.last.map(|last| last.at),
        details,
    })
}

/// Checks in Python that name no version have Datadog's word for that.
fn told(version: String) -> String {
    if version == "unversioned" { String::new() } else { version }
}

fn agent_check(row: &AgentCheck) -> CheckInstance {
    let status = row.status.parse().unwrap_or(RunStatus::Pending);
    let messages: Vec<String> = row.messages.iter().map(|text| scrub_message(text)).collect();
    let mut details = InstanceDetails::default();
    if status == RunStatus::Error {
        // The first line says what, the rest is where in the code.
        (details.error, details.traceback) = error_of(&messages.join("\n"));
    } else {
        details.warnings = messages;
    }
    CheckInstance { check: row.name.clone(), instance: row.id.clone(), status, details, ..CheckInstance::default() }
}

/// Agents put Python's traceback into the message; sometimes as JSON, `[{"message": …, "traceback": …}]`.
fn error_of(text: &str) -> (String, String) {
    if let Ok(Value::Array(errors)) = serde_json::from_str(text)
        && let Some(first) = errors.first()
    {
        let part = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        return (part("message"), part("traceback"));
    }
    match text.find("Traceback (most recent call last)") {
        Some(at) => {
            let last = text.trim_end().lines().next_back().unwrap_or_default();
            let before = text[..at].trim();
            (if before.is_empty() { last.trim() } else { before }.to_owned(), text[at..].to_owned())
        }
        None => (text.to_owned(), String::new()),
    }
}

fn configuration(check: &str, own: &Map<String, Value>) -> CheckConfiguration {
    let text = |key: &str| match own.get(key) {
        Some(Value::String(text)) => scrub_text(text),
        None | Some(Value::Null) => String::new(),
        Some(other) => scrub_value(other.clone()).to_string(),
    };
    CheckConfiguration {
        check: check.to_owned(),
        instance: text("config.hash"),
        version: told(text("version.raw")),
        details: ConfigurationDetails {
            provider: text("config.provider"),
            source: text("config.source"),
            init_config: text("init_config"),
            instance_config: text("instance_config"),
        },
    }
}

fn galgo_log(source: &Value) -> Option<LogSource> {
    let mut details = source.as_object()?.clone();
    let mut take = |key: &str| match details.shift_remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (kind, state) = (take("type"), take("state"));
    Some(LogSource { kind, state, details: scrubbed(details) })
}

/// `{config: "{\"type\": …}", state: {status, error}, service, source, tags, integration_name}`.
fn agent_log(own: &Map<String, Value>) -> LogSource {
    let config = own.get("config").and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut details = config.and_then(|config| config.as_object().cloned()).unwrap_or_default();
    for key in ["service", "source", "tags", "integration_name"] {
        if let Some(value) = own.get(key).filter(|value| !value.is_null() && *value != "") {
            details.insert(key.into(), value.clone());
        }
    }
    let state =
        |key: &str| own.get("state").and_then(|state| state.get(key)).and_then(Value::as_str).unwrap_or_default();
    if !state("error").is_empty() {
        details.insert("last_error".into(), state("error").into());
    }
    let kind = details.shift_remove("type").and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    LogSource { kind, state: state("status").to_owned(), details: scrubbed(details) }
}

fn scrubbed(details: Map<String, Value>) -> Map<String, Value> {
    match scrub_value(Value::Object(details)) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_agents_state_is_read_whole() {
        let state = json!({
            "check": "mysql", "id": "mysql:1", "source": "file:/etc/galgo-agent/conf.d/mysql.yaml[0]",
            "loader": "core", "version": "1.0", "interval_s": 15.0, "runs": 4, "failed_runs": 1, "metric_samples": 9,
            "service_checks": 4, "events": 0, "total_ms": 80, "last_ok": 90, "error": "cannot connect", "traceback": "",
            "last": { "at": 100, "duration_ms": 7, "metric_samples": 0, "service_checks": 1, "events": 0, "logs": 0,
                      "outcome": "ERROR" },
            "warnings": [], "metadata": { "version.raw": "10.11" },
        });
        let read = galgo_check(&state).expect("it is a state");
        assert_eq!((read.status, read.last_run, read.version.as_str()), (RunStatus::Error, Some(100), "1.0"));
        assert_eq!((read.details.runs, read.details.last_ok, read.details.interval_s), (4, Some(90), 15.0));
        assert_eq!(read.details.last.map(|last| (last.duration_ms, last.service_checks)), Some((7, 1)));
        assert_eq!(read.details.metadata["version.raw"], "10.11");
    }

    #[test]
    fn a_state_without_a_run_waits_or_could_not_be_loaded() {
        let read = |state: Value| galgo_check(&state).map(|check| check.status);
        assert_eq!(read(json!({ "check": "a", "id": "a:1", "last": null })), Some(RunStatus::Pending));
        assert_eq!(read(json!({ "check": "a", "id": "a:1", "error": "no such module" })), Some(RunStatus::Error));
        assert_eq!(read(json!({ "check": "a", "runs": -1 })), None);
        assert_eq!(read(json!(7)), None);
    }

    #[test]
    fn errors_are_told_apart_from_tracebacks() {
        let trace = "Traceback (most recent call last):\n  File \"a.py\"\nValueError: no";
        for (text, expected) in [
            ("connection refused".to_owned(), ("connection refused", "")),
            (trace.to_owned(), ("ValueError: no", trace)),
            (format!("failed\n{trace}"), ("failed", trace)),
            (json!([{ "message": "m", "traceback": "t" }]).to_string(), ("m", "t")),
            ("[]".to_owned(), ("[]", "")),
        ] {
            let (error, traceback) = error_of(&text);
            assert_eq!((error.as_str(), traceback.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn inventories_lose_their_secrets() {
        let inventory = Inventory {
            hostname: "h".into(),
            discriminator: "check_metadata".into(),
            content: json!({ "mysql": [{
                "config.hash": "mysql:1", "config.provider": "file", "version.raw": "8.0.36",
                "instance_config": "server: a\npass: hunter2\n", "init_config": "",
            }, 7], "odd": 1 }),
            other: Map::from_iter([(
                "logs_metadata".to_owned(),
                json!({ "mysql": [{
                    "config": "{\"type\":\"file\",\"path\":\"/var/log/a.log\",\"api_key\":\"hunter2\"}",
                    "state": { "status": "error", "error": "cannot read" }, "service": "db", "source": "mysql", "tags": [],
                }] }),
            )]),
            ..Inventory::default()
        };
        let report = of_inventory(inventory);
        let configurations = report.configurations.expect("they are told");
        assert_eq!(configurations.len(), 1);
        assert_eq!((configurations[0].instance.as_str(), configurations[0].version.as_str()), ("mysql:1", "8.0.36"));
        assert_eq!(configurations[0].details.instance_config, "server: a\npass: \"********\"\n");
        let logs = report.logs.expect("they are told");
        assert_eq!((logs[0].kind.as_str(), logs[0].state.as_str()), ("file", "error"));
        assert_eq!(logs[0].details["last_error"], "cannot read");
        assert!(!format!("{logs:?}").contains("hunter2"));
    }
}
