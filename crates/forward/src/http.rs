//! Sends over HTTP. Clients are shared by servers that are reached the same way, connections are kept for a while.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_core::Clock;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Proxy, Response, Url};

use crate::config::ForwarderConfig;
use crate::error::ForwarderError;
use crate::payload::Payload;
use crate::proxy::proxy_for;
use crate::transport::{Answer, Transport, TransportError};

/// Version of Datadog's payload definitions, sent with protobuf bodies.
const PAYLOAD_VERSION: &str = "5.0.115";
/// Idle connections are closed after this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Idle connections kept for each server.
const MAX_IDLE_CONNECTIONS: usize = 2;
/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read; what is longer costs the connection.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Most characters of an answer that are shown.
const MAX_WORDS: usize = 200;

/// Makes clients, one for each way of reaching servers.
#[derive(Debug)]
pub(crate) struct Clients<'a> {
    config: &'a ForwarderConfig,
    /// By proxy (empty for none), whether TLS is spoken, and the time limit.
    made: Vec<((String, bool, Duration), Client)>,
}

impl<'a> Clients<'a> {
    pub(crate) fn new(config: &'a ForwarderConfig) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may be faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Self { config, made: Vec::new() }
    }

    /// The client for a server.
    pub(crate) fn client_for(&mut self, server: &Url, timeout: Duration) -> Result<Client, ForwarderError> {
        let proxy = proxy_for(&self.config.proxy, server).unwrap_or("").to_owned();
        let tls = server.scheme() == "https" || proxy.starts_with("https:");
        let way = (proxy, tls, timeout);
        if let Some((_, client)) = self.made.iter().find(|(made, _)| *made == way) {
            return Ok(client.clone());
        }
        let client = self.make(&way.0, tls, timeout)?;
        self.made.push((way, client.clone()));
        Ok(client)
    }

    fn make(&self, proxy: &str, tls: bool, timeout: Duration) -> Result<Client, ForwarderError> {
        let builder = || -> Result<ClientBuilder, ForwarderError> {
            let mut builder = Client::builder()
                .user_agent(&self.config.user_agent)
                .redirect(Policy::none())
                .no_proxy()
                .timeout(timeout)
                .connect_timeout(CONNECT_TIMEOUT.min(timeout))
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
                .tls_danger_accept_invalid_certs(self.config.skip_ssl_validation);
            if !proxy.is_empty() {
                // The address may hold a password, and so may the error.
                let proxy = Proxy::all(proxy).map_err(|_| ForwarderError::Proxy)?;
                builder = builder.proxy(proxy);
            }
            Ok(builder)
        };
        // Without TLS no certificates are needed, neither on the machine nor in memory.
        let without_certificates = || Ok(builder()?.tls_certs_only([]));
        let client = |builder: ClientBuilder| builder.build().map_err(|error| ForwarderError::Client(chain(&error)));
        if !tls {
            return client(without_certificates()?);
        }
        builder()?.build().or_else(|error| {
            let reason = chain(&error);
            tracing::error!(
                reason,
                "no https server can be reached until CA certificates are installed (package ca-certificates)"
            );
            client(without_certificates()?)
        })
    }
}

/// An error and what is behind it, without the address.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    if text.is_empty() { "request could not be sent".to_owned() } else { text }
}

/// One server.
pub(crate) struct Http {
    client: Client,
    server: Url,
    validate: Url,
    headers: HeaderMap,
    clock: Arc<dyn Clock>,
}

/// The address may hold a password.
impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("host", &self.server.host_str()).finish_non_exhaustive()
    }
}

