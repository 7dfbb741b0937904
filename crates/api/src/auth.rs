//! Who asks: extractors that turn keys or a session into an [`Actor`], or refuse the request. None of them runs SQL.
//!
//! - [`Sender`]: an API key; enough to send data.
//! - [`Reader`]: an API key and an application key, or a session of the page.
//! - [`Editor`], [`Admin`]: the same, with a role that may change things, or administer.
//!
//! A session's cookie travels with every request that a browser makes, those of foreign sites too. So a call that
//! changes something by session must carry a header that only our own page can set.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use galgo_catalog::{Access, Actor, AppIdentity, User};
use http::Method;
use http::request::Parts;

use crate::app::App;
use crate::credentials::{self, PAGE_HEADER};
use crate::error::{ApiError, ApiResult};
use crate::server::Peer;

/// Whoever may send data.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Number of the organisation.
    pub org_id: i64,
}

/// Whoever may look.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The user behind the application key or the session.
    pub user: Arc<User>,
    /// For the audit trail.
    pub actor: Actor,
}

/// A [`Reader`] who may change what is not administration.
#[derive(Debug, Clone)]
pub struct Editor(pub Reader);

/// A [`Reader`] who may do everything.
#[derive(Debug, Clone)]
pub struct Admin(pub Reader);

impl FromRequestParts<Arc<App>> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let key = credentials::api_key(&parts.uri, &parts.headers).ok_or_else(key_required)?;
        let identity = app.catalog.api_key(&key).ok_or_else(forbidden)?;
        Ok(Self { org_id: identity.org_id })
    }
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let api_key = credentials::api_key(&parts.uri, &parts.headers);
        let app_key = credentials::application_key(&parts.uri, &parts.headers);
        let (user, via) = match (api_key, app_key) {
            (None, None) => (by_session(parts, app)?, "session"),
            (api_key, app_key) => (by_keys(app, api_key, app_key)?.owner, "app_key"),
        };
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_string()).unwrap_or_default();
        let actor = Actor { user_id: user.id.clone(), handle: user.handle.clone(), via: via.into(), address };
        Ok(Self { user, actor })
    }
}

impl FromRequestParts<Arc<App>> for Editor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        with_access(parts, app, Access::Standard).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        with_access(parts, app, Access::Admin).await.map(Self)
    }
}

async fn with_access(parts: &mut Parts, app: &Arc<App>, needed: Access) -> ApiResult<Reader> {
    let reader = Reader::from_request_parts(parts, app).await?;
    if reader.user.access < needed { Err(forbidden()) } else { Ok(reader) }
}

fn by_keys(app: &App, api_key: Option<Cow<'_, str>>, app_key: Option<Cow<'_, str>>) -> ApiResult<AppIdentity> {
    let api_key = api_key.ok_or_else(key_required)?;
    let sender = app.catalog.api_key(&api_key).ok_or_else(forbidden)?;
    let app_key = app_key.ok_or_else(|| ApiError::Forbidden("Application key required".into()))?;
    let identity = app.catalog.app_key(&app_key).ok_or_else(forbidden)?;
    if identity.org_id == sender.org_id { Ok(identity) } else { Err(forbidden()) }
}

fn by_session(parts: &Parts, app: &App) -> ApiResult<Arc<User>> {
    // Without a cookie this is a client that forgot its keys, and it is told in the words its author knows.
    let token = credentials::session(&parts.headers).ok_or_else(|| missing(parts))?;
    let session = app.catalog.session(token).ok_or_else(|| ApiError::Unauthorized("Session has ended".into()))?;
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    if !reads && !parts.headers.contains_key(PAGE_HEADER) {
        return Err(ApiError::Forbidden(format!("Calls that change something need the header {PAGE_HEADER}")));
    }
    Ok(session.user)
}

fn missing(parts: &Parts) -> ApiError {
    // Nesting cuts the address; the whole of it is kept beside.
    let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let from_page = whole.path().starts_with("/api/galgo/")
        || parts.headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    if from_page { ApiError::Unauthorized("Not logged in".into()) } else { key_required() }
}

fn key_required() -> ApiError {
    ApiError::Forbidden("API key required".into())
}

fn forbidden() -> ApiError {
    ApiError::Forbidden("Forbidden".into())
}
