//! Tag configurations (`manage_tags`) of single metrics and, by prefix, of many.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use galgo_catalog::{CatalogError, TagConfiguration, TagConfigurationChange};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Editor, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::metrics::names;
use crate::times::iso;

/// Most metrics that one bulk call changes.
const MAX_BULK: usize = 10_000;

#[derive(Debug, Deserialize)]
struct Request {
    data: RequestData,
}

#[derive(Debug, Deserialize)]
struct RequestData {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    tags: Option<Vec<String>>,
    metric_type: Option<String>,
    include_percentiles: Option<bool>,
    exclude_tags_mode: Option<bool>,
    aggregations: Option<Vec<Aggregation>>,
    emails: Option<Vec<String>>,
    override_existing_configurations: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
struct Aggregation {
    space: String,
    time: String,
}

/// A configuration as the API shows it.
pub fn document(configuration: &TagConfiguration) -> Value {
    let mut attributes = json!({
        "tags": configuration.tags,
        "created_at": iso(configuration.created_at),
        "modified_at": iso(configuration.modified_at),
        "metric_type": configuration.metric_type,
    });
    if configuration.metric_type == "distribution" {
        attributes["include_percentiles"] = configuration.include_percentiles.unwrap_or(false).into();
    } else {
        let pair = |(space, time): &(String, String)| json!({ "space": space, "time": time });
        attributes["aggregations"] = configuration.aggregations.iter().map(pair).collect();
    }
    if configuration.exclude_tags_mode {
        attributes["exclude_tags_mode"] = true.into();
    }
    json!({ "type": "manage_tags", "id": configuration.metric, "attributes": attributes })
}

/// `GET /api/v2/metrics/{metric}/tags`.
pub async fn one(State(app): State<Arc<App>>, _: Reader, Path(metric): Path<String>) -> ApiResult<Json<Value>> {
    let configuration = app.catalog.tag_configuration(&metric).ok_or_else(|| not_found(&metric))?;
    Ok(Json(json!({ "data": document(&configuration) })))
}

/// `POST /api/v2/metrics/{metric}/tags`.
pub async fn create(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(metric): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let attributes = checked(body::json(&app, &headers, body).await?, &metric, "manage_tags")?;
    let metric_type = attributes.metric_type.clone().ok_or_else(|| ApiError::bad("metric_type is required"))?;
    let new = configuration(&metric, &metric_type, attributes)?;
    let made = app.catalog.create_tag_configuration(&editor.actor, new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "data": document(&made) }))))
}

/// `PATCH /api/v2/metrics/{metric}/tags`.
pub async fn update(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(metric): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let attributes = checked(body::json(&app, &headers, body).await?, &metric, "manage_tags")?;
    let known = app.catalog.tag_configuration(&metric).ok_or_else(|| not_found(&metric))?;
    check_percentiles(&known.metric_type, attributes.include_percentiles)?;
    let change = TagConfigurationChange {
        tags: attributes.tags,
        include_percentiles: attributes.include_percentiles,
        exclude_tags_mode: attributes.exclude_tags_mode,
        aggregations: attributes.aggregations.map(pairs).transpose()?,
    };
    let changed = app.catalog.update_tag_configuration(&editor.actor, &metric, change).await?;
    Ok(Json(json!({ "data": document(&changed) })))
}

