//! The page's own calls.

use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::server::{NOW, PASSWORD, Server};

async fn login(server: &Server) -> String {
    let answer = server.send(login_request(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

fn login_request(password: &str) -> Request<Body> {
    let body = json!({ "user": "admin", "password": password }).to_string();
    let request = Request::builder().method(Method::POST).uri("/api/galgo/v1/login").header("x-galgo-page", "1");
    request.body(Body::from(body)).unwrap()
}

fn with_cookie(method: Method, path: &str, cookie: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(COOKIE, cookie)
}

#[tokio::test]
async fn a_session_reads_and_with_the_page_header_changes() {
    let server = Server::start().await;
    let cookie = login(&server).await;
    let session = server.send(with_cookie(Method::GET, "/api/galgo/v1/session", &cookie).body(Body::empty()).unwrap());
    let session = session.await.json();
    assert_eq!(session["user"]["role"], "admin");
    assert_eq!(session["server_time"], NOW);
    let read = with_cookie(Method::GET, "/api/v1/hosts", &cookie).body(Body::empty()).unwrap();
    assert_eq!(server.send(read).await.status, StatusCode::OK);
    let change = || with_cookie(Method::POST, "/api/v1/tags/hosts/h", &cookie);
    let body = || Body::from(r#"{"tags":["a:b"]}"#);
    assert_eq!(server.send(change().body(body()).unwrap()).await.status, StatusCode::FORBIDDEN);
    let from_page = change().header("X-Galgo-Page", "1").body(body()).unwrap();
    assert_eq!(server.send(from_page).await.status, StatusCode::CREATED);
    let logout = with_cookie(Method::POST, "/api/galgo/v1/logout", &cookie).header("X-Galgo-Page", "1");
    assert_eq!(server.send(logout.body(Body::empty()).unwrap()).await.status, StatusCode::NO_CONTENT);
    let ended = with_cookie(Method::GET, "/api/v1/hosts", &cookie).body(Body::empty()).unwrap();
    assert_eq!(server.send(ended).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_passwords_are_refused_and_then_locked_out() {
    let server = Server::start().await;
    let mut last = StatusCode::OK;
    for _ in 0..20 {
        last = server.send(login_request("wrong")).await.status;
        assert!(last == StatusCode::UNAUTHORIZED || last == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let unasked = Request::builder().uri("/api/galgo/v1/session").body(Body::empty()).unwrap();
    assert_eq!(server.send(unasked).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn completion_offers_what_is_there() {
    let server = Server::start().await;
    server.gauge("system.load.1", "a", &["env:prod"], NOW, 1.0).await;
    server.gauge("system.load.15", "b", &["env:dev"], NOW, 1.0).await;
    let get = async |path: &str| server.get(&format!("/api/galgo/v1/{path}")).await.json();
    let names = get("complete/metrics?q=load.15").await;
    assert_eq!(names["metrics"][0]["name"], "system.load.15");
    assert_eq!(get("complete/metrics?q=sysload1&limit=1").await["metrics"].as_array().unwrap().len(), 1);
    assert_eq!(
        get("complete/tag-keys?metric=system.load.1").await,
        json!({ "keys": [{ "key": "env", "values": 1 }, { "key": "host", "values": 1 }] })
    );
    assert_eq!(get("complete/tag-values?metric=system.load.1&key=env").await, json!({ "values": ["prod"] }));
    assert!(get("functions").await.as_array().unwrap().len() > 30);
}

#[tokio::test]
async fn the_summary_shows_metrics_in_pages_and_in_full() {
    let server = Server::start().await;
    server.gauge("a.one", "h", &["env:prod"], NOW, 1.0).await;
    server.gauge("a.two", "h", &[], NOW, 1.0).await;
    let get = async |path: &str| server.get(&format!("/api/galgo/v1/{path}")).await.json();
    let first = get("metrics?limit=1").await;
    assert_eq!((first["total"].clone(), first["metrics"][0]["name"].clone()), (json!(2), json!("a.one")));
    let second = get(&format!("metrics?limit=1&cursor={}", first["cursor"].as_str().unwrap())).await;
    assert_eq!((second["metrics"][0]["name"].clone(), second["cursor"].clone()), (json!("a.two"), Value::Null));
    assert_eq!(get("metrics?tag=env:prod").await["total"], 1);
    let one = get("metrics/a.one").await;
    assert_eq!(one["tags"][0], json!({ "key": "env", "values": 1, "top": ["prod"] }));
    assert_eq!(one["senders"][0]["host"], "h");
    assert!(one["limit"].as_u64().unwrap() > 0);
    assert_eq!(server.get("/api/galgo/v1/metrics/nothing").await.status, StatusCode::NOT_FOUND);
    let status = get("status").await;
    assert_eq!((status["series"].clone(), status["points"].clone()), (json!(2), json!(2)));
}

#[tokio::test]
async fn keys_are_listed_without_their_secret() {
    let server = Server::start().await;
    let made = server.post("/api/galgo/v1/api-keys", json!({ "name": "k" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let listed = server.get("/api/galgo/v1/api-keys").await.text();
    assert!(listed.contains(made["id"].as_str().unwrap()) && !listed.contains(made["key"].as_str().unwrap()));
    let path = format!("/api/galgo/v1/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(server.call(Method::DELETE, &path, "").await.status, StatusCode::NO_CONTENT);
}
