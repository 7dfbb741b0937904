//! Who may talk to Galgo: validation, API and application keys, users. Shapes are those of Datadog's v2 API (JSON:API)
//! and, for keys, of its older v1 API.

pub mod keys;
pub mod keys_v1;
pub mod users;
pub mod validate;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new().merge(validate::routes()).merge(keys::routes()).merge(keys_v1::routes()).merge(users::routes())
}
