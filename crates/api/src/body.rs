//! Request bodies: read within bounds of size, time and memory.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// Largest JSON body of a call that is no intake, in bytes.
const MAX_JSON_BYTES: usize = 2 << 20;

/// A body and the share of memory that it holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The bytes as sent.
    pub bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// Reads a body of at most `limit` bytes as they travel.
pub async fn read(app: &App, headers: &HeaderMap, body: Body, limit: usize) -> ApiResult<Held> {
    let declared = declared_length(headers)?;
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    // A chunked body may grow to the limit, so it must claim that much.
    let share_kib = declared.unwrap_or(limit).div_ceil(1024).max(1);
    let share = Arc::clone(&app.body_memory)
        .try_acquire_many_owned(u32::try_from(share_kib).unwrap_or(u32::MAX))
        .map_err(|_| ApiError::Busy { text: "too many request bodies at once".into(), retry_after_s: 1 })?;
    let reading = tokio::time::timeout(app.config.body_timeout, Limited::new(body, limit).collect());
    let collected = match reading.await {
        Ok(Ok(collected)) => collected,
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(limit)),
        Ok(Err(error)) => return Err(ApiError::bad(format!("body not read: {error}"))),
        Err(_) => return Err(ApiError::Timeout("Request timeout".into())),
    };
    Ok(Held { bytes: collected.to_bytes(), _share: share })
}

/// Reads a body that is to be counted and forgotten; returns its length.
pub async fn discard(app: &App, body: Body) -> ApiResult<u64> {
    let mut body = body;
    let reading = async {
        let mut length = 0_u64;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ApiError::bad(format!("body not read: {error}")))?;
            length += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(length)
    };
    match tokio::time::timeout(app.config.body_timeout, reading).await {
        Ok(length) => length,
        Err(_) => Err(ApiError::Timeout("Request timeout".into())),
    }
}

/// Reads and parses a JSON body.
pub async fn json<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> ApiResult<T> {
    parse(&read(app, headers, body, MAX_JSON_BYTES).await?, headers)
}

/// Reads and parses a JSON body that may be missing.
pub async fn optional_json<T: DeserializeOwned + Default>(app: &App, headers: &HeaderMap, body: Body) -> ApiResult<T> {
    let held = read(app, headers, body, MAX_JSON_BYTES).await?;
    if held.bytes.is_empty() { Ok(T::default()) } else { parse(&held, headers) }
}

fn parse<T: DeserializeOwned>(held: &Held, headers: &HeaderMap) -> ApiResult<T> {
    let encoding = content_encoding(headers)?;
    galgo_intake::inflate::with_inflater(|inflater| {
        let text = inflater.inflate(encoding, &held.bytes, MAX_JSON_BYTES)?;
        serde_json::from_slice(text).map_err(|error| ApiError::bad(format!("invalid JSON: {error}")))
    })
}

/// The content encoding, when it is there.
pub fn content_encoding(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| ApiError::UnsupportedEncoding("unsupported content encoding".into()))
}

fn declared_length(headers: &HeaderMap) -> ApiResult<Option<usize>> {
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| ApiError::bad("content-length is no number"))
}

fn too_large(limit: usize) -> ApiError {
    ApiError::TooLarge(format!("Payload too large: the limit is {limit} bytes"))
}

impl From<galgo_intake::InflateError> for ApiError {
    fn from(error: galgo_intake::InflateError) -> Self {
        let text = error.to_string();
        match error.status() {
            415 => Self::UnsupportedEncoding(text),
            413 => Self::TooLarge(text),
            _ => Self::BadRequest(text),
        }
    }
}
