//! `GET /api/v1/hosts` and `/api/v1/hosts/totals`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use galgo_catalog::{HostQuery, HostSort};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Reader;
use crate::error::{ApiError, ApiResult};
use crate::hosts::document::host_document;
use crate::hosts::load::{Field, Loads};
use crate::params::Params;

/// Hosts of a page when the caller does not say.
const DEFAULT_COUNT: usize = 100;

/// Most hosts of a page.
const MAX_COUNT: usize = 1000;

/// `GET /api/v1/hosts`.
pub async fn list(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let loads = Loads::read(&app).await;
    let query = HostQuery {
        filter: params.text("filter").unwrap_or_default().to_owned(),
        from: params.integer("from")?,
        sort: sort(params.text("sort_field"), &loads)?,
        descending: descending(&params)?,
        start: params.bounded("start", 0, 0, usize::MAX >> 1)?,
        // More than a page is asked for by scripts that then read `total_returned`.
        count: params.bounded("count", DEFAULT_COUNT, 0, usize::MAX >> 1)?.min(MAX_COUNT),
    };
    let with_meta = params.flag("include_hosts_metadata")?.unwrap_or(false);
    let page = app.catalog.hosts(&query);
    let names: Vec<String> = page.hosts.iter().map(|host| host.name.clone()).collect();
    let mut documents = if with_meta { app.catalog.host_metadata(&names).await? } else { Default::default() };
    let hosts: Vec<Value> = page
        .hosts
        .iter()
        .map(|host| {
            let own = with_meta.then(|| documents.remove(&host.name).unwrap_or_default());
            host_document(host, &loads, own.as_ref())
        })
        .collect();
    Ok(Json(json!({
        "total_returned": hosts.len(),
        "host_list": hosts,
        "total_matching": page.total_matching,
        "exact_total_matching": true,
    })))
}

/// `GET /api/v1/hosts/totals`.
pub async fn totals(State(app): State<Arc<App>>, _: Reader, params: Params) -> ApiResult<Json<Value>> {
    let totals = app.catalog.host_totals(params.integer("from")?);
    Ok(Json(json!({ "total_up": totals.up, "total_active": totals.active })))
}

fn sort(field: Option<&str>, loads: &Arc<Loads>) -> ApiResult<HostSort> {
    let by = |field| {
        let loads = loads.clone();
        HostSort::Value(Arc::new(move |host| loads.value(field, host)))
    };
    Ok(match field.unwrap_or("name") {
        "name" | "host_name" => HostSort::Name,
        "status" | "up" => HostSort::Status,
        "apps" => HostSort::Apps,
        "last_reported_time" | "last_seen" => HostSort::LastSeen,
        "cpu" => by(Field::Cpu),
        "iowait" => by(Field::Iowait),
        "load" => by(Field::Load),
        other => {
            return Err(ApiError::bad(format!(
                "unknown sort_field: {other} (one of name, status, apps, last_reported_time, cpu, iowait, load)"
            )));
        }
    })
}

fn descending(params: &Params) -> ApiResult<bool> {
    match params.text("sort_dir") {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(other) => Err(ApiError::bad(format!("sort_dir must be asc or desc: {other}"))),
    }
}
