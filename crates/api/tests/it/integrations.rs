//! What agents run, from their payloads to the page.

use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{NOW, Server};

async fn send(server: &Server, path: &str, body: Value) {
    let answer = server.post(path, body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
}

fn find<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    list.as_array().into_iter().flatten().find(|entry| entry[key] == name).unwrap_or(&Value::Null)
}

/// As `galgo agent` sends it.
fn own_payload() -> Value {
    let last = |outcome: &str| {
        json!({ "at": NOW - 12, "duration_ms": 34, "metric_samples": 120, "service_checks": 1, "events": 0, "logs": 0,
                "outcome": outcome })
    };
    let check = |name: &str, id: &str, outcome: &str, error: &str| {
        json!({ "check": name, "id": id, "source": format!("file:/etc/galgo-agent/conf.d/{name}.yaml[0]"),
                "loader": "core", "version": "0.1.0", "interval_s": 15.0, "runs": 10, "failed_runs": 1,
                "metric_samples": 1200, "service_checks": 10, "events": 0, "total_ms": 340, "last": last(outcome),
                "last_ok": NOW - 12, "error": error, "traceback": "", "warnings": [], "metadata": {} })
    };
    json!({
        "internalHostname": "db-1", "agentVersion": "0.1.0", "agent-flavor": "galgo", "meta": { "hostname": "db-1" },
        "agent_checks": [["mysql", "mysql", "mysql:1", "ERROR", "told twice", ""]],
        "galgo_checks": [
            check("mysql", "mysql:1", "ERROR", "cannot reach mysql://datadog:hunter2@db:3306"),
            check("mysql", "mysql:2", "OK", ""),
            check("queue_length", "queue_length:1", "OK", ""),
            { "check": 7 },
        ],
        "galgo_logs": [{ "type": "file", "path": "/var/log/a.log", "service": "a", "state": "ok", "lines": 12, "sent": 12 }],
    })
}

#[tokio::test]
async fn our_own_agent_tells_everything() {
    let server = Server::start().await;
    send(&server, "/intake/", own_payload()).await;
    for metric in ["mysql.net.connections", "mysql.innodb.data_reads", "queue_length.items", "other.metric"] {
        server.gauge(metric, "db-1", &[], NOW - 30, 1.0).await;
    }
    send(&server, "/api/v1/check_run", json!([{ "check": "mysql.can_connect", "host_name": "db-1", "status": 2 }]))
        .await;
    let listed = server.get("/api/galgo/v1/integrations").await.json()["integrations"].clone();
    let mysql = find(&listed, "name", "mysql");
    let numbers = ["hosts", "stale_hosts", "ok", "warning", "error", "pending", "metrics", "last_run"];
    assert_eq!(numbers.map(|key| mysql[key].as_i64().unwrap()), [1, 0, 1, 0, 1, 0, 2, NOW - 12]);
    assert_eq!((mysql["title"].as_str(), &mysql["versions"]), (Some("MySQL and MariaDB"), &json!(["0.1.0"])));
    let own = find(&listed, "name", "queue_length");
    assert_eq!((own["known"].clone(), own["metrics"].clone()), (json!(false), json!(1)));
    assert_eq!(find(&listed, "name", "logs_file")["hosts"], 1);
    assert_eq!(find(&listed, "name", "postgres")["hosts"], 0);

    let one = server.get("/api/galgo/v1/integrations/mysql").await.json();
    // What fails comes first.
    assert_eq!(one["instances"][0]["error"], "cannot reach mysql://datadog:********@db:3306");
    assert_eq!(one["instances"][0]["last"]["duration_ms"], 34);
    assert_eq!(one["instances"][1]["status"], "OK");
    assert_eq!(one["service_checks"][0]["critical"], 1);
    assert_eq!(find(&one["metric_list"], "name", "mysql.innodb.data_reads")["type"], "gauge");
    assert_eq!(one["files"][0]["path"], "conf.d/mysql.d/conf.yaml");
    assert_eq!(server.get("/api/galgo/v1/integrations/nothing").await.status, StatusCode::NOT_FOUND);

    let host = server.get("/api/galgo/v1/hosts/db-1/checks").await.json();
    assert_eq!(host["agent"]["flavor"], "galgo");
    assert_eq!((host["agent"]["checks_at"].clone(), host["agent"]["checks_stale"].clone()), (json!(NOW), json!(false)));
    assert_eq!(host["checks"].as_array().map(Vec::len), Some(3));
    assert_eq!(host["logs"][0]["path"], "/var/log/a.log");
    assert_eq!(server.get("/api/galgo/v1/hosts/nobody/checks").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agent_of_datadog_tells_its_checks_and_their_configuration() {
    let server = Server::start().await;
    let trace = "Traceback (most recent call last):\n  File \"x.py\"\nValueError: no";
    send(
        &server,
        "/intake/",
        json!({
            "internalHostname": "web-1", "agentVersion": "7.60.1", "python": "3.12.6", "meta": { "hostname": "web-1" },
            "agent_checks": [
                ["disk", "disk", "disk:1", "OK", "", ""],
                ["http_check", "http_check", "http_check:2", "WARNING", ["slow", "old"], ""],
                ["broken", "broken", "initialization", "ERROR", trace],
            ],
        }),
    )
    .await;
    send(
        &server,
        "/api/v1/metadata",
        json!({
            "hostname": "web-1", "uuid": "u", "timestamp": NOW * 1_000_000_000_i64,
            "check_metadata": { "http_check": [{
                "config.hash": "http_check:2", "config.provider": "file", "config.source": "file:/etc/x.yaml",
                "instance_config": "url: http://a\npassword: hunter2\n", "init_config": "", "version.raw": "9.1.1",
            }] },
            "logs_metadata": { "web": [{
                "config": "{\"type\":\"journald\"}", "state": { "status": "success", "error": "" }, "source": "web",
            }] },
        }),
    )
    .await;
    let host = server.get("/api/galgo/v1/hosts/web-1/checks").await;
    assert!(!host.text().contains("hunter2"));
    let host = host.json();
    assert_eq!(host["agent"]["python"], "3.12.6");
    let broken = find(&host["checks"], "check", "broken");
    assert_eq!((&broken["error"], &broken["traceback"]), (&json!("ValueError: no"), &json!(trace)));
    let http = find(&host["checks"], "check", "http_check");
    assert_eq!((&http["warnings"], &http["version"]), (&json!(["slow", "old"]), &json!("9.1.1")));
    assert_eq!(http["configuration"]["instance"], "url: http://a\npassword: \"********\"\n");
    assert_eq!((&http["source"], &http["last"]), (&json!("file:/etc/x.yaml"), &Value::Null));
    assert_eq!((&host["logs"][0]["type"], &host["logs"][0]["state"]), (&json!("journald"), &json!("success")));
    // Datadog's own call shows the rows as they came.
    let listed = server.get("/api/v1/hosts?include_hosts_metadata=true").await.json();
    assert_eq!(listed["host_list"][0]["meta"]["agent_checks"][0][2], "disk:1");
}
