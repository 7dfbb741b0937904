//! Paths that are acknowledged, counted and not kept (see [`crate::not_kept`]).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use crate::app::App;
use crate::auth::Sender;
use crate::body;
use crate::error::ApiResult;
use crate::intake::user_agent;
use crate::not_kept::{NotKept, Reply, TABLE};

/// One route for each row of the table.
pub fn routes() -> Router<Arc<App>> {
    TABLE.iter().fold(Router::new(), |router, row| {
        let handler = move |state: State<Arc<App>>, _: Sender, headers: HeaderMap, body: Body| {
            acknowledge(state, headers, body, row)
        };
        router.route(row.path, on(filter(&row.method), handler))
    })
}

fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::GET => MethodFilter::GET,
        Method::HEAD => MethodFilter::HEAD,
        _ => MethodFilter::POST,
    }
}

async fn acknowledge(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
    row: &'static NotKept,
) -> ApiResult<Response> {
    let bytes = body::discard(&app, body).await?;
    app.catalog.count_unkept(row.path, bytes, user_agent(&headers).unwrap_or_default());
    Ok(reply(row))
}

/// The answer of a row.
pub fn reply(row: &NotKept) -> Response {
    match row.reply {
        Reply::Json(text) => (row.status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Reply::Protobuf(bytes) => (row.status, [(CONTENT_TYPE, "application/x-protobuf")], bytes).into_response(),
        Reply::Empty => row.status.into_response(),
    }
}
