//! How many series a metric has, and by which tags: volumes, estimate, tag cardinalities, all tags, what is queried.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use galgo_core::MetricKind;
use galgo_metrics::TagKey;
use galgo_query::source::{
    Budget, Fill, Grid, Leaf, MetricInfo, MetricSource, Scope, SourceError, SpaceAgg, TimeAgg, TypeModifier,
};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::metrics::names;
use crate::params::Params;
use crate::times::iso;

/// How far back tags count, when the caller does not say.
const DEFAULT_WINDOW_S: usize = 14_400;

/// Longest such window.
const MAX_WINDOW_S: usize = 2_592_000;

/// Most tags of an answer.
const MAX_TAGS: usize = 10_000;

/// Most tag keys whose weight is measured one by one.
const MAX_KEYS: usize = 64;

/// `GET /api/v2/metrics/{metric}/all-tags`.
pub async fn all_tags(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(metric): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    known(&app, &metric).await?;
    let window = params.bounded("window[seconds]", DEFAULT_WINDOW_S, 1, MAX_WINDOW_S)?;
    let limit = params.bounded("page[limit]", MAX_TAGS, 1, MAX_TAGS)?;
    let wanted = params.text("filter[tags]").unwrap_or_default().to_lowercase();
    let with_values = params.flag("filter[include_tag_values]")?.unwrap_or(true);
    let keys = tag_keys(&app, &metric, app.clock.now_s() - window as i64).await?;
    let ingested: Vec<(&str, String)> = keys
        .iter()
        .flat_map(|key| spelled(key, with_values).map(move |tag| (key.key.as_str(), tag)))
        .filter(|(_, tag)| tag.contains(&wanted))
        .take(limit)
        .collect();
    let mut attributes = serde_json::Map::new();
    let configuration = app.catalog.tag_configuration(&metric);
    let kept = |key: &str| match &configuration {
        None => true,
        Some(rule) => rule.tags.iter().any(|tag| tag == key) != rule.exclude_tags_mode,
    };
    let tags: Vec<&String> = ingested.iter().filter(|(key, _)| kept(key)).map(|(_, tag)| tag).collect();
    attributes.insert("tags".into(), json!(tags));
    if configuration.is_some() {
        let all: Vec<&String> = ingested.iter().map(|(_, tag)| tag).collect();
        attributes.insert("ingested_tags".into(), json!(all));
    }
    Ok(Json(json!({ "data": { "type": "metrics", "id": metric, "attributes": attributes } })))
}

fn spelled(key: &TagKey, with_values: bool) -> Box<dyn Iterator<Item = String> + '_> {
    if !with_values {
        return Box::new(std::iter::once(key.key.clone()));
    }
    Box::new(key.values.iter().map(
        |(value, _)| {
            if value.is_empty() { key.key.clone() } else { format!("{}:{value}", key.key) }
        },
    ))
}

/// `GET /api/v2/metrics/{metric}/volumes`: Galgo indexes every series that comes in, so both numbers are the same.
pub async fn volumes(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(metric): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let whole = known(&app, &metric).await?;
    let window = params.bounded("window[seconds]", 3600, 1, MAX_WINDOW_S)?;
    let recent = names::since(&app, app.clock.now_s() - window as i64).await?;
    let series = recent.iter().find(|summary| summary.name == metric).map_or(0, |summary| summary.series);
    let (kind, attributes) = if whole.kind == MetricKind::Distribution {
        ("distinct_metric_volumes", json!({ "distinct_volume": series }))
    } else {
        ("metric_volumes", json!({ "indexed_volume": series, "ingested_volume": series }))
    };
    Ok(Json(json!({ "data": { "type": kind, "id": metric, "attributes": attributes } })))
}

/// `GET /api/v2/metrics/{metric}/estimate`: how many series would be left with only some of the tags.
pub async fn estimate(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(metric): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let hours = params.bounded("filter[hours_ago]", 49, 1, 24 * 62)?;
    let span = params.bounded("filter[timespan_h]", hours, 1, 24 * 62)?;
    let aggregations = params.bounded("filter[num_aggregations]", 1, 0, 9)?.max(1);
    let percentiles = params.flag("filter[pct]")?.unwrap_or(false);
    let exclude = params.flag("filter[exclude_tags_mode]")?.unwrap_or(false);
    let named: Vec<String> = params
        .text("filter[groups]")
        .unwrap_or_default()
        .split(',')
        .map(|key| key.trim().to_owned())
        .filter(|key| !key.is_empty())
        .collect();
    let sent = described(&app, &metric).await?;
    let now = app.clock.now_s();
    let (from, to) = (now - hours as i64 * 3600, (now - hours as i64 * 3600 + span as i64 * 3600).min(now) + 1);
    let groups = if exclude {
        let keys = tag_keys(&app, &metric, from).await?;
        keys.into_iter().map(|key| key.key).filter(|key| !named.contains(key)).collect()
    } else {
        named
    };
    let counted = metric.clone();
    let count = app.queries.run(move |source, budget| groups_of(source, budget, &counted, &groups, from, to)).await?;
    let count = count.map_err(failed)?;
    let kind = match sent.map(|info| info.kind) {
        Some(MetricKind::Distribution) if percentiles => "percentile",
        Some(MetricKind::Distribution) => "distribution",
        _ => "count_or_gauge",
    };
    let per_group = if kind == "count_or_gauge" { aggregations } else { 5 };
    let attributes = json!({
        "estimated_output_series": count * if kind == "percentile" { 2 * per_group } else { per_group },
        "estimate_type": kind,
        "estimated_at": iso(now),
    });
    Ok(Json(json!({ "data": { "type": "metric_cardinality_estimate", "id": metric, "attributes": attributes } })))
}

