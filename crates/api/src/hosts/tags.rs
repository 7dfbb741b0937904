//! `/api/v1/tags/hosts`: host tags by source.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Editor, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::params::Params;

/// The source of tags that people set, when they name none.
const DEFAULT_SOURCE: &str = "users";

#[derive(Debug, Deserialize)]
struct Request {
    tags: Option<Vec<String>>,
}

/// `GET /api/v1/tags/hosts`.
pub async fn all(State(app): State<Arc<App>>, _: Reader, params: Params) -> Json<Value> {
    Json(json!({ "tags": app.catalog.hosts_by_tag(params.text("source")) }))
}

/// `GET /api/v1/tags/hosts/{host}`.
pub async fn one(
    State(app): State<Arc<App>>,
    _: Reader,
    Path(host): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let tags = app.catalog.host_tags(&host, params.text("source")).ok_or_else(|| unknown(&host))?;
    Ok(Json(json!({ "host": host, "tags": tags })))
}

/// `POST /api/v1/tags/hosts/{host}`: adds.
pub async fn add(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(host): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let given = requested(body::json(&app, &headers, body).await?)?;
    let tags = app.catalog.add_host_tags(&editor.actor, &host, source(&params), &given).await?;
    Ok((StatusCode::CREATED, Json(json!({ "host": host, "tags": tags }))))
}

/// `PUT /api/v1/tags/hosts/{host}`: replaces.
pub async fn replace(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(host): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let given = requested(body::json(&app, &headers, body).await?)?;
    let tags = app.catalog.replace_host_tags(&editor.actor, &host, source(&params), &given).await?;
    Ok((StatusCode::CREATED, Json(json!({ "host": host, "tags": tags }))))
}

/// `DELETE /api/v1/tags/hosts/{host}`.
pub async fn remove(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(host): Path<String>,
    params: Params,
) -> ApiResult<StatusCode> {
    app.catalog.host_tags(&host, None).ok_or_else(|| unknown(&host))?;
    app.catalog.remove_host_tags(&editor.actor, &host, source(&params)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn source(params: &Params) -> &str {
    params.text("source").unwrap_or(DEFAULT_SOURCE)
}

fn requested(request: Request) -> ApiResult<Vec<String>> {
    request.tags.ok_or_else(|| ApiError::bad("tags is required: a list of strings"))
}

fn unknown(host: &str) -> ApiError {
    ApiError::not_found(format!("Host not found: {host}"))
}
