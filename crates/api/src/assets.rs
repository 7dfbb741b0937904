//! The page: files built by `web/`, compiled into the binary. Every address that is no file and no API call gets
//! `index.html`, because the page routes in the browser.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;

#[derive(RustEmbed)]
#[folder = "../../web/dist"] // from the folder of this crate
#[allow_missing = true]
struct Dist;

/// Scripts only from here; styles may be inline because the editor and the graphs set them.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Shown when the binary was built without the page.
const NO_PAGE: &str = "<!doctype html><meta charset=utf-8><title>Galgo</title>\
    <p>Galgo runs, but this binary was built without its page. Build it with <code>npm ci &amp;&amp; npm run build</code> \
    in <code>web/</code> and compile again. The API is here all the same.</p>";

/// Answers what no other route took.
pub async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let reads = method == Method::GET || method == Method::HEAD;
    if !reads || path.starts_with("api/") {
        return ApiError::unknown_path().into_response();
    }
    if let Some(file) = Dist::get(path).filter(|_| !path.is_empty()) {
        return file_response(path, file, &headers);
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if !last.contains('.') && (path.is_empty() || accepts_html(&headers)) {
        return index(&headers);
    }
    ApiError::unknown_path().into_response()
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn index(headers: &HeaderMap) -> Response {
    match Dist::get("index.html") {
        Some(file) => file_response("index.html", file, headers),
        None => with_safety((StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], NO_PAGE).into_response()),
    }
}

fn file_response(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{tag}\"");
    let cache = cache_rule(path);
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag), (CACHE_CONTROL, cache.to_owned())]).into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    let body = axum::body::Body::from(file.data.into_owned());
    let head = [(CONTENT_TYPE, kind), (ETAG, etag), (CACHE_CONTROL, cache.to_owned())];
    with_safety((StatusCode::OK, head, body).into_response())
}

/// Files under `assets/` carry a hash of their content in their name, so they never change.
fn cache_rule(path: &str) -> &'static str {
    if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn with_safety(mut response: Response) -> Response {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, accept: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().expect("ascii"));
        fallback(Method::GET, path.parse().expect("valid"), headers).await
    }

    #[tokio::test]
    async fn the_page_answers_its_own_addresses_only() {
        assert_eq!(get("/", "*/*").await.status(), StatusCode::OK);
        assert_eq!(get("/metrics/explorer", "text/html").await.status(), StatusCode::OK);
        assert_eq!(get("/metrics/explorer", "application/json").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/api/v9/nothing", "text/html").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/missing.js", "text/html").await.status(), StatusCode::NOT_FOUND);
        let root = get("/", "text/html").await;
        assert!(root.headers().contains_key(CONTENT_SECURITY_POLICY));
    }
}
