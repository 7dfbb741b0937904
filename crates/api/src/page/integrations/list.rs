//! `GET /integrations`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use galgo_catalog::agents::reading::{RunningCheck, RunningLogs, STALE_SECONDS};
use serde_json::{Value, json};

use super::METRICS_WINDOW_S;
use super::known::{self, Integration, Kind};
use crate::app::App;
use crate::auth::Reader;
use crate::error::ApiResult;
use crate::metrics::names;

/// Heading of checks that are not in the catalogue.
const OTHER: &str = "Other";

/// Every integration that is known or runs.
pub async fn list(State(app): State<Arc<App>>, _: Reader) -> ApiResult<Json<Value>> {
    let rows = rows(&app).await?;
    let documents: Vec<Value> = rows.iter().map(|(name, row)| row.document(name)).collect();
    Ok(Json(json!({ "integrations": documents, "stale_after": STALE_SECONDS })))
}

/// One integration over all hosts.
#[derive(Debug, Default, Clone)]
pub struct Row {
    /// Its entry of the catalogue.
    pub known: Option<&'static Integration>,
    /// Its check, when agents run it.
    pub running: Option<RunningCheck>,
    /// Its log sources, when agents read some.
    pub logs: Option<RunningLogs>,
    /// Metrics of its own that came in lately.
    pub metrics: usize,
}

/// All integrations by name.
pub async fn rows(app: &App) -> ApiResult<BTreeMap<String, Row>> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for known in known::all() {
        rows.entry(known.name.clone()).or_default().known = Some(known);
    }
    for running in app.catalog.running_checks().await? {
        let check = running.check.clone();
        rows.entry(check).or_default().running = Some(running);
    }
    for logs in app.catalog.running_logs().await? {
        let known = known::all().iter().find(|known| known.kind == Kind::Logs && known.log_kind == logs.kind);
        let name = known.map_or_else(|| format!("logs_{}", logs.kind), |known| known.name.clone());
        rows.entry(name).or_default().logs = Some(logs);
    }
    let unknown: Vec<String> =
        rows.iter().filter(|(_, row)| row.known.is_none()).map(|(name, _)| name.clone()).collect();
    let metrics = names::since(app, app.clock.now_s() - METRICS_WINDOW_S).await?;
    let found = known::metrics_by_integration(metrics.iter().map(|metric| metric.name.as_str()), &unknown);
    for (name, metrics) in found {
        if let Some(row) = rows.get_mut(&name) {
            row.metrics = metrics.len();
        }
    }
    Ok(rows)
}

impl Row {
    /// As the page reads it.
    pub fn document(&self, name: &str) -> Value {
        let running = self.running.clone().unwrap_or_default();
        let logs = self.logs.clone().unwrap_or_default();
        let reported = running.reported_at.max(logs.reported_at);
        json!({
            "name": name,
            "title": self.known.map_or(name, |known| &known.title),
            "summary": self.known.map_or("", |known| &known.summary),
            "category": self.known.map_or(OTHER, |known| &known.category),
            "kind": self.known.map_or(Kind::Check, |known| known.kind),
            "known": self.known.is_some(),
            "default": self.known.is_some_and(|known| known.default),
            "hosts": running.hosts + logs.hosts,
            "stale_hosts": running.stale_hosts + logs.stale_hosts,
            "ok": running.ok + logs.sources - logs.error,
            "warning": running.warning,
            "error": running.error + logs.error,
            "pending": running.pending,
            "versions": running.versions,
            "metrics": self.metrics,
            "last_run": running.last_run,
            "reported_at": (reported > 0).then_some(reported),
        })
    }
}
