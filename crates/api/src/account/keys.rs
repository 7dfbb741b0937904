//! API and application keys of the v2 API. A secret is in the answer that made it and nowhere else, because only its
//! hash is stored: later answers leave `key` out.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use galgo_catalog::{KeyInfo, NewKey};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::users::user_document;
use crate::app::App;
use crate::auth::{Admin, Editor, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::params::Params;
use crate::times::iso;

/// Longest name of a key.
const MAX_NAME_CHARS: usize = 255;

/// Keys of a page when the caller does not say.
const DEFAULT_PAGE: usize = 10;

/// Most keys of a page.
const MAX_PAGE: usize = 1000;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v2/api_keys", get(list_api_keys).post(create_api_key))
        .route("/api/v2/api_keys/{id}", get(one_api_key).patch(rename_api_key).delete(revoke_api_key))
        .route("/api/v2/application_keys", get(list_app_keys))
        .route("/api/v2/application_keys/{id}", get(one_app_key).patch(rename_app_key).delete(revoke_app_key))
        .route("/api/v2/current_user/application_keys", get(list_own_keys).post(create_own_key))
        .route(
            "/api/v2/current_user/application_keys/{id}",
            get(one_own_key).patch(rename_own_key).delete(revoke_own_key),
        )
}

/// `{data:{type, id?, attributes:{…}}}`.
#[derive(Debug, Deserialize)]
struct Request {
    data: RequestData,
}

#[derive(Debug, Deserialize)]
struct RequestData {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    attributes: RequestAttributes,
}

#[derive(Debug, Deserialize)]
struct RequestAttributes {
    name: Option<String>,
    scopes: Option<Vec<String>>,
}

/// The two kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Api,
    Application,
}

impl Kind {
    fn type_name(self) -> &'static str {
        match self {
            Self::Api => "api_keys",
            Self::Application => "application_keys",
        }
    }

    fn not_found(self) -> ApiError {
        ApiError::not_found(match self {
            Self::Api => "API key not found",
            Self::Application => "Application key not found",
        })
    }
}

async fn list_api_keys(State(app): State<Arc<App>>, _: Editor, params: Params) -> ApiResult<Json<Value>> {
    let (page, total) = paged(app.catalog.list_api_keys().await?, &params)?;
    let data: Vec<Value> = page.iter().map(|key| document(Kind::Api, key, None)).collect();
    Ok(Json(json!({ "data": data, "meta": { "max_allowed": MAX_PAGE, "page": { "total_filtered_count": total } } })))
}

async fn create_api_key(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let name = new_name(Kind::Api, body::json(&app, &headers, body).await?)?;
    Ok(created(Kind::Api, &app.catalog.create_api_key(&admin.actor, &name).await?))
}

async fn one_api_key(State(app): State<Arc<App>>, _: Editor, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    let key = find(app.catalog.list_api_keys().await?, &id).ok_or_else(|| Kind::Api.not_found())?;
    Ok(Json(json!({ "data": document(Kind::Api, &key, None) })))
}

async fn rename_api_key(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let name = changed_name(Kind::Api, &id, body::json(&app, &headers, body).await?)?;
    find(app.catalog.list_api_keys().await?, &id).ok_or_else(|| Kind::Api.not_found())?;
    let key = app.catalog.rename_api_key(&admin.actor, &id, &name).await?;
    Ok(Json(json!({ "data": document(Kind::Api, &key, None) })))
}

