//! The `dogstatsd_*` keys and what they make of the server (reference: agent-config.md §5).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::layers::Layers;
use crate::dogstatsd::{
    AggregatorConfig, CounterOutput, EolRequired, HistogramAggregate, Mapper, ServerConfig, percentile_from_fraction,
};

/// Where clients look for the socket unless told otherwise.
const DEFAULT_SOCKET: &str = "/var/run/datadog/dsd.socket";

/// Settings of DogStatsD.
#[derive(Debug, Clone)]
pub struct DogStatsd {
    /// Whether it runs (`use_dogstatsd`).
    pub enabled: bool,
    /// UDP port, 0 for none.
    pub port: u16,
    /// Address of the UDP port: `bind_host`, or all addresses with `dogstatsd_non_local_traffic`.
    pub bind: IpAddr,
    /// Path of the datagram socket, `None` for none.
    pub socket: Option<PathBuf>,
    /// Path of the stream socket, `None` for none.
    pub stream_socket: Option<PathBuf>,
    /// Wanted receive buffer in bytes, 0 for the server's default.
    pub receive_buffer_bytes: usize,
    /// Tags on everything.
    pub tags: Vec<String>,
    /// Largest datagram, in bytes.
    pub buffer_size: usize,
    /// Packets that wait between reading and parsing.
    pub queue_size: usize,
    /// Kinds of input on which a message must end in a line feed: `udp`, `uds`, `named_pipe`.
    pub eol_required: Vec<String>,
    /// Time during which a silent counter sends zeros.
    pub expiry: Duration,
    /// Time after which another silent context is forgotten.
    pub context_expiry: Duration,
    /// Whether values with a time of their own are not aggregated.
    pub no_aggregation: bool,
    /// What `dogstatsd_mapper_profiles` make of names, `None` for nothing.
    pub mapper: Option<Arc<Mapper>>,
    /// Host and port to which every packet is passed on.
    pub forward: Option<(String, u16)>,
    /// Prefix of metric names.
    pub namespace: String,
    /// Starts of names that get no prefix, `None` for the server's default.
    pub namespace_exceptions: Option<Vec<String>>,
    /// Names that are dropped.
    pub blocklist: Vec<String>,
    /// Whether the block list names prefixes.
    pub blocklist_is_prefix: bool,
    /// Statistics of histograms, of checks too.
    pub aggregates: Vec<HistogramAggregate>,
    /// Percentiles of histograms in whole percent, of checks too.
    pub percentiles: Vec<u8>,
    /// Whether histograms are kept as distributions too.
    pub copy_to_distribution: bool,
    /// Prefix of the names of those distributions.
    pub copy_to_distribution_prefix: String,
    /// Whether numbers per metric are kept (`dogstatsd_metrics_stats_enable`).
    pub metric_stats: bool,
    /// Whether the sender's container is found out (`dogstatsd_origin_detection`).
    pub origin_detection: bool,
}

impl DogStatsd {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            enabled: layers.flag("use_dogstatsd"),
            port: layers.port("dogstatsd_port"),
            bind: bind(layers),
            socket: socket(layers),
            stream_socket: layers.some_text("dogstatsd_stream_socket").map(|path| socket_path(&path)),
            receive_buffer_bytes: layers.size("dogstatsd_so_rcvbuf"),
            tags: layers.list("dogstatsd_tags"),
            buffer_size: layers.size("dogstatsd_buffer_size"),
            queue_size: layers.size("dogstatsd_queue_size"),
            eol_required: layers.list("dogstatsd_eol_required"),
            expiry: layers.seconds("dogstatsd_expiry_seconds"),
            context_expiry: layers.seconds("dogstatsd_context_expiry_seconds"),
            no_aggregation: layers.flag("dogstatsd_no_aggregation_pipeline"),
            mapper: mapper(layers),
            forward: forward(layers),
            namespace: namespace(layers),
            namespace_exceptions: layers
                .is_set("statsd_metric_namespace_blacklist")
                .then(|| layers.list("statsd_metric_namespace_blacklist")),
            blocklist: layers.list("statsd_metric_blocklist"),
            blocklist_is_prefix: layers.flag("statsd_metric_blocklist_match_prefix"),
            aggregates: aggregates(layers),
            percentiles: percentiles(layers),
            copy_to_distribution: layers.flag("histogram_copy_to_distribution"),
            copy_to_distribution_prefix: layers.text("histogram_copy_to_distribution_prefix"),
            metric_stats: layers.flag("dogstatsd_metrics_stats_enable"),
            origin_detection: layers.flag("dogstatsd_origin_detection"),
        }
    }

    /// How messages of `host` are aggregated by an agent that sends to a server.
    pub fn aggregator(&self, host: impl Into<String>) -> AggregatorConfig {
        let base = AggregatorConfig::for_host(host);
        AggregatorConfig {
            tags: self.tags.clone(),
            namespace: self.namespace.clone(),
            namespace_exceptions: self.namespace_exceptions.clone().unwrap_or(base.namespace_exceptions),
            blocklist: self.blocklist.clone(),
            blocklist_is_prefix: self.blocklist_is_prefix,
            counters: CounterOutput::Rate,
            histogram_aggregates: self.aggregates.clone(),
            histogram_percentiles: self.percentiles.clone(),
            histogram_to_distribution: self.copy_to_distribution,
            histogram_to_distribution_prefix: self.copy_to_distribution_prefix.clone(),
            counter_expiry_s: i64::try_from(self.expiry.as_secs()).unwrap_or(i64::MAX),
            context_expiry_s: i64::try_from(self.context_expiry.as_secs()).unwrap_or(i64::MAX),
            timestamps: self.no_aggregation,
            mapper: self.mapper.clone(),
            metric_stats: self.metric_stats,
            ..base
        }
    }

    /// Where the server listens, with the aggregator of `host`; `None` when DogStatsD is switched off.
    pub fn server(&self, host: impl Into<String>) -> Option<ServerConfig> {
        if !self.enabled {
            return None;
        }
        let mut server = ServerConfig::new(self.aggregator(host));
        server.udp = (self.port > 0).then(|| SocketAddr::new(self.bind, self.port));
        server.unix_datagram.clone_from(&self.socket);
        server.unix_stream.clone_from(&self.stream_socket);
        server.buffer_bytes = self.buffer_size;
        server.eol_required = EolRequired::from_names(&self.eol_required);
        server.forward.clone_from(&self.forward);
        if self.receive_buffer_bytes > 0 {
            server.receive_buffer_bytes = self.receive_buffer_bytes;
        }
        Some(server)
    }
}