/// `DELETE /api/v2/metrics/{metric}/tags`.
pub async fn delete(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(metric): Path<String>,
) -> ApiResult<StatusCode> {
    app.catalog.delete_tag_configuration(&editor.actor, &metric).await.map_err(|error| match error {
        CatalogError::NotFound { .. } => not_found(&metric),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v2/metrics/config/bulk-tags`: configures every metric whose name starts with the id.
pub async fn bulk_create(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let (prefix, attributes) = bulk(body::json(&app, &headers, body).await?)?;
    let tags = attributes.tags.clone().unwrap_or_default();
    let replace = attributes.override_existing_configurations.unwrap_or(true);
    let list = names::since(&app, 0).await?;
    for summary in list.iter().filter(|summary| summary.name.starts_with(&prefix)).take(MAX_BULK) {
        let exists = app.catalog.tag_configuration(&summary.name).is_some();
        if exists && replace {
            let change = TagConfigurationChange {
                tags: Some(tags.clone()),
                exclude_tags_mode: attributes.exclude_tags_mode,
                ..TagConfigurationChange::default()
            };
            app.catalog.update_tag_configuration(&editor.actor, &summary.name, change).await?;
        } else if !exists {
            let own = Attributes {
                tags: Some(tags.clone()),
                exclude_tags_mode: attributes.exclude_tags_mode,
                ..Attributes::default()
            };
            let new = configuration(&summary.name, summary.kind.as_str(), own)?;
            app.catalog.create_tag_configuration(&editor.actor, new).await?;
        }
    }
    Ok(bulk_answer(&prefix, &attributes, Some(tags)))
}

/// `DELETE /api/v2/metrics/config/bulk-tags`: removes the configurations of every metric whose name starts with the id.
pub async fn bulk_delete(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let (prefix, attributes) = bulk(body::json(&app, &headers, body).await?)?;
    let configured = app.catalog.tag_configurations();
    for known in configured.iter().filter(|known| known.metric.starts_with(&prefix)).take(MAX_BULK) {
        app.catalog.delete_tag_configuration(&editor.actor, &known.metric).await?;
    }
    Ok(bulk_answer(&prefix, &attributes, None))
}

fn bulk(request: Request) -> ApiResult<(String, Attributes)> {
    check_kind(&request.data.kind, "metric_bulk_configure_tags")?;
    let prefix = request.data.id.filter(|id| !id.is_empty()).ok_or_else(|| ApiError::bad("data.id is required"))?;
    Ok((prefix, request.data.attributes))
}

fn bulk_answer(prefix: &str, asked: &Attributes, tags: Option<Vec<String>>) -> (StatusCode, Json<Value>) {
    let mut attributes = json!({ "status": "Accepted" });
    if let Some(tags) = tags {
        attributes["tags"] = json!(tags);
    }
    if let Some(emails) = &asked.emails {
        attributes["emails"] = json!(emails);
    }
    if let Some(exclude) = asked.exclude_tags_mode {
        attributes["exclude_tags_mode"] = exclude.into();
    }
    let data = json!({ "type": "metric_bulk_configure_tags", "id": prefix, "attributes": attributes });
    (StatusCode::ACCEPTED, Json(json!({ "data": data })))
}

fn checked(request: Request, metric: &str, kind: &str) -> ApiResult<Attributes> {
    check_kind(&request.data.kind, kind)?;
    if request.data.id.as_deref().is_some_and(|id| id != metric) {
        return Err(ApiError::bad("data.id differs from the metric in the path"));
    }
    Ok(request.data.attributes)
}

fn check_kind(given: &str, expected: &str) -> ApiResult<()> {
    if given == expected { Ok(()) } else { Err(ApiError::bad(format!("Invalid type. Expected \"{expected}\"."))) }
}

fn check_percentiles(metric_type: &str, include: Option<bool>) -> ApiResult<()> {
    if include.is_some() && metric_type != "distribution" {
        return Err(ApiError::bad(format!("include_percentiles is for distributions, not for a {metric_type}")));
    }
    Ok(())
}

fn configuration(metric: &str, metric_type: &str, attributes: Attributes) -> ApiResult<TagConfiguration> {
    if !["gauge", "count", "rate", "distribution"].contains(&metric_type) {
        return Err(ApiError::bad(format!("metric_type must be gauge, count, rate or distribution: {metric_type}")));
    }
    check_percentiles(metric_type, attributes.include_percentiles)?;
    let aggregations = match attributes.aggregations {
        Some(given) => pairs(given)?,
        None => default_aggregations(metric_type),
    };
    Ok(TagConfiguration {
        metric: metric.to_owned(),
        metric_type: metric_type.to_owned(),
        tags: attributes.tags.unwrap_or_default(),
        include_percentiles: (metric_type == "distribution").then(|| attributes.include_percentiles.unwrap_or(false)),
        exclude_tags_mode: attributes.exclude_tags_mode.unwrap_or(false),
        aggregations,
        created_at: 0,
        modified_at: 0,
    })
}

fn default_aggregations(metric_type: &str) -> Vec<(String, String)> {
    let both = match metric_type {
        "gauge" => "avg",
        "count" | "rate" => "sum",
        _ => return Vec::new(),
    };
    vec![(both.to_owned(), both.to_owned())]
}

fn pairs(given: Vec<Aggregation>) -> ApiResult<Vec<(String, String)>> {
    let checked = |pair: Aggregation| {
        let space_is_known = ["avg", "max", "min", "sum"].contains(&pair.space.as_str());
        let time_is_known = ["avg", "count", "max", "min", "sum"].contains(&pair.time.as_str());
        if space_is_known && time_is_known {
            Ok((pair.space, pair.time))
        } else {
            Err(ApiError::bad(format!("unknown aggregation: space {}, time {}", pair.space, pair.time)))
        }
    };
    given.into_iter().map(checked).collect()
}

fn not_found(metric: &str) -> ApiError {
    ApiError::not_found(format!("{metric} not found"))
}
