//! Hosts and their tags.

use http::{Method, StatusCode};
use serde_json::json;

use crate::server::{NOW, Server};

#[tokio::test]
async fn host_tags_are_added_replaced_and_removed() {
    let server = Server::start().await;
    server.gauge("m", "web-1", &[], NOW, 1.0).await;
    let path = "/api/v1/tags/hosts/web-1";
    assert_eq!(server.get(path).await.json(), json!({ "host": "web-1", "tags": [] }));
    let added = server.post(path, json!({ "host": "web-1", "tags": ["role:db", "Env:Prod"] })).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.json()["tags"], json!(["env:prod", "role:db"]));
    let more = server.post(&format!("{path}?source=chef"), json!({ "tags": ["zone:1"] })).await;
    assert_eq!(more.json()["tags"], json!(["zone:1"]));
    assert_eq!(server.get(path).await.json()["tags"], json!(["env:prod", "role:db", "zone:1"]));
    assert_eq!(server.get("/api/v1/tags/hosts").await.json()["tags"]["role:db"], json!(["web-1"]));
    let replaced = server.call(Method::PUT, path, json!({ "tags": ["role:web"] }).to_string()).await;
    assert_eq!((replaced.status, replaced.json()["tags"].clone()), (StatusCode::CREATED, json!(["role:web"])));
    assert_eq!(server.call(Method::DELETE, path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(path).await.json()["tags"], json!(["zone:1"]));
    assert_eq!(server.get("/api/v1/tags/hosts/nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.post(path, json!({ "host": "web-1" })).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn hosts_are_sorted_by_their_load() {
    let server = Server::start().await;
    for (host, idle) in [("a", 90.0), ("b", 20.0), ("c", 50.0)] {
        server.gauge("system.cpu.idle", host, &[], NOW - 60, idle).await;
    }
    let listed = server.get("/api/v1/hosts?sort_field=cpu&sort_dir=desc&count=2").await.json();
    let hosts = listed["host_list"].as_array().unwrap();
    let names: Vec<_> = hosts.iter().map(|host| host["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(hosts[0]["metrics"]["cpu"], 80.0);
    assert_eq!((listed["total_matching"].clone(), listed["total_returned"].clone()), (json!(3), json!(2)));
    let totals = server.get("/api/v1/hosts/totals").await.json();
    assert_eq!(totals, json!({ "total_up": 3, "total_active": 3 }));
    for bad in ["sort_field=colour", "sort_dir=up", "count=-1", "from=x", "include_hosts_metadata=perhaps"] {
        assert_eq!(server.get(&format!("/api/v1/hosts?{bad}")).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn hosts_are_muted_once() {
    let server = Server::start().await;
    server.gauge("m", "web-1", &[], NOW, 1.0).await;
    let end = NOW + 3600;
    let muted = server.post("/api/v1/host/web-1/mute", json!({ "end": end, "message": "why" })).await;
    assert_eq!(muted.json(), json!({ "action": "Muted", "hostname": "web-1", "end": end, "message": "why" }));
    let again = server.post("/api/v1/host/web-1/mute", json!({})).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.error().contains("already muted"));
    let replaced = server.call(Method::POST, "/api/v1/host/web-1/mute?override=true", "").await;
    assert_eq!(replaced.json(), json!({ "action": "Muted", "hostname": "web-1" }));
    assert_eq!(server.post("/api/v1/host/web-1/mute", json!({ "end": NOW - 1 })).await.status, StatusCode::BAD_REQUEST);
    let unmuted = server.call(Method::POST, "/api/v1/host/web-1/unmute", "").await;
    assert_eq!(unmuted.json(), json!({ "action": "Unmuted", "hostname": "web-1" }));
    assert_eq!(server.call(Method::POST, "/api/v1/host/web-1/unmute", "").await.status, StatusCode::BAD_REQUEST);
}
