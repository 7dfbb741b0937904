//! Every route, and what surrounds all of them: panics become 500, answers are counted and compressed, unknown paths and
//! wrong methods answer in Datadog's shape.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::app::App;
use crate::error::ApiError;
use crate::{account, assets, credentials, health, hosts, intake, metrics, page, query};

/// Answers below this many bytes are not worth compressing: it covers every acknowledgement.
const MIN_COMPRESSED_BYTES: u64 = 1024;

/// All of the API and the page.
pub fn router(app: Arc<App>) -> Router {
    let compression = CompressionLayer::new()
        .gzip(true)
        // An answer is made once and read once: the default effort would cost ten times the query itself.
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::IMAGES));
    let reading = Router::new()
        .merge(query::routes())
        .merge(metrics::routes())
        .merge(hosts::routes())
        .merge(account::routes())
        .merge(page::routes())
        .merge(health::routes())
        .fallback(assets::fallback)
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(compression);
    // Answers of the intake are short; it goes without the layer.
    let intake = intake::routes().method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed });
    reading
        .merge(intake)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown cause");
    ApiError::Internal(format!("handler panicked: {text}")).into_response()
}

/// Counts each answer and logs it when somebody looks closely.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let described = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), credentials::scrubbed(request.uri())));
    let started = app.clock.monotonic();
    let response = next.run(request).await;
    let took = app.clock.monotonic().saturating_sub(started);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    app.stats.answered(response.status().as_u16(), micros);
    if let Some((method, address)) = described {
        tracing::debug!(%method, address, status = response.status().as_u16(), micros, "answered");
    }
    response
}
