//! The client against small servers on ephemeral ports. Other checks' tests borrow the servers and the context.

use std::net::SocketAddr;
use std::sync::Arc;

use galgo_agent::check::{Check, CheckContext, CheckError, Instance, Samples, Source};
use galgo_agent::collect::Roots;
use galgo_core::ManualClock;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use super::*;
use crate::options::Options;
use crate::trust::tests::{Authority, EXPIRED, LONG, serve_tls};

/// Seconds since the UNIX epoch at which tests happen.
pub(crate) const NOW: i64 = 1_700_000_000;

/// An agent with these settings, whose clock stands still.
pub(crate) fn context(settings: Value) -> CheckContext {
    CheckContext {
        clock: Arc::new(ManualClock::at_ms(NOW * 1000)),
        host: "test".into(),
        roots: Roots::machine(),
        settings: Arc::new(settings),
    }
}

/// An instance of a check.
pub(crate) fn instance(check: &str, options: Value) -> Instance {
    Instance::new(check, options, Value::Null, Source::default()).unwrap()
}

/// Runs a check once.
pub(crate) async fn run(check: &mut dyn Check) -> (Samples, Result<(), CheckError>) {
    let mut samples = Samples::default();
    let outcome = check.run(&mut samples).await;
    (samples, outcome)
}

/// What was submitted, one line each, sorted.
pub(crate) fn described(samples: &Samples) -> String {
    let mut lines = Vec::new();
    for sample in &samples.values {
        let mut tags = sample.tags.clone();
        tags.sort();
        let host = if sample.host.is_empty() { String::new() } else { format!(" host={}", sample.host) };
        let flush = if sample.flush_first { " flush" } else { "" };
        lines.push(format!("{:?} {} {} [{}]{host}{flush}", sample.kind, sample.metric, sample.value, tags.join(" ")));
    }
    for bucket in &samples.buckets {
        let (lower, upper) = (bucket.lower, bucket.upper);
        lines.push(format!("Bucket {} {} ({lower}, {upper}] [{}]", bucket.metric, bucket.count, bucket.tags.join(" ")));
    }
    for check in &samples.checks {
        let mut tags = check.tags.clone();
        tags.sort();
        lines.push(format!("check {} {:?} [{}] {}", check.check, check.status, tags.join(" "), check.message));
    }
    lines.sort();
    lines.extend(samples.warnings.iter().map(|warning| format!("warning {warning}")));
    lines.extend(samples.metadata.iter().map(|(name, value)| format!("metadata {name} {value}")));
    lines.join("\n") + "\n"
}

/// An answer with a body.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn answer_one(mut stream: impl AsyncRead + AsyncWrite + Unpin, respond: &(dyn Fn(&str) -> String + Sync)) {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut piece).await else { return };
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length = text.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            let _ = stream.write_all(respond(&text).as_bytes()).await;
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// An HTTP server on an ephemeral port; `respond` gets the whole request and gives the whole answer.
pub(crate) async fn serve(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let respond = Arc::new(respond);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let respond = Arc::clone(&respond);
            tokio::spawn(async move { answer_one(stream, &*respond).await });
        }
    });
    address
}

/// A port that nobody listens on.
pub(crate) async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

const DEFAULTS: Defaults = Defaults { accept: "text/plain", verify: true };

fn client(url: &str, options: Value) -> HttpClient {
    let instance = instance("x", options);
    let read = HttpOptions::read(&Options::of(&instance), &context(json!({})), DEFAULTS).unwrap();
    HttpClient::new(read, url).unwrap()
}

async fn get(url: &str, options: Value) -> Result<(u16, String), HttpError> {
    let response = client(url, options).send(&Request::get(url)).await?;
    Ok((response.status(), response.text(1000).await?))
}

#[tokio::test]
async fn headers_and_credentials_are_sent() {
    let address = serve(|request| answer("200 OK", "text/plain", &request.to_lowercase())).await;
    let url = format!("http://{address}/a?b=c");
    let options = json!({ "username": "me", "password": "pw", "extra_headers": { "X-One": 1 } });
    let (status, seen) = get(&url, options).await.unwrap();
    assert_eq!(status, 200);
    for wanted in ["get /a?b=c http/1.1", "accept: text/plain", "x-one: 1", "authorization: basic bwu6chc="] {
        assert!(seen.contains(wanted), "{wanted} in {seen}");
    }
    let (_, seen) = get(&url, json!({ "headers": { "Host": "other.test" } })).await.unwrap();
    assert!(seen.contains("host: other.test") && !seen.contains("accept: text/plain"), "{seen}");
}

#[tokio::test]
async fn failures_name_the_address_and_the_cause_but_no_secret() {
    let closed = closed_port().await;
    let error = get(&format!("http://me:pw@{closed}/x?token=secret"), json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), format!("http://{closed}/x: Connection refused (os error 111)"));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let error = get(&url, json!({ "timeout": 0.05 })).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url}: no answer within the time limit"));
    let error = get("ftp://host/", json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "ftp://host/: scheme must be http, https or unix, not ftp");
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound() {
    let address = serve(|_| answer("200 OK", "text/plain", &"x".repeat(100_000))).await;
    let (_, body) = get(&format!("http://{address}/"), json!({})).await.unwrap();
    assert_eq!(body.len(), 1000);
    let latin =
        serve(|_| "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=ISO-8859-1\r\n\r\n".to_owned() + "caf").await;
    assert_eq!(get(&format!("http://{latin}/"), json!({})).await.unwrap().1, "caf");
}

