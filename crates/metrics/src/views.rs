//! What the engine knows about metrics, tags and senders, for lists and completion.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use galgo_core::{HostTags, MetricKind, tags};
use galgo_query::source::Scope;

use crate::engine::Engine;
use crate::segment::SegmentReader;
use crate::select::Pattern;

/// One metric of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSummary {
    /// Name.
    pub name: String,
    /// Kind of the newest series.
    pub kind: MetricKind,
    /// Seconds between submissions, 0 when unknown.
    pub interval: u32,
    /// Unit that the sender named, empty when none.
    pub unit: String,
    /// Series with points in the asked time.
    pub series: u64,
    /// Hosts among them.
    pub hosts: u64,
    /// Time of the newest point, in seconds.
    pub last_seen: i64,
}

/// One tag key of a metric with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKey {
    /// Key.
    pub key: String,
    /// Values with the number of series that carry each, most first.
    pub values: Vec<(String, u64)>,
}

/// One host that sends a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Host, empty for series without one.
    pub host: String,
    /// Its series of the metric.
    pub series: u64,
    /// Time of its newest point, in seconds.
    pub last_seen: i64,
}

// One series as all views need it.
struct Seen<'a> {
    metric: &'a str,
    host: &'a str,
    tags: Vec<&'a str>,
    hash: u128,
    kind: MetricKind,
    interval: u32,
    unit: &'a str,
    last: i64,
}

impl Engine {
    /// The metrics with points since `from_s`, in order of names; only those of a host or with a series in `scope`.
    pub fn metrics(&self, from_s: i64, host: Option<&str>, scope: &Scope) -> Vec<MetricSummary> {
        #[derive(Default)]
        struct Collected {
            series: HashSet<u128>,
            hosts: BTreeSet<String>,
            newest: Option<(i64, MetricKind, u32)>,
            unit: String,
        }
        let hosts = self.shared.hosts.load();
        let mut metrics: BTreeMap<String, Collected> = BTreeMap::new();
        self.each_series(None, from_s, &mut |seen| {
            let of_host = host.is_none_or(|host| {
                seen.host == host || hosts.of(seen.host).iter().any(|tag| tag.strip_prefix("host:") == Some(host))
            });
            if !of_host || !holds(scope, seen, &hosts) {
                return;
            }
            if !metrics.contains_key(seen.metric) {
                metrics.insert(seen.metric.to_owned(), Collected::default());
            }
            let Some(metric) = metrics.get_mut(seen.metric) else { return };
            metric.series.insert(seen.hash);
            if !seen.host.is_empty() && !metric.hosts.contains(seen.host) {
                metric.hosts.insert(seen.host.to_owned());
            }
            if metric.newest.is_none_or(|(last, ..)| seen.last >= last) {
                metric.newest = Some((seen.last, seen.kind, seen.interval));
            }
            if metric.unit.is_empty() {
                metric.unit.push_str(seen.unit);
            }
        });
        let summary = |(name, metric): (String, Collected)| {
            let (last_seen, kind, interval) = metric.newest.unwrap_or((0, MetricKind::Gauge, 0));
            let (series, hosts) = (metric.series.len() as u64, metric.hosts.len() as u64);
            MetricSummary { name, kind, interval, unit: metric.unit, series, hosts, last_seen }
        };
        metrics.into_iter().map(summary).collect()
    }

    /// The tag keys of a metric's series since `from_s`, host tags and `host` itself included, in order of keys.
    pub fn tag_keys(&self, metric: &str, from_s: i64) -> Vec<TagKey> {
        let hosts = self.shared.hosts.load();
        let mut keys: BTreeMap<String, BTreeMap<String, HashSet<u128>>> = BTreeMap::new();
        self.each_series(Some(metric), from_s, &mut |seen| {
            let mut add = |tag: &str| {
                let (key, value) = tags::split_tag(tag);
                keys.entry(key.to_owned()).or_default().entry(value.to_owned()).or_default().insert(seen.hash);
            };
            seen.tags.iter().for_each(|tag| add(tag));
            if !seen.host.is_empty() {
                add(&format!("host:{}", seen.host));
                hosts.of(seen.host).iter().for_each(|tag| add(tag));
            }
        });
        let listed = |(key, values): (String, BTreeMap<String, HashSet<u128>>)| {
            let mut values: Vec<(String, u64)> =
                values.into_iter().map(|(value, series)| (value, series.len() as u64)).collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            TagKey { key, values }
        };
        keys.into_iter().map(listed).collect()
    }

