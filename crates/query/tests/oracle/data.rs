//! Raw series in memory.

use galgo_core::MetricKind;

/// One series with its raw points; distributions have several values at one time.
#[derive(Debug, Clone)]
pub struct RawSeries {
    pub metric: String,
    pub host: String,
    pub tags: Vec<String>,
    pub kind: MetricKind,
    pub interval: u32,
    pub points: Vec<(i64, f64)>,
}

/// Everything a query may see.
#[derive(Debug, Clone, Default)]
pub struct Data {
    pub series: Vec<RawSeries>,
    /// Tags of hosts.
    pub host_tags: Vec<(String, Vec<String>)>,
}

impl Data {
    /// Every tag by which a series can be found, its host and the tags of its host included.
    pub fn tags_of(&self, series: &RawSeries) -> Vec<String> {
        let mut tags = series.tags.clone();
        if !series.host.is_empty() {
            tags.push(format!("host:{}", series.host));
        }
        for (host, host_tags) in &self.host_tags {
            if *host == series.host {
                tags.extend(host_tags.iter().cloned());
            }
        }
        tags
    }
}