/// `GET /api/v2/metrics/{metric}/tag-cardinalities`: how many series fewer there would be without each tag.
pub async fn tag_cardinalities(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(metric): Path<String>,
) -> ApiResult<Json<Value>> {
    known(&app, &metric).await?;
    let now = app.clock.now_s();
    let from = now - DEFAULT_WINDOW_S as i64;
    let keys: Vec<String> = tag_keys(&app, &metric, from).await?.into_iter().map(|key| key.key).collect();
    let counted = metric.clone();
    let measure = move |source: &dyn MetricSource, budget: &Budget| {
        let all = groups_of(source, budget, &counted, &keys, from, now + 1)?;
        let mut deltas = Vec::new();
        for key in keys.iter().take(MAX_KEYS) {
            let others: Vec<String> = keys.iter().filter(|other| *other != key).cloned().collect();
            let without = groups_of(source, budget, &counted, &others, from, now + 1)?;
            deltas.push((key.clone(), all.saturating_sub(without)));
        }
        Ok(deltas)
    };
    let mut deltas = app.queries.run(measure).await?.map_err(failed)?;
    deltas.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let entry = |(key, delta): &(String, usize)| json!({ "type": "tag_cardinality", "id": key, "attributes": { "cardinality_delta": delta } });
    let data: Vec<Value> = deltas.iter().map(entry).collect();
    Ok(Json(json!({ "data": data, "meta": { "metric_name": metric } })))
}

/// `GET /api/v2/metrics/{metric}/active-configurations`: tags and aggregations that were queried.
pub async fn active_configurations(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(metric): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    known(&app, &metric).await?;
    let window = params.bounded("window[seconds]", 604_800, 1, MAX_WINDOW_S)?;
    let used = app.queried.of(&metric, app.clock.now_s() - window as i64);
    let aggregations: Vec<Value> =
        used.aggregations.iter().map(|(space, time)| json!({ "space": space, "time": time })).collect();
    let attributes = json!({ "active_tags": used.tags, "active_aggregations": aggregations });
    Ok(Json(json!({ "data": { "type": "actively_queried_configurations", "id": metric, "attributes": attributes } })))
}

/// `GET /api/v2/metrics/{metric}/assets`: what uses the metric. There are no dashboards, monitors, notebooks or SLOs
/// yet, so nothing does.
pub async fn assets(State(app): State<Arc<App>>, _: Reader, Path(metric): Path<String>) -> ApiResult<Json<Value>> {
    known(&app, &metric).await?;
    let none = json!({ "data": [] });
    let relationships = json!({ "dashboards": none, "monitors": none, "notebooks": none, "slos": none });
    Ok(Json(json!({
        "data": { "type": "metrics", "id": metric, "relationships": relationships },
        "included": [],
    })))
}

/// A metric that somebody sent; a 404 otherwise.
pub async fn known(app: &App, metric: &str) -> ApiResult<MetricInfo> {
    described(app, metric).await?.ok_or_else(|| ApiError::not_found(format!("metric not found: {metric}")))
}

async fn described(app: &App, metric: &str) -> ApiResult<Option<MetricInfo>> {
    let name = metric.to_owned();
    app.queries.run(move |source, _| source.describe(&name)).await
}

/// The tag keys of a metric.
pub async fn tag_keys(app: &App, metric: &str, from: i64) -> ApiResult<Vec<TagKey>> {
    let engine = app.engine.clone();
    let metric = metric.to_owned();
    app.queries.run(move |_, _| engine.tag_keys(&metric, from)).await
}

/// Number of distinct combinations of some tags.
fn groups_of(
    source: &dyn MetricSource,
    budget: &Budget,
    metric: &str,
    groups: &[String],
    from: i64,
    to: i64,
) -> Result<usize, SourceError> {
    let step = (to - from).max(1);
    let leaf = Leaf {
        metric: metric.to_owned(),
        scope: Scope::All,
        group_by: groups.to_vec(),
        space: SpaceAgg::Avg,
        time: Some(TimeAgg::Avg),
        modifier: TypeModifier::None,
        fill: Fill::Null,
        weighted: false,
        diff: None,
        grid: Grid::Edges(vec![from, from + step]),
        skip_ungrouped: false,
    };
    Ok(source.leaf(&leaf, budget)?.rows.len())
}

fn failed(error: SourceError) -> ApiError {
    match error {
        SourceError::Limit(text) => ApiError::Unprocessable(text),
        SourceError::Storage(text) => ApiError::Internal(text),
    }
}
