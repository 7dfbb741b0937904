//! API and application keys of the old v1 API, which names a key by its secret. Only the answer that makes a key can
//! show it, so lists show stars and the last four characters.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use galgo_catalog::KeyInfo;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::keys::check_name;
use crate::app::App;
use crate::auth::{Admin, Editor, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::times::iso;

/// Characters of an API key and of an application key.
const LENGTHS: (usize, usize) = (32, 40);

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/api_key", get(list_api).post(create_api))
        .route("/api/v1/api_key/{key}", get(one_api).put(rename_api).delete(revoke_api))
        .route("/api/v1/application_key", get(list_app).post(create_app))
        .route("/api/v1/application_key/{key}", get(one_app).put(rename_app).delete(revoke_app))
}

#[derive(Debug, Deserialize)]
struct Request {
    name: String,
}

async fn list_api(State(app): State<Arc<App>>, _: Editor) -> ApiResult<Json<Value>> {
    let keys = app.catalog.list_api_keys().await?;
    let shown: Vec<Value> = keys.iter().map(|key| api_document(&app, key, None)).collect();
    Ok(Json(json!({ "api_keys": shown })))
}

async fn create_api(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let request: Request = body::json(&app, &headers, body).await?;
    let key = app.catalog.create_api_key(&admin.actor, &check_name(request.name)?).await?;
    Ok(Json(json!({ "api_key": api_document(&app, &key.info, Some(&key.secret)) })))
}

async fn one_api(State(app): State<Arc<App>>, _: Editor, Path(key): Path<String>) -> ApiResult<Json<Value>> {
    let info = api_info(&app, &key).await?;
    Ok(Json(json!({ "api_key": api_document(&app, &info, Some(&key)) })))
}

async fn rename_api(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let request: Request = body::json(&app, &headers, body).await?;
    let info = api_info(&app, &key).await?;
    let info = app.catalog.rename_api_key(&admin.actor, &info.id, &check_name(request.name)?).await?;
    Ok(Json(json!({ "api_key": api_document(&app, &info, Some(&key)) })))
}

async fn revoke_api(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(key): Path<String>,
) -> ApiResult<Json<Value>> {
    let info = api_info(&app, &key).await?;
    app.catalog.revoke_api_key(&admin.actor, &info.id).await?;
    Ok(Json(json!({ "api_key": api_document(&app, &info, Some(&key)) })))
}

async fn list_app(State(app): State<Arc<App>>, reader: Reader) -> ApiResult<Json<Value>> {
    let keys = app.catalog.list_app_keys(Some(&reader.user.id)).await?;
    let shown: Vec<Value> = keys.iter().map(|key| app_document(&reader, key, None)).collect();
    Ok(Json(json!({ "application_keys": shown })))
}

async fn create_app(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let request: Request = body::json(&app, &headers, body).await?;
    let name = check_name(request.name)?;
    let taken = app.catalog.list_app_keys(Some(&editor.user.id)).await?.iter().any(|key| key.name == name);
    if taken {
        return Err(ApiError::Conflict(format!("an application key of this name exists: {name}")));
    }
    let key = app.catalog.create_app_key(&editor.actor, &editor.user.id, &name).await?;
    Ok(Json(json!({ "application_key": app_document(&editor, &key.info, Some(&key.secret)) })))
}

async fn one_app(State(app): State<Arc<App>>, reader: Reader, Path(key): Path<String>) -> ApiResult<Json<Value>> {
    let info = app_info(&app, &reader, &key).await?;
    Ok(Json(json!({ "application_key": app_document(&reader, &info, Some(&key)) })))
}

async fn rename_app(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let request: Request = body::json(&app, &headers, body).await?;
    let info = app_info(&app, &editor, &key).await?;
    let info = app.catalog.rename_app_key(&editor.actor, &info.id, &check_name(request.name)?).await?;
    Ok(Json(json!({ "application_key": app_document(&editor, &info, Some(&key)) })))
}

async fn revoke_app(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(key): Path<String>,
) -> ApiResult<Json<Value>> {
    let info = app_info(&app, &editor, &key).await?;
    app.catalog.revoke_app_key(&editor.actor, &info.id).await?;
    Ok(Json(json!({ "application_key": app_document(&editor, &info, Some(&key)) })))
}

async fn api_info(app: &App, secret: &str) -> ApiResult<KeyInfo> {
    let missing = || ApiError::not_found("API key not found");
    let identity = app.catalog.api_key(secret).ok_or_else(missing)?;
    let keys = app.catalog.list_api_keys().await?;
    keys.into_iter().find(|key| key.id == *identity.key_id).ok_or_else(missing)
}

async fn app_info(app: &App, reader: &Reader, secret: &str) -> ApiResult<KeyInfo> {
    let missing = || ApiError::not_found("Application key not found");
    let identity = app.catalog.app_key(secret).ok_or_else(missing)?;
    let keys = app.catalog.list_app_keys(Some(&reader.user.id)).await?;
    keys.into_iter().find(|key| key.id == *identity.key_id).ok_or_else(missing)
}

fn api_document(app: &App, key: &KeyInfo, secret: Option<&str>) -> Value {
    let creator = app.catalog.user(&key.owner_id).map(|user| user.handle.clone()).unwrap_or_default();
    let shown = secret.map_or_else(|| masked(&key.last4, LENGTHS.0), str::to_owned);
    json!({ "created": iso(key.created_at), "created_by": creator, "key": shown, "name": key.name })
}

fn app_document(reader: &Reader, key: &KeyInfo, secret: Option<&str>) -> Value {
    let shown = secret.map_or_else(|| masked(&key.last4, LENGTHS.1), str::to_owned);
    json!({ "hash": shown, "name": key.name, "owner": reader.user.handle })
}

fn masked(last4: &str, length: usize) -> String {
    format!("{}{last4}", "*".repeat(length.saturating_sub(last4.len())))
}
