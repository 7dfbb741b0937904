//! Keys in short form, for the page.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use galgo_catalog::{KeyInfo, NewKey};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::keys::check_name;
use crate::app::App;
use crate::auth::{Admin, Editor, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};

#[derive(Debug, Deserialize)]
struct Request {
    name: String,
}

/// `GET /api-keys`.
pub async fn list_api(State(app): State<Arc<App>>, _: Editor) -> ApiResult<Json<Value>> {
    let keys = app.catalog.list_api_keys().await?;
    Ok(Json(json!({ "keys": keys.iter().map(|key| document(&app, key)).collect::<Vec<_>>() })))
}

/// `POST /api-keys`.
pub async fn create_api(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let request: Request = body::json(&app, &headers, body).await?;
    let key = app.catalog.create_api_key(&admin.actor, &check_name(request.name)?).await?;
    Ok((StatusCode::CREATED, Json(made(&app, &key))))
}

/// `DELETE /api-keys/{id}`.
pub async fn revoke_api(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    app.catalog.revoke_api_key(&admin.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /application-keys`: one's own.
pub async fn list_app(State(app): State<Arc<App>>, reader: Reader) -> ApiResult<Json<Value>> {
    let keys = app.catalog.list_app_keys(Some(&reader.user.id)).await?;
    Ok(Json(json!({ "keys": keys.iter().map(|key| document(&app, key)).collect::<Vec<_>>() })))
}

/// `POST /application-keys`.
pub async fn create_app(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let request: Request = body::json(&app, &headers, body).await?;
    let key = app.catalog.create_app_key(&editor.actor, &editor.user.id, &check_name(request.name)?).await?;
    Ok((StatusCode::CREATED, Json(made(&app, &key))))
}

/// `DELETE /application-keys/{id}`: one's own.
pub async fn revoke_app(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let own = app.catalog.list_app_keys(Some(&editor.user.id)).await?;
    if !own.iter().any(|key| key.id == id) {
        return Err(ApiError::not_found(format!("application key not found: {id}")));
    }
    app.catalog.revoke_app_key(&editor.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn document(app: &App, key: &KeyInfo) -> Value {
    let owner = app.catalog.user(&key.owner_id).map(|user| user.handle.clone());
    json!({
        "id": key.id,
        "name": key.name,
        "last4": key.last4,
        "owner": owner,
        "created_at": key.created_at,
        "from_configuration": key.from_configuration,
    })
}

fn made(app: &App, key: &NewKey) -> Value {
    let mut document = document(app, &key.info);
    document["key"] = key.secret.clone().into();
    document
}
