//! Muting hosts.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use galgo_catalog::{CatalogError, Mute};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Editor;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::params::Params;

#[derive(Debug, Default, Deserialize)]
struct Settings {
    end: Option<i64>,
    message: Option<String>,
    #[serde(rename = "override")]
    replace: Option<bool>,
}

/// `POST /api/v1/host/{host}/mute`. Settings come in the body or in the query, as the error text tells people.
pub async fn mute(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(host): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let settings: Settings = body::optional_json(&app, &headers, body).await?;
    let end = settings.end.or(params.integer("end")?);
    if let Some(end) = end.filter(|end| *end <= app.clock.now_s()) {
        return Err(ApiError::bad(format!("end must be in the future: {end}")));
    }
    let replace = settings.replace.or(params.flag("override")?).unwrap_or(false);
    let message = settings.message.or_else(|| params.text("message").map(str::to_owned)).unwrap_or_default();
    let muted = app.catalog.mute_host(&editor.actor, &host, Mute { end, message }, replace).await;
    let muted = muted.map_err(|error| match error {
        CatalogError::Conflict(_) => ApiError::bad(format!(
            "host:{host} is already muted. To mute this host with a different end timestamp, add ?override=true to \
             your request."
        )),
        other => other.into(),
    })?;
    let mut answer = json!({ "action": "Muted", "hostname": host });
    if let Some(end) = muted.end {
        answer["end"] = end.into();
    }
    if !muted.message.is_empty() {
        answer["message"] = muted.message.into();
    }
    Ok(Json(answer))
}

/// `POST /api/v1/host/{host}/unmute`.
pub async fn unmute(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(host): Path<String>,
    body: Body,
) -> ApiResult<Json<Value>> {
    body::discard(&app, body).await?;
    app.catalog.unmute_host(&editor.actor, &host).await.map_err(|error| match error {
        CatalogError::Conflict(_) | CatalogError::NotFound { .. } => ApiError::bad(format!("host:{host} is not muted")),
        other => other.into(),
    })?;
    Ok(Json(json!({ "action": "Unmuted", "hostname": host })))
}
