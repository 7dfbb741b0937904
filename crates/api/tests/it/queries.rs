//! Metric queries, v1 and v2.

use expect_test::expect;
use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{NOW, Server};

async fn filled() -> Server {
    let server = Server::start().await;
    for (host, value) in [("a", 1.0), ("b", 3.0)] {
        for minute in 0..3 {
            server.gauge("system.mem.used", host, &["env:test"], NOW - 300 + minute * 60, value).await;
        }
    }
    server
}

fn query_path(query: &str) -> String {
    let query = query.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20").replace('*', "%2A");
    format!("/api/v1/query?from={}&to={NOW}&query={query}", NOW - 600)
}

#[tokio::test]
async fn v1_answers_like_datadog() {
    let server = filled().await;
    let answer = server.get(&query_path("avg:system.mem.used{env:test} by {host}.rollup(max, 60)")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let shown = serde_json::to_string_pretty(&answer.json()).unwrap();
    expect![[r#"
        {
          "status": "ok",
          "resp_version": 1,
          "series": [
            {
              "metric": "system.mem.used",
              "display_name": "system.mem.used",
              "attributes": {},
              "aggr": "avg",
              "scope": "env:test,host:a",
              "tag_set": [
                "host:a"
              ],
              "expression": "avg:system.mem.used{env:test,host:a}.rollup(max, 60)",
              "unit": [
                {
                  "id": 4,
                  "family": "bytes",
                  "name": "mebibyte",
                  "plural": "mebibytes",
                  "short_name": "MiB",
                  "scale_factor": 1048576.0
                },
                null
              ],
              "interval": 60,
              "start": 1699999680000,
              "end": 1699999859000,
              "length": 3,
              "query_index": 0,
              "pointlist": [
                [
                  1699999680000,
                  1.0
                ],
                [
                  1699999740000,
                  1.0
                ],
                [
                  1699999800000,
                  1.0
                ]
              ]
            },
            {
              "metric": "system.mem.used",
              "display_name": "system.mem.used",
              "attributes": {},
              "aggr": "avg",
              "scope": "env:test,host:b",
              "tag_set": [
                "host:b"
              ],
              "expression": "avg:system.mem.used{env:test,host:b}.rollup(max, 60)",
              "unit": [
                {
                  "id": 4,
                  "family": "bytes",
                  "name": "mebibyte",
                  "plural": "mebibytes",
                  "short_name": "MiB",
                  "scale_factor": 1048576.0
                },
                null
              ],
              "interval": 60,
              "start": 1699999680000,
              "end": 1699999859000,
              "length": 3,
              "query_index": 0,
              "pointlist": [
                [
                  1699999680000,
                  3.0
                ],
                [
                  1699999740000,
                  3.0
                ],
                [
                  1699999800000,
                  3.0
                ]
              ]
            }
          ],
          "from_date": 1699999400000,
          "to_date": 1700000000000,
          "query": "avg:system.mem.used{env:test} by {host}.rollup(max, 60)",
          "res_type": "time_series",
          "group_by": [
            "host"
          ],
          "message": "",
          "times": [],
          "values": []
        }"#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn v1_errors_say_what_and_where() {
    let server = filled().await;
    for (path, status, text) in [
        (query_path("avg:system.mem.used{env:test"), 400, "character"),
        (query_path("nothing_like_it(avg:a{*})"), 400, "nothing_like_it"),
        (query_path(""), 400, "missing required parameter: query"),
        ("/api/v1/query?to=1&query=a".into(), 400, "missing required parameter: from"),
        ("/api/v1/query?from=x&to=1&query=a".into(), 400, "parameter from is no whole number: x"),
        (format!("/api/v1/query?from={NOW}&to={}&query=avg:a%7B*%7D", NOW - 60), 400, "before"),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.error().contains(text), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_metric_that_nobody_sent_is_an_empty_answer() {
    let server = filled().await;
    let answer = server.get(&query_path("avg:never.sent{*}")).await;
    assert_eq!((answer.status, answer.json()["series"].clone()), (StatusCode::OK, json!([])));
}

fn request(kind: &str, attributes: Value) -> Value {
    let mut attributes = attributes;
    attributes["from"] = ((NOW - 600) * 1000).into();
    attributes["to"] = (NOW * 1000).into();
    json!({ "data": { "type": kind, "attributes": attributes } })
}

#[tokio::test]
async fn v2_timeseries_answers_like_datadog() {
    let server = filled().await;
    let attributes = json!({
        "interval": 60_000,
        "queries": [
            { "data_source": "metrics", "name": "a", "query": "avg:system.mem.used{*} by {host}" },
            { "data_source": "metrics", "name": "b", "query": "sum:system.mem.used{*}" },
        ],
        "formulas": [{ "formula": "a", "limit": { "count": 1, "order": "desc" } }, { "formula": "b * 2" }],
    });
    let answer = server.post("/api/v2/query/timeseries", request("timeseries_request", attributes)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    expect![[r#"{"data":{"id":"0","type":"timeseries_response","attributes":{"series":[{"group_tags":["host:b"],"query_index":0,"unit":[{"id":4,"family":"bytes","name":"mebibyte","plural":"mebibytes","short_name":"MiB","scale_factor":1048576.0},null]},{"group_tags":[],"query_index":1,"unit":[{"id":4,"family":"bytes","name":"mebibyte","plural":"mebibytes","short_name":"MiB","scale_factor":1048576.0},null]}],"times":[1699999680000,1699999740000,1699999800000],"values":[[3.0,3.0,3.0],[8.0,8.0,8.0]]}}}"#]].assert_eq(&answer.text());
    let nothing = json!({ "queries": [{ "data_source": "metrics", "name": "a", "query": "avg:never{*}" }] });
    let answer = server.post("/api/v2/query/timeseries", request("timeseries_request", nothing)).await;
    expect![[r#"{"data":{"id":"0","type":"timeseries_response","attributes":{"series":[],"times":[],"values":[]}}}"#]]
        .assert_eq(&answer.text());
}

#[tokio::test]
async fn v2_scalars_answer_like_datadog() {
    let server = filled().await;
    let attributes = json!({
        "queries": [
            { "data_source": "metrics", "name": "a", "query": "avg:system.mem.used{*} by {host}", "aggregator": "max" },
        ],
        "formulas": [{ "formula": "a", "limit": { "count": 10, "order": "desc" } }, { "formula": "a + 1" }],
    });
    let answer = server.post("/api/v2/query/scalar", request("scalar_request", attributes)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    expect![[r#"{"data":{"id":"0","type":"scalar_response","attributes":{"columns":[{"type":"group","name":"host","values":[["b"],["a"]]},{"type":"number","name":"a","values":[3.0,1.0],"meta":{"unit":[{"id":4,"family":"bytes","name":"mebibyte","plural":"mebibytes","short_name":"MiB","scale_factor":1048576.0},null]}},{"type":"number","name":"a + 1","values":[4.0,2.0],"meta":{"unit":[{"id":4,"family":"bytes","name":"mebibyte","plural":"mebibytes","short_name":"MiB","scale_factor":1048576.0},null]}}]}}}"#]].assert_eq(&answer.text());
}

#[tokio::test]
async fn v2_errors_are_clear() {
    let server = filled().await;
    let query = |query: Value| json!({ "queries": [query], "formulas": [{ "formula": "a" }] });
    let good = json!({ "data_source": "metrics", "name": "a", "query": "avg:m{*}" });
    let tea = json!({ "data_source": "tea_leaves", "name": "a", "query": "x" });
    let broken = json!({ "data_source": "metrics", "name": "a", "query": "avg:m{" });
    let odd = json!({ "data_source": "metrics", "name": "a", "query": "avg:m{*}", "aggregator": "median" });
    let unknown = json!({ "queries": [good], "formulas": [{ "formula": "a + b" }] });
    let old = json!({ "data": { "type": "scalar_request", "attributes": {
        "from": 1_568_899_800_000_i64, "to": 1_568_923_200_000_i64, "queries": [good], "formulas": [{ "formula": "a" }],
    } } });
    for (path, body, text) in [
        (
            "timeseries",
            request("timeseries_rquest", query(good.clone())),
            "Invalid type. Expected \"timeseries_request\".",
        ),
        ("timeseries", request("timeseries_request", query(tea)), "tea_leaves"),
        ("timeseries", request("timeseries_request", query(broken)), "character"),
        ("timeseries", request("timeseries_request", unknown), "b"),
        ("scalar", request("scalar_request", query(odd)), "median"),
        ("scalar", old, "Queries ending outside the retention date are invalid"),
        ("scalar", json!({ "data": {} }), "invalid JSON"),
    ] {
        let answer = server.post(&format!("/api/v2/query/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}: {}", answer.text());
        assert!(answer.error().contains(text), "{}", answer.text());
    }
}

#[tokio::test]
async fn queries_over_what_is_not_stored_find_nothing_and_say_so() {
    let server = filled().await;
    let attributes = json!({
        "queries": [
            { "data_source": "logs", "name": "a", "compute": { "aggregation": "count" }, "search": { "query": "*" } },
            { "data_source": "metrics", "name": "b", "query": "sum:system.mem.used{*}" },
        ],
        "formulas": [{ "formula": "a" }, { "formula": "b" }],
    });
    let answer = server.post("/api/v2/query/timeseries", request("timeseries_request", attributes)).await.json();
    assert_eq!(answer["errors"], "nothing is stored for data_source logs");
    assert_eq!(answer["data"]["attributes"]["series"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn units_come_from_metadata() {
    let server = filled().await;
    server.gauge("own.metric", "", &[], NOW - 60, 1.0).await;
    let unit = json!({ "unit": "byte", "per_unit": "second" });
    let answer = server.call(http::Method::PUT, "/api/v1/metrics/own.metric", unit.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = server.get(&query_path("avg:own.metric{*}")).await.json();
    assert_eq!(answer["series"][0]["unit"][0]["name"], "byte");
    assert_eq!(answer["series"][0]["unit"][1]["name"], "second");
}
