//! `/health` (the process lives), `/ready` (it can serve), `/metrics` (what it counts of itself).

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;

use crate::app::App;
use crate::credentials;
use crate::error::{ApiError, ApiResult};
use crate::server::Peer;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/_health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_stopping() {
        return not_ready("stopping");
    }
    match app.catalog.ping().await {
        Ok(()) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            not_ready("the catalogue does not answer")
        }
    }
}

fn not_ready(why: &str) -> Response {
    ApiError::Unavailable { text: why.to_owned(), retry_after_s: 5 }.into_response()
}

/// Numbers tell much about an installation: from this machine they are free, from elsewhere they need an API key.
async fn metrics(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let local = peer.is_some_and(|peer| peer.0.0.ip().to_canonical().is_loopback());
    // A proxy on this machine makes everybody look local.
    let direct = !headers.contains_key("x-forwarded-for") && !headers.contains_key("forwarded");
    let has_key = || credentials::api_key(&uri, &headers).is_some_and(|key| app.catalog.api_key(&key).is_some());
    let at_home = local && direct;
    if !at_home && !has_key() {
        return Err(ApiError::Forbidden("API key required".into()));
    }
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((StatusCode::OK, kind, exposition(&app)).into_response())
}

/// The counters as Prometheus text.
fn exposition(app: &App) -> String {
    let mut text = String::new();
    let mut last = "";
    for counter in app.stats.counters() {
        if counter.name != last {
            head(&mut text, counter.name, counter.help, "counter");
            last = counter.name;
        }
        let label = if counter.label.is_empty() { String::new() } else { format!("{{status=\"{}\"}}", counter.label) };
        let _ = writeln!(text, "{}{label} {}", counter.name, counter.value);
    }
    let stats = app.engine.stats();
    for (name, help, kind, value) in [
        ("galgo_series_active", "Active series.", "gauge", stats.series),
        ("galgo_points_stored_total", "Points stored durably since the start.", "counter", stats.points),
        ("galgo_head_points", "Points in memory.", "gauge", stats.head_points),
        ("galgo_wal_bytes", "Bytes of the write-ahead log.", "gauge", stats.wal_bytes),
        ("galgo_segments", "Live segments.", "gauge", stats.segments),
        ("galgo_segment_points", "Points in live segments.", "gauge", stats.segment_points),
        ("galgo_segment_bytes", "Bytes of live segments.", "gauge", stats.segment_bytes),
        ("galgo_series_refused_total", "Series refused by a limit since the start.", "counter", stats.refused_series),
        ("galgo_damaged_total", "Damaged chunks, indexes and segments met since the start.", "counter", stats.damaged),
        ("galgo_uptime_seconds", "Seconds since the start.", "gauge", app.uptime().as_secs()),
    ] {
        head(&mut text, name, help, kind);
        let _ = writeln!(text, "{name} {value}");
    }
    for (name, value) in app.foreign_counters() {
        let _ = writeln!(text, "# TYPE {name} untyped\n{name} {value}");
    }
    text
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