#[tokio::test]
async fn redirects_are_followed_unless_switched_off() {
    let address = serve(|request| match request.starts_with("GET /old") {
        true => "HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n".to_owned(),
        false => answer("200 OK", "text/plain", "new"),
    })
    .await;
    let url = format!("http://{address}/old");
    assert_eq!(get(&url, json!({})).await.unwrap(), (200, "new".to_owned()));
    assert_eq!(get(&url, json!({ "allow_redirects": false })).await.unwrap().0, 302);
}

#[tokio::test]
async fn a_unix_socket_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer_one(stream, &|request: &str| answer("200 OK", "text/plain", request.lines().next().unwrap())).await;
        }
    });
    let url = format!("unix://{}/metrics", path.display());
    assert_eq!(get(&url, json!({})).await.unwrap().1, "GET /metrics HTTP/1.1");
}

#[tokio::test]
async fn requests_go_through_the_agents_proxy_unless_skipped() {
    let proxy = serve(|request| answer("200 OK", "text/plain", request.lines().next().unwrap())).await;
    let closed = closed_port().await;
    let settings = context(json!({ "proxy": { "http": format!("http://{proxy}"), "no_proxy": ["direct.test"] } }));
    let url = format!("http://{closed}/x");
    let ask = async |options: Value| {
        let instance = instance("x", options);
        let read = HttpOptions::read(&Options::of(&instance), &settings, DEFAULTS).unwrap();
        let response = HttpClient::new(read, &url).unwrap().send(&Request::get(&url)).await?;
        response.text(1000).await
    };
    assert_eq!(ask(json!({})).await.unwrap(), format!("GET {url} HTTP/1.1"));
    assert!(ask(json!({ "skip_proxy": true })).await.is_err());
    let own = json!({ "proxy": { "http": "http://127.0.0.1:1" } });
    assert!(ask(own).await.is_err());
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn certificates_are_verified_as_asked() {
    let authority = Authority::new();
    let ca = authority.path().display().to_string();
    let good = serve_tls(authority.issue(&["localhost"], LONG), OK).await;
    let expired = serve_tls(authority.issue(&["localhost"], EXPIRED), OK).await;
    let url = |address: SocketAddr, host: &str| format!("https://{host}:{}/", address.port());
    let with_ca = json!({ "tls_ca_cert": ca });
    assert_eq!(get(&url(good, "localhost"), with_ca.clone()).await.unwrap().1, "ok");
    let error = get(&url(good, "127.0.0.1"), with_ca.clone()).await.unwrap_err();
    assert!(error.to_string().contains("certificate not valid for name \"127.0.0.1\""), "{error}");
    assert!(error.tls().is_some());
    let lax = json!({ "tls_ca_cert": ca, "tls_validate_hostname": false });
    assert_eq!(get(&url(good, "127.0.0.1"), lax).await.unwrap().0, 200);
    let error = get(&url(expired, "localhost"), with_ca).await.unwrap_err();
    assert!(error.to_string().contains("certificate expired"), "{error}");
    let response = client(&url(expired, "localhost"), json!({ "tls_verify": false }));
    let response = response.send(&Request::get(url(expired, "localhost"))).await.unwrap();
    assert!(response.certificate().is_some());
    assert!(get(&url(good, "localhost"), json!({})).await.is_err());
}

#[tokio::test]
async fn tokens_come_from_files_and_oauth_servers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "token is abc\n").unwrap();
    let seen = serve(|request| {
        if request.starts_with("POST /oauth") {
            let asked = request.contains("grant_type=client_credentials&client_id=id&client_secret=s%20s&scope=all");
            return answer("200 OK", "application/json", &format!("{{\"access_token\": \"t{asked}\"}}"));
        }
        answer("200 OK", "text/plain", &request.to_lowercase())
    })
    .await;
    let url = format!("http://{seen}/");
    let writer = json!({ "type": "header", "name": "Authorization", "value": "Bearer <TOKEN>" });
    let file = json!({ "type": "file", "path": path, "pattern": "is (.+)" });
    let (_, text) = get(&url, json!({ "auth_token": { "reader": file, "writer": writer } })).await.unwrap();
    assert!(text.contains("authorization: bearer abc"), "{text}");
    let oauth = json!({ "type": "oauth", "url": format!("{url}oauth"), "client_id": "id", "client_secret": "s s",
        "options": { "scope": "all" } });
    let (_, text) = get(&url, json!({ "auth_token": { "reader": oauth, "writer": writer } })).await.unwrap();
    assert!(text.contains("authorization: bearer ttrue"), "{text}");
    let missing = json!({ "bearer_token_auth": true, "bearer_token_path": folder.path().join("none") });
    let error = get(&url, missing).await.unwrap_err().to_string();
    assert!(error.starts_with("auth_token: ") && error.contains("No such file"), "{error}");
}

#[test]
fn unknown_ways_to_authenticate_are_refused() {
    let instance = instance("x", json!({ "auth_type": "ntlm" }));
    let refused = HttpOptions::read(&Options::of(&instance), &context(json!({})), DEFAULTS).unwrap_err();
    let wanted = "auth_type must be left out: only basic authentication and auth_token are known, not \"ntlm\"";
    assert_eq!(refused.reason, wanted);
}
