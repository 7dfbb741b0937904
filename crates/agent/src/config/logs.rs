//! `logs_enabled` and the `logs_config.*` keys (reference: agent-config.md §6).

use std::time::Duration;

use serde_json::Value;

use super::endpoints::{Destinations, address, hidden, is_hosted};
use super::layers::Layers;

/// A server that takes logs.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEndpoint {
    /// `https://host[:port]`: the path is the sender's affair.
    pub url: String,
    /// Its key.
    pub api_key: String,
    /// Whether lines wait for it: one that is not reliable may miss some.
    pub reliable: bool,
}

impl std::fmt::Debug for LogEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogEndpoint")
            .field("url", &self.url)
            .field("api_key", &hidden(&self.api_key))
            .field("reliable", &self.reliable)
            .finish()
    }
}

/// Settings of log collection.
#[derive(Debug, Clone)]
pub struct Logs {
    /// Whether logs are collected.
    pub enabled: bool,
    /// Servers, the main one first.
    pub endpoints: Vec<LogEndpoint>,
    /// `zstd`, `gzip` or `none`.
    pub compression: String,
    /// Level of the compression.
    pub compression_level: i32,
    /// Longest time that a line waits for others.
    pub batch_wait: Duration,
    /// Most lines of a batch.
    pub batch_max_lines: usize,
    /// Most bytes of a batch before compression.
    pub batch_max_bytes: usize,
    /// Batches under way at a time, 0 for one.
    pub batch_max_concurrent_send: usize,
    /// Most bytes of a line.
    pub max_message_bytes: usize,
    /// Whether logs of all containers are collected.
    pub container_collect_all: bool,
    /// Rules for all sources, as written.
    pub processing_rules: Vec<Value>,
    /// Most files that are open at a time.
    pub open_files_limit: usize,
    /// Largest datagram on UDP, in bytes.
    pub frame_size: usize,
    /// How long a file that was rotated away is read on.
    pub close_timeout: Duration,
    /// Time between two looks for new files.
    pub file_scan_period: Duration,
    /// How long the offset of a file that is gone is kept.
    pub auditor_ttl: Duration,
    /// Whether lines of one entry are found without a rule.
    pub auto_multi_line_detection: bool,
    /// Whether the path is `/api/v2/logs`.
    pub use_v2_api: bool,
    /// Longest time of one request.
    pub http_timeout: Duration,
    /// Growth of the wait between two tries.
    pub backoff_factor: f64,
    /// First wait.
    pub backoff_base: Duration,
    /// Longest wait.
    pub backoff_max: Duration,
}

impl Logs {
    pub(super) fn read(layers: &mut Layers, destinations: &Destinations) -> Self {
        for name in ["logs_config.force_use_tcp", "logs_config.use_tcp"] {
            if layers.flag(name) {
                layers.warn(name, "is not supported: logs are sent by HTTP");
            }
        }
        let (compression, compression_level) = compression(layers);
        Self {
            // The old name counts where the new one is not given.
            enabled: layers.flag(if layers.is_set("logs_enabled") { "logs_enabled" } else { "log_enabled" }),
            endpoints: endpoints(layers, destinations),
            compression,
            compression_level,
            batch_wait: layers.seconds("logs_config.batch_wait"),
            batch_max_lines: layers.size("logs_config.batch_max_size").max(1),
            batch_max_bytes: layers.size("logs_config.batch_max_content_size"),
            batch_max_concurrent_send: layers.size("logs_config.batch_max_concurrent_send"),
            max_message_bytes: layers.size("logs_config.max_message_size_bytes"),
            container_collect_all: layers.flag("logs_config.container_collect_all"),
            processing_rules: layers.maps("logs_config.processing_rules"),
            open_files_limit: layers.size("logs_config.open_files_limit"),
            frame_size: layers.size("logs_config.frame_size"),
            close_timeout: layers.seconds("logs_config.close_timeout"),
            file_scan_period: layers.seconds("logs_config.file_scan_period"),
            auditor_ttl: Duration::from_secs(3600 * layers.size("logs_config.auditor_ttl") as u64),
            auto_multi_line_detection: layers.flag("logs_config.auto_multi_line_detection"),
            use_v2_api: layers.flag("logs_config.use_v2_api"),
            http_timeout: layers.seconds("logs_config.http_timeout"),
            backoff_factor: layers.float("logs_config.sender_backoff_factor"),
            backoff_base: layers.seconds("logs_config.sender_backoff_base"),
            backoff_max: layers.seconds("logs_config.sender_backoff_max"),
        }
    }
}

