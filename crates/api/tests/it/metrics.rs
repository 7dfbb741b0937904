//! Metrics as things with a name.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{NOW, Server};

async fn filled() -> Server {
    let server = Server::start().await;
    server.gauge("web.requests", "a", &["env:prod", "shard:1"], NOW - 60, 1.0).await;
    server.gauge("web.requests", "b", &["env:prod", "shard:2"], NOW - 60, 1.0).await;
    server.gauge("web.errors", "a", &["env:dev"], NOW - 60, 1.0).await;
    server.gauge("old.metric", "a", &[], NOW - 7200, 1.0).await;
    server
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().filter_map(|entry| entry["id"].as_str()).collect()
}

#[tokio::test]
async fn active_metrics_are_filtered() {
    let server = filled().await;
    let from = NOW - 3600;
    for (filter, expected) in [
        ("", json!(["web.errors", "web.requests"])),
        ("&host=b", json!(["web.requests"])),
        ("&tag_filter=env:dev", json!(["web.errors"])),
        ("&tag_filter=env%20IN%20(dev,prod)%20AND%20NOT%20shard:*", json!(["web.errors"])),
    ] {
        let answer = server.get(&format!("/api/v1/metrics?from={from}{filter}")).await;
        assert_eq!(answer.json()["metrics"], expected, "{filter}");
    }
    assert_eq!(server.get("/api/v1/metrics").await.status, StatusCode::BAD_REQUEST);
    let broken = server.get(&format!("/api/v1/metrics?from={from}&tag_filter=(env:dev")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn search_finds_metrics_and_hosts() {
    let server = filled().await;
    let results = |answer: Value| answer["results"].clone();
    let found = results(server.get("/api/v1/search?q=metrics:web.").await.json());
    assert_eq!(found, json!({ "metrics": ["web.errors", "web.requests"] }));
    let found = results(server.get("/api/v1/search?q=hosts:b").await.json());
    assert_eq!(found, json!({ "hosts": ["b"] }));
    let found = results(server.get("/api/v1/search").await.json());
    assert_eq!(found["hosts"], json!(["a", "b"]));
    assert_eq!(found["metrics"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn metadata_is_kept_and_checked() {
    let server = filled().await;
    let path = "/api/v1/metrics/web.requests";
    assert_eq!(server.get(path).await.json()["type"], "gauge");
    let change =
        json!({ "type": "count", "unit": "request", "per_unit": "second", "description": "d", "short_name": "s" });
    let changed = server.call(Method::PUT, path, change.to_string()).await.json();
    assert_eq!((changed["type"].clone(), changed["unit"].clone()), (json!("count"), json!("request")));
    let partly = server.call(Method::PUT, path, json!({ "description": "e" }).to_string()).await.json();
    assert_eq!((partly["description"].clone(), partly["unit"].clone()), (json!("e"), json!("request")));
    for body in [r#"{"unit":"no such unit"}"#, r#"{"type":"colour"}"#, "{", "[]"] {
        assert_eq!(server.call(Method::PUT, path, body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(server.get("/api/v1/metrics/never.sent").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.call(Method::PUT, "/api/v1/metrics/never.sent", "{}").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn v2_lists_are_filtered_and_paged() {
    let server = filled().await;
    assert_eq!(ids(&server.get("/api/v2/metrics").await.json()), ["web.errors", "web.requests"]);
    assert_eq!(
        ids(&server.get("/api/v2/metrics?window%5Bseconds%5D=86400").await.json()),
        ["old.metric", "web.errors", "web.requests"]
    );
    assert_eq!(ids(&server.get("/api/v2/metrics?filter%5Btags%5D=env:prod").await.json()), ["web.requests"]);
    assert_eq!(ids(&server.get("/api/v2/metrics?filter%5Btags%5D=nothing").await.json()), [""; 0]);
    assert_eq!(ids(&server.get("/api/v2/metrics?filter%5Bmetric_type%5D=distribution").await.json()), [""; 0]);
    let first = server.get("/api/v2/metrics?page%5Bsize%5D=1").await.json();
    let cursor = first["meta"]["pagination"]["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("/api/v2/metrics?page%5Bsize%5D=1&page%5Bcursor%5D={cursor}")).await.json();
    assert_eq!((ids(&first), ids(&second)), (vec!["web.errors"], vec!["web.requests"]));
    server.get(&format!("/api/v1/query?from={}&to={NOW}&query=avg:web.errors%7B*%7D", NOW - 600)).await;
    assert_eq!(ids(&server.get("/api/v2/metrics?filter%5Bqueried%5D=true").await.json()), ["web.errors"]);
    for bad in
        ["page%5Bsize%5D=0", "window%5Bseconds%5D=x", "filter%5Bconfigured%5D=perhaps", "filter%5Bmetric_type%5D=x"]
    {
        assert_eq!(server.get(&format!("/api/v2/metrics?{bad}")).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn tag_configurations_are_made_changed_and_removed() {
    let server = filled().await;
    let path = "/api/v2/metrics/web.requests/tags";
    let document = |attributes: Value| json!({ "data": { "type": "manage_tags", "id": "web.requests", "attributes": attributes } });
    let made = server.post(path, document(json!({ "tags": ["env"], "metric_type": "gauge" }))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["data"]["attributes"]["aggregations"], json!([{ "space": "avg", "time": "avg" }]));
    let again = server.post(path, document(json!({ "tags": ["env"], "metric_type": "gauge" }))).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let changed = server.call(Method::PATCH, path, document(json!({ "tags": ["shard"] })).to_string()).await;
    assert_eq!(changed.json()["data"]["attributes"]["tags"], json!(["shard"]));
    assert_eq!(ids(&server.get("/api/v2/metrics?filter%5Bconfigured%5D=true").await.json()), ["web.requests"]);
    let tags = server.get("/api/v2/metrics/web.requests/all-tags").await.json()["data"]["attributes"].clone();
    assert_eq!(tags["tags"], json!(["shard:1", "shard:2"]));
    assert_eq!(tags["ingested_tags"].as_array().unwrap().len(), 5);
    for bad in [
        json!({ "data": { "type": "other", "id": "web.errors", "attributes": {} } }),
        json!({ "data": { "type": "manage_tags", "id": "another", "attributes": { "metric_type": "gauge" } } }),
        json!({ "data": { "type": "manage_tags", "id": "web.errors", "attributes": { "metric_type": "colour" } } }),
        json!({ "data": { "type": "manage_tags", "id": "web.errors", "attributes": {} } }),
        json!({ "data": { "type": "manage_tags", "id": "web.errors",
            "attributes": { "metric_type": "gauge", "include_percentiles": true } } }),
    ] {
        let answer = server.post("/api/v2/metrics/web.errors/tags", bad.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(server.call(Method::DELETE, path, "").await.status, StatusCode::NO_CONTENT);
    let gone = server.call(Method::DELETE, path, "").await;
    assert_eq!((gone.status, gone.error().as_str()), (StatusCode::NOT_FOUND, "web.requests not found"));
}

#[tokio::test]
async fn cardinality_is_counted() {
    let server = filled().await;
    let get =
        async |what: &str| server.get(&format!("/api/v2/metrics/web.requests/{what}")).await.json()["data"].clone();
    assert_eq!(get("volumes").await["attributes"], json!({ "indexed_volume": 2, "ingested_volume": 2 }));
    let estimate = get("estimate?filter%5Bgroups%5D=env&filter%5Bnum_aggregations%5D=4").await;
    assert_eq!(estimate["attributes"]["estimated_output_series"], 4);
    assert_eq!(get("estimate?filter%5Bgroups%5D=env,shard").await["attributes"]["estimated_output_series"], 2);
    assert_eq!(get("assets").await["type"], "metrics");
    assert_eq!(get("active-configurations").await["attributes"]["active_tags"], json!([]));
    for what in ["volumes", "all-tags", "assets", "tag-cardinalities", "tags"] {
        let answer = server.get(&format!("/api/v2/metrics/never.sent/{what}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
    }
}
