//! Are my keys valid?

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Reader, Sender};
use crate::credentials;
use crate::error::{ApiError, ApiResult};

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/validate", get(|_: Sender| async { Json(json!({ "valid": true })) }))
        .route("/api/v2/validate", get(validate))
        .route("/api/v2/validate_keys", get(|_: Reader| async { Json(json!({ "status": "ok" })) }))
}

async fn validate(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> ApiResult<Json<Value>> {
    let key = credentials::api_key(&uri, &headers).ok_or_else(|| ApiError::Forbidden("API key required".into()))?;
    let identity = app.catalog.api_key(&key).ok_or_else(|| ApiError::Forbidden("Forbidden".into()))?;
    let attributes = json!({ "valid": true, "api_key_scopes": [], "api_key_id": &*identity.key_id });
    Ok(Json(json!({ "data": { "id": &*identity.key_id, "type": "validate_v2", "attributes": attributes } })))
}
