//! Check `http_check`: whether a web page answers as expected, how long it takes, and when its certificate expires.
//! The service checks are `http.can_connect` and `http.ssl_cert`.
//!
//! As in the original, certificates are not verified unless `tls_verify` (or `tls_ca_cert`) asks for it.

mod certificate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use reqwest::Method;
use rustls::pki_types::CertificateDer;
use serde_json::Value;

use crate::http::{Defaults, HttpClient, HttpOptions, Request, Response};
use crate::options::{Options, normalise_tag};
use crate::pattern::Pattern;

use certificate::CertificateWatch;

/// Status codes that count as up unless configured.
const EXPECTED_STATUS: &str = r"(1|2|3)\d\d";

/// Bytes of a body that are searched for `content_match`.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Letters of a body that `include_content` adds to a message.
const SHOWN_CONTENT: usize = 500;

/// Methods that send `data`.
const DATA_METHODS: [&str; 5] = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let fail = |error: InstanceError| CheckError::new(error.to_string());
    let settings = Settings::read(instance).map_err(fail)?;
    let http = http_options(instance, context).map_err(fail)?;
    let trust = http.trust.clone();
    let limit = http.connect_timeout;
    let refuse = |error: crate::trust::TrustError| fail(instance.refuse(error.to_string()));
    let client = HttpClient::new(http, &settings.request.url).map_err(refuse)?;
    let watch = CertificateWatch::read(&Options::of(instance), &settings.request.url, trust, limit).map_err(fail)?;
    Ok(Box::new(HttpCheck { client, settings, watch, clock: Arc::clone(&context.clock) }))
}

/// `verify` follows `use_cert_from_response`, as it always did.
fn http_options(instance: &Instance, context: &CheckContext) -> Result<HttpOptions, InstanceError> {
    let options = Options::of(instance);
    let verify = options.flag("use_cert_from_response", false);
    HttpOptions::read(&options, context, Defaults { accept: "*/*", verify })
}

#[derive(Debug)]
struct Settings {
    request: Request,
    expected: String,
    expected_status: Pattern,
    content_match: Option<(String, Pattern)>,
    reverse_content_match: bool,
    include_content: bool,
    collect_response_time: bool,
    tags: Vec<String>,
    check_tags: Vec<String>,
}

impl Settings {
    fn read(instance: &Instance) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        let name = normalise_tag(&options.required("name")?);
        let url = options.required("url")?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(options.refuse("url", "an address that begins with http:// or https://", &Value::from(url)));
        }
        let pattern = |key: &str, text: &str| {
            Pattern::regex(text).map_err(|_| options.refuse(key, "a regular expression", &Value::from(text)))
        };
        let expected = options.text("http_response_status_code")?.unwrap_or_else(|| EXPECTED_STATUS.into());
        let content = options.text("content_match")?.filter(|text| !text.is_empty());
        let content_match = match content {
            Some(text) => Some((text.clone(), pattern("content_match", &text)?)),
            None => None,
        };
        let (mut tags, mut check_tags) = (instance.tags(), instance.tags());
        let shown = crate::http::url_tag(&url);
        tags.extend([format!("url:{shown}"), format!("instance:{name}")]);
        check_tags.push(format!("instance:{name}"));
        if !check_tags.iter().any(|tag| tag.starts_with("url:")) {
            check_tags.push(format!("url:{shown}"));
        }
        Ok(Self {
            request: request(&options, url)?,
            expected_status: pattern("http_response_status_code", &expected)?,
            expected: if expected == EXPECTED_STATUS { "1xx or 2xx or 3xx".into() } else { expected },
            content_match,
            reverse_content_match: options.flag("reverse_content_match", false),
            include_content: options.flag("include_content", false),
            collect_response_time: options.flag("collect_response_time", true),
            tags,
            check_tags,
        })
    }
}

