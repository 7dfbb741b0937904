//! The smaller groups of settings: the agent's own log, its local ports, proxies, forwarder, metadata.

use std::path::PathBuf;
use std::time::Duration;

use super::endpoints::address;
use super::layers::Layers;

/// The agent's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLog {
    /// `trace`, `debug`, `info`, `warn`, `error` or `off`.
    pub level: String,
    /// File, `None` for none.
    pub file: Option<PathBuf>,
    /// Whether lines are JSON.
    pub json: bool,
    /// Whether lines go to the standard error too.
    pub to_console: bool,
}

impl AgentLog {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let given = layers.text("log_level").to_ascii_lowercase();
        let level = match given.as_str() {
            "trace" | "debug" | "info" | "warn" | "error" | "off" => given.as_str(),
            "warning" => "warn",
            "critical" => "error",
            _ => {
                let reason = format!("must be trace, debug, info, warn, error, critical or off, not {given:?}");
                layers.refuse("log_level", &reason);
                "info"
            }
        };
        let disabled = layers.flag("disable_file_logging");
        Self {
            level: level.to_owned(),
            file: layers.some_text("log_file").map(PathBuf::from).filter(|_| !disabled),
            json: layers.flag("log_format_json"),
            to_console: layers.flag("log_to_console"),
        }
    }
}

/// Local addresses of the agent itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Host of the command port (`cmd_host`).
    pub cmd_host: String,
    /// Port that commands such as `status` ask (`cmd_port`).
    pub cmd_port: u16,
    /// Port of the local page (`GUI_port`), `None` for none.
    pub gui_port: Option<u16>,
    /// Port of the agent's own numbers (`expvar_port`), 0 for none.
    pub expvar_port: u16,
    /// Port of the liveness probe (`health_port`), 0 for none.
    pub health_port: u16,
    /// Longest time for an answer on these ports.
    pub server_timeout: Duration,
}

impl Local {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            cmd_host: layers.text("cmd_host"),
            cmd_port: layers.port("cmd_port"),
            gui_port: u16::try_from(layers.int("GUI_port")).ok().filter(|&port| port > 0),
            expvar_port: layers.port("expvar_port"),
            health_port: layers.port("health_port"),
            server_timeout: layers.seconds("server_timeout"),
        }
    }
}

/// Proxies on the way to the servers.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Proxy {
    /// For `http://` addresses, may hold user and password.
    pub http: Option<String>,
    /// For `https://` addresses, may hold user and password.
    pub https: Option<String>,
    /// Hosts that are reached directly.
    pub no_proxy: Vec<String>,
    /// Whether `no_proxy` also holds domains, networks and wildcards (`no_proxy_nonexact_match`).
    pub nonexact_match: bool,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |url: &Option<String>| url.as_deref().map(super::scrub);
        f.debug_struct("Proxy")
            .field("http", &shown(&self.http))
            .field("https", &shown(&self.https))
            .field("no_proxy", &self.no_proxy)
            .field("nonexact_match", &self.nonexact_match)
            .finish()
    }
}

impl Proxy {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            http: proxy_address(layers, "proxy.http"),
            https: proxy_address(layers, "proxy.https"),
            no_proxy: layers.list("proxy.no_proxy"),
            nonexact_match: layers.flag("no_proxy_nonexact_match"),
        }
    }
}

fn proxy_address(layers: &mut Layers, name: &str) -> Option<String> {
    let text = layers.some_text(name)?;
    // Without a scheme a proxy is spoken to in plain HTTP.
    let with_scheme = if text.contains("://") { text } else { format!("http://{text}") };
    let url = address(&with_scheme);
    if url.is_none() {
        // The value may hold a password.
        layers.refuse(name, "must be an address such as http://user:password@proxy.example:3128");
    }
    url
}

/// How the forwarder sends and what it keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Forwarder {
    /// Longest time of one request (`forwarder_timeout`).
    pub timeout: Duration,
    /// Requests under way at a time, per server (`forwarder_max_concurrent_requests`).
    pub max_concurrent_requests: usize,
    /// Bytes that wait in memory (`forwarder_retry_queue_payloads_max_size`).
    pub memory_queue_bytes: usize,
    /// Growth of the wait between two tries.
    pub backoff_factor: f64,
    /// First wait.
    pub backoff_base: Duration,
    /// Longest wait.
    pub backoff_max: Duration,
    /// Time between two tests of the keys.
    pub key_check_interval: Duration,
    /// Time after which a connection is made anew, zero for never.
    pub connection_reset_interval: Duration,
    /// Bytes that wait on disk, 0 for none (`forwarder_storage_max_size_in_bytes`).
    pub disk_queue_bytes: u64,
    /// Folder of the disk queue.
    pub disk_queue_path: PathBuf,
    /// Age after which a file of the disk queue is dropped.
    pub disk_queue_age: Duration,
    /// Share of the disk beyond which nothing more is queued.
    pub max_disk_ratio: f64,
    /// `zstd`, `zlib`, `gzip` or `none` (`serializer_compressor_kind`).
    pub compressor: String,
    /// Level of zstd.
    pub zstd_level: i32,
    /// Largest payload, compressed, in bytes.
    pub max_payload_bytes: usize,
    /// Largest payload before compression, in bytes.
    pub max_uncompressed_bytes: usize,
    /// Largest payload of series, compressed, in bytes.
    pub max_series_payload_bytes: usize,
    /// Largest payload of series before compression, in bytes.
    pub max_series_uncompressed_bytes: usize,
    /// Most points of a payload of series.
    pub max_series_points: usize,
    /// Whether series go to `/api/v2/series` (`use_v2_api.series`).
    pub series_v2: bool,
    /// What is sent at all (`enable_payloads.*`).
    pub payloads: Payloads,
}

