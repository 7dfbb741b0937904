//! `GET /integrations/{name}`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use galgo_catalog::CheckQuery;
use galgo_metrics::MetricSummary;
use serde_json::{Value, json};

use super::known;
use super::list::{Row, rows};
use super::{MAX_ROWS, METRICS_WINDOW_S, document};
use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::metrics::names;
use crate::page::metrics::{shown_type, shown_unit};

/// Most metrics of one answer.
const MAX_METRICS: usize = 1000;

/// One integration: where it runs, its service checks and metrics, how it is switched on.
pub async fn one(State(app): State<Arc<App>>, _: Reader, Path(name): Path<String>) -> ApiResult<Json<Value>> {
    let all = rows(&app).await?;
    let row = all.get(&name).ok_or_else(|| ApiError::not_found(format!("integration not found: {name}")))?;
    let now = app.clock.now_s();
    let instances = app.catalog.check_instances(&name, MAX_ROWS).await?;
    let hosts: Vec<Value> = instances
        .iter()
        .map(|reported| {
            let mut shown = document::instance(reported, now);
            shown["agent_version"] = app.catalog.host(&reported.host).map(|host| host.agent_version).into();
            shown
        })
        .collect();
    let logs = match &row.logs {
        Some(logs) => app.catalog.log_sources(&logs.kind, MAX_ROWS).await?,
        None => Vec::new(),
    };
    let logs: Vec<Value> = logs.iter().map(|reported| document::log_source(reported, now)).collect();
    let mut answer = row.document(&name);
    answer["instances"] = hosts.into();
    answer["logs"] = logs.into();
    answer["service_checks"] = service_checks(&app, row, &name);
    answer["metric_list"] = metrics(&app, &all, &name).await?;
    if let Some(known) = row.known {
        answer["metric_prefixes"] = json!(known.metric_prefixes);
        answer["files"] = json!(known.files);
        answer["steps"] = json!(known.steps);
        answer["notes"] = json!(known.notes);
    }
    Ok(Json(answer))
}

/// The service checks that it brings, each with the number of hosts and tags by status.
fn service_checks(app: &App, row: &Row, name: &str) -> Value {
    let expected: Vec<String> = match row.known {
        Some(known) => known.service_checks.clone(),
        None => {
            let prefix = format!("{name}.");
            app.catalog.check_names().into_iter().filter(|check| check.starts_with(&prefix)).collect()
        }
    };
    let counted = |check: String| {
        let states = app.catalog.check_states(&CheckQuery { check: check.clone(), ..CheckQuery::default() });
        let mut by_status = [0_usize; 4];
        for state in &states {
            if let Some(count) = by_status.get_mut(usize::from(u8::from(state.status))) {
                *count += 1;
            }
        }
        let [ok, warning, critical, unknown] = by_status;
        json!({ "check": check, "ok": ok, "warning": warning, "critical": critical, "unknown": unknown })
    };
    expected.into_iter().map(counted).collect()
}

async fn metrics(app: &App, all: &BTreeMap<String, Row>, name: &str) -> ApiResult<Value> {
    let list = names::since(app, app.clock.now_s() - METRICS_WINDOW_S).await?;
    let unknown: Vec<String> =
        all.iter().filter(|(_, row)| row.known.is_none()).map(|(name, _)| name.clone()).collect();
    let found = known::metrics_by_integration(list.iter().map(|metric| metric.name.as_str()), &unknown);
    let by_name: HashMap<&str, &MetricSummary> = list.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    let own = found.get(name).into_iter().flatten().take(MAX_METRICS);
    let shown = own.filter_map(|metric| by_name.get(metric)).map(|summary| {
        let metadata = app.catalog.metric_metadata(&summary.name);
        json!({
            "name": summary.name,
            "type": shown_type(&metadata, summary),
            "unit": shown_unit(&metadata, summary),
            "description": metadata.description,
            "series": summary.series,
            "hosts": summary.hosts,
            "last_seen": summary.last_seen,
        })
    });
    Ok(shown.collect())
}
