//! Asks web servers on behalf of checks, with the options that all of Datadog's HTTP-based checks share: headers,
//! authentication, proxies, TLS, time limits. Bodies are read piece by piece and never beyond a bound.

mod error;
mod options;
mod proxy;
mod token;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use galgo_agent::check::CheckError;
use parking_lot::Mutex;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, Url, redirect};
use rustls::pki_types::CertificateDer;

use crate::trust::TrustError;

pub use error::HttpError;
pub(crate) use error::tls_error;
pub use options::{Defaults, HttpOptions};
pub use proxy::Proxies;
pub use token::{AuthToken, TokenError};

/// Longest exchange, however slowly a server sends: the time limits of an instance are between two pieces.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(120);

/// Redirects that are followed, as many as Datadog's checks do.
const MAX_REDIRECTS: usize = 30;

/// What is asked of a server.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, such as GET.
    pub method: Method,
    /// Address as configured; `unix://` names a socket.
    pub url: String,
    /// Body and its type, if one is sent.
    pub body: Option<(String, &'static str)>,
}

impl Request {
    /// Asks for an address.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), body: None }
    }
}

/// A client for one instance of a check.
#[derive(Debug)]
pub struct HttpClient {
    client: Client,
    options: HttpOptions,
    /// Socket that the client speaks through; empty for TCP.
    socket: String,
    token: Option<Mutex<AuthToken>>,
}

impl HttpClient {
    /// A client for requests to one address (its socket, when it names one).
    pub fn new(options: HttpOptions, url: &str) -> Result<Self, TrustError> {
        let (tls, _) = options.trust.client_config()?;
        let policy =
            if options.allow_redirects { redirect::Policy::limited(MAX_REDIRECTS) } else { redirect::Policy::none() };
        let longest = EXCHANGE_LIMIT.max(options.connect_timeout + options.read_timeout);
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .tls_info(true)
            .redirect(policy)
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(longest)
            .pool_max_idle_per_host(usize::from(options.persist))
            .referer(false)
            .no_proxy();
        if let Some(proxies) = options.proxies.clone() {
            builder = builder.proxy(reqwest::Proxy::custom(move |url| proxies.choose(url)));
        }
        let socket = socket_of(url).map(|(socket, _)| socket.to_owned()).unwrap_or_default();
        if !socket.is_empty() {
            builder = builder.unix_socket(std::path::PathBuf::from(&socket));
        }
        let client = builder.build().map_err(|error| TrustError::Config(rustls::Error::General(error.to_string())))?;
        let token = options.token.clone().map(Mutex::new);
        Ok(Self { client, options, socket, token })
    }

    /// Sends a request and waits for the head of its answer. A token that is refused is fetched anew, once.
    pub async fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let response = self.send_once(request, false).await?;
        if self.token.is_some() && matches!(response.status(), 401 | 403) {
            return self.send_once(request, true).await;
        }
        Ok(response)
    }

    async fn send_once(&self, request: &Request, refresh: bool) -> Result<Response, HttpError> {
        let shown = shown_url(&request.url);
        let url = self.wire_url(&request.url, &shown)?;
        let mut headers = self.options.headers.clone();
        if let Some(token) = &self.token {
            self.write_token(token, &mut headers, refresh).await.map_err(|source| HttpError::Token { source })?;
        }
        let mut builder = self.client.request(request.method.clone(), url).headers(headers);
        if let Some((user, password)) = &self.options.basic
            && !self.options.headers.contains_key(reqwest::header::AUTHORIZATION)
        {
            builder = builder.basic_auth(user, password.as_ref());
        }
        if let Some((body, content_type)) = &request.body {
            if !self.options.headers.contains_key(CONTENT_TYPE) {
                builder = builder.header(CONTENT_TYPE, *content_type);
            }
            builder = builder.body(body.clone());
        }
        let inner = builder.send().await.map_err(|error| HttpError::exchange(&shown, error))?;
        Ok(Response { inner, url: shown })
    }

    async fn write_token(
        &self,
        token: &Mutex<AuthToken>,
        headers: &mut HeaderMap,
        refresh: bool,
    ) -> Result<(), TokenError> {
        // The lock is not held while a token is fetched: two checks never share a client.
        let mut own = token.lock().clone();
        let outcome = own.write(headers, &self.client, refresh).await;
        *token.lock() = own;
        outcome
    }

    fn wire_url(&self, url: &str, shown: &str) -> Result<Url, HttpError> {
        let refuse = |reason: String| HttpError::Address { url: shown.to_owned(), reason };
        let wire = match socket_of(url) {
            Some((socket, path)) if socket == self.socket => format!("http://localhost{path}"),
            Some(_) => return Err(refuse("a socket other than the client's".into())),
            None => url.to_owned(),
        };
        let parsed = Url::parse(&wire).map_err(|error| refuse(error.to_string()))?;
        match parsed.scheme() {
            "http" | "https" => Ok(parsed),
            other => Err(refuse(format!("scheme must be http, https or unix, not {other}"))),
        }
    }
}

