//! Settings of the DogStatsD aggregator, with Datadog's defaults (reference: agent-config.md §5).

use std::sync::Arc;

use super::mapper::Mapper;

/// Length of an aggregation bucket in seconds; also the `interval` of every series that comes out.
pub const BUCKET_S: i64 = 10;

/// Statistics that a histogram can be flushed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistogramAggregate {
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
    /// Middle value.
    Median,
    /// Weighted mean.
    Avg,
    /// Weighted sum.
    Sum,
    /// Values per second.
    Count,
}

impl HistogramAggregate {
    /// The aggregate with this name in `histogram_aggregates`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "max" => Self::Max,
            "min" => Self::Min,
            "median" => Self::Median,
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "count" => Self::Count,
            _ => return None,
        })
    }

    /// What is appended to the metric's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Max => ".max",
            Self::Min => ".min",
            Self::Median => ".median",
            Self::Avg => ".avg",
            Self::Sum => ".sum",
            Self::Count => ".count",
        }
    }
}

/// A percentile in whole percent, from the fraction of `histogram_percentiles` (`"0.95"` is 95); `None` unless it is
/// above 0 and below 1.
pub fn percentile_from_fraction(fraction: &str) -> Option<u8> {
    let fraction: f64 = fraction.trim().parse().ok()?;
    (fraction > 0.0 && fraction < 1.0).then(|| (fraction * 100.0 + 1e-9).floor() as u8)
}

/// How counters come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CounterOutput {
    /// As the sum of a bucket: what a server stores that stands behind the sockets itself.
    #[default]
    Count,
    /// As the sum divided by the length of a bucket: what an agent sends to a server.
    Rate,
}

/// Most contexts (metric, host and tags) that are kept at a time.
pub const DEFAULT_MAX_CONTEXTS: usize = 200_000;

/// Settings of the aggregator.
#[derive(Debug, Clone)]
pub struct AggregatorConfig {
    /// Host of messages that name none.
    pub host: String,
    /// Tags added to everything (`dogstatsd_tags`).
    pub tags: Vec<String>,
    /// Prefix of metric names (`statsd_metric_namespace`), empty for none.
    pub namespace: String,
    /// Metrics whose names start so get no prefix (`statsd_metric_namespace_blacklist`).
    pub namespace_exceptions: Vec<String>,
    /// Metrics with these names are dropped (`statsd_metric_blocklist`).
    pub blocklist: Vec<String>,
    /// Whether the block list names prefixes (`statsd_metric_blocklist_match_prefix`).
    pub blocklist_is_prefix: bool,
    /// How counters come out.
    pub counters: CounterOutput,
    /// Statistics of histograms (`histogram_aggregates`).
    pub histogram_aggregates: Vec<HistogramAggregate>,
    /// Percentiles of histograms in whole percent (`histogram_percentiles`).
    pub histogram_percentiles: Vec<u8>,
    /// Whether histograms are kept as distributions too (`histogram_copy_to_distribution`).
    pub histogram_to_distribution: bool,
    /// Prefix of the names of those distributions.
    pub histogram_to_distribution_prefix: String,
    /// Seconds during which a silent counter sends zeros (`dogstatsd_expiry_seconds`).
    pub counter_expiry_s: i64,
    /// Seconds after which any other silent context is forgotten (`dogstatsd_context_expiry_seconds`).
    pub context_expiry_s: i64,
    /// Whether samples with a time of their own skip aggregation (`dogstatsd_no_aggregation_pipeline`); otherwise that
    /// time is ignored.
    pub timestamps: bool,
    /// Turns names into names and tags (`dogstatsd_mapper_profiles`).
    pub mapper: Option<Arc<Mapper>>,
    /// Whether numbers are kept for each metric (`dogstatsd_metrics_stats_enable`).
    pub metric_stats: bool,
    /// Most contexts at a time; messages of further ones are dropped and counted.
    pub max_contexts: usize,
}

impl AggregatorConfig {
    /// Datadog's defaults, for messages of `host`.
    pub fn for_host(host: impl Into<String>) -> Self {
        use HistogramAggregate::{Avg, Count, Max, Median};
        Self {
            host: host.into(),
            tags: Vec::new(),
            namespace: String::new(),
            namespace_exceptions: [
                "datadog.agent",
                "datadog.dogstatsd",
                "datadog.process",
                "datadog.trace_agent",
                "runtime",
                "jvm",
            ]
            .map(str::to_owned)
            .to_vec(),
            blocklist: Vec::new(),
            blocklist_is_prefix: false,
            counters: CounterOutput::Count,
            histogram_aggregates: vec![Max, Median, Avg, Count],
            histogram_percentiles: vec![95],
            histogram_to_distribution: false,
            histogram_to_distribution_prefix: String::new(),
            counter_expiry_s: 300,
            context_expiry_s: 20,
            timestamps: true,
            mapper: None,
            metric_stats: false,
            max_contexts: DEFAULT_MAX_CONTEXTS,
        }
    }

    /// Whether a metric is to be dropped.
    pub(super) fn blocks(&self, name: &str) -> bool {
        let matches = |blocked: &String| {
            if self.blocklist_is_prefix { name.starts_with(blocked.as_str()) } else { name == blocked }
        };
        self.blocklist.iter().any(matches)
    }

    /// The prefix of a metric's name, empty for none.
    pub(super) fn prefix_of(&self, name: &str) -> &str {
        let excepted = self.namespace_exceptions.iter().any(|start| name.starts_with(start.as_str()));
        if excepted { "" } else { &self.namespace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_read() {
        for (text, expected) in
            [("0.95", Some(95)), ("0.29", Some(29)), ("0.999", Some(99)), ("1", None), ("0", None), ("x", None)]
        {
            assert_eq!(percentile_from_fraction(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_prefixed_and_blocked() {
        let config = AggregatorConfig {
            namespace: "app.".into(),
            blocklist: vec!["noise".into()],
            ..AggregatorConfig::for_host("h")
        };
        assert_eq!((config.prefix_of("requests"), config.prefix_of("datadog.dogstatsd.client.metrics")), ("app.", ""));
        assert_eq!((config.blocks("noise"), config.blocks("noise.more")), (true, false));
        let config = AggregatorConfig { blocklist_is_prefix: true, ..config };
        assert!(config.blocks("noise.more"));
    }
}
