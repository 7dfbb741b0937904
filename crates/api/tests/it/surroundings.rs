//! What surrounds all routes.

use axum::body::Body;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, StatusCode};

use crate::server::Server;

fn bare(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_answer_in_datadogs_shape() {
    let server = Server::start().await;
    let unknown = server.get("/api/v1/nothing").await;
    assert_eq!((unknown.status.as_u16(), unknown.text().as_str()), (404, r#"{"errors":["Not found"]}"#));
    let unknown = server.send(bare(Method::POST, "/nothing")).await;
    assert_eq!((unknown.status.as_u16(), unknown.text().as_str()), (404, r#"{"errors":["Not found"]}"#));
    for (method, path) in [
        (Method::GET, "/api/v1/series"),
        (Method::DELETE, "/api/v1/hosts"),
        (Method::POST, "/api/v1/query"),
        (Method::GET, "/api/v1/collector"),
    ] {
        let answer = server.call(method, path, "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.error(), "Method not allowed");
    }
}

#[tokio::test]
async fn nothing_is_open_but_health_and_the_page() {
    let server = Server::start().await;
    for path in ["/health", "/_health", "/ready", "/"] {
        assert_eq!(server.send(bare(Method::GET, path)).await.status, StatusCode::OK, "{path}");
    }
    // Without a peer address nobody is local.
    assert_eq!(server.send(bare(Method::GET, "/metrics")).await.status, StatusCode::FORBIDDEN);
    for path in ["/api/v1/hosts", "/api/v1/tags/hosts", "/api/v2/metrics", "/api/v1/metrics/x", "/api/v2/api_keys"] {
        assert_eq!(server.send(bare(Method::GET, path)).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in [
        "functions",
        "status",
        "not-kept",
        "complete/metrics",
        "metrics",
        "hosts/x",
        "hosts/x/checks",
        "integrations",
        "api-keys",
    ] {
        let answer = server.send(bare(Method::GET, &format!("/api/galgo/v1/{path}"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_stopping_server_is_not_ready() {
    let server = Server::start().await;
    server.app.stop();
    let answer = server.send(bare(Method::GET, "/ready")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key(RETRY_AFTER));
    assert_eq!(server.send(bare(Method::GET, "/health")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn own_metrics_are_prometheus_text() {
    let server = Server::start().await;
    server.gauge("m", "", &[], crate::server::NOW, 1.0).await;
    let answer = server.get("/metrics").await;
    assert!(answer.headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
    let text = answer.text();
    for line in ["galgo_intake_points_total 1", "galgo_series_active 1", "# TYPE galgo_http_requests_total counter"] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_closed_engine_asks_senders_to_come_back() {
    let server = Server::start().await;
    server.app.engine.shutdown().await;
    let body = format!(r#"{{"series":[{{"metric":"m","points":[[{},1]]}}]}}"#, crate::server::NOW);
    let answer = server.call(Method::POST, "/api/v1/series", body).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key(RETRY_AFTER));
}
