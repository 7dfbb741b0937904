//! What the agent tells its servers of this host: what machine it is, every half hour; what its checks and log sources
//! do, every minute, so that the page is up to date; the inventories of agent and checks, every ten.

use std::sync::Arc;
use std::time::Duration;

use galgo_agent::Stop;
use galgo_agent::config::Settings;
use galgo_agent::host::{HostDescription, describe as describe_machine};
use galgo_agent::inventory::{self, AgentFacts};
use galgo_forward::Route;
use galgo_tail::SourceStatus;
use serde_json::{Value, json};

use super::parts;
use super::run::Running;

/// How often the machine is described (reference: intake-agent.md §7.3).
const MACHINE_EVERY: Duration = Duration::from_secs(1800);

/// How often the states of checks are told. Datadog's agent does so every ten minutes; a page that says "last run" needs
/// it sooner.
const STATES_EVERY: Duration = Duration::from_secs(60);

/// When the states are first told: each check has run by then.
const FIRST_STATES_AFTER: Duration = Duration::from_secs(10);

/// Describes until told to stop.
pub async fn describe(running: Arc<Running>, mut stop: Stop) {
    let start = tokio::time::Instant::now();
    let mut machine = tokio::time::interval_at(start, MACHINE_EVERY);
    let mut states = tokio::time::interval_at(start + FIRST_STATES_AFTER, STATES_EVERY);
    let every = running.settings().metadata.max_interval.max(STATES_EVERY);
    let mut inventories = tokio::time::interval_at(start + FIRST_STATES_AFTER, every);
    let mut told = running.settings();
    loop {
        tokio::select! {
            () = stop.raised() => return,
            _ = machine.tick() => tell_machine(&running).await,
            _ = states.tick() => {
                tell_states(&running).await;
                // Tags may be others since the configuration was read anew.
                if !Arc::ptr_eq(&told, &running.settings()) {
                    told = running.settings();
                    tell_machine(&running).await;
                }
            }
            _ = inventories.tick() => tell_inventories(&running),
        }
    }
}

async fn tell_machine(running: &Arc<Running>) {
    let settings = running.settings();
    if !settings.metadata.enabled || !settings.forwarder.payloads.metadata {
        return;
    }
    let host = HostDescription {
        hostname: running.host.name.clone(),
        aliases: settings.host_aliases.clone(),
        tags: settings.tags.clone(),
        env: settings.env.clone(),
    };
    let roots = parts::roots(&settings);
    // It reads files, some of which may hang.
    match tokio::task::spawn_blocking(move || describe_machine(&host, &roots)).await {
        Ok(mut payload) => {
            let python = running.parts.python.state().version;
            if let (false, Value::Object(payload)) = (python.is_empty(), &mut payload) {
                payload.insert("python".into(), json!(python));
            }
            running.forwarder.payload(Route::Intake, &payload);
        }
        Err(error) => tracing::warn!(%error, "this host could not be described"),
    }
}

async fn tell_states(running: &Running) {
    let settings = running.settings();
    if !settings.metadata.enabled || !settings.forwarder.payloads.metadata {
        return;
    }
    let board = running.board.states();
    let logs = running.log_sources().await;
    let mut payload = inventory::check_states(&facts(running, &settings), &board);
    if let Value::Object(payload) = &mut payload {
        payload.insert("galgo_checks".into(), json!(board));
        payload.insert("galgo_logs".into(), logs);
        let tags = running.board.external_tags();
        if !tags.is_empty() {
            payload.insert("external_host_tags".into(), inventory::external_host_tags(&tags));
        }
    }
    running.forwarder.payload(Route::Intake, &payload);
}

fn tell_inventories(running: &Running) {
    let settings = running.settings();
    if !settings.metadata.enabled || !settings.metadata.inventories {
        return;
    }
    let facts = facts(running, &settings);
    let instances = running.loaded.lock().instances.clone();
    let board = running.board.states();
    running.forwarder.payload(Route::Metadata, &inventory::of_checks(&facts, &settings, &instances, &board));
    running.forwarder.payload(Route::Metadata, &inventory::of_agent(&facts, &settings));
}

fn facts(running: &Running, settings: &Settings) -> AgentFacts {
    AgentFacts::of_machine(&running.host, &parts::roots(settings), &*running.clock, running.started_ms())
}

/// A log source in the words of the page.
pub fn log_source(source: &SourceStatus) -> Value {
    json!({
        "type": source.kind, "path": source.name, "check": source.check, "service": source.service,
        "source": source.source, "state": source.state, "files": source.files.len(), "bytes": source.bytes_read,
        "lines": source.lines_read, "dropped": source.lines_dropped, "sent": source.lines_sent,
        "refused": source.lines_refused, "last_error": source.last_error, "warnings": source.warnings,
    })
}
