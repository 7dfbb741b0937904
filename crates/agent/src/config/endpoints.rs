//! Where data go: the main server and further ones, each with its keys.

use serde_json::Value;

use super::layers::Layers;
use super::values::shaped;
use super::yaml::{Kind, Node};

/// Site of an agent that names none.
const DEFAULT_SITE: &str = "datadoghq.com";
/// Domains of Datadog's own sites: logs and the like have hosts of their own there.
const HOSTED_DOMAINS: [&str; 3] = ["datadoghq.com", "datadoghq.eu", "ddog-gov.com"];

/// A server with the keys that it accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://host[:port][/path]`, without a slash at the end.
    pub url: String,
    /// API keys; each gets its own copy of everything.
    pub api_keys: Vec<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<String> = self.api_keys.iter().map(|key| hidden(key)).collect();
        f.debug_struct("Endpoint").field("url", &self.url).field("api_keys", &keys).finish()
    }
}

/// A key as logs show it: its last five characters.
pub fn hidden(key: &str) -> String {
    let count = key.chars().count();
    let tail: String = if count > 10 { key.chars().skip(count - 5).collect() } else { String::new() };
    format!("***{tail}")
}

/// The address of a server that is written loosely: `https://` is added where there is no scheme, a slash at the end
/// is taken away. `None` when it cannot be one.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !host_and_port.ends_with(']') => (host, Some(port)),
        _ => (host_and_port, None),
    };
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "\"'<>\\^`{|},".contains(c));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (matches!(scheme.as_str(), "http" | "https") && is_host && is_port).then(|| format!("{scheme}://{rest}"))
}

/// Whether an address is one of Datadog's own.
pub fn is_hosted(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    HOSTED_DOMAINS.iter().any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|s| s.ends_with('.')))
}

/// Site, address of the main server, and all servers, the main one first.
pub(super) struct Destinations {
    pub(super) site: String,
    pub(super) dd_url: String,
    pub(super) api_key: String,
    pub(super) endpoints: Vec<Endpoint>,
}

pub(super) fn read(layers: &mut Layers) -> Destinations {
    let site = site(layers);
    let keys = api_keys(layers, "api_key");
    let urls = urls(layers, &site);
    let mut endpoints: Vec<Endpoint> = Vec::new();
    if urls.len() > 1 && urls.len() == keys.len() {
        // The pairs of an agent 5: as many servers as keys.
        for (url, key) in urls.iter().zip(&keys) {
            endpoints.push(Endpoint { url: url.clone(), api_keys: vec![key.clone()] });
        }
    } else {
        for url in &urls {
            endpoints.push(Endpoint { url: url.clone(), api_keys: keys.clone() });
        }
    }
    for endpoint in additional(layers) {
        match endpoints.iter_mut().find(|known| known.url == endpoint.url) {
            Some(known) => known.api_keys.extend(endpoint.api_keys),
            None => endpoints.push(endpoint),
        }
    }
    for endpoint in &mut endpoints {
        let mut seen = std::collections::HashSet::new();
        endpoint.api_keys.retain(|key| seen.insert(key.clone()));
    }
    let dd_url = urls.into_iter().next().unwrap_or_default();
    Destinations { site, dd_url, api_key: keys.into_iter().next().unwrap_or_default(), endpoints }
}

fn site(layers: &mut Layers) -> String {
    let site = layers.text("site");
    let bare = site.split_once("://").map_or(site.as_str(), |(_, rest)| rest).trim_matches(['/', '.', ' ']);
    if bare.is_empty() { DEFAULT_SITE.into() } else { bare.to_ascii_lowercase() }
}

fn urls(layers: &mut Layers, site: &str) -> Vec<String> {
    let given = layers.text("dd_url");
    let mut urls = Vec::new();
    for text in given.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match address(text) {
            Some(url) => urls.push(url),
            None => {
                let shown = super::scrub(text);
                layers.refuse("dd_url", &format!("must be an address such as https://galgo.example, not {shown:?}"));
            }
        }
    }
    if urls.is_empty() {
        urls.push(format!("https://app.{site}"));
    }
    urls
}

/// The keys of a text with commas, trimmed; one that does not look like a key is warned of.
fn api_keys(layers: &mut Layers, name: &str) -> Vec<String> {
    let text = layers.text(name);
    let keys: Vec<String> = split_keys(&text);
    if keys.is_empty() {
        layers.warnings.push("api_key is not set: no server will accept what this agent sends".into());
    }
    for key in &keys {
        check_key(layers, name, key);
    }
    keys
}

fn split_keys(text: &str) -> Vec<String> {
    text.split(',').map(|key| key.trim().trim_matches(['"', '\'']).to_owned()).filter(|key| !key.is_empty()).collect()
}

fn check_key(layers: &mut Layers, name: &str, key: &str) {
    let length = key.chars().count();
    if length != 32 {
        layers.warn(name, &format!("should be 32 hexadecimal digits, it has {length} characters ({})", hidden(key)));
    } else if !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        layers.warn(name, &format!("should be 32 hexadecimal digits, it has other characters ({})", hidden(key)));
    }
}

fn additional(layers: &mut Layers) -> Vec<Endpoint> {
    const NAME: &str = "additional_endpoints";
    let Some(node) = layers.node(NAME).cloned() else { return Vec::new() };
    if !matches!(node.kind, Kind::Map(_)) {
        layers.refuse(NAME, "must be a map of addresses, each with a list of keys");
        return Vec::new();
    }
    let mut endpoints = Vec::new();
    for entry in node.entries() {
        let Some(url) = address(&entry.key) else {
            layers.refuse(NAME, &format!("must be a map of addresses, {:?} is none", entry.key));
            continue;
        };
        let keys = keys_of(&entry.value);
        if keys.is_empty() {
            layers.warn(NAME, &format!("has no key for {url}, which is left out"));
            continue;
        }
        for key in &keys {
            check_key(layers, NAME, key);
        }
        endpoints.push(Endpoint { url, api_keys: keys });
    }
    endpoints
}

fn keys_of(node: &Node) -> Vec<String> {
    match shaped(super::keys::Shape::List, node) {
        Ok(Value::Array(items)) => items.iter().filter_map(Value::as_str).flat_map(split_keys).collect(),
        _ => Vec::new(),
    }
}
