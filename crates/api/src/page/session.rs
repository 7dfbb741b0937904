//! Login, logout, and who is logged in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use galgo_catalog::{Access, LoginError};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::body;
use crate::credentials::{self, PAGE_HEADER, SESSION_COOKIE};
use crate::error::{ApiError, ApiResult};
use crate::server::Peer;

/// How long a browser keeps the cookie, in seconds. The server ends sessions by itself, and each use makes them last, so
/// the cookie only has to outlive them.
const COOKIE_S: i64 = 30 * 86_400;

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

/// `POST /login`.
pub async fn login(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    // A foreign site could log a visitor into somebody else's account.
    if !headers.contains_key(PAGE_HEADER) {
        return Err(ApiError::Forbidden(format!("Calls that change something need the header {PAGE_HEADER}")));
    }
    let login: Login = body::json(&app, &headers, body).await?;
    let address = peer.map(|peer| peer.0.0.ip().to_string()).unwrap_or_default();
    let session = app.catalog.login(&login.user, &login.password, &address).await.map_err(|error| {
        let text = error.to_string();
        match error {
            LoginError::WrongCredentials => ApiError::Unauthorized(text),
            LoginError::LockedOut { retry_after } => ApiError::Busy { text, retry_after_s: retry_after.as_secs() },
            LoginError::Catalog(error) => error.into(),
        }
    })?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&app, &session.token, COOKIE_S))]).into_response())
}

/// `POST /logout`. Without a session there is nothing to do.
pub async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> ApiResult<Response> {
    if !headers.contains_key(PAGE_HEADER) {
        return Err(ApiError::Forbidden(format!("Calls that change something need the header {PAGE_HEADER}")));
    }
    if let Some(token) = credentials::session(&headers) {
        app.catalog.logout(token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie(&app, "", 0))]).into_response())
}

/// `GET /session`.
pub async fn current(State(app): State<Arc<App>>, reader: Reader) -> Json<Value> {
    let user = &reader.user;
    let role = match user.access {
        Access::ReadOnly => "read-only",
        Access::Standard => "standard",
        Access::Admin => "admin",
    };
    Json(json!({
        "user": { "handle": user.handle, "name": user.name, "email": user.email, "role": role },
        "org": { "name": app.catalog.organisation().name },
        "version": app.config.version,
        "server_time": app.clock.now_s(),
    }))
}

fn cookie(app: &App, token: &str, lifetime_s: i64) -> String {
    let secure = if app.config.secure_cookie { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lifetime_s}{secure}")
}
