//! What a forwarder is told: where to, how, and how much it may keep. Defaults are Datadog's (reference:
//! agent-config.md §3, §4, §6) unless a field says otherwise.

use std::path::PathBuf;
use std::time::Duration;

/// Version of Datadog's agent whose protocol is spoken; servers see it in `DD-Agent-Version`.
pub const PROTOCOL_VERSION: &str = "7.70.0";
/// Memory for each endpoint's queue, in bytes (`forwarder_retry_queue_payloads_max_size`).
pub const DEFAULT_MEMORY_BYTES: usize = 15 * 1024 * 1024;
/// Disk for all queues together, in bytes. Datadog's default is 0, which loses data in a longer outage.
pub const DEFAULT_DISK_BYTES: u64 = 512 * 1024 * 1024;
/// Folder of the disk queue below `run_path`.
pub const DISK_FOLDER: &str = "transactions_to_retry";

/// Everything a [`Forwarder`](crate::Forwarder) needs to know.
#[derive(Debug, Clone)]
pub struct ForwarderConfig {
    /// Servers for metrics, checks, events and metadata (`dd_url` and `additional_endpoints`). Each gets everything.
    pub endpoints: Vec<EndpointConfig>,
    /// Servers for logs (`logs_config.logs_dd_url` and `logs_config.additional_endpoints`); empty when logs are off.
    pub log_endpoints: Vec<LogEndpointConfig>,
    /// Name under which the host reports, for events and for the forwarder's own metrics.
    pub host: String,
    /// Proxies.
    pub proxy: ProxyConfig,
    /// Whether any certificate is good enough (`skip_ssl_validation`).
    pub skip_ssl_validation: bool,
    /// Longest time that a request may take (`forwarder_timeout`).
    pub timeout: Duration,
    /// The same for logs (`logs_config.http_timeout`).
    pub log_timeout: Duration,
    /// Compression of everything but logs (`serializer_compressor_kind`).
    pub compression: Compression,
    /// Compression of logs (`logs_config.use_compression`, `compression_kind`, `compression_level`).
    pub log_compression: Compression,
    /// Memory for each endpoint's queue, in bytes (`forwarder_retry_queue_payloads_max_size`).
    pub memory_bytes: usize,
    /// Where the queues go on when memory is full or a server stays away; `None` for nowhere.
    pub disk: Option<DiskConfig>,
    /// Waiting between attempts (`forwarder_backoff_*`).
    pub backoff: BackoffConfig,
    /// Most requests to one endpoint at a time (`forwarder_max_concurrent_requests`). Two payloads of one kind are
    /// never under way together, so that their order is kept.
    pub max_concurrent_requests: usize,
    /// How long reports are gathered before they are sent as one payload. Not a setting of Datadog's, whose agent
    /// sends every 15 s.
    pub batch_wait: Duration,
    /// How often servers are asked about their keys, the first time at once (`forwarder_apikey_validation_interval`);
    /// `None` for never.
    pub validate_keys_every: Option<Duration>,
    /// Which kinds of payloads are sent at all (`enable_payloads.*`).
    pub enabled: EnabledPayloads,
    /// How large payloads may be (`serializer_max_*`).
    pub limits: PayloadLimits,
    /// `User-Agent`.
    pub user_agent: String,
    /// `DD-Agent-Version`.
    pub agent_version: String,
}

impl ForwarderConfig {
    /// Datadog's defaults, sending nowhere yet and keeping nothing on disk.
    pub fn for_host(host: impl Into<String>) -> Self {
        Self {
            endpoints: Vec::new(),
            log_endpoints: Vec::new(),
            host: host.into(),
            proxy: ProxyConfig::default(),
            skip_ssl_validation: false,
            timeout: Duration::from_secs(20),
            log_timeout: Duration::from_secs(10),
            compression: Compression::default(),
            log_compression: Compression::default(),
            memory_bytes: DEFAULT_MEMORY_BYTES,
            disk: None,
            backoff: BackoffConfig::default(),
            max_concurrent_requests: 10,
            batch_wait: Duration::from_secs(5),
            validate_keys_every: Some(Duration::from_secs(3600)),
            enabled: EnabledPayloads::default(),
            limits: PayloadLimits::default(),
            // Servers treat the protocol's sender by its first word, as browsers are treated by "Mozilla".
            user_agent: format!("datadog-agent/{PROTOCOL_VERSION} (galgo {})", galgo_agent::VERSION),
            agent_version: PROTOCOL_VERSION.to_owned(),
        }
    }
}

/// A server for metrics, checks, events and metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// `http://host[:port]` or `https://host[:port]`; a path is kept as a prefix.
    pub url: String,
    /// The keys; with several, the server gets everything once for each.
    pub api_keys: Vec<String>,
}

/// A server for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEndpointConfig {
    /// `http://host[:port]` or `https://host[:port]`. A path is ignored, as in Datadog's agent.
    pub url: String,
    /// The key.
    pub api_key: String,
    /// Whether its answer counts (`is_reliable`): lines are safe once a reliable endpoint has them. What an
    /// unreliable one does not take is dropped.
    pub is_reliable: bool,
    /// Whether lines go to `/api/v2/logs` and not to `/v1/input` (`logs_config.use_v2_api`).
    pub use_v2_api: bool,
}

