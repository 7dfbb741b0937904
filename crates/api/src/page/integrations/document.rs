//! How instances of checks and sources of logs look on the page.

use galgo_catalog::agents::reading::{ReportedInstance, ReportedLogs, STALE_SECONDS};
use serde_json::{Value, json};

/// An instance with its host.
pub fn instance(reported: &ReportedInstance, now: i64) -> Value {
    let ReportedInstance { host, instance, configuration, reported_at } = reported;
    let details = &instance.details;
    json!({
        "host": host,
        "check": instance.check,
        "instance": instance.instance,
        "status": instance.status,
        "version": instance.version,
        "last_run": instance.last_run,
        "reported_at": reported_at,
        "stale": is_stale(*reported_at, now),
        "source": if details.source.is_empty() { configuration.as_ref().map(|own| &own.source) } else { Some(&details.source) },
        "loader": details.loader,
        "interval_s": details.interval_s,
        "runs": details.runs,
        "failed_runs": details.failed_runs,
        "total_ms": details.total_ms,
        "metric_samples": details.metric_samples,
        "last": details.last,
        "last_ok": details.last_ok,
        "error": details.error,
        "traceback": details.traceback,
        "warnings": details.warnings,
        "metadata": details.metadata,
        "configuration": configuration.as_ref().map(|own| json!({
            "provider": own.provider,
            "init_config": own.init_config,
            "instance": own.instance_config,
        })),
    })
}

/// A source of logs with its host.
pub fn log_source(reported: &ReportedLogs, now: i64) -> Value {
    let ReportedLogs { host, source, reported_at } = reported;
    let mut document = source.details.clone();
    for (key, value) in [
        ("host", json!(host)),
        ("type", json!(source.kind)),
        ("state", json!(source.state)),
        ("reported_at", json!(reported_at)),
        ("stale", json!(is_stale(*reported_at, now))),
    ] {
        document.insert(key.to_owned(), value);
    }
    Value::Object(document)
}

/// Whether a report is so old that it says little of now.
pub fn is_stale(reported_at: i64, now: i64) -> bool {
    reported_at < now - STALE_SECONDS
}