/// Which payloads are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payloads {
    /// Events.
    pub events: bool,
    /// Series.
    pub series: bool,
    /// Service checks.
    pub service_checks: bool,
    /// Sketches.
    pub sketches: bool,
    /// Host metadata.
    pub metadata: bool,
}

impl Forwarder {
    pub(super) fn read(layers: &mut Layers, run_path: &std::path::Path) -> Self {
        let kind = layers.text("serializer_compressor_kind").to_ascii_lowercase();
        if !matches!(kind.as_str(), "zstd" | "zlib" | "gzip" | "none") {
            layers.refuse("serializer_compressor_kind", &format!("must be zstd, zlib, gzip or none, not {kind:?}"));
        }
        let disk_queue = layers.some_text("forwarder_storage_path").map(PathBuf::from);
        Self {
            timeout: layers.seconds("forwarder_timeout"),
            max_concurrent_requests: layers.size("forwarder_max_concurrent_requests").max(1),
            memory_queue_bytes: layers.size("forwarder_retry_queue_payloads_max_size"),
            backoff_factor: layers.float("forwarder_backoff_factor"),
            backoff_base: layers.seconds("forwarder_backoff_base"),
            backoff_max: layers.seconds("forwarder_backoff_max"),
            key_check_interval: Duration::from_secs(60 * layers.size("forwarder_apikey_validation_interval") as u64),
            connection_reset_interval: layers.seconds("forwarder_connection_reset_interval"),
            disk_queue_bytes: layers.size("forwarder_storage_max_size_in_bytes") as u64,
            disk_queue_path: disk_queue.unwrap_or_else(|| run_path.join("transactions_to_retry")),
            disk_queue_age: Duration::from_secs(86_400 * layers.size("forwarder_outdated_file_in_days") as u64),
            max_disk_ratio: layers.float("forwarder_storage_max_disk_ratio"),
            compressor: kind,
            zstd_level: i32::try_from(layers.int("serializer_zstd_compressor_level")).unwrap_or(1),
            max_payload_bytes: layers.size("serializer_max_payload_size"),
            max_uncompressed_bytes: layers.size("serializer_max_uncompressed_payload_size"),
            max_series_payload_bytes: layers.size("serializer_max_series_payload_size"),
            max_series_uncompressed_bytes: layers.size("serializer_max_series_uncompressed_payload_size"),
            max_series_points: layers.size("serializer_max_series_points_per_payload"),
            series_v2: layers.flag("use_v2_api.series"),
            payloads: Payloads {
                events: layers.flag("enable_payloads.events"),
                series: layers.flag("enable_payloads.series"),
                service_checks: layers.flag("enable_payloads.service_checks"),
                sketches: layers.flag("enable_payloads.sketches"),
                metadata: layers.flag("enable_payloads.json_to_v1_intake"),
            },
        }
    }
}

/// Descriptions of host, agent and checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Whether the host is described at all (`enable_metadata_collection`).
    pub enabled: bool,
    /// Whether inventories are sent (`inventories_enabled`).
    pub inventories: bool,
    /// Shortest time between two inventories.
    pub min_interval: Duration,
    /// Longest time between two inventories.
    pub max_interval: Duration,
    /// Whether the agent's configuration is part of them, without its secrets.
    pub with_configuration: bool,
    /// Whether the checks' configuration is part of them, without its secrets.
    pub with_check_configuration: bool,
}

impl Metadata {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            enabled: layers.flag("enable_metadata_collection"),
            inventories: layers.flag("inventories_enabled"),
            min_interval: layers.seconds("inventories_min_interval"),
            max_interval: layers.seconds("inventories_max_interval"),
            with_configuration: layers.flag("inventories_configuration_enabled"),
            with_check_configuration: layers.flag("inventories_checks_configuration_enabled"),
        }
    }
}
