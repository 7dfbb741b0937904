//! Metric queries.
//!
//! - [`pool`]: where they run. [`queried`]: what is asked for. [`unit`]: in which unit the answers are. [`finding`]: what
//!   algorithms say of them.
//! - [`v1`]: `/api/v1/query`. [`v2`]: `/api/v2/query/timeseries` and `/scalar`.

pub mod finding;
pub mod functions;
pub mod pool;
pub mod queried;
pub mod unit;
pub mod v1;
pub mod v2;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use galgo_query::parse::parse_scope;
use galgo_query::source::{Budget, Leaf, Matrix, MetricInfo, MetricSource, Scope, SourceError};
use galgo_query::variables;
use galgo_query::{Fault, QueryError};
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/query", get(v1::query))
        .route("/api/v2/query/timeseries", post(v2::timeseries))
        .route("/api/v2/query/scalar", post(v2::scalar))
}

/// A tag filter as in the braces of a query.
pub fn scope_of(text: &str) -> ApiResult<Scope> {
    let filter = parse_scope(text)?;
    Ok(variables::scope_of(&filter))
}

/// Runs a query on the pool and counts it. `work` also writes the answer, since a large one takes its time; its queries
/// go through a source that notes what is asked for.
async fn answer<F>(app: &Arc<App>, work: F) -> ApiResult<Response>
where
    F: FnOnce(&App, &dyn MetricSource, &Budget) -> Result<Vec<u8>, QueryError> + Send + 'static,
{
    let started = app.clock.monotonic();
    let owned = app.clone();
    let run = move |source: &dyn MetricSource, budget: &Budget| {
        let noting = Noting { source, app: &owned, now: owned.clock.now_s() };
        work(&owned, &noting, budget)
    };
    let outcome = app.queries.run(run).await.and_then(|done| done.map_err(ApiError::from));
    let took = app.clock.monotonic().saturating_sub(started);
    app.stats.query(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), outcome.is_err());
    Ok(([(CONTENT_TYPE, "application/json")], Bytes::from(outcome?)).into_response())
}

/// Writes an answer as JSON.
fn written(answer: &impl serde::Serialize) -> Result<Vec<u8>, QueryError> {
    serde_json::to_vec(answer).map_err(|error| QueryError::Storage(format!("answer not written: {error}")))
}

/// A source that notes each leaf on its way.
struct Noting<'a> {
    source: &'a dyn MetricSource,
    app: &'a App,
    now: i64,
}

impl MetricSource for Noting<'_> {
    fn describe(&self, metric: &str) -> Option<MetricInfo> {
        self.source.describe(metric)
    }

    fn leaf(&self, leaf: &Leaf, budget: &Budget) -> Result<Matrix, SourceError> {
        self.app.queried.note(leaf, self.now);
        self.source.leaf(leaf, budget)
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Text(fault) => fault.into(),
            QueryError::Request(text) => Self::BadRequest(text),
            QueryError::Limit(text) => Self::Unprocessable(text),
            QueryError::Storage(text) => Self::Internal(text),
        }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::BadRequest(fault.to_string())
    }
}