fn bind(layers: &mut Layers) -> IpAddr {
    let host = layers.text("bind_host");
    if layers.flag("dogstatsd_non_local_traffic") {
        return Ipv4Addr::UNSPECIFIED.into();
    }
    if host.is_empty() || host == "localhost" {
        return Ipv4Addr::LOCALHOST.into();
    }
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return address;
    }
    let found = (host.as_str(), 0).to_socket_addrs().ok().and_then(|mut found| found.next());
    found.map(|found| found.ip()).unwrap_or_else(|| {
        layers.warn("bind_host", &format!("{host:?} is not known, DogStatsD listens on localhost only"));
        Ipv4Addr::LOCALHOST.into()
    })
}

fn socket(layers: &mut Layers) -> Option<PathBuf> {
    if layers.is_set("dogstatsd_socket") {
        return layers.some_text("dogstatsd_socket").map(|path| socket_path(&path));
    }
    let default = Path::new(DEFAULT_SOCKET);
    default.parent().filter(|folder| super::is_writable_folder(folder)).map(|_| default.to_owned())
}

/// A path that may be written as clients write it.
fn socket_path(text: &str) -> PathBuf {
    let path = ["unixgram://", "unixstream://", "unix://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    PathBuf::from(path.unwrap_or(text))
}

fn forward(layers: &mut Layers) -> Option<(String, u16)> {
    let (host, port) = (layers.some_text("statsd_forward_host"), layers.port("statsd_forward_port"));
    host.filter(|_| port > 0).map(|host| (host, port))
}

fn mapper(layers: &mut Layers) -> Option<Arc<Mapper>> {
    const NAME: &str = "dogstatsd_mapper_profiles";
    let cache_size = layers.size("dogstatsd_mapper_cache_size");
    match Mapper::parse(&Value::Array(layers.maps(NAME)), cache_size) {
        Ok(mapper) => mapper.map(Arc::new),
        Err(error) => {
            layers.warn(NAME, &format!("are not used: {error}"));
            None
        }
    }
}

/// The prefix with its dot.
fn namespace(layers: &mut Layers) -> String {
    let namespace = layers.text("statsd_metric_namespace");
    if namespace.is_empty() || namespace.ends_with('.') { namespace } else { namespace + "." }
}

fn aggregates(layers: &mut Layers) -> Vec<HistogramAggregate> {
    let mut aggregates = Vec::new();
    for name in layers.list("histogram_aggregates") {
        match HistogramAggregate::from_name(&name) {
            Some(aggregate) if aggregates.contains(&aggregate) => {}
            Some(aggregate) => aggregates.push(aggregate),
            None => {
                let reason = format!("takes max, min, median, avg, sum and count; {name:?} is left out");
                layers.warn("histogram_aggregates", &reason);
            }
        }
    }
    aggregates
}

fn percentiles(layers: &mut Layers) -> Vec<u8> {
    let mut percentiles = Vec::new();
    for text in layers.list("histogram_percentiles") {
        match percentile_from_fraction(&text) {
            Some(percentile) if percentiles.contains(&percentile) => {}
            Some(percentile) => percentiles.push(percentile),
            None => {
                let reason = format!("takes numbers above 0 and below 1; {text:?} is left out");
                layers.warn("histogram_percentiles", &reason);
            }
        }
    }
    percentiles
}
