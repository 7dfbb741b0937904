//! What an agent tells its servers of itself and its checks (reference: intake-agent.md §7.1, §7.4): the states of the
//! checks for `/intake/`, and the inventories of checks and agent for `/api/v1/metadata`.
//!
//! Configurations are in them, so everything is scrubbed on its way.

use galgo_core::Clock;
use serde_json::{Map, Value, json};

use crate::check::{CheckState, ExternalTags, Instance, Outcome};
use crate::collect::Roots;
use crate::collect::kernel::read_line;
use crate::config::{Settings, scrub, scrub_value};
use crate::host::{HostName, HostNameSource};

/// Provider of configurations in files, as agents call it.
const FILE_PROVIDER: &str = "file";
/// Identity of a check that never became one.
const NOT_LOADED: &str = "initialization";

/// What the payloads say of the agent that sends them.
#[derive(Debug, Clone)]
pub struct AgentFacts {
    /// Name under which the host reports.
    pub host: String,
    /// How the name was found.
    pub host_source: HostNameSource,
    /// Identity of the machine (`/etc/machine-id`), may be empty.
    pub uuid: String,
    /// Now, in milliseconds since the UNIX epoch.
    pub now_ms: i64,
    /// When the agent started, in milliseconds since the UNIX epoch.
    pub started_ms: i64,
}

impl AgentFacts {
    /// The facts of this moment on this machine.
    pub fn of_machine(host: &HostName, roots: &Roots, clock: &dyn Clock, started_ms: i64) -> Self {
        Self {
            host: host.name.clone(),
            host_source: host.source,
            uuid: read_line(&roots.etc.join("machine-id")).unwrap_or_default(),
            now_ms: clock.now_ms(),
            started_ms,
        }
    }
}

/// The states of the checks for `/intake/`. Checks that have not run yet are left out, unless they could not be loaded.
pub fn check_states(facts: &AgentFacts, states: &[CheckState]) -> Value {
    let rows: Vec<Value> = states.iter().filter_map(check_row).collect();
    // Nothing else is told here: what describes the host would take the place of its full description.
    json!({ "apiKey": "", "internalHostname": facts.host, "agent_checks": rows })
}

/// `[name, source, id, status, message or warnings, ""]`.
fn check_row(state: &CheckState) -> Option<Value> {
    let name = &state.check;
    let Some(last) = &state.last else {
        let broken = !state.error.is_empty();
        return broken.then(|| json!([name, name, NOT_LOADED, "ERROR", scrub(&state.error)]));
    };
    let message = match last.outcome {
        Outcome::Ok => json!(""),
        Outcome::Warning => state.warnings.iter().map(|warning| scrub(warning)).collect(),
        Outcome::Error => json!(error_text(state)),
    };
    Some(json!([name, name, state.id, last.outcome, message, ""]))
}

/// The error; with a traceback in the form in which Python checks give it.
fn error_text(state: &CheckState) -> String {
    if state.traceback.is_empty() {
        return scrub(&state.error);
    }
    json!([{ "message": scrub(&state.error), "traceback": scrub(&state.traceback) }]).to_string()
}

/// Tags that checks know of other hosts, as `external_host_tags` of `/intake/`: `[[host, {source: [tag, …]}], …]`.
pub fn external_host_tags(tags: &ExternalTags) -> Value {
    tags.iter().map(|(host, by_source)| json!([host, by_source])).collect()
}

/// The inventory of checks: their configurations and what they found out, by the name of the check.
pub fn of_checks(facts: &AgentFacts, settings: &Settings, instances: &[Instance], states: &[CheckState]) -> Value {
    let mut checks: Map<String, Value> = Map::new();
    for instance in instances {
        let state = states.iter().find(|state| state.id == instance.id);
        let entry = checks.entry(instance.check.clone()).or_insert_with(|| json!([]));
        if let Value::Array(list) = entry {
            list.push(check_entry(instance, state, settings.metadata.with_check_configuration));
        }
    }
    envelope(facts, "check_metadata", Value::Object(checks))
}

fn check_entry(instance: &Instance, state: Option<&CheckState>, with_configuration: bool) -> Value {
    let path = &instance.source.path;
    let built_in = path.as_os_str().is_empty();
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| drop(entry.insert(key.to_owned(), value));
    put("config.hash", json!(instance.id));
    put("config.provider", json!(if built_in { "built in" } else { FILE_PROVIDER }));
    let source = if built_in { String::new() } else { format!("file:{}[{}]", path.display(), instance.source.index) };
    put("config.source", json!(source));
    if with_configuration {
        put("init_config", json!(yaml(&instance.init_config)));
        put("instance_config", json!(yaml(&instance.options)));
    }
    let Some(state) = state else { return Value::Object(entry) };
    if !state.version.is_empty() {
        put("check.version", json!(state.version));
    }
    for (key, value) in &state.metadata {
        put(key, json!(scrub(value)));
    }
    Value::Object(entry)
}

/// The inventory of the agent.
pub fn of_agent(facts: &AgentFacts, settings: &Settings) -> Value {
    let proxy = |url: &Option<String>| url.as_deref().map(scrub).unwrap_or_default();
    let mut agent = json!({
        "agent_version": crate::VERSION,
        "agent_startup_time_ms": facts.started_ms,
        "flavor": "galgo",
        "hostname_source": facts.host_source.name(),
        "install_method_tool": "",
        "install_method_tool_version": "",
        "install_method_installer_version": "",
        "logs_transport": if settings.logs.enabled { "HTTP" } else { "" },
        "config_dd_url": scrub(&settings.dd_url),
        "config_site": settings.site,
        "config_logs_dd_url": settings.logs.endpoints.first().map(|server| scrub(&server.url)),
        "config_proxy_http": proxy(&settings.proxy.http),
        "config_proxy_https": proxy(&settings.proxy.https),
        "config_no_proxy": settings.proxy.no_proxy,
        "feature_logs_enabled": settings.logs.enabled,
        "feature_dogstatsd_enabled": settings.dogstatsd.enabled,
        "feature_process_enabled": false,
        "feature_apm_enabled": false,
        "feature_cws_enabled": false,
        "feature_networks_enabled": false,
        "feature_otlp_enabled": false,
        "feature_remote_configuration_enabled": false,
    });
    if settings.metadata.with_configuration {
        agent["full_configuration"] = json!(yaml(&settings.tree));
    }
    envelope(facts, "agent_metadata", agent)
}

fn envelope(facts: &AgentFacts, kind: &str, content: Value) -> Value {
    json!({
        "hostname": facts.host,
        "uuid": facts.uuid,
        // Nanoseconds on the wire.
        "timestamp": facts.now_ms.saturating_mul(1_000_000),
        kind: content,
    })
}

/// A configuration as YAML without its secrets, empty when there is none.
fn yaml(value: &Value) -> String {
    let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
    if is_empty {
        return String::new();
    }
    // Only keys that are no text could be refused, and JSON has none.
    serde_norway::to_string(&scrub_value(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
