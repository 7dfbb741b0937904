//! `/api/v1/metrics`, `/api/v1/search` and metric metadata.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use galgo_catalog::{MetricMetadata, MetricMetadataChange};
use galgo_query::source::Scope;
use http::HeaderMap;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Editor, Reader};
use crate::body;
use crate::error::ApiResult;
use crate::metrics::cardinality::known;
use crate::metrics::names;
use crate::params::Params;
use crate::query::scope_of;

/// How far back a search looks, as Datadog's does.
const SEARCH_S: i64 = 24 * 3600;

/// Most names of a search's answer.
const MAX_FOUND: usize = 1000;

/// `GET /api/v1/metrics`: names of metrics with points since `from`.
pub async fn active(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let from = params.required_integer("from")?;
    let host = params.text("host").map(str::to_owned);
    let scope = params.text("tag_filter").map_or(Ok(Scope::All), scope_of)?;
    let found = names::select(&app, from, host, scope).await?;
    let metrics: Vec<&str> = found.iter().map(|summary| summary.name.as_str()).collect();
    Ok(Json(json!({ "from": from.to_string(), "metrics": metrics })))
}

/// `GET /api/v1/search`: `metrics:…`, `hosts:…`, or both.
pub async fn search(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let query = params.text("q").unwrap_or_default();
    let (wants_metrics, wants_hosts, text) = match query.split_once(':') {
        Some(("metrics" | "metric", text)) => (true, false, text),
        Some(("hosts" | "host", text)) => (false, true, text),
        _ => (true, true, query),
    };
    let text = text.trim();
    let mut results = serde_json::Map::new();
    if wants_metrics {
        let list = names::since(&app, app.clock.now_s() - SEARCH_S).await?;
        let wanted = text.to_lowercase();
        let matching = list.iter().filter(|summary| summary.name.to_lowercase().contains(&wanted));
        let found: Vec<&str> = matching.map(|summary| summary.name.as_str()).take(MAX_FOUND).collect();
        results.insert("metrics".into(), json!(found));
    }
    if wants_hosts {
        results.insert("hosts".into(), json!(app.catalog.host_names(text, MAX_FOUND)));
    }
    Ok(Json(json!({ "results": results })))
}

/// `GET /api/v1/metrics/{metric}`.
pub async fn metadata(State(app): State<Arc<App>>, _: Reader, Path(metric): Path<String>) -> ApiResult<Json<Value>> {
    let kind = kind_of(&app, &metric).await?;
    Ok(Json(document(&app.catalog.metric_metadata(&metric), kind)))
}

/// A change; an absent field stays, `null` or empty text clears it.
#[derive(Debug, Deserialize)]
struct Change {
    #[serde(default, rename = "type", deserialize_with = "present")]
    metric_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    unit: Option<String>,
    #[serde(default, deserialize_with = "present")]
    per_unit: Option<String>,
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    short_name: Option<String>,
    statsd_interval: Option<i64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
}

/// `PUT /api/v1/metrics/{metric}`.
pub async fn set_metadata(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(metric): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let change: Change = body::json(&app, &headers, body).await?;
    let kind = kind_of(&app, &metric).await?;
    let change = MetricMetadataChange {
        metric_type: change.metric_type,
        unit: change.unit,
        per_unit: change.per_unit,
        description: change.description,
        short_name: change.short_name,
        statsd_interval: change.statsd_interval,
        integration: None,
    };
    let metadata = app.catalog.set_metric_metadata(&editor.actor, &metric, change).await?;
    Ok(Json(document(&metadata, kind)))
}

/// The kind of a metric as it was sent; a 404 when nobody ever sent it.
async fn kind_of(app: &App, metric: &str) -> ApiResult<&'static str> {
    Ok(known(app, metric).await?.kind.as_str())
}

/// What is unknown is `null`, as Datadog has it.
fn document(metadata: &MetricMetadata, kind: &str) -> Value {
    let mut document = serde_json::Map::new();
    let shown_type = if metadata.metric_type.is_empty() { kind } else { &metadata.metric_type };
    for (key, text) in [
        ("type", shown_type),
        ("description", &metadata.description),
        ("short_name", &metadata.short_name),
        ("unit", &metadata.unit),
        ("per_unit", &metadata.per_unit),
        ("integration", &metadata.integration),
    ] {
        let value = if text.is_empty() { Value::Null } else { text.into() };
        document.insert(key.into(), value);
    }
    document.insert("statsd_interval".into(), metadata.statsd_interval.into());
    Value::Object(document)
}
