//! `auth_token`: a token that is read from a file or asked of an OAuth server, and written into a header.

use std::path::PathBuf;
use std::time::Duration;

use galgo_agent::check::{InstanceError, is_affirmative};
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::error::HttpError;
use super::shown_url;
use crate::options::{Options, scalar_text};
use crate::pattern::Pattern;

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Largest token, in bytes; also the largest answer of an OAuth server.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// How long an OAuth token is used when the server does not say (as Datadog's checks assume).
const DEFAULT_EXPIRATION: Duration = Duration::from_secs(300);

/// Why there is no token. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file gives none.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The OAuth server gives none.
    #[error("{url}: {reason}")]
    OAuth {
        /// The server, without secrets.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The token cannot stand in a header.
    #[error("the token is not one line of text")]
    NotALine,
}

#[derive(Clone)]
enum Reader {
    File { path: PathBuf, pattern: Option<Pattern> },
    OAuth { url: String, basic: bool, id: String, secret: String, extra: Vec<(String, String)> },
}

/// Where a token comes from and where it goes, with the token that is in use.
#[derive(Clone)]
pub struct AuthToken {
    reader: Reader,
    header: HeaderName,
    template: String,
    placeholder: String,
    /// The token of an OAuth server and when it ends.
    cached: Option<(String, Instant)>,
}

impl std::fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthToken").field("header", &self.header).finish_non_exhaustive()
    }
}

impl AuthToken {
    /// Reads `auth_token`, or the older `bearer_token_auth` with `bearer_token_path`.
    pub fn read(options: &Options<'_>) -> Result<Option<Self>, InstanceError> {
        if let Some(map) = options.map("auth_token")? {
            return Self::from_map(options, map).map(Some);
        }
        let asked = match options.get("bearer_token_auth") {
            Some(Value::String(text)) if text == "tls_only" => {
                options.text("prometheus_url")?.is_some_and(|url| url.starts_with("https://"))
            }
            Some(value) => is_affirmative(value),
            None => false,
        };
        let path = options.text("bearer_token_path")?.unwrap_or_else(|| SERVICE_ACCOUNT_TOKEN.into());
        Ok(asked.then(|| Self {
            reader: Reader::File { path: path.into(), pattern: None },
            header: reqwest::header::AUTHORIZATION,
            template: "Bearer <TOKEN>".into(),
            placeholder: "<TOKEN>".into(),
            cached: None,
        }))
    }

    fn from_map(options: &Options<'_>, map: &Map<String, Value>) -> Result<Self, InstanceError> {
        let part = |key: &str| match map.get(key) {
            Some(Value::Object(part)) => Ok(part),
            _ => Err(options.refuse(&format!("auth_token.{key}"), "a map with a type", &Value::Null)),
        };
        let (reader, writer) = (part("reader")?, part("writer")?);
        let text = |map: &Map<String, Value>, key: &str| map.get(key).and_then(scalar_text).unwrap_or_default();
        let required = |key: &str| {
            let value = text(reader, key);
            let refuse = || options.refuse(&format!("auth_token.reader.{key}"), "given", &Value::Null);
            if value.is_empty() { Err(refuse()) } else { Ok(value) }
        };
        let made = match text(reader, "type").as_str() {
            "file" => {
                Reader::File { path: required("path")?.into(), pattern: compile(options, &text(reader, "pattern"))? }
            }
            "oauth" => Reader::OAuth {
                url: required("url")?,
                basic: reader.get("basic_auth").is_some_and(is_affirmative),
                id: required("client_id")?,
                secret: required("client_secret")?,
                extra: extra_params(reader),
            },
            other => return Err(options.refuse("auth_token.reader.type", "file or oauth", &Value::from(other))),
        };
        if text(writer, "type") != "header" {
            return Err(options.refuse("auth_token.writer.type", "header", &Value::from(text(writer, "type"))));
        }
        let name = text(writer, "name");
        let refuse = |_| options.refuse("auth_token.writer.name", "the name of a header", &Value::from(name.clone()));
        let header: HeaderName = name.parse().map_err(refuse)?;
        let or = |value: String, default: &str| if value.is_empty() { default.to_owned() } else { value };
        let placeholder = or(text(writer, "placeholder"), "<TOKEN>");
        let template = or(text(writer, "value"), &placeholder);
        if !template.contains(&placeholder) {
            let expected = format!("a text with the placeholder {placeholder}");
            return Err(options.refuse("auth_token.writer.value", &expected, &Value::from("…")));
        }
        Ok(Self { reader: made, header, template, placeholder, cached: None })
    }

