//! Keys and users.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::server::{API_KEY, APP_KEY, Server};

#[tokio::test]
async fn validation_tells_keys_apart() {
    let server = Server::start().await;
    let get = |path: &str, keys: &[(&str, &str)]| {
        let request =
            keys.iter().fold(Request::builder().uri(path), |request, (name, key)| request.header(*name, *key));
        request.body(Body::empty()).unwrap()
    };
    let ask = async |path: &str, keys: &[(&str, &str)]| {
        let answer = server.send(get(path, keys)).await;
        (answer.status.as_u16(), answer.text())
    };
    let (api, app) = (("DD-API-KEY", API_KEY), ("DD-APPLICATION-KEY", APP_KEY));
    assert_eq!(ask("/api/v1/validate", &[api]).await, (200, r#"{"valid":true}"#.into()));
    assert_eq!(ask("/api/v1/validate", &[]).await, (403, r#"{"errors":["API key required"]}"#.into()));
    assert_eq!(ask("/api/v1/validate", &[("DD-API-KEY", "x")]).await, (403, r#"{"errors":["Forbidden"]}"#.into()));
    assert_eq!(ask("/api/v2/validate_keys", &[api, app]).await, (200, r#"{"status":"ok"}"#.into()));
    assert_eq!(ask("/api/v2/validate_keys", &[api]).await.0, 403);
    assert_eq!(ask("/api/v2/validate_keys", &[app]).await.0, 403);
    assert_eq!(ask("/api/v2/validate_keys", &[api, ("DD-APPLICATION-KEY", "x")]).await.0, 403);
    let (status, text) = ask("/api/v2/validate", &[api]).await;
    assert!(status == 200 && text.contains("validate_v2"), "{text}");
}

#[tokio::test]
async fn api_keys_live_and_die() {
    let server = Server::start().await;
    let document = |name: &str| json!({ "data": { "type": "api_keys", "attributes": { "name": name } } });
    let made = server.post("/api/v2/api_keys", document("first")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json()["data"].clone();
    let (id, secret) = (made["id"].as_str().unwrap(), made["attributes"]["key"].as_str().unwrap());
    let path = format!("/api/v2/api_keys/{id}");
    assert!(server.get(&path).await.json()["data"]["attributes"].get("key").is_none());
    let valid = Request::builder().uri("/api/v1/validate").header("DD-API-KEY", secret).body(Body::empty()).unwrap();
    assert_eq!(server.send(valid).await.status, StatusCode::OK);
    let renamed = server.call(Method::PATCH, &path, document("second").to_string()).await;
    assert_eq!(renamed.json()["data"]["attributes"]["name"], "second");
    assert_eq!(server.get("/api/v2/api_keys?filter=second").await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.call(Method::DELETE, &path, "").await.status, StatusCode::NO_CONTENT);
    let gone = server.get(&path).await;
    assert_eq!((gone.status, gone.error().as_str()), (StatusCode::NOT_FOUND, "API key not found"));
    let invalid = Request::builder().uri("/api/v1/validate").header("DD-API-KEY", secret).body(Body::empty()).unwrap();
    assert_eq!(server.send(invalid).await.status, StatusCode::FORBIDDEN);
    for bad in [json!({}), json!({ "data": { "type": "users", "attributes": { "name": "x" } } }), document("")] {
        assert_eq!(server.post("/api/v2/api_keys", bad.clone()).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn application_keys_live_and_die() {
    let server = Server::start().await;
    let own = "/api/v2/current_user/application_keys";
    let document = json!({ "data": { "type": "application_keys", "attributes": { "name": "mine" } } });
    let made = server.post(own, document).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json()["data"].clone();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["attributes"]["key"].as_str().unwrap().len(), 40);
    assert_eq!(server.get(&format!("{own}/{id}")).await.json()["data"]["id"], id);
    assert_eq!(server.get(&format!("/api/v2/application_keys/{id}")).await.json()["data"]["id"], id);
    assert_eq!(server.call(Method::DELETE, &format!("{own}/{id}"), "").await.status, StatusCode::NO_CONTENT);
    let gone = server.get(&format!("/api/v2/application_keys/{id}")).await;
    assert_eq!((gone.status, gone.error().as_str()), (StatusCode::NOT_FOUND, "Application key not found"));
}

#[tokio::test]
async fn old_key_calls_name_keys_by_their_secret() {
    let server = Server::start().await;
    let made = server.post("/api/v1/api_key", json!({ "name": "old" })).await.json()["api_key"].clone();
    let path = format!("/api/v1/api_key/{}", made["key"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json()["api_key"]["name"], "old");
    assert_eq!(server.call(Method::DELETE, &path, "").await.status, StatusCode::OK);
    assert_eq!(server.get(&path).await.status, StatusCode::NOT_FOUND);
    let listed = server.get("/api/v1/api_key").await.json().to_string();
    assert!(!listed.contains(API_KEY), "{listed}");
}

#[tokio::test]
async fn users_are_shown_as_json_api() {
    let server = Server::start().await;
    let current = server.get("/api/v2/current_user").await.json()["data"].clone();
    assert_eq!(current["type"], "users");
    let id = current["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/v2/users/{id}")).await.json()["data"]["id"], id);
    assert_eq!(server.get("/api/v2/users").await.json()["meta"]["page"]["total_count"], 1);
    assert_eq!(server.get("/api/v2/users/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn users_are_made_changed_and_disabled() {
    let server = Server::start().await;
    let document = |attributes: serde_json::Value| json!({ "data": { "type": "users", "attributes": attributes } });
    let made = server.post("/api/v2/users", document(json!({ "email": "Jane@Example.com", "title": "t" }))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json()["data"].clone();
    assert_eq!(made["attributes"]["email"], "jane@example.com");
    let path = format!("/api/v2/users/{}", made["id"].as_str().unwrap());
    let twice = server.post("/api/v2/users", document(json!({ "email": "jane@example.com" }))).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let changed = server.call(Method::PATCH, &path, document(json!({ "name": "Jane" })).to_string()).await.json();
    assert_eq!(changed["data"]["attributes"]["name"], "Jane");
    let other = json!({ "data": { "type": "users", "id": "other", "attributes": {} } });
    assert_eq!(server.call(Method::PATCH, &path, other.to_string()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.call(Method::DELETE, &path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.call(Method::DELETE, &path, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.post("/api/v2/users", document(json!({}))).await.status, StatusCode::BAD_REQUEST);
}
