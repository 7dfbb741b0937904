//! The page's own calls under `/api/galgo/v1/` (docs/decisions/0002-page-api.md): what Datadog's API has no call for.
//!
//! - [`agent`]: how a host gets its agent. [`session`]: login, logout, who am I. [`keys`]: keys in short form.
//! - [`complete`]: functions, metrics, tag keys and values while one types.
//! - [`metrics`]: metrics summary. [`hosts`]: one host in full. [`integrations`]: what agents run.
//! - [`not_kept`]: what is not kept. [`status`]: the server.

pub mod agent;
pub mod complete;
pub mod hosts;
pub mod integrations;
pub mod keys;
pub mod metrics;
pub mod not_kept;
pub mod session;
pub mod status;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::App;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    let own = Router::new()
        .route("/login", post(session::login))
        .route("/logout", post(session::logout))
        .route("/session", get(session::current))
        .route("/functions", get(complete::functions))
        .route("/complete/metrics", get(complete::metrics))
        .route("/complete/tag-keys", get(complete::tag_keys))
        .route("/complete/tag-values", get(complete::tag_values))
        .route("/metrics", get(metrics::list))
        .route("/metrics/{metric}", get(metrics::one))
        .route("/hosts/{host}", get(hosts::one))
        .route("/hosts/{host}/checks", get(integrations::host::checks))
        .route("/integrations", get(integrations::list::list))
        .route("/integrations/{name}", get(integrations::one::one))
        .route("/agent/install.sh", get(agent::install))
        .route("/agent/binary", get(agent::binary))
        .route("/not-kept", get(not_kept::list))
        .route("/status", get(status::status))
        .route("/compact", post(status::compact))
        .route("/api-keys", get(keys::list_api).post(keys::create_api))
        .route("/api-keys/{id}", delete(keys::revoke_api))
        .route("/application-keys", get(keys::list_app).post(keys::create_app))
        .route("/application-keys/{id}", delete(keys::revoke_app));
    Router::new().nest("/api/galgo/v1", own)
}