    /// The hosts that sent a metric since `from_s`, most series first.
    pub fn senders(&self, metric: &str, from_s: i64) -> Vec<Sender> {
        let mut senders: BTreeMap<String, (HashSet<u128>, i64)> = BTreeMap::new();
        self.each_series(Some(metric), from_s, &mut |seen| {
            let sender = senders.entry(seen.host.to_owned()).or_default();
            sender.0.insert(seen.hash);
            sender.1 = sender.1.max(seen.last);
        });
        let listed = |(host, (series, last_seen)): (String, (HashSet<u128>, i64))| Sender {
            host,
            series: series.len() as u64,
            last_seen,
        };
        let mut listed: Vec<Sender> = senders.into_iter().map(listed).collect();
        listed.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.host.cmp(&b.host)));
        listed
    }

    /// The most active series that one metric may have.
    pub fn series_limit(&self) -> usize {
        self.shared.config.series.per_metric
    }

    /// The unit that the sender of a metric named, if it has active series and a unit.
    pub fn sent_unit(&self, metric: &str) -> Option<Arc<str>> {
        self.shared.head.index.read().entry(metric)?.unit.clone()
    }

    // Visits series with points since `from_s`; one that lies in several places is visited several times.
    fn each_series(&self, metric: Option<&str>, from_s: i64, visit: &mut dyn FnMut(&Seen<'_>)) {
        {
            let index = self.shared.head.index.read();
            for (&name, entry) in &index.metrics {
                let name = index.strings.text(name);
                if metric.is_some_and(|metric| metric != &**name) {
                    continue;
                }
                for series in entry.series.iter().filter(|series| i64::from(series.last_time()) >= from_s.max(1)) {
                    visit(&Seen {
                        metric: name,
                        host: index.strings.text(series.host),
                        tags: index.tags(series).collect(),
                        hash: series.hash.0,
                        kind: series.kind(),
                        interval: series.interval(),
                        unit: entry.unit.as_deref().unwrap_or_default(),
                        last: i64::from(series.last_time()),
                    });
                }
            }
        }
        for meta in self.shared.segments.overlapping(from_s, i64::MAX) {
            // A segment that went away meanwhile is covered by its successor at the next call; a list may miss it once.
            let Ok(reader) = self.shared.segments.open(&meta) else { continue };
            visit_segment(&reader, metric, from_s, visit);
        }
    }
}

fn visit_segment(reader: &SegmentReader, metric: Option<&str>, from_s: i64, visit: &mut dyn FnMut(&Seen<'_>)) {
    let index = &reader.index;
    let metrics: Vec<(&str, std::ops::Range<u32>)> = match metric {
        Some(name) => index.metric(name).map(|range| (name, range)).into_iter().collect(),
        None => index.metrics().collect(),
    };
    for (name, range) in metrics {
        for series in range {
            let last = index.chunks(series).last().map_or(0, |chunk| i64::from(chunk.last));
            if last < from_s {
                continue;
            }
            visit(&Seen {
                metric: name,
                host: index.host(series),
                tags: index.tags(series).collect(),
                hash: index.key_hash(name, series).0,
                kind: index.kind(series),
                interval: index.interval(series),
                unit: "",
                last,
            });
        }
    }
}

fn holds(scope: &Scope, seen: &Seen<'_>, hosts: &Arc<HostTags>) -> bool {
    match scope {
        Scope::All => true,
        Scope::And(parts) => parts.iter().all(|part| holds(part, seen, hosts)),
        Scope::Or(parts) => parts.iter().any(|part| holds(part, seen, hosts)),
        Scope::Not(inner) => !holds(inner, seen, hosts),
        Scope::Tag(wanted) => any_tag(seen, hosts, &|tag| tag == wanted),
        Scope::Like(pattern) => {
            let pattern = Pattern::new(pattern);
            any_tag(seen, hosts, &|tag| pattern.matches(tag))
        }
    }
}

fn any_tag(seen: &Seen<'_>, hosts: &HostTags, matches: &dyn Fn(&str) -> bool) -> bool {
    seen.tags.iter().any(|tag| matches(tag))
        || (!seen.host.is_empty()
            && (matches(&format!("host:{}", seen.host.to_ascii_lowercase()))
                || hosts.of(seen.host).iter().any(|tag| matches(tag))))
}