fn compression(layers: &mut Layers) -> (String, i32) {
    let kind = layers.text("logs_config.compression_kind").to_ascii_lowercase();
    let (gzip_level, zstd_level) =
        (layers.int("logs_config.compression_level"), layers.int("logs_config.zstd_compression_level"));
    let level = |level: i64| i32::try_from(level).unwrap_or(1);
    if !layers.flag("logs_config.use_compression") {
        return ("none".into(), 0);
    }
    match kind.as_str() {
        "zstd" => (kind, level(zstd_level)),
        "gzip" => (kind, level(gzip_level.min(9))),
        "none" => (kind, 0),
        other => {
            layers.refuse("logs_config.compression_kind", &format!("must be zstd, gzip or none, not {other:?}"));
            ("zstd".into(), level(zstd_level))
        }
    }
}

fn endpoints(layers: &mut Layers, destinations: &Destinations) -> Vec<LogEndpoint> {
    let scheme = if layers.flag("logs_config.logs_no_ssl") { "http" } else { "https" };
    let url = main_url(layers, destinations, scheme);
    let own_key = layers.some_text("logs_config.api_key");
    let keys = own_key.map(|key| vec![key]).or_else(|| destinations.endpoints.first().map(|e| e.api_keys.clone()));
    let main = |api_key: String| LogEndpoint { url: url.clone(), api_key, reliable: true };
    let mut endpoints: Vec<LogEndpoint> = keys.unwrap_or_default().into_iter().map(main).collect();
    if endpoints.is_empty() {
        endpoints.push(main(String::new()));
    }
    for (at, entry) in layers.maps("logs_config.additional_endpoints").iter().enumerate() {
        match additional(entry, &destinations.api_key, scheme) {
            Some(endpoint) => endpoints.push(endpoint),
            None => {
                let reason = format!("needs Host (and Port) in entry {}", at + 1);
                layers.refuse("logs_config.additional_endpoints", &reason);
            }
        }
    }
    endpoints
}

/// `logs_dd_url`; else the server that takes everything else, unless that is one of Datadog's, where logs have a host
/// of their own.
fn main_url(layers: &mut Layers, destinations: &Destinations, scheme: &str) -> String {
    for name in ["logs_config.logs_dd_url", "logs_config.dd_url"] {
        let Some(text) = layers.some_text(name) else { continue };
        match server_of(&text, scheme) {
            Some(url) => return url,
            None => layers.refuse(name, &format!("must be host:port or an address, not {text:?}")),
        }
    }
    let own_server = server_of(&destinations.dd_url, scheme).filter(|url| !is_hosted(url));
    own_server.unwrap_or_else(|| format!("https://agent-http-intake.logs.{}", destinations.site))
}

/// Scheme, host and port of an address; its path is ignored (reference: intake-logs.md §1).
fn server_of(text: &str, scheme: &str) -> Option<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") };
    let url = address(&with_scheme)?;
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{authority}"))
}

fn additional(entry: &Value, default_key: &str, scheme: &str) -> Option<LogEndpoint> {
    // Datadog's documentation writes these keys in several ways.
    let field = |names: &[&str]| {
        let is = |key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
        entry.as_object()?.iter().find(|(key, value)| is(key) && !value.is_null()).map(|(_, value)| value)
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let host = text(field(&["host"])?);
    let port = field(&["port"]).map(text);
    let plain = field(&["use_ssl"]).is_some_and(|value| !crate::check::is_affirmative(value));
    let place = match port {
        Some(port) if !host.contains("://") || host.matches(':').count() == 1 => format!("{host}:{port}"),
        _ => host,
    };
    Some(LogEndpoint {
        url: server_of(&place, if plain { "http" } else { scheme })?,
        api_key: field(&["api_key"]).map_or_else(|| default_key.to_owned(), |key| text(key).trim().to_owned()),
        reliable: field(&["is_reliable"]).is_none_or(crate::check::is_affirmative),
    })
}
