//! Hosts and their tags, as Datadog's v1 API shows them.
//!
//! - [`listing`]: list, totals. [`document`]: how one host looks. [`load`]: its cpu, iowait and load.
//! - [`mute`]: mute and unmute. [`tags`]: tags by source.

pub mod document;
pub mod listing;
pub mod load;
pub mod mute;
pub mod tags;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/hosts", get(listing::list))
        .route("/api/v1/hosts/totals", get(listing::totals))
        .route("/api/v1/host/{host}/mute", post(mute::mute))
        .route("/api/v1/host/{host}/unmute", post(mute::unmute))
        .route("/api/v1/tags/hosts", get(tags::all))
        .route("/api/v1/tags/hosts/{host}", get(tags::one).post(tags::add).put(tags::replace).delete(tags::remove))
}
