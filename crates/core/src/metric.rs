//! Kinds of metrics, points and the identity of a series.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// What a stored value means (reference: intake-agent.md §5.2, metric-queries.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum MetricKind {
    /// A sum over `interval` seconds.
    Count = 1,
    /// Already per second; times `interval` it is a count again.
    Rate = 2,
    /// The last value of its moment.
    Gauge = 3,
    /// A sketch of many values.
    Distribution = 4,
}

impl MetricKind {
    /// The kind with this number on the wire and on disk.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Count,
            2 => Self::Rate,
            3 => Self::Gauge,
            4 => Self::Distribution,
            _ => return None,
        })
    }

    /// The number of this kind on the wire and on disk.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Datadog's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Gauge => "gauge",
            Self::Distribution => "distribution",
        }
    }
}

/// One value at one second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds since the UNIX epoch.
    pub time: i64,
    /// Never NaN once past intake; infinities are kept.
    pub value: f64,
}

/// The identity of a series: metric, host and its own tags. Host tags are no part of it.
///
/// A distribution and a scalar of the same name and tags are two series: `distribution` tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// Normalised metric name.
    pub metric: String,
    /// Host name, empty when the series has none.
    pub host: String,
    /// Normalised tags, sorted, without duplicates.
    pub tags: Vec<String>,
    /// Whether its values are sketches.
    pub distribution: bool,
}

/// A 128-bit hash of a [`SeriesKey`], the same in every process and in every segment, by which a query joins the
/// pieces of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub u128);

impl SeriesKey {
    /// The stable hash of this key (XXH3-128 over length-prefixed parts).
    pub fn hash(&self) -> KeyHash {
        let tags = self.tags.iter().map(String::as_str);
        KeyHash::of(&self.metric, &self.host, tags, self.distribution)
    }
}

impl KeyHash {
    /// The hash of a key given by its parts; `tags` must be sorted and free of duplicates.
    pub fn of<'a>(metric: &str, host: &str, tags: impl Iterator<Item = &'a str>, distribution: bool) -> Self {
        let mut hasher = Xxh3::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u32).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(metric);
        part(host);
        tags.for_each(&mut part);
        hasher.update(&[u8::from(distribution)]);
        Self(hasher.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_hash_separates_neighbouring_parts() {
        let key = |metric: &str, host: &str, tags: &[&str]| SeriesKey {
            metric: metric.into(),
            host: host.into(),
            tags: tags.iter().map(|tag| tag.to_string()).collect(),
            distribution: false,
        };
        assert_ne!(key("ab", "c", &[]).hash(), key("a", "bc", &[]).hash());
        assert_ne!(key("a", "", &["b", "c"]).hash(), key("a", "", &["bc"]).hash());
        assert_eq!(key("a", "h", &["b"]).hash(), key("a", "h", &["b"]).hash());
    }
}
