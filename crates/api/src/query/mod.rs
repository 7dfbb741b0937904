//! Metric queries.
//!
//! - [`pool`]: where they run. [`queried`]: what is asked for.

pub mod pool;
pub mod queried;

use std::sync::Arc;

use axum::Router;
use galgo_query::source::Scope;
use serde_json::Value;

use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

/// A tag filter as in the braces of a query.
pub fn scope_of(text: &str) -> ApiResult<Scope> {
    Err(ApiError::bad(text))
}

/// The functions of the query language.
pub fn functions_document() -> Value {
    Value::Null
}
