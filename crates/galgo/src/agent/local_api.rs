//! The agent's own small API on the loopback interface, for the commands and the local page. Every call needs the token
//! of the run folder, which only the agent's user may read.

use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::broadcast::error::RecvError;

use super::run::Running;

/// File with the token, in the run folder.
const TOKEN_FILE: &str = "auth_token";

/// Characters of the token.
const TOKEN_CHARS: usize = 64;

/// Cookie that holds the token in a browser.
const COOKIE: &str = "galgo_agent";

/// Where the token is.
pub fn token_path(run_path: &Path) -> PathBuf {
    run_path.join(TOKEN_FILE)
}

/// Reads the token of a running agent.
pub fn read_token(run_path: &Path) -> anyhow::Result<String> {
    let path = token_path(run_path);
    let file =
        File::open(&path).with_context(|| format!("{} is not readable: is the agent running?", path.display()))?;
    let mut token = String::new();
    file.take(TOKEN_CHARS as u64 + 1).read_to_string(&mut token)?;
    let token = token.trim().to_owned();
    ensure!(token.len() == TOKEN_CHARS, "{} does not hold a token", path.display());
    Ok(token)
}

/// The token of the run folder; made when there is none.
pub fn token(run_path: &Path) -> anyhow::Result<String> {
    if let Ok(token) = read_token(run_path) {
        return Ok(token);
    }
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let path = token_path(run_path);
    let file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&path);
    let mut file = file.with_context(|| format!("{} is not writable", path.display()))?;
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).context("auth_token")?;
    Ok(token)
}

#[derive(Clone)]
struct Door {
    running: Arc<Running>,
    /// A digest, so that a comparison takes the same time whatever is sent.
    token: [u8; 32],
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The routes of the API.
pub fn router(running: Arc<Running>, token: &str) -> Router {
    let door = Door { running, token: digest(token) };
    Router::new()
        .route("/", get(page))
        .route("/agent/status", get(status))
        .route("/agent/dogstatsd-stats", get(dogstatsd_stats))
        .route("/agent/stream-logs", get(stream_logs))
        .route("/agent/reload", post(reload))
        .layer(middleware::from_fn_with_state(door.clone(), guard))
        .with_state(door)
}

/// The routes of the liveness probe, which needs no token.
pub fn health() -> Router {
    Router::new().route("/live", get(|| async { "ok" })).route("/ready", get(|| async { "ok" }))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn guard(State(door): State<Door>, Query(query): Query<Token>, request: Request, next: Next) -> Response {
    let sent = bearer(request.headers()).or_else(|| cookie(request.headers()));
    if sent.is_some_and(|sent| digest(sent) == door.token) {
        return next.run(request).await;
    }
    // The page's address carries the token once; from then on the cookie does, and the address bar is clean.
    if request.uri().path() == "/" && digest(&query.token) == door.token {
        let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", query.token);
        return ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response();
    }
    let errors = json!({ "errors": ["the token of the agent's run folder is missing or wrong"] });
    (StatusCode::UNAUTHORIZED, Json(errors)).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

async fn page(State(door): State<Door>) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(door.running.status().await.page())).into_response()
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: String,
}

async fn status(State(door): State<Door>, Query(query): Query<Format>) -> Response {
    let status = door.running.status().await;
    if query.format == "text" { status.to_string().into_response() } else { Json(status).into_response() }
}

async fn dogstatsd_stats(State(door): State<Door>) -> Response {
    match door.running.dogstatsd_stats() {
        Some(stats) => Json(stats).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "DogStatsD is off, or dogstatsd_metrics_stats_enable is not set"),
    }
}

async fn reload(State(door): State<Door>) -> Response {
    match door.running.reload().await {
        Ok(summary) => Json(json!({ "reloaded": summary })).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

async fn stream_logs(State(door): State<Door>) -> Response {
    let Some(lines) = door.running.watch_logs().await else {
        return refuse(StatusCode::NOT_FOUND, "log collection is off: set logs_enabled: true");
    };
    let lines = futures_util::stream::unfold(lines, |mut lines| async move {
        let line = loop {
            match lines.recv().await {
                Ok(watched) => break watched,
                // Who reads too slowly loses the oldest lines and goes on with the newest.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        };
        let line = &line.line;
        let text = json!({
            "time_ms": line.time_ms, "status": line.status, "service": line.service, "source": line.source,
            "tags": line.tags, "message": line.message,
        });
        Some((Ok::<_, Infallible>(format!("{text}\n")), lines))
    });
    axum::body::Body::from_stream(lines).into_response()
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "errors": [reason] }))).into_response()
}
