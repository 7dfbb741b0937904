//! One host in full.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use galgo_catalog::CheckQuery;
use galgo_catalog::hosts::report::kind;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::hosts::document::meta;

/// `GET /hosts/{name}`.
pub async fn one(State(app): State<Arc<App>>, _: Reader, Path(name): Path<String>) -> ApiResult<Json<Value>> {
    let host = app.catalog.host(&name).ok_or_else(|| ApiError::not_found(format!("host not found: {name}")))?;
    let mut all = app.catalog.host_metadata(std::slice::from_ref(&host.name)).await?;
    let mut documents = all.remove(&host.name).unwrap_or_default();
    let mut shown = meta(&host, &documents);
    if let Some(fields) = shown.as_object_mut() {
        // It stands beside, parsed.
        fields.remove("gohai");
    }
    let states = app.catalog.check_states(&CheckQuery { host: host.name.clone(), ..CheckQuery::default() });
    let checks: Vec<Value> = states
        .iter()
        .map(|state| {
            json!({
                "check": state.check,
                "status": u8::from(state.status),
                "message": state.message,
                "time": state.time,
                "since": state.since,
                "tags": state.tags,
            })
        })
        .collect();
    Ok(Json(json!({
        "name": host.name,
        "aliases": host.aliases,
        "up": host.up,
        "first_seen": host.first_seen,
        "last_seen": host.last_seen,
        "agent_version": host.agent_version,
        "agent_flavor": host.agent_flavor,
        "platform": host.platform,
        "tags_by_source": host.tags_by_source,
        "meta": shown,
        "gohai": documents.remove(kind::GOHAI).unwrap_or_else(|| json!({})),
        "inventory": documents.remove("host_metadata"),
        "checks": checks,
        "apps": host.apps,
        "muted": host.mute.is_some(),
        "mute_end": host.mute.as_ref().and_then(|mute| mute.end),
        "mute_message": host.mute.as_ref().map(|mute| mute.message.clone()),
    })))
}
