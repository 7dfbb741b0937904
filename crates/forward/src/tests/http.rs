//! Over sockets, in real time: headers, proxies, keys.

use std::net::SocketAddr;

use galgo_agent::logs::LogLine;
use galgo_core::SystemClock;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::{LogEndpointConfig, ProxyConfig};
use crate::{ForwarderError, KeyVerdict};

/// A request as it came: its head and its body.
type Received = (String, Vec<u8>);

/// A server that answers every request alike and remembers it.
struct Site {
    addr: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<usize>>,
}

impl Site {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (received, connections) = (Arc::default(), Arc::default());
        let site = Self { addr, received: Arc::clone(&received), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock() += 1;
                tokio::spawn(serve(stream, answer, Arc::clone(&received)));
            }
        });
        site
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    async fn wait_for(&self, requests: usize) -> Vec<Received> {
        for _ in 0..500 {
            if self.received.lock().len() >= requests {
                return self.received.lock().clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited 5 s for {requests} requests, {} came", self.received.lock().len());
    }
}

async fn serve(mut stream: TcpStream, answer: &'static str, received: Arc<Mutex<Vec<Received>>>) {
    let mut buffer = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let end = head_end + length.unwrap_or(0_usize);
        while buffer.len() < end {
            stream.read_buf(&mut buffer).await.unwrap();
        }
        let body = buffer[head_end..end].to_vec();
        buffer.drain(..end);
        received.lock().push((head, body));
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

const TAKEN: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n{}";

fn quick(endpoints: Vec<EndpointConfig>) -> ForwarderConfig {
    ForwarderConfig {
        endpoints,
        batch_wait: Duration::from_millis(10),
        compression: Compression::Zstd(1),
        log_compression: Compression::Gzip(6),
        ..config()
    }
}

fn start(config: ForwarderConfig) -> Forwarder {
    Forwarder::start(config, Arc::new(SystemClock::new())).unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

#[tokio::test]
async fn headers_are_those_of_an_agent() {
    let site = Site::start(TAKEN).await;
    let log_endpoints = vec![LogEndpointConfig {
        url: format!("{}/ignored", site.url()),
        api_key: "key-two".into(),
        is_reliable: true,
        use_v2_api: false,
    }];
    let forwarder = start(ForwarderConfig { log_endpoints, ..quick(vec![endpoint(&site.url(), "key-one")]) });
    forwarder.deliver(report(1)).await.unwrap();
    let received = site.wait_for(1).await;
    let (head, body) = &received[0];
    assert!(head.starts_with("POST /api/v2/series HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("dd-api-key", "key-one"),
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "zstd"),
        ("dd-agent-version", "7.70.0"),
        ("dd-agent-payload", "5.0.115"),
    ] {
        assert_eq!(header(head, name), Some(value), "{head}");
    }
    assert!(header(head, "user-agent").is_some_and(|agent| agent.starts_with("datadog-agent/7.70.0 (galgo ")));
    let raw = crate::compress::decompress(body, crate::payload::Encoding::Zstd).unwrap();
    assert!(String::from_utf8_lossy(&raw).contains("web-1"));
    galgo_agent::logs::LogOutput::deliver(&forwarder, vec![LogLine { message: "hello".into(), ..LogLine::default() }])
        .await
        .unwrap();
    let received = site.wait_for(2).await;
    let (head, _) = &received[1];
    assert!(head.starts_with("POST /v1/input HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("dd-api-key", "key-two"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("dd-protocol", "agent-json"),
        ("dd-evp-origin", "agent"),
        ("dd-evp-origin-version", "7.70.0"),
    ] {
        assert_eq!(header(head, name), Some(value), "{head}");
    }
    assert!(header(head, "dd-current-timestamp").is_some() && header(head, "dd-message-timestamp").is_some());
    let stats = forwarder.stats().endpoints.remove(0);
    assert!(stats.clock_skew_s.is_some_and(|skew| skew > 1_000_000), "the server's clock stands in 2023");
}

#[tokio::test]
async fn connections_are_used_again() {
    let site = Site::start(TAKEN).await;
    let forwarder = start(quick(vec![endpoint(&site.url(), "key-one")]));
    for value in 0..5 {
        forwarder.deliver(report(value)).await.unwrap();
        site.wait_for(value + 1).await;
    }
    assert_eq!(*site.connections.lock(), 1);
}

#[tokio::test]
async fn several_keys_get_everything_each() {
    let site = Site::start(TAKEN).await;
    let api_keys = vec!["key-one".into(), "key-two".into(), " key-one ".into(), String::new()];
    let forwarder = start(quick(vec![EndpointConfig { url: site.url(), api_keys }]));
    forwarder.deliver(report(1)).await.unwrap();
    let received = site.wait_for(2).await;
    let mut keys: Vec<_> = received.iter().filter_map(|(head, _)| header(head, "dd-api-key")).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["key-one", "key-two"]);
}

#[tokio::test]
async fn a_proxy_is_used_with_its_password_and_passed_by_when_told_so() {
    let (site, proxy) = (Site::start(TAKEN).await, Site::start(TAKEN).await);
    let proxied = ProxyConfig { http: format!("http://user:p%40ss@{}", proxy.addr), ..ProxyConfig::default() };
    let forwarder = start(ForwarderConfig { proxy: proxied.clone(), ..quick(vec![endpoint(&site.url(), "key-one")]) });
    forwarder.deliver(report(1)).await.unwrap();
    let received = proxy.wait_for(1).await;
    assert!(received[0].0.starts_with(&format!("POST {}/api/v2/series HTTP/1.1\r\n", site.url())), "{}", received[0].0);
    assert_eq!(header(&received[0].0, "proxy-authorization"), Some("Basic dXNlcjpwQHNz"));
    assert!(site.received.lock().is_empty());
    let direct = ProxyConfig { no_proxy: vec![site.addr.to_string()], ..proxied };
    let forwarder = start(ForwarderConfig { proxy: direct, ..quick(vec![endpoint(&site.url(), "key-one")]) });
    forwarder.deliver(report(1)).await.unwrap();
    site.wait_for(1).await;
    assert_eq!(proxy.received.lock().len(), 1);
}

#[tokio::test]
async fn a_secure_server_is_asked_for_through_a_tunnel() {
    let proxy = Site::start("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    let proxied = ProxyConfig { https: proxy.url(), ..ProxyConfig::default() };
    let forwarder =
        start(ForwarderConfig { proxy: proxied, ..quick(vec![endpoint("https://obs.example/galgo", "key-one")]) });
    forwarder.deliver(report(1)).await.unwrap();
    let received = proxy.wait_for(1).await;
    assert!(received[0].0.starts_with("CONNECT obs.example:443 HTTP/1.1\r\n"), "{}", received[0].0);
}

#[tokio::test]
async fn keys_are_asked_about() {
    let good = Site::start("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"valid\":true}").await;
    let bad = Site::start("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}").await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoints = vec![
        endpoint(&good.url(), "0123456789abcdef0123456789abcdef"),
        endpoint(&bad.url(), "short"),
        endpoint(&format!("http://{gone}"), "key"),
        endpoint(&good.url(), "00000000000000000000000000000000"),
    ];
    let forwarder = start(quick(endpoints));
    let checks = forwarder.validate_keys().await;
    let verdicts: Vec<_> = checks.iter().map(|check| &check.verdict).collect();
    assert_eq!(verdicts[..2], [&KeyVerdict::Valid, &KeyVerdict::Invalid]);
    assert!(matches!(verdicts[2], KeyVerdict::Unknown(reason) if reason.contains("onnection refused")), "{verdicts:?}");
    assert!(matches!(verdicts[3], KeyVerdict::Unknown(_)));
    assert_eq!((checks[0].key.as_str(), checks[1].key.as_str()), ("…bcdef", "…"));
    let valid: Vec<_> = forwarder.stats().endpoints.iter().map(|endpoint| endpoint.key_valid).collect();
    assert_eq!(valid, [Some(true), Some(false), None, None]);
    let head = good.received.lock()[0].0.clone();
    assert!(head.starts_with("GET /api/v1/validate HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "dd-api-key"), Some("0123456789abcdef0123456789abcdef"));
}

#[tokio::test]
async fn errors_say_what_is_wrong_and_never_a_password() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let forwarder = start(quick(vec![endpoint(&format!("http://user:secret@{gone}"), "key-one")]));
    forwarder.deliver(report(1)).await.unwrap();
    for _ in 0..500 {
        if forwarder.stats().endpoints[0].retries > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stats = forwarder.stats().endpoints.remove(0);
    assert!(stats.last_error.contains("onnection refused"), "{}", stats.last_error);
    assert!(!format!("{stats:?} {forwarder:?}").contains("secret"));
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    let clock = || Arc::new(SystemClock::new());
    let refuse = |config: ForwarderConfig| Forwarder::start(config, clock()).map(drop).unwrap_err().to_string();
    for (url, error) in [
        ("obs.example", "not an address to send to: \"obs.example\": relative URL without a base"),
        (
            "ftp://u:p@obs.example",
            "not an address to send to: \"ftp://obs.example\": it must start with http:// or https://",
        ),
        ("http://u:p@:80", "not an address to send to: \":80\": empty host"),
    ] {
        assert_eq!(refuse(quick(vec![endpoint(url, "key")])), error);
    }
    let error = refuse(quick(vec![endpoint("http://obs.example", " ")]));
    assert_eq!(error, ForwarderError::NoKey("http://obs.example".into()).to_string());
    let proxy = ProxyConfig { http: "http://user:p w@".into(), ..ProxyConfig::default() };
    let error = refuse(ForwarderConfig { proxy, ..quick(vec![endpoint("http://obs.example", "key")]) });
    assert_eq!(error, ForwarderError::Proxy.to_string());
}