/// Keys are shown by their last characters only.
impl std::fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = self.api_keys.iter().map(|key| key_hint(key)).collect();
        f.debug_struct("EndpointConfig").field("url", &self.url).field("api_keys", &keys).finish()
    }
}

impl std::fmt::Debug for LogEndpointConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogEndpointConfig")
            .field("url", &self.url)
            .field("api_key", &key_hint(&self.api_key))
            .field("is_reliable", &self.is_reliable)
            .field("use_v2_api", &self.use_v2_api)
            .finish()
    }
}

/// How a key is shown: its last five characters, and none of a key so short that they would give it away.
pub fn key_hint(key: &str) -> String {
    let chars = key.chars().count();
    let tail: String = key.chars().skip(chars.saturating_sub(5)).collect();
    if chars >= 16 { format!("…{tail}") } else { "…".to_owned() }
}

/// Proxies (reference: agent-config.md §3).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Proxy for `http://` servers (`proxy.http`); empty for none. May carry `user:password@`.
    pub http: String,
    /// Proxy for `https://` servers (`proxy.https`); empty for none.
    pub https: String,
    /// Hosts (`host` or `host:port`) that are reached directly (`proxy.no_proxy`).
    pub no_proxy: Vec<String>,
    /// Whether `no_proxy` also names domains, networks and `*` (`no_proxy_nonexact_match`).
    pub no_proxy_nonexact_match: bool,
}

/// Proxy addresses may hold a password.
impl std::fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxyConfig")
            .field("http", &!self.http.is_empty())
            .field("https", &!self.https.is_empty())
            .field("no_proxy", &self.no_proxy)
            .field("no_proxy_nonexact_match", &self.no_proxy_nonexact_match)
            .finish()
    }
}

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// `zstd` at a level, 1 to 22.
    Zstd(i32),
    /// `deflate` (zlib) at a level, 0 to 9.
    Deflate(u32),
    /// `gzip` at a level, 0 to 9.
    Gzip(u32),
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(1)
    }
}

impl Compression {
    /// The compression of this name (`zstd`, `zlib` or `deflate`, `gzip`, `none`) at its usual level.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "zstd" => Self::Zstd(1),
            "zlib" | "deflate" => Self::Deflate(6),
            "gzip" => Self::Gzip(6),
            "none" | "" => Self::None,
            _ => return None,
        })
    }
}

/// The disk queue.
#[derive(Debug, Clone, PartialEq)]
pub struct DiskConfig {
    /// Its folder (`forwarder_storage_path`, by default `run_path/transactions_to_retry`).
    pub path: PathBuf,
    /// Bytes for all endpoints together (`forwarder_storage_max_size_in_bytes`); endpoints share them equally.
    pub max_bytes: u64,
    /// How full the file system may be at most, from 0 to 1 (`forwarder_storage_max_disk_ratio`).
    pub max_disk_ratio: f64,
    /// After how long a file is given up (`forwarder_outdated_file_in_days`).
    pub outdated_after: Duration,
}

impl DiskConfig {
    /// Galgo's defaults for a folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: DEFAULT_DISK_BYTES,
            max_disk_ratio: 0.80,
            outdated_after: Duration::from_secs(10 * 86_400),
        }
    }
}

/// Waiting between attempts: `base * factor ^ (failures - 1)`, at most `max`, of which the second half is random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffConfig {
    /// Growth from one failure to the next (`forwarder_backoff_factor`).
    pub factor: f64,
    /// After the first failure (`forwarder_backoff_base`).
    pub base: Duration,
    /// Longest (`forwarder_backoff_max`).
    pub max: Duration,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self { factor: 2.0, base: Duration::from_secs(2), max: Duration::from_secs(64) }
    }
}

/// How large payloads may be. A single series, check or event that is larger goes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadLimits {
    /// Compressed bytes of a payload of series (`serializer_max_series_payload_size`).
    pub series_bytes: usize,
    /// Bytes of a payload of series before compression (`serializer_max_series_uncompressed_payload_size`).
    pub series_raw_bytes: usize,
    /// Points of a payload of series or sketches (`serializer_max_series_points_per_payload`).
    pub points: usize,
    /// Compressed bytes of any other payload but logs (`serializer_max_payload_size`).
    pub other_bytes: usize,
    /// Bytes of any other payload but logs before compression (`serializer_max_uncompressed_payload_size`).
    pub other_raw_bytes: usize,
}

impl Default for PayloadLimits {
    fn default() -> Self {
        Self {
            series_bytes: 512_000,
            series_raw_bytes: 5_242_880,
            points: 10_000,
            other_bytes: 2_621_440,
            other_raw_bytes: 4_194_304,
        }
    }
}

/// Which kinds of payloads are sent (`enable_payloads.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnabledPayloads {
    /// Counts, rates and gauges.
    pub series: bool,
    /// Distributions.
    pub sketches: bool,
    /// Service checks.
    pub service_checks: bool,
    /// Events.
    pub events: bool,
}

impl Default for EnabledPayloads {
    fn default() -> Self {
        Self { series: true, sketches: true, service_checks: true, events: true }
    }
}