    /// Writes the token into the headers; a cached one is fetched anew when it has ended or was refused.
    pub async fn write(&mut self, headers: &mut HeaderMap, client: &Client, refresh: bool) -> Result<(), TokenError> {
        let token = match &self.reader {
            // A file is read each time: it is small, and whoever rotates it does not tell.
            Reader::File { path, pattern } => read_file(path, pattern.as_ref()).await?,
            Reader::OAuth { .. } => self.oauth_token(client, refresh).await?,
        };
        let text = self.template.replace(&self.placeholder, &token);
        let mut value = HeaderValue::from_str(&text).map_err(|_| TokenError::NotALine)?;
        value.set_sensitive(true);
        headers.insert(self.header.clone(), value);
        Ok(())
    }

    async fn oauth_token(&mut self, client: &Client, refresh: bool) -> Result<String, TokenError> {
        if let Some((token, ends)) = &self.cached
            && !refresh
            && Instant::now() < *ends
        {
            return Ok(token.clone());
        }
        let (token, lasts) = fetch(&self.reader, client).await?;
        self.cached = Some((token.clone(), Instant::now() + lasts));
        Ok(token)
    }
}

fn compile(options: &Options<'_>, pattern: &str) -> Result<Option<Pattern>, InstanceError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let refuse = |_| options.refuse("auth_token.reader.pattern", "a regular expression", &Value::from(pattern));
    Pattern::regex(pattern).map(Some).map_err(refuse)
}

/// `options` of the reader: further fields of the OAuth request, such as `scope` or `audience`.
fn extra_params(reader: &Map<String, Value>) -> Vec<(String, String)> {
    let maps = ["options", "extra_params"].into_iter().filter_map(|key| reader.get(key).and_then(Value::as_object));
    maps.flatten().filter_map(|(key, value)| Some((key.clone(), scalar_text(value)?))).collect()
}

async fn read_file(path: &PathBuf, pattern: Option<&Pattern>) -> Result<String, TokenError> {
    let fail = |reason: String| TokenError::File { path: path.clone(), reason };
    let content = tokio::fs::read_to_string(path).await.map_err(|error| fail(error.to_string()))?;
    if content.len() > MAX_TOKEN_BYTES {
        return Err(fail(format!("longer than {MAX_TOKEN_BYTES} bytes")));
    }
    let token = match pattern {
        Some(pattern) => pattern.capture(&content).ok_or_else(|| fail("the pattern does not occur".into()))?,
        None => content.trim(),
    };
    if token.is_empty() { Err(fail("empty".into())) } else { Ok(token.to_owned()) }
}

async fn fetch(reader: &Reader, client: &Client) -> Result<(String, Duration), TokenError> {
    let Reader::OAuth { url, basic, id, secret, extra } = reader else { return Err(TokenError::NotALine) };
    let fail = |reason: String| TokenError::OAuth { url: shown_url(url), reason };
    let mut form = vec![("grant_type", "client_credentials")];
    if !basic {
        form.extend([("client_id", id.as_str()), ("client_secret", secret.as_str())]);
    }
    form.extend(extra.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let mut request = client
        .post(url)
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form_body(&form));
    if *basic {
        request = request.basic_auth(id, Some(secret));
    }
    let inner = request.send().await.map_err(|error| fail(HttpError::exchange("token", error).to_string()))?;
    let status = inner.status();
    let answer = super::Response { inner, url: shown_url(url) };
    let text = answer.text(MAX_TOKEN_BYTES).await.map_err(|error| fail(error.to_string()))?;
    let json: Value = serde_json::from_str(&text).map_err(|_| fail(format!("status {status}, and no JSON")))?;
    if let Some(error) = json.get("error").and_then(scalar_text) {
        return Err(fail(format!("the server says {error}")));
    }
    let token = json.get("access_token").and_then(scalar_text);
    let token = token.ok_or_else(|| fail(format!("status {status}, and no access_token")))?;
    let lasts = json.get("expires_in").and_then(scalar_text).and_then(|text| text.parse::<f64>().ok());
    let lasts = lasts.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok((token, lasts.unwrap_or(DEFAULT_EXPIRATION)))
}

/// Fields as `application/x-www-form-urlencoded`.
fn form_body(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        let letter = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(letter).collect::<String>()
    };
    fields.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect::<Vec<_>>().join("&")
}
