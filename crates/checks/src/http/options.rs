//! The options that all HTTP-based checks share.

use std::time::Duration;

use galgo_agent::check::{CheckContext, InstanceError, is_affirmative};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;

use super::{AuthToken, Proxies};
use crate::options::Options;
use crate::trust::TrustOptions;

/// Time to connect and between two pieces of an answer, unless configured.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a check wants when its instance says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Media types that are asked for.
    pub accept: &'static str,
    /// Whether certificates are verified.
    pub verify: bool,
}

/// Options of one instance.
#[derive(Clone)]
pub struct HttpOptions {
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time between two pieces of an answer.
    pub read_timeout: Duration,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// User and password of basic authentication.
    pub basic: Option<(String, Option<String>)>,
    /// A token from a file or from OAuth.
    pub token: Option<AuthToken>,
    /// TLS.
    pub trust: TrustOptions,
    /// Proxies, if any apply.
    pub proxies: Option<Proxies>,
    /// Whether redirects are followed.
    pub allow_redirects: bool,
    /// Whether connections are kept open between runs.
    pub persist: bool,
}

impl std::fmt::Debug for HttpOptions {
    /// Without headers, proxies and credentials, which may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl HttpOptions {
    /// Reads the options of an instance; the agent's own proxy applies unless the instance has one.
    pub fn read(options: &Options<'_>, context: &CheckContext, defaults: Defaults) -> Result<Self, InstanceError> {
        let limit = |key: &str| options.limit(key);
        let timeout = limit("timeout")?.or(limit("prometheus_timeout")?).unwrap_or(DEFAULT_TIMEOUT);
        Ok(Self {
            connect_timeout: limit("connect_timeout")?.unwrap_or(timeout),
            read_timeout: limit("read_timeout")?.unwrap_or(timeout),
            headers: headers(options, defaults)?,
            basic: basic(options)?,
            token: AuthToken::read(options)?,
            trust: TrustOptions::read(options, defaults.verify)?,
            proxies: proxies(options, context)?,
            allow_redirects: options.flag("allow_redirects", true),
            persist: options.flag("persist_connections", false),
        })
    }
}

/// `headers` takes the place of the default ones, `extra_headers` is added.
fn headers(options: &Options<'_>, defaults: Defaults) -> Result<HeaderMap, InstanceError> {
    let mut made = HeaderMap::new();
    let own = options.text_map("headers")?;
    if own.is_empty() && options.flag("include_default_headers", true) {
        let agent = format!("Datadog Agent/{}", galgo_agent::VERSION);
        if let Ok(agent) = HeaderValue::from_str(&agent) {
            made.insert(USER_AGENT, agent);
        }
        made.insert(ACCEPT, HeaderValue::from_static(defaults.accept));
    }
    for (name, value) in own.into_iter().chain(options.text_map("extra_headers")?) {
        let refuse = |what: &str| options.refuse(&format!("header {name}"), what, &Value::from("…"));
        let parsed: HeaderName = name.parse().map_err(|_| refuse("a name of letters, digits and dashes"))?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| refuse("one line of text"))?;
        value.set_sensitive(true);
        made.insert(parsed, value);
    }
    Ok(made)
}

fn basic(options: &Options<'_>) -> Result<Option<(String, Option<String>)>, InstanceError> {
    let kind = options.text("auth_type")?.unwrap_or_else(|| "basic".into());
    let other = ["ntlm_domain", "kerberos_auth"]
        .into_iter()
        .find(|key| options.get(key).is_some_and(|value| *value != false && *value != "" && *value != "disabled"));
    if !kind.eq_ignore_ascii_case("basic") || other.is_some() {
        let (key, value) = other.map_or(("auth_type", Value::from(kind)), |key| (key, Value::from("…")));
        return Err(options.refuse(key, "left out: only basic authentication and auth_token are known", &value));
    }
    let password = options.text("password")?;
    Ok(options.text("username")?.map(|user| (user, password)))
}

fn proxies(options: &Options<'_>, context: &CheckContext) -> Result<Option<Proxies>, InstanceError> {
    let skip = [options.get_or_init("skip_proxy"), options.get("no_proxy")];
    if skip.into_iter().flatten().any(is_affirmative) {
        return Ok(None);
    }
    let agent = options.init("use_agent_proxy").is_none_or(is_affirmative).then(|| context.setting("proxy")).flatten();
    let Some(value) = options.get_or_init("proxy").or(agent) else { return Ok(None) };
    Proxies::read(value).map_err(|reason| options.refuse("proxy", &reason, &Value::from("…")))
}
