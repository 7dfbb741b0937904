//! What agents and clients send, and what they are told.

use std::io::Write;

use axum::body::Body;
use galgo_api::ApiConfig;
use galgo_metrics::SeriesLimits;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::server::{API_KEY, NOW, Server, with_keys};

fn series_v2(metric: &str) -> serde_json::Value {
    json!({ "series": [{ "metric": metric, "type": 3, "points": [{ "timestamp": NOW, "value": 1.5 }] }] })
}

#[tokio::test]
async fn accepted_payloads_answer_in_the_shape_of_their_path() {
    let server = Server::start().await;
    let v1 = json!({ "series": [{ "metric": "a", "points": [[NOW, 1]] }] });
    let distribution = json!({ "series": [{ "metric": "d", "points": [[NOW, [1, 2]]] }] });
    let check = json!([{ "check": "app.ok", "host_name": "h", "status": 0 }]);
    for (path, body, expected) in [
        ("/api/v1/series", v1, r#"{"status":"ok"}"#),
        ("/api/v2/series", series_v2("b"), r#"{"errors":[]}"#),
        ("/api/v1/distribution_points", distribution, r#"{"status":"ok"}"#),
        ("/api/v1/check_run", check, r#"{"status":"ok"}"#),
        ("/intake/", json!({ "internalHostname": "h" }), r#"{"status":"ok"}"#),
        ("/intake", json!({ "internalHostname": "h" }), r#"{"status":"ok"}"#),
        ("/api/v1/metadata", json!({ "hostname": "h", "host_metadata": { "os": "linux" } }), r#"{"status":"ok"}"#),
    ] {
        let answer = server.post(path, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::ACCEPTED, expected), "{path}");
    }
    let names = server.get(&format!("/api/v1/metrics?from={}", NOW - 60)).await.json();
    assert_eq!(names, json!({ "from": (NOW - 60).to_string(), "metrics": ["a", "b", "d"] }));
}

#[tokio::test]
async fn empty_bodies_keep_connections_alive() {
    let server = Server::start().await;
    for path in ["/api/v1/series", "/api/v2/series", "/api/beta/sketches", "/api/v1/check_run", "/intake/"] {
        let answer = server.call(Method::POST, path, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}");
    }
}

#[tokio::test]
async fn keys_are_found_in_header_query_and_path() {
    let server = Server::start().await;
    let body = series_v2("m").to_string();
    let post = |path: &str| Request::builder().method(Method::POST).uri(path);
    for (request, expected) in [
        (post("/api/v2/series").header("dd-api-key", API_KEY), StatusCode::ACCEPTED),
        (post("/api/v2/series").header("DD-Api-Key", API_KEY), StatusCode::ACCEPTED),
        (post(&format!("/api/v2/series?api_key={API_KEY}")), StatusCode::ACCEPTED),
        (post(&format!("/api/v2/series?dd-api-key={API_KEY}")), StatusCode::ACCEPTED),
        (post(&format!("/v1/input/{API_KEY}")), StatusCode::ACCEPTED),
        (post("/v1/input/0123"), StatusCode::FORBIDDEN),
        (post("/api/v2/series"), StatusCode::FORBIDDEN),
        (post("/api/v2/series").header("DD-API-KEY", "wrong"), StatusCode::FORBIDDEN),
        (post("/api/v2/series").header("DD-API-KEY", ""), StatusCode::FORBIDDEN),
    ] {
        let request = request.header(CONTENT_TYPE, "application/json").body(Body::from(body.clone())).unwrap();
        let address = request.uri().to_string();
        assert_eq!(server.send(request).await.status, expected, "{address}");
    }
}

#[tokio::test]
async fn encodings_are_undone_or_refused() {
    let server = Server::start().await;
    let plain = series_v2("m").to_string();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(plain.as_bytes()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain.as_bytes()).unwrap();
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 6 << 20]).unwrap();
    for (encoding, body, expected) in [
        ("deflate", zlib.finish().unwrap(), StatusCode::ACCEPTED),
        ("gzip", gzip.finish().unwrap(), StatusCode::ACCEPTED),
        ("identity", plain.clone().into_bytes(), StatusCode::ACCEPTED),
        ("br", plain.clone().into_bytes(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("gzip", plain.clone().into_bytes(), StatusCode::BAD_REQUEST),
        ("deflate", bomb.finish().unwrap(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = with_keys(Method::POST, "/api/v2/series")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, encoding)
            .body(Body::from(body))
            .unwrap();
        let answer = server.send(request).await;
        assert_eq!(answer.status, expected, "{encoding}: {}", answer.text());
    }
}

#[tokio::test]
async fn one_bad_series_is_reported_and_a_malformed_payload_refused_whole() {
    let server = Server::start().await;
    let mut payload = series_v2("good");
    payload["series"].as_array_mut().unwrap().push(series_v2("123")["series"][0].clone());
    let answer = server.post("/api/v2/series", payload).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 1, "{}", answer.text());

    for (path, body) in [
        ("/api/v2/series", r#"{"series":[{"metric":"half","type":3,"points":[{"timestamp":1700000000,"value":1}]},"#),
        ("/api/v1/series", "invalid"),
        ("/api/v1/check_run", "7"),
        ("/intake/", "[]"),
        ("/api/v1/distribution_points", r#"{"series":[{"metric":"d","points":[[1475317847.0,"x"]]}]}"#),
    ] {
        let answer = server.call(Method::POST, path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert!(!answer.error().is_empty());
    }
    let names = server.get(&format!("/api/v1/metrics?from={}", NOW - 60)).await.json();
    assert_eq!(names["metrics"], json!(["good"]));
    let dropped = server.get("/api/galgo/v1/not-kept").await.json()["dropped"].clone();
    let rules: Vec<_> = dropped.as_array().unwrap().iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
    assert!(rules.contains(&"metric name has no ascii letter"), "{dropped}");
}

#[tokio::test]
async fn too_large_bodies_are_refused_before_they_are_read() {
    let server = Server::start().await;
    let answer = server.call(Method::POST, "/api/v2/series", vec![b' '; 512_001]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let stream = Body::new(http_body_util::Full::new(axum::body::Bytes::from(vec![b' '; 600_000])));
    assert_eq!(server.call(Method::POST, "/api/v2/series", stream).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn full_body_memory_is_back_pressure() {
    let tiny = ApiConfig { body_memory_bytes: 64 * 1024, ..ApiConfig::default() };
    let server = Server::start_with(tiny, galgo_metrics::Config::default()).await;
    let answer = server.call(Method::POST, "/api/v2/series", vec![b' '; 100_000]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers.contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn series_beyond_the_limit_are_refused_with_a_clear_error() {
    let limits = SeriesLimits { total: 10, per_metric: 1 };
    let engine = galgo_metrics::Config { series: limits, ..galgo_metrics::Config::default() };
    let server = Server::start_with(ApiConfig::default(), engine).await;
    server.gauge("m", "", &["a:1"], NOW, 1.0).await;
    let second = json!({ "series": [{ "metric": "m", "tags": ["a:2"], "points": [[NOW, 1]] }] });
    let answer = server.post("/api/v1/series", second).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().contains('m'), "{}", answer.text());
}

#[tokio::test]
async fn paths_that_are_not_kept_are_acknowledged_and_counted() {
    let server = Server::start().await;
    for row in galgo_api::not_kept::TABLE {
        let path = row.path.replace("{key}", API_KEY).replace("{case}", "12");
        let request = with_keys(row.method.clone(), &path).header("user-agent", "datadog-agent/7.60.1");
        let answer = server.send(request.body(Body::from("12345")).unwrap()).await;
        assert_eq!(answer.status, row.status, "{path}");
    }
    let paths = server.get("/api/galgo/v1/not-kept").await.json()["paths"].clone();
    let collector = paths.as_array().unwrap().iter().find(|path| path["path"] == "/api/v1/collector").unwrap();
    assert_eq!(collector["requests"], 1);
    assert_eq!(collector["bytes"], 5);
    assert_eq!(collector["senders"], json!(["datadog-agent/7.60.1"]));
    assert!(!paths.to_string().contains(API_KEY));
}

#[tokio::test]
async fn the_process_reply_is_a_framed_collector_status() {
    let server = Server::start().await;
    let answer = server.call(Method::POST, "/api/v1/collector", "x").await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(answer.bytes.len(), 18);
}

#[tokio::test]
async fn a_host_payload_becomes_a_host_with_tags_that_queries_see() {
    let server = Server::start().await;
    let payload = json!({
        "internalHostname": "web-1", "agentVersion": "7.60.1", "agent-flavor": "agent", "os": "linux", "uuid": "u",
        "meta": { "socket-hostname": "web-1", "timezones": ["UTC"], "host_aliases": ["i-1"] },
        "systemStats": { "cpuCores": 2, "machine": "amd64", "nixV": ["debian", "12", ""] },
        "host-tags": { "system": ["env:test", "host:ubuntu"] },
        "gohai": "{\"cpu\":{\"cpu_cores\":\"2\"}}",
        "agent_checks": [["ntp", "ntp", "ntp:1", "OK", "", ""]],
    });
    assert_eq!(server.post("/intake/", payload).await.status, StatusCode::ACCEPTED);
    server.gauge("m", "web-1", &[], NOW - 30, 4.0).await;
    for scope in ["host:web-1", "host:ubuntu", "env:test"] {
        let path = format!("/api/v1/query?from={}&to={NOW}&query=avg:m%7B{scope}%7D", NOW - 600);
        let answer = server.get(&path).await.json();
        assert_eq!(answer["series"][0]["pointlist"][0][1], 4.0, "{scope}: {answer}");
    }
    let listed = server.get("/api/v1/hosts?include_hosts_metadata=true&filter=env:test").await.json();
    let host = &listed["host_list"][0];
    assert_eq!(host["name"], "web-1");
    assert_eq!(host["meta"]["gohai"], "{\"cpu\":{\"cpu_cores\":\"2\"}}");
    assert_eq!(host["meta"]["agent_checks"][0], json!(["ntp", "ntp", "ntp:1", "OK", "", ""]));
    assert_eq!(host["meta"]["nixV"], json!(["debian", "12", ""]));
    let own = server.get("/api/galgo/v1/hosts/web-1").await.json();
    assert_eq!(own["gohai"]["cpu"]["cpu_cores"], "2");
    assert_eq!(own["agent_version"], "7.60.1");
}
