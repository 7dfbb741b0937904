//! Metrics as things with a name: lists, search, metadata, tag configurations, cardinality.
//!
//! - [`names`]: the cached list of metrics. [`v1`]: `/api/v1/metrics`, `/api/v1/search`, metadata.
//! - [`list`]: `/api/v2/metrics`. [`configuration`]: tag configurations. [`cardinality`]: volumes, estimate, all-tags…

pub mod cardinality;
pub mod configuration;
pub mod list;
pub mod names;
pub mod v1;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/metrics", get(v1::active))
        .route("/api/v1/metrics/{metric}", get(v1::metadata).put(v1::set_metadata))
        .route("/api/v1/search", get(v1::search))
        .route("/api/v2/metrics", get(list::list))
        .route("/api/v2/metrics/config/bulk-tags", post(configuration::bulk_create).delete(configuration::bulk_delete))
        .route(
            "/api/v2/metrics/{metric}/tags",
            get(configuration::one)
                .post(configuration::create)
                .patch(configuration::update)
                .delete(configuration::delete),
        )
        .route("/api/v2/metrics/{metric}/all-tags", get(cardinality::all_tags))
        .route("/api/v2/metrics/{metric}/volumes", get(cardinality::volumes))
        .route("/api/v2/metrics/{metric}/estimate", get(cardinality::estimate))
        .route("/api/v2/metrics/{metric}/tag-cardinalities", get(cardinality::tag_cardinalities))
        .route("/api/v2/metrics/{metric}/active-configurations", get(cardinality::active_configurations))
        .route("/api/v2/metrics/{metric}/assets", get(cardinality::assets))
}
