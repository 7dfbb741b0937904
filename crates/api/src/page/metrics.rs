//! The metrics summary.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use galgo_catalog::MetricMetadata;
use galgo_metrics::MetricSummary;
use galgo_query::source::Scope;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::metrics::cardinality::tag_keys;
use crate::metrics::list::{from_hex, to_hex};
use crate::metrics::names::{self, rank};
use crate::params::Params;
use crate::query::scope_of;

/// How far back a metric counts as there when the caller does not say.
const DEFAULT_WINDOW_S: usize = 7 * 86_400;

/// Most metrics of a page.
const MAX_LIMIT: usize = 1000;

/// Most values shown of one tag.
const TOP_VALUES: usize = 20;

/// Most senders shown of one metric.
const MAX_SENDERS: usize = 200;

/// `GET /metrics`.
pub async fn list(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let window = params.bounded("window", DEFAULT_WINDOW_S, 1, 400 * 86_400)?;
    let limit = params.bounded("limit", 100, 1, MAX_LIMIT)?;
    let from = app.clock.now_s() - window as i64;
    let all = match params.text("tag") {
        None => names::since(&app, from).await?,
        Some(tag) => Arc::new(names::select(&app, from, None, scope_of(tag)?).await?),
    };
    let typed = params.text("q").unwrap_or_default();
    let wanted_type = params.text("type");
    let matches = |summary: &&MetricSummary| {
        wanted_type.is_none_or(|kind| kind == summary.kind.as_str()) && rank(&summary.name, typed).is_some()
    };
    let matching: Vec<&MetricSummary> = all.iter().filter(matches).collect();
    let after = params.text("cursor").map(|text| from_hex(text).ok_or_else(|| ApiError::bad("cursor is not ours")));
    let after = after.transpose()?;
    let rest = matching.iter().filter(|summary| after.as_ref().is_none_or(|after| summary.name > *after));
    let page: Vec<&&MetricSummary> = rest.clone().take(limit).collect();
    let more = rest.count() > limit;
    let cursor = page.last().filter(|_| more).map(|last| to_hex(&last.name));
    let documents: Vec<Value> = page.iter().map(|summary| document(&app, summary)).collect();
    Ok(Json(json!({ "metrics": documents, "total": matching.len(), "cursor": cursor })))
}

/// `GET /metrics/{name}`.
pub async fn one(State(app): State<Arc<App>>, _: Reader, Path(metric): Path<String>) -> ApiResult<Json<Value>> {
    let from = app.clock.now_s() - DEFAULT_WINDOW_S as i64;
    let recent = names::since(&app, from).await?.iter().find(|summary| summary.name == metric).cloned();
    let (summary, from) = match recent {
        Some(summary) => (summary, from),
        None => {
            let ever = names::select(&app, 0, None, Scope::All).await?;
            let found = ever.into_iter().find(|summary| summary.name == metric);
            (found.ok_or_else(|| ApiError::not_found(format!("metric not found: {metric}")))?, 0)
        }
    };
    let mut answer = document(&app, &summary);
    let tags: Vec<Value> = tag_keys(&app, &metric, from)
        .await?
        .iter()
        .map(|key| {
            let top: Vec<&str> = key.values.iter().take(TOP_VALUES).map(|(value, _)| value.as_str()).collect();
            json!({ "key": key.key, "values": key.values.len(), "top": top })
        })
        .collect();
    answer["tags"] = tags.into();
    let engine = app.engine.clone();
    let senders = app.queries.run(move |_, _| engine.senders(&metric, from)).await?;
    let shown = senders.iter().take(MAX_SENDERS).map(|sender| {
        let version = app.catalog.host(&sender.host).map(|host| host.agent_version).filter(|text| !text.is_empty());
        json!({
            "host": sender.host,
            "agent_version": version,
            "series": sender.series,
            "last_seen": sender.last_seen,
        })
    });
    answer["senders"] = shown.collect();
    answer["limit"] = app.engine.series_limit().into();
    Ok(Json(answer))
}

fn document(app: &App, summary: &MetricSummary) -> Value {
    let metadata = app.catalog.metric_metadata(&summary.name);
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "name": summary.name,
        "type": shown_type(&metadata, summary),
        "unit": text(shown_unit(&metadata, summary)),
        "per_unit": text(&metadata.per_unit),
        "description": text(&metadata.description),
        "interval": summary.interval,
        "series": summary.series,
        "hosts": summary.hosts,
        "last_seen": summary.last_seen,
    })
}

/// The type that users set, or the one that was sent.
pub fn shown_type<'a>(metadata: &'a MetricMetadata, summary: &'a MetricSummary) -> &'a str {
    if metadata.metric_type.is_empty() { summary.kind.as_str() } else { &metadata.metric_type }
}

/// The unit that users set or that is known, or the one that was sent.
pub fn shown_unit<'a>(metadata: &'a MetricMetadata, summary: &'a MetricSummary) -> &'a str {
    if metadata.unit.is_empty() { &summary.unit } else { &metadata.unit }
}
