//! One error for every handler, and the one place where an error becomes a status and a body.
//!
//! Datadog's clients read `{"errors":["…"]}`. Agents decide by the status whether they drop a payload (400, 403, 413)
//! or send it again (429, 5xx), so the variants are named after what the sender should do.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// Why a request was not answered as asked. The text is shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 400: the request makes no sense; sending it again would not help.
    #[error("{0}")]
    BadRequest(String),
    /// 401: a call of the page without a session.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: a key is missing, unknown, or does not reach this far.
    #[error("{0}")]
    Forbidden(String),
    /// 404: there is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// 405: the path exists, but not with this method.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    #[error("{0}")]
    Timeout(String),
    /// 409: it exists already.
    #[error("{0}")]
    Conflict(String),
    /// 413: the body is larger than the limit, on the wire or unpacked.
    #[error("{0}")]
    TooLarge(String),
    /// 415: the content encoding is not known.
    #[error("{0}")]
    UnsupportedEncoding(String),
    /// 422: well-formed, yet it cannot be done.
    #[error("{0}")]
    Unprocessable(String),
    /// 429: too much at once; the same request may work later.
    #[error("{text}")]
    Busy {
        /// What is full.
        text: String,
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// 503: the server cannot do it now (disk full, stopping); the same request may work later.
    #[error("{text}")]
    Unavailable {
        /// What is missing.
        text: String,
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// 500: our fault. The text is logged and not shown.
    #[error("{0}")]
    Internal(String),
}

/// The body of every error.
#[derive(Serialize)]
struct Errors<'a> {
    errors: [&'a str; 1],
}

impl ApiError {
    /// A 400 with this text.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::BadRequest(text.into())
    }

    /// A 404 with this text.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::NotFound(text.into())
    }

    /// The 404 of a path that nobody serves.
    pub fn unknown_path() -> Self {
        Self::NotFound("Not found".into())
    }

    /// The status of this error.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after_s, .. } | Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let text = match &self {
            Self::Internal(cause) => {
                tracing::error!(%cause, "request failed");
                "Internal server error".to_owned()
            }
            shown => shown.to_string(),
        };
        let mut response = (self.status(), Json(Errors { errors: [&text] })).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// What a handler answers with.
pub type ApiResult<T> = Result<T, ApiError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_pressure_says_when_to_come_back() {
        let busy = ApiError::Busy { text: "full".into(), retry_after_s: 0 };
        let response = busy.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }

    #[tokio::test]
    async fn internal_causes_are_not_shown() {
        let response = ApiError::Internal("password is hunter2".into()).into_response();
        let body = axum::body::to_bytes(response.into_body(), 1000).await.expect("short body");
        assert_eq!(&body[..], br#"{"errors":["Internal server error"]}"#);
    }
}