fn request(options: &Options<'_>, url: String) -> Result<Request, InstanceError> {
    let method = options.text("method")?.unwrap_or_else(|| "GET".into()).to_uppercase();
    let refuse = |_| options.refuse("method", "an HTTP method", &Value::from(method.clone()));
    let parsed = Method::from_bytes(method.as_bytes()).map_err(refuse)?;
    let sends_data = DATA_METHODS.contains(&method.as_str());
    const FORM: &str = "application/x-www-form-urlencoded";
    let body = match options.get("data").filter(|_| sends_data) {
        Some(Value::Object(map)) if !map.is_empty() => {
            Some((Value::Object(map.clone()).to_string(), "application/json"))
        }
        Some(Value::String(text)) => Some((text.clone(), FORM)),
        _ if sends_data => Some((String::new(), FORM)),
        _ => None,
    };
    Ok(Request { method: parsed, url, body })
}

#[derive(Debug)]
struct HttpCheck {
    client: HttpClient,
    settings: Settings,
    watch: Option<CertificateWatch>,
    clock: Arc<dyn Clock>,
}

/// How a request went.
struct Finding {
    /// What is wrong, if anything.
    problem: Option<String>,
    /// Certificate that the server showed.
    certificate: Option<CertificateDer<'static>>,
}

impl HttpCheck {
    async fn ask(&self, out: &mut Samples) -> Finding {
        let began = self.clock.monotonic();
        let sent = self.client.send(&self.settings.request).await;
        let took = self.clock.monotonic().saturating_sub(began);
        let failed = |error: String| format!("{error} (after {} ms)", took.as_millis());
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Finding { problem: Some(failed(error.to_string())), certificate: None },
        };
        if self.settings.collect_response_time {
            out.gauge("network.http.response_time", took.as_secs_f64(), &self.settings.tags);
        }
        let certificate = response.certificate();
        let problem = match self.judge(response).await {
            Ok(problem) => problem,
            Err(error) => Some(failed(error)),
        };
        Finding { problem, certificate }
    }

    /// What is wrong with an answer, if anything; the error is a body that breaks off.
    async fn judge(&self, response: Response) -> Result<Option<String>, String> {
        let settings = &self.settings;
        let status = response.status();
        let mut problem = None;
        if !settings.expected_status.matches_start(&status.to_string()) {
            let url = crate::http::shown_url(&settings.request.url);
            let expected = &settings.expected;
            problem = Some(format!("{url}: status {status}, expected {expected}"));
        }
        let matches_content = problem.is_none() && settings.content_match.is_some();
        let shows_content = problem.is_some() && settings.include_content;
        if !(matches_content || shows_content) {
            return Ok(problem);
        }
        let body = response.text(MAX_BODY).await.map_err(|error| error.to_string())?;
        if problem.is_none()
            && let Some((text, pattern)) = &settings.content_match
        {
            problem = match (pattern.search(&body), settings.reverse_content_match) {
                (true, true) => Some(format!("{text} occurs in the body, and must not")),
                (false, false) => Some(format!("{text} does not occur in the body")),
                _ => None,
            };
        }
        if settings.include_content {
            let shown: String = body.chars().take(SHOWN_CONTENT).collect();
            problem = problem.map(|problem| format!("{problem}\nbody: {shown}"));
        }
        Ok(problem)
    }
}

#[async_trait]
impl Check for HttpCheck {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let finding = self.ask(out).await;
        let settings = &self.settings;
        let up = finding.problem.is_none();
        out.gauge("network.http.can_connect", f64::from(u8::from(up)), &settings.tags);
        out.gauge("network.http.cant_connect", f64::from(u8::from(!up)), &settings.tags);
        let status = if up { CheckStatus::Ok } else { CheckStatus::Critical };
        out.service_check("http.can_connect", status, &settings.check_tags, finding.problem.unwrap_or_default());
        if let Some(watch) = &self.watch {
            let judged = watch.judge(finding.certificate, self.clock.now_ms()).await;
            if let Some(seconds_left) = judged.seconds_left {
                let days_left = crate::trust::expiry::days(seconds_left).floor();
                out.gauge("http.ssl.days_left", days_left, &settings.tags);
                out.gauge("http.ssl.seconds_left", seconds_left, &settings.tags);
            }
            out.service_check("http.ssl_cert", judged.status, &settings.check_tags, judged.message);
        }
        Ok(())
    }
}
