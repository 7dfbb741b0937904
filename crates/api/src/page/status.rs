//! How the server itself is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use galgo_core::check::CheckStatus;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Admin, Reader};
use crate::error::{ApiError, ApiResult};

/// `GET /status`.
pub async fn status(State(app): State<Arc<App>>, _: Reader) -> Json<Value> {
    let stats = app.engine.stats();
    Json(json!({
        "uptime": app.uptime().as_secs(),
        "version": app.config.version,
        "series": stats.series,
        "points": stats.head_points + stats.segment_points,
        "wal_bytes": stats.wal_bytes,
        "segments": stats.segments,
        "disk_bytes": stats.wal_bytes + stats.segment_bytes,
        "ingest": { "points_per_second": app.stats.points_per_second() },
        "checks": checks(&app).await,
    }))
}

/// `POST /compact`: flushes the head and merges every partition to one segment, at once instead of when they have become
/// quiet; for benchmarks and before a backup. Answers when it is done.
pub async fn compact(State(app): State<Arc<App>>, _: Admin) -> ApiResult<Json<Value>> {
    let failed = |error: galgo_metrics::EngineError| {
        tracing::error!(%error, "compaction on demand failed");
        ApiError::Unavailable { text: "segments could not be merged now".into(), retry_after_s: 10 }
    };
    app.engine.flush().await.map_err(failed)?;
    app.engine.compact_fully().await.map_err(failed)?;
    let stats = app.engine.stats();
    Ok(Json(json!({ "segments": stats.segments, "points": stats.segment_points, "bytes": stats.segment_bytes })))
}

/// What `/ready` and the page look at.
pub async fn checks(app: &App) -> Vec<Value> {
    let mut checks = Vec::new();
    let mut add = |check: &str, status: CheckStatus, message: String| {
        checks.push(json!({ "check": check, "status": u8::from(status), "message": message }));
    };
    match app.catalog.ping().await {
        Ok(()) => add("catalogue", CheckStatus::Ok, String::new()),
        Err(error) => add("catalogue", CheckStatus::Critical, error.to_string()),
    }
    let stats = app.engine.stats();
    match stats.damaged {
        0 => add("metric store", CheckStatus::Ok, String::new()),
        damaged => add("metric store", CheckStatus::Warning, format!("{damaged} damaged parts met since the start")),
    }
    match stats.refused_series {
        0 => add("series limits", CheckStatus::Ok, String::new()),
        refused => add("series limits", CheckStatus::Warning, format!("{refused} series refused since the start")),
    }
    checks
}
