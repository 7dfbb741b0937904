//! `GET /hosts/{name}/checks`: what the agent of one host runs and reads.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use galgo_catalog::hosts::report::kind;
use serde_json::{Value, json};

use super::{MAX_ROWS, document};
use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};

/// The agent, its checks and its log sources.
pub async fn checks(State(app): State<Arc<App>>, _: Reader, Path(name): Path<String>) -> ApiResult<Json<Value>> {
    let host = app.catalog.host(&name).ok_or_else(|| ApiError::not_found(format!("host not found: {name}")))?;
    let now = app.clock.now_s();
    let instances = app.catalog.host_instances(&host.name, MAX_ROWS).await?;
    let logs = app.catalog.host_log_sources(&host.name, MAX_ROWS).await?;
    let (checks_at, logs_at) = app.catalog.agent_report_times(&host.name).await?;
    let documents = app.catalog.host_metadata(std::slice::from_ref(&host.name)).await?;
    let reported = documents.get(&host.name).and_then(|documents| documents.get(kind::HOST));
    let python = reported.and_then(|reported| {
        let texts = [&reported["python"], &reported["systemStats"]["pythonV"]];
        texts.into_iter().filter_map(Value::as_str).find(|text| !text.is_empty()).map(str::to_owned)
    });
    let stale = |at: Option<i64>| at.is_some_and(|at| document::is_stale(at, now));
    Ok(Json(json!({
        "agent": {
            "version": host.agent_version,
            "flavor": host.agent_flavor,
            "python": python,
            "checks_at": checks_at,
            "checks_stale": stale(checks_at),
            "logs_at": logs_at,
            "logs_stale": stale(logs_at),
        },
        "checks": instances.iter().map(|reported| document::instance(reported, now)).collect::<Vec<_>>(),
        "logs": logs.iter().map(|reported| document::log_source(reported, now)).collect::<Vec<_>>(),
    })))
}
