//! Series, sketches and distribution points: inflate, decode into a batch, commit, answer.
//!
//! 202 is sent when the commit has returned, that is after the write-ahead log has reached the disk.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use galgo_intake::inflate::with_inflater;
use galgo_intake::{Context, DecodeError, Report, distribution_points, series_v1, series_v2, series_v3, sketches};
use galgo_metrics::{Batch, CommitError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::app::App;
use crate::auth::Sender;
use crate::body::{self, Held};
use crate::error::{ApiError, ApiResult};
use crate::intake::sightings::Sightings;
use crate::intake::{account, user_agent};

/// Bodies up to this size are unpacked where they arrive: handing them to another thread would cost more.
const INLINE_BYTES: usize = 128 * 1024;

type Decode = fn(&[u8], &Context, &mut Sightings<'_, Batch>) -> Result<Report, DecodeError>;

/// One kind of payload: its limits (reference: intake-agent.md §5 and §6), decoders and answer.
struct Form {
    max_wire_bytes: usize,
    max_inflated_bytes: usize,
    json: Option<Decode>,
    protobuf: Option<Decode>,
    answer: Answer,
    /// Whether a payload of which nothing can be used is a 400. Agents must not be told so (they would log and drop what
    /// is lost anyway), people who call the API by hand should.
    refuse_useless: bool,
}

/// How a 202 looks.
#[derive(Clone, Copy)]
enum Answer {
    /// `{"status":"ok"}`, and `warnings` when something was dropped: the old client treats any `errors` as a failure.
    Status,
    /// `{"errors":[…]}`, empty when all is well.
    Errors,
}

const SERIES_V1: Form = Form {
    max_wire_bytes: 3_200_000,
    max_inflated_bytes: 62_914_560,
    json: Some(|body, context, sink| series_v1::decode(body, context, sink)),
    protobuf: None,
    answer: Answer::Status,
    refuse_useless: false,
};
const DISTRIBUTION_POINTS: Form = Form {
    json: Some(|body, context, sink| distribution_points::decode(body, context, sink)),
    refuse_useless: true,
    ..SERIES_V1
};
const SERIES_V2: Form = Form {
    max_wire_bytes: 512_000,
    max_inflated_bytes: 5_242_880,
    json: Some(|body, context, sink| series_v2::decode_json(body, context, sink)),
    protobuf: Some(|body, context, sink| series_v2::decode_proto(body, context, sink)),
    answer: Answer::Errors,
    refuse_useless: false,
};
const SKETCHES: Form = Form {
    json: None,
    protobuf: Some(|body, context, sink| sketches::decode(body, context, sink)),
    answer: Answer::Errors,
    ..SERIES_V1
};
const COLUMNS_V3: Form =
    Form { protobuf: Some(|body, context, sink| series_v3::decode(body, context, sink)), ..SKETCHES };

/// The routes of this module.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/series", post(|state, sender, headers, body| take(state, sender, headers, body, &SERIES_V1)))
        .route("/api/v2/series", post(|state, sender, headers, body| take(state, sender, headers, body, &SERIES_V2)))
        .route(
            "/api/v1/distribution_points",
            post(|state, sender, headers, body| take(state, sender, headers, body, &DISTRIBUTION_POINTS)),
        )
        .route("/api/beta/sketches", post(|state, sender, headers, body| take(state, sender, headers, body, &SKETCHES)))
        .route(
            "/api/intake/metrics/v3/series",
            post(|state, sender, headers, body| take(state, sender, headers, body, &COLUMNS_V3)),
        )
        .route(
            "/api/intake/metrics/v3/sketches",
            post(|state, sender, headers, body| take(state, sender, headers, body, &COLUMNS_V3)),
        )
}

async fn take(
    State(app): State<Arc<App>>,
    _: Sender,
    headers: HeaderMap,
    body: Body,
    form: &'static Form,
) -> ApiResult<Response> {
    let held = body::read(&app, &headers, body, form.max_wire_bytes).await?;
    app.stats.received_bytes(held.bytes.len() as u64);
    if held.bytes.is_empty() {
        // Agents keep connections alive with empty bodies.
        return Ok(accepted(form.answer, &Report::default()));
    }
    let Decoded { batch, report, hosts, refused } = unpack(&app, held, &headers, form).await?;
    app.engine.commit(batch).await?;
    hosts.iter().for_each(|host| app.catalog.host_seen(host));
    account(&app, &report);
    // When the store takes no more series (cardinality limit), the sender must know.
    if report.accepted_series == 0 && (refused > 0 || (form.refuse_useless && report.has_drops())) {
        return Err(ApiError::bad(errors_of(&report).join("; ")));
    }
    Ok(accepted(form.answer, &report))
}

/// A decoded payload, not yet committed.
struct Decoded {
    batch: Batch,
    report: Report,
    hosts: Vec<String>,
    refused: u64,
}

async fn unpack(app: &Arc<App>, held: Held, headers: &HeaderMap, form: &'static Form) -> ApiResult<Decoded> {
    let encoding = body::content_encoding(headers)?.map(str::to_owned);
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let context = Context::new(app.clock.now_s(), user_agent(headers));
    if held.bytes.len() <= INLINE_BYTES {
        return decode(app, &held, encoding.as_deref(), content_type.as_deref(), &context, form);
    }
    let closed = |_| ApiError::Internal("decoder slots are closed".into());
    let slot = Arc::clone(&app.decoders).acquire_owned().await.map_err(closed)?;
    let app = app.clone();
    let work = move || {
        let _slot = slot;
        decode(&app, &held, encoding.as_deref(), content_type.as_deref(), &context, form)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::Internal(format!("decoder stopped: {error}")))?
}

fn decode(
    app: &App,
    held: &Held,
    encoding: Option<&str>,
    content_type: Option<&str>,
    context: &Context,
    form: &Form,
) -> ApiResult<Decoded> {
    with_inflater(|inflater| {
        let payload = inflater.inflate(encoding, &held.bytes, form.max_inflated_bytes)?;
        let mut batch = app.engine.batch();
        let mut sink = Sightings::new(&mut batch);
        let report = match decoder(form, content_type, payload) {
            _ if payload.is_empty() => Report::default(),
            Some(decode) => decode(payload, context, &mut sink)?,
            None => return Err(ApiError::bad("this path takes no payload of that content-type")),
        };
        let (hosts, refused) = sink.finish();
        Ok(Decoded { batch, report, hosts, refused })
    })
}

/// By content type; a sender that names none or another is believed by its first byte, as no protobuf message of ours
/// begins with a brace.
fn decoder(form: &Form, content_type: Option<&str>, payload: &[u8]) -> Option<Decode> {
    let kind = content_type.unwrap_or_default();
    let looks_like_json = || payload.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    match (form.json, form.protobuf) {
        (Some(json), Some(protobuf)) => {
            let is_json = kind.contains("json") || (!kind.contains("protobuf") && looks_like_json());
            Some(if is_json { json } else { protobuf })
        }
        (one, other) => one.or(other),
    }
}

fn accepted(answer: Answer, report: &Report) -> Response {
    let errors = errors_of(report);
    let body = match answer {
        Answer::Errors => json!({ "errors": errors }),
        Answer::Status if errors.is_empty() => json!({ "status": "ok" }),
        Answer::Status => json!({ "status": "ok", "warnings": errors }),
    };
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

fn errors_of(report: &Report) -> Vec<String> {
    let named = |dropped: &galgo_intake::Dropped| match (dropped.example.as_str(), dropped.count) {
        ("", 1) => dropped.reason.clone(),
        ("", count) => format!("{} (and {} more)", dropped.reason, count - 1),
        (example, 1) => format!("{example}: {}", dropped.reason),
        (example, count) => format!("{example}: {} (and {} more)", dropped.reason, count - 1),
    };
    report.dropped.iter().map(named).collect()
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::BadRequest(error.to_string())
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        let text = error.to_string();
        match error {
            CommitError::Busy { retry_after_s } => Self::Busy { text, retry_after_s: u64::from(retry_after_s) },
            CommitError::DiskFull => Self::Unavailable { text, retry_after_s: 30 },
            CommitError::Closed => Self::Unavailable { text, retry_after_s: 5 },
            CommitError::Io(cause) => {
                tracing::error!(%cause, "points not stored");
                Self::Unavailable { text: "points could not be stored".into(), retry_after_s: 10 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_datadogs_shapes() {
        let mut report = Report::default();
        report.drop_series("a.b", "too many tags: 101, the limit is 100");
        report.drop_points("c", 3, "value is not a number");
        assert_eq!(
            errors_of(&report),
            ["a.b: too many tags: 101, the limit is 100", "c: value is not a number (and 2 more)"]
        );
    }
}
