//! Users and roles, as the v2 API shows and changes them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use galgo_catalog::{Access, NewUser, Organisation, Role, User, UserChange};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Admin, Reader};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::params::Params;
use crate::times::iso;

/// Most users of a page.
const MAX_PAGE: usize = 500;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v2/current_user", get(current))
        .route("/api/v2/users", get(list).post(create))
        .route("/api/v2/users/{id}", get(one).patch(update).delete(disable))
        .route("/api/v2/roles", get(roles))
}

async fn current(State(app): State<Arc<App>>, reader: Reader) -> Json<Value> {
    Json(answer(&app, &reader.user))
}

async fn one(State(app): State<Arc<App>>, _: Reader, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    let user = app.catalog.user(&id).ok_or_else(|| ApiError::not_found("User not found"))?;
    Ok(Json(answer(&app, &user)))
}

async fn list(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let users = app.catalog.users();
    let total = users.len();
    let wanted = params.text("filter").unwrap_or_default().to_lowercase();
    let matches = |user: &&Arc<User>| {
        [&user.name, &user.email, &user.handle].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let matching: Vec<&Arc<User>> = users.iter().filter(matches).collect();
    let size = params.bounded("page[size]", 10, 1, MAX_PAGE)?;
    let number = params.bounded("page[number]", 0, 0, usize::MAX / MAX_PAGE)?;
    let org = app.catalog.organisation();
    let page = matching.iter().skip(size * number).take(size);
    let data: Vec<Value> = page.map(|user| user_document(user, &org)).collect();
    let count = json!({ "total_count": total, "total_filtered_count": matching.len() });
    Ok(Json(json!({ "data": data, "included": included(&app, &org), "meta": { "page": count } })))
}

/// `{data:{type:"users", id?, attributes:{…}, relationships?}}`.
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
    relationships: Option<Relationships>,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    email: Option<String>,
    name: Option<String>,
    title: Option<String>,
    disabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Relationships {
    roles: Option<RoleList>,
}

#[derive(Debug, Deserialize)]
struct RoleList {
    data: Vec<RoleRef>,
}

#[derive(Debug, Deserialize)]
struct RoleRef {
    id: String,
}

async fn create(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let data = checked(body::json(&app, &headers, body).await?)?;
    let email = data.attributes.email.unwrap_or_default().trim().to_lowercase();
    if email.is_empty() {
        return Err(ApiError::bad("email is required"));
    }
    let new = NewUser {
        handle: email.clone(),
        email,
        name: data.attributes.name.unwrap_or_default(),
        title: data.attributes.title.unwrap_or_default(),
        // Without a role one may look.
        access: access_of(&app, data.relationships)?.unwrap_or(Access::ReadOnly),
        password: None,
    };
    let user = app.catalog.create_user(&admin.actor, new).await?;
    Ok((StatusCode::CREATED, Json(answer(&app, &user))))
}

async fn update(
    State(app): State<Arc<App>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    let data = checked(body::json(&app, &headers, body).await?)?;
    if data.id.is_some_and(|given| given != id) {
        return Err(ApiError::Unprocessable("UUID's in the URL and request body do not match".into()));
    }
    app.catalog.user(&id).ok_or_else(|| ApiError::not_found(format!("{id} not found")))?;
    let change = UserChange {
        email: data.attributes.email.map(|email| email.trim().to_lowercase()),
        name: data.attributes.name,
        title: data.attributes.title,
        disabled: data.attributes.disabled,
        access: access_of(&app, data.relationships)?,
    };
    Ok(Json(answer(&app, &*app.catalog.update_user(&admin.actor, &id, change).await?)))
}

/// Datadog never removes a user: it is disabled, and then no longer there to be disabled.
async fn disable(State(app): State<Arc<App>>, Admin(admin): Admin, Path(id): Path<String>) -> ApiResult<StatusCode> {
    let user = app.catalog.user(&id).filter(|user| !user.disabled);
    user.ok_or_else(|| ApiError::not_found(format!("{id} not found")))?;
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    app.catalog.update_user(&admin.actor, &id, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked(request: Request) -> ApiResult<RequestData> {
    if request.data.kind == "users" {
        Ok(request.data)
    } else {
        Err(ApiError::bad("Invalid type. Expected \"users\"."))
    }
}

/// The most that one of the named roles allows, `None` when none is named.
fn access_of(app: &App, relationships: Option<Relationships>) -> ApiResult<Option<Access>> {
    let named = relationships.and_then(|relationships| relationships.roles).map(|roles| roles.data).unwrap_or_default();
    let known = app.catalog.roles();
    let mut most = None;
    for role in named {
        let found = known.iter().find(|known| known.id == role.id);
        let role = found.ok_or_else(|| ApiError::bad(format!("role not found: {}", role.id)))?;
        most = most.max(Some(role.access));
    }
    Ok(most)
}

async fn roles(State(app): State<Arc<App>>, _: Reader) -> Json<Value> {
    let data: Vec<Value> = app.catalog.roles().iter().map(role_document).collect();
    let count = json!({ "total_count": data.len(), "total_filtered_count": data.len() });
    Json(json!({ "data": data, "meta": { "page": count } }))
}

fn answer(app: &App, user: &User) -> Value {
    let org = app.catalog.organisation();
    json!({ "data": user_document(user, &org), "included": included(app, &org) })
}

fn included(app: &App, org: &Organisation) -> Vec<Value> {
    let attributes = json!({
        "name": org.name,
        "public_id": org.public_id,
        "created_at": iso(org.created_at),
        "disabled": false,
    });
    let mut items = vec![json!({ "type": "orgs", "id": org.public_id, "attributes": attributes })];
    items.extend(app.catalog.roles().iter().map(role_document));
    items
}

fn role_document(role: &Role) -> Value {
    json!({ "type": "roles", "id": role.id, "attributes": { "name": role.name, "user_count": role.user_count } })
}

/// A user as the v2 API shows one.
pub fn user_document(user: &User, org: &Organisation) -> Value {
    let optional = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let roles: Vec<Value> = user.role_ids.iter().map(|id| json!({ "type": "roles", "id": id })).collect();
    json!({
        "type": "users",
        "id": user.id,
        "attributes": {
            "uuid": user.id,
            "handle": user.handle,
            "email": user.email,
            "name": optional(&user.name),
            "title": optional(&user.title),
            "created_at": iso(user.created_at),
            "modified_at": iso(user.modified_at),
            "last_login_time": user.last_login_at.map(iso),
            "disabled": user.disabled,
            "status": if user.disabled { "Disabled" } else { "Active" },
            "verified": true,
            "service_account": false,
        },
        "relationships": {
            "roles": { "data": roles },
            "org": { "data": { "type": "orgs", "id": org.public_id } },
        },
    })
}
