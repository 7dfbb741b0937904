//! Completion while one types a query.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::ApiResult;
use crate::metrics::cardinality;
use crate::metrics::names::{self, rank};
use crate::page::metrics::{shown_type, shown_unit};
use crate::params::Params;

/// How far back metrics and tags are offered.
const WINDOW_S: i64 = 7 * 86_400;

/// Most offers.
const MAX_OFFERS: usize = 1000;

/// `GET /functions`: the table that the evaluator itself uses.
pub async fn functions(_: Reader) -> Json<Value> {
    Json(crate::query::functions::document())
}

/// `GET /complete/metrics?q=&limit=`: best first.
pub async fn metrics(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let limit = params.bounded("limit", 50, 1, MAX_OFFERS)?;
    let typed = params.text("q").unwrap_or_default();
    let list = names::since(&app, app.clock.now_s() - WINDOW_S).await?;
    let mut ranked: Vec<(u32, &galgo_metrics::MetricSummary)> =
        list.iter().filter_map(|summary| Some((rank(&summary.name, typed)?, summary))).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    let offers = ranked.into_iter().take(limit).map(|(_, summary)| {
        let metadata = app.catalog.metric_metadata(&summary.name);
        let unit = Some(shown_unit(&metadata, summary)).filter(|unit| !unit.is_empty());
        json!({ "name": summary.name, "type": shown_type(&metadata, summary), "unit": unit })
    });
    Ok(Json(json!({ "metrics": offers.collect::<Vec<_>>() })))
}

/// `GET /complete/tag-keys?metric=`.
pub async fn tag_keys(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let metric = params.required_text("metric")?;
    let keys = cardinality::tag_keys(&app, metric, app.clock.now_s() - WINDOW_S).await?;
    let offers: Vec<Value> = keys.iter().map(|key| json!({ "key": key.key, "values": key.values.len() })).collect();
    Ok(Json(json!({ "keys": offers })))
}

/// `GET /complete/tag-values?metric=&key=&q=&limit=`.
pub async fn tag_values(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let limit = params.bounded("limit", 50, 1, MAX_OFFERS)?;
    let (metric, wanted) = (params.required_text("metric")?, params.required_text("key")?);
    let typed = params.text("q").unwrap_or_default();
    let keys = cardinality::tag_keys(&app, metric, app.clock.now_s() - WINDOW_S).await?;
    let values = keys.into_iter().find(|key| key.key == wanted).map(|key| key.values).unwrap_or_default();
    let mut ranked: Vec<(u32, String)> =
        values.into_iter().filter_map(|(value, _)| Some((rank(&value, typed)?, value))).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let offers: Vec<String> = ranked.into_iter().take(limit).map(|(_, value)| value).collect();
    Ok(Json(json!({ "values": offers })))
}