/// The socket and the path of `unix:///run/app.sock/metrics`; the socket ends in `.sock`, or is the whole path.
fn socket_of(url: &str) -> Option<(&str, &str)> {
    let path = url.strip_prefix("unix://")?;
    match path.find(".sock") {
        Some(at) => Some(path.split_at(at + ".sock".len())),
        None => Some((path, "/")),
    }
}

/// An address without what may be secret in it: user, password and query.
pub fn shown_url(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if parsed.username().is_empty() && parsed.password().is_none() && parsed.query().is_none() => {
            url.to_owned()
        }
        Ok(mut parsed) => {
            // Both fail only for addresses that cannot have a user.
            let _ = (parsed.set_username(""), parsed.set_password(None));
            parsed.set_query(None);
            parsed.to_string()
        }
        Err(_) => url.split(['?', '@']).next_back().unwrap_or_default().to_owned(),
    }
}

/// An address as the value of a tag: as it is configured, but without user and password.
pub fn url_tag(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            let _ = (parsed.set_username(""), parsed.set_password(None));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

/// The head of an answer; its body is read on demand.
#[derive(Debug)]
pub struct Response {
    inner: reqwest::Response,
    url: String,
}

impl Response {
    /// Status code.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Fails unless the status is below 400.
    pub fn checked(self) -> Result<Self, HttpError> {
        match self.inner.status() {
            status if status.is_client_error() || status.is_server_error() => {
                Err(HttpError::Status { url: self.url, status: status.to_string() })
            }
            _ => Ok(self),
        }
    }

    /// Type of the body, empty when not given.
    pub fn content_type(&self) -> String {
        let value = self.inner.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    /// The server's own certificate, of an encrypted connection.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        let info = self.inner.extensions().get::<reqwest::tls::TlsInfo>()?;
        info.peer_certificate().map(|der| CertificateDer::from(der.to_vec()))
    }

    /// The next piece of the body, `None` at its end.
    pub async fn piece(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, HttpError> {
        self.inner.chunk().await.map_err(|error| HttpError::exchange(&self.url, error))
    }

    /// The body up to a number of bytes; the rest is not read.
    pub async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            let piece = piece.as_ref();
            let room = limit.saturating_sub(body.len());
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() >= limit {
                break;
            }
        }
        Ok(body)
    }

    /// The body as text, up to a number of bytes.
    pub async fn text(self, limit: usize) -> Result<String, HttpError> {
        let latin = is_latin(&self.content_type());
        let body = self.bytes(limit).await?;
        Ok(if latin {
            body.iter().map(|&byte| char::from(byte)).collect()
        } else {
            String::from_utf8_lossy(&body).into_owned()
        })
    }
}

fn is_latin(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    ["iso-8859-1", "latin1", "latin-1"].iter().any(|name| lower.contains(name))
}

impl From<HttpError> for CheckError {
    fn from(error: HttpError) -> Self {
        Self::new(error.to_string())
    }
}
