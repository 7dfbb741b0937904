//! What agents send that Galgo does not keep, and what was dropped of the rest.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::not_kept;

/// `GET /not-kept`.
pub async fn list(State(app): State<Arc<App>>, _: Reader) -> Json<Value> {
    let paths: Vec<Value> = app
        .catalog
        .unkept_paths()
        .into_iter()
        .map(|counted| {
            let row = not_kept::row_of(&counted.path);
            json!({
                "method": row.map(|row| row.method.as_str()),
                "path": counted.path,
                "what": row.map(|row| row.what),
                "why": row.map(|row| row.why),
                "requests": counted.requests,
                "bytes": counted.bytes,
                "first_seen": counted.first_seen,
                "last_seen": counted.last_seen,
                "senders": counted.user_agents,
            })
        })
        .collect();
    let dropped: Vec<Value> = app
        .catalog
        .dropped()
        .into_iter()
        .map(|dropped| {
            json!({
                "reason": dropped.reason,
                "count": dropped.count,
                "example": dropped.example,
                "first_seen": dropped.first_seen,
                "last_seen": dropped.last_seen,
            })
        })
        .collect();
    Json(json!({ "paths": paths, "dropped": dropped }))
}