async fn revoke_api_key(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    find(app.catalog.list_api_keys().await?, &id).ok_or_else(|| Kind::Api.not_found())?;
    app.catalog.revoke_api_key(&admin.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_app_keys(State(app): State<Arc<App>>, _: Admin, params: Params) -> ApiResult<Json<Value>> {
    app_key_list(&app, None, &params).await
}

async fn list_own_keys(State(app): State<Arc<App>>, reader: Reader, params: Params) -> ApiResult<Json<Value>> {
    app_key_list(&app, Some(&reader.user.id), &params).await
}

async fn app_key_list(app: &App, owner: Option<&str>, params: &Params) -> ApiResult<Json<Value>> {
    let (page, total) = paged(app.catalog.list_app_keys(owner).await?, params)?;
    let data: Vec<Value> = page.iter().map(|key| document(Kind::Application, key, None)).collect();
    Ok(Json(json!({
        "data": data,
        "meta": { "max_allowed_per_user": MAX_PAGE, "page": { "total_filtered_count": total } },
    })))
}

async fn create_own_key(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let name = new_name(Kind::Application, body::json(&app, &headers, body).await?)?;
    let key = app.catalog.create_app_key(&editor.actor, &editor.user.id, &name).await?;
    Ok(created(Kind::Application, &key))
}

async fn one_app_key(State(app): State<Arc<App>>, _: Admin, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    Ok(Json(json!({ "data": document(Kind::Application, &app_key(&app, None, &id).await?, None) })))
}

async fn one_own_key(State(app): State<Arc<App>>, reader: Reader, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    let key = app_key(&app, Some(&reader.user.id), &id).await?;
    Ok(Json(json!({
        "data": document(Kind::Application, &key, None),
        "included": [user_document(&reader.user, &app.catalog.organisation())],
    })))
}

async fn rename_app_key(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    renamed(&app, &admin, None, &id, body::json(&app, &headers, body).await?).await
}

async fn rename_own_key(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    renamed(&app, &editor, Some(&editor.user.id), &id, body::json(&app, &headers, body).await?).await
}

async fn renamed(
    app: &App,
    reader: &Reader,
    owner: Option<&str>,
    id: &str,
    request: Request,
) -> ApiResult<Json<Value>> {
    let name = changed_name(Kind::Application, id, request)?;
    app_key(app, owner, id).await?;
    let key = app.catalog.rename_app_key(&reader.actor, id, &name).await?;
    Ok(Json(json!({ "data": document(Kind::Application, &key, None) })))
}

async fn revoke_app_key(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    app_key(&app, None, &id).await?;
    app.catalog.revoke_app_key(&admin.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke_own_key(
    State(app): State<Arc<App>>,
    Editor(editor): Editor,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    app_key(&app, Some(&editor.user.id), &id).await?;
    app.catalog.revoke_app_key(&editor.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An application key by id; one of somebody else does not exist for `owner`.
async fn app_key(app: &App, owner: Option<&str>, id: &str) -> ApiResult<KeyInfo> {
    find(app.catalog.list_app_keys(owner).await?, id).ok_or_else(|| Kind::Application.not_found())
}

fn find(keys: Vec<KeyInfo>, id: &str) -> Option<KeyInfo> {
    keys.into_iter().find(|key| key.id == id)
}

fn new_name(kind: Kind, request: Request) -> ApiResult<String> {
    check_type(kind, &request.data)?;
    let name = request.data.attributes.name.unwrap_or_default();
    check_name(name)
}

fn changed_name(kind: Kind, id: &str, request: Request) -> ApiResult<String> {
    check_type(kind, &request.data)?;
    if request.data.id.is_some_and(|given| given != id) {
        return Err(ApiError::bad("data.id differs from the id in the path"));
    }
    check_name(request.data.attributes.name.unwrap_or_default())
}

fn check_type(kind: Kind, data: &RequestData) -> ApiResult<()> {
    if data.kind != kind.type_name() {
        return Err(ApiError::bad(format!("Invalid type. Expected \"{}\".", kind.type_name())));
    }
    // A key that looks restricted and is not would be worse than none.
    if data.attributes.scopes.as_ref().is_some_and(|scopes| !scopes.is_empty()) {
        return Err(ApiError::bad("scopes are not supported: an application key may do what its owner may"));
    }
    Ok(())
}

/// A name that may be given to a key.
pub fn check_name(name: String) -> ApiResult<String> {
    let name = name.trim().to_owned();
    match name.chars().count() {
        0 => Err(ApiError::bad("name is required")),
        length if length > MAX_NAME_CHARS => {
            Err(ApiError::bad(format!("name is longer than {MAX_NAME_CHARS} characters: {length}")))
        }
        _ => Ok(name),
    }
}

fn created(kind: Kind, key: &NewKey) -> Response {
    let data = document(kind, &key.info, Some(&key.secret));
    (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
}

fn document(kind: Kind, key: &KeyInfo, secret: Option<&str>) -> Value {
    let mut attributes = json!({ "name": key.name, "created_at": iso(key.created_at), "last4": key.last4 });
    let owner = if key.owner_id.is_empty() { Value::Null } else { json!({ "type": "users", "id": key.owner_id }) };
    let relationships = match kind {
        Kind::Api => {
            attributes["modified_at"] = iso(key.modified_at).into();
            attributes["category"] = "default".into();
            attributes["date_last_used"] = Value::Null;
            related(&[("created_by", &owner), ("modified_by", &owner)])
        }
        Kind::Application => {
            attributes["scopes"] = Value::Null;
            attributes["last_used_at"] = Value::Null;
            related(&[("owned_by", &owner)])
        }
    };
    if let Some(secret) = secret {
        attributes["key"] = secret.into();
    }
    json!({ "type": kind.type_name(), "id": key.id, "attributes": attributes, "relationships": relationships })
}

/// Relationships; those without a partner are left out, as clients do not take `null` for all of them.
fn related(pairs: &[(&str, &Value)]) -> Value {
    let known = pairs.iter().filter(|(_, data)| !data.is_null());
    Value::Object(known.map(|(name, data)| ((*name).to_owned(), json!({ "data": data }))).collect())
}

/// Filters, sorts and cuts a list as the parameters say; returns the page and how many match.
fn paged(mut keys: Vec<KeyInfo>, params: &Params) -> ApiResult<(Vec<KeyInfo>, usize)> {
    if let Some(filter) = params.text("filter") {
        keys.retain(|key| key.name.contains(filter) || key.last4 == filter);
    }
    if let Some(owner) = params.text("filter[owned_by]") {
        keys.retain(|key| key.owner_id == owner);
    }
    let sort = params.text("sort").unwrap_or("created_at");
    let (field, descending) = sort.strip_prefix('-').map_or((sort, false), |field| (field, true));
    let compare: fn(&KeyInfo, &KeyInfo) -> Ordering = match field {
        "created_at" => |a, b| a.created_at.cmp(&b.created_at),
        "modified_at" => |a, b| a.modified_at.cmp(&b.modified_at),
        "last4" => |a, b| a.last4.cmp(&b.last4),
        "name" => |a, b| a.name.cmp(&b.name),
        _ => return Err(ApiError::bad(format!("unknown sort: {sort}"))),
    };
    keys.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
    let size = params.bounded("page[size]", DEFAULT_PAGE, 1, MAX_PAGE)?;
    let number = params.bounded("page[number]", 0, 0, usize::MAX / MAX_PAGE)?;
    let total = keys.len();
    Ok((keys.into_iter().skip(size * number).take(size).collect(), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, created_at: i64) -> KeyInfo {
        KeyInfo {
            id: format!("id-{name}"),
            name: name.into(),
            last4: "abcd".into(),
            owner_id: String::new(),
            created_at,
            modified_at: created_at,
            from_configuration: false,
        }
    }

    #[test]
    fn lists_are_filtered_sorted_and_cut() {
        let keys = || vec![key("one", 3), key("two", 1), key("other", 2)];
        let names = |query: &str| {
            let (page, total) = paged(keys(), &Params::parse(query)).expect("valid parameters");
            (page.into_iter().map(|key| key.name).collect::<Vec<_>>(), total)
        };
        assert_eq!(names(""), (vec!["two".into(), "other".into(), "one".into()], 3));
        assert_eq!(names("sort=-name&page[size]=1&page[number]=1"), (vec!["other".into()], 3));
        assert_eq!(names("filter=ot"), (vec!["other".into()], 1));
        assert!(paged(keys(), &Params::parse("sort=colour")).is_err());
        assert!(paged(keys(), &Params::parse("page[size]=0")).is_err());
    }
}