impl Http {
    pub(crate) fn new(
        clients: &mut Clients<'_>,
        server: Url,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ForwarderError> {
        let version = HeaderValue::from_str(&clients.config.agent_version)
            .map_err(|_| ForwarderError::Version(clients.config.agent_version.clone()))?;
        let mut headers = HeaderMap::new();
        headers.insert("dd-agent-version", version.clone());
        headers.insert("dd-evp-origin-version", version);
        let client = clients.client_for(&server, timeout)?;
        let validate = below(&api_server(&server), "/api/v1/validate");
        Ok(Self { client, server, validate, headers, clock })
    }

    fn headers(&self, payload: &Payload, key: HeaderValue) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("dd-api-key", key);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(payload.route.content_type()));
        if let Some(encoding) = payload.encoding.header() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        let mut copy = |name: &'static str| {
            headers.extend(self.headers.get(name).map(|value| (header::HeaderName::from_static(name), value.clone())))
        };
        if payload.route.is_logs() {
            copy("dd-evp-origin-version");
            headers.insert("dd-evp-origin", HeaderValue::from_static("agent"));
            headers.insert("dd-protocol", HeaderValue::from_static("agent-json"));
            headers.insert("dd-message-timestamp", HeaderValue::from(payload.created_ms));
            headers.insert("dd-current-timestamp", HeaderValue::from(self.clock.now_ms()));
        } else {
            copy("dd-agent-version");
            if payload.route.is_protobuf() {
                headers.insert("dd-agent-payload", HeaderValue::from_static(PAYLOAD_VERSION));
            }
        }
        headers
    }

    async fn answer(&self, mut response: Response) -> Answer {
        let status = response.status().as_u16();
        let text = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let server_time = text(header::DATE).and_then(seconds_of_date);
        let now = server_time.unwrap_or_else(|| self.clock.now_s());
        let retry_after = text(header::RETRY_AFTER).and_then(|value| retry_after(value, now));
        let location = text(header::LOCATION).map(|place| format!("redirects to {}", shown(place)));
        // The rest is read so that the connection can be used again.
        let (mut body, mut read) = (Vec::new(), 0);
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if body.len() < MAX_WORDS * 4 {
                body.extend_from_slice(&chunk[..chunk.len().min(MAX_WORDS * 4)]);
            }
            if read > MAX_ANSWER_BYTES {
                break;
            }
        }
        let words = match location {
            Some(location) if (300..400).contains(&status) => location,
            _ if status >= 300 => shown(&String::from_utf8_lossy(&body)),
            _ => String::new(),
        };
        Answer { status, server_time, retry_after, words }
    }
}

/// The first words of a text, on one line.
fn shown(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect()
}

fn seconds_of_date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_secs()).ok()
}

/// `Retry-After` in seconds or as a date.
fn retry_after(text: &str, now: i64) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = seconds_of_date(text.trim())?;
    Some(Duration::from_secs(u64::try_from(then - now).unwrap_or(0)))
}

/// A path below a server's address.
fn below(server: &Url, path: &str) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("{}{path}", server.path().trim_end_matches('/')));
    url
}

/// Datadog's own servers know keys under another name; every other server knows them itself.
fn api_server(server: &Url) -> Url {
    let host = server.host_str().unwrap_or("").trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    let (domain_labels, is_datadog) = match labels[..] {
        [.., "ddog-gov", "com"] => (2, true),
        [.., "datadoghq", _] => (2, true),
        _ => (0, false),
    };
    if !is_datadog {
        return server.clone();
    }
    // Sites such as us5.datadoghq.com: two letters and a digit.
    let before = labels.len().checked_sub(domain_labels + 1).map(|at| labels[at].as_bytes());
    let has_region = matches!(before, Some([a, b, digit]) if a.is_ascii_lowercase() && b.is_ascii_lowercase() && digit.is_ascii_digit());
    let site = labels[labels.len() - domain_labels - usize::from(has_region)..].join(".");
    let mut api = server.clone();
    // A host made of an existing host's labels is one.
    let _ = api.set_host(Some(&format!("api.{site}")));
    api
}

fn sensitive(key: &str) -> Result<HeaderValue, TransportError> {
    let unusable = |_| TransportError("the key holds characters that cannot be sent".to_owned());
    let mut value = HeaderValue::from_str(key.trim()).map_err(unusable)?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let reason = chain(&error);
    TransportError(if error.is_timeout() { format!("timed out: {reason}") } else { reason })
}

#[async_trait]
impl Transport for Http {
    async fn post(&self, payload: &Payload, key: &str) -> Result<Answer, TransportError> {
        let url = below(&self.server, payload.route.path());
        let headers = self.headers(payload, sensitive(key)?);
        let request = self.client.post(url).headers(headers).body(payload.body.clone());
        Ok(self.answer(request.send().await.map_err(failed)?).await)
    }

    async fn validate(&self, key: &str, timeout: Duration) -> Result<Answer, TransportError> {
        let request = self.client.get(self.validate.clone()).header("dd-api-key", sensitive(key)?).timeout(timeout);
        Ok(self.answer(request.send().await.map_err(failed)?).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_asked_of_the_server_that_knows_them() {
        for (server, api) in [
            ("https://obs.example", "https://obs.example/"),
            ("https://obs.example:8443/galgo", "https://obs.example:8443/galgo"),
            ("https://app.datadoghq.com", "https://api.datadoghq.com/"),
            ("https://7-70-0-app.agent.datadoghq.eu", "https://api.datadoghq.eu/"),
            ("https://agent-http-intake.logs.us5.datadoghq.com", "https://api.us5.datadoghq.com/"),
            ("https://app.ddog-gov.com", "https://api.ddog-gov.com/"),
            ("https://datadoghq.com.evil.example", "https://datadoghq.com.evil.example/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(api_server(&Url::parse(server).unwrap()).as_str(), api);
        }
    }

    #[test]
    fn a_server_says_when_in_seconds_or_as_a_date() {
        let now = 784_111_777;
        for (text, seconds) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
