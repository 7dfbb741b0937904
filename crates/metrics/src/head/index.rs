//! The index of active series: metric → series, and for each metric tag → series and host → series.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_core::{KeyHash, MetricKind};
use roaring::RoaringBitmap;

use super::series::Series;

/// Strings by number. Numbers are never given twice.
#[derive(Debug, Default)]
pub struct Interner {
    ids: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Interner {
    /// The number of a text, given now if it has none.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    /// The number of a text.
    pub fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The text of a number.
    pub fn text(&self, id: u32) -> &Arc<str> {
        &self.texts[id as usize]
    }
}

/// The active series of one metric. Bitmaps hold positions in `series`.
#[derive(Debug, Default)]
pub struct MetricEntry {
    /// Active series in order of arrival.
    pub series: Vec<Arc<Series>>,
    /// Interned tag → positions.
    pub by_tag: HashMap<u32, RoaringBitmap>,
    /// Interned host → positions.
    pub by_host: HashMap<u32, RoaringBitmap>,
    /// Unit that the sender named, if any.
    pub unit: Option<Arc<str>>,
}

impl MetricEntry {
    fn add(&mut self, series: Arc<Series>) {
        let position = self.series.len() as u32;
        for &tag in &series.tags {
            self.by_tag.entry(tag).or_default().insert(position);
        }
        self.by_host.entry(series.host).or_default().insert(position);
        self.series.push(series);
    }

    /// Kind and interval of the series that was written to last.
    pub fn newest(&self) -> Option<(MetricKind, u32)> {
        self.series.iter().max_by_key(|series| series.last_time()).map(|series| (series.kind(), series.interval()))
    }
}

/// All active series.
#[derive(Debug, Default)]
pub struct HeadIndex {
    /// Metric names, hosts and tags.
    pub strings: Interner,
    /// Interned metric → its series.
    pub metrics: HashMap<u32, MetricEntry>,
    by_key: HashMap<KeyHash, Arc<Series>>,
}

impl HeadIndex {
    /// The active series with this identity.
    pub fn find(&self, hash: KeyHash) -> Option<&Arc<Series>> {
        self.by_key.get(&hash)
    }

    /// Number of active series.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Number of active series of a metric.
    pub fn metric_len(&self, metric: &str) -> usize {
        self.entry(metric).map_or(0, |entry| entry.series.len())
    }

    /// The active series of a metric.
    pub fn entry(&self, metric: &str) -> Option<&MetricEntry> {
        self.metrics.get(&self.strings.id(metric)?)
    }

    /// Adds a series.
    pub fn add(&mut self, series: Arc<Series>) {
        self.by_key.insert(series.hash, series.clone());
        self.metrics.entry(series.metric).or_default().add(series);
    }

    /// Forgets series; the postings of their metrics are made anew.
    pub fn remove(&mut self, retired: &[Arc<Series>]) {
        let mut metrics: Vec<u32> = retired.iter().map(|series| series.metric).collect();
        metrics.sort_unstable();
        metrics.dedup();
        for series in retired {
            self.by_key.remove(&series.hash);
        }
        for metric in metrics {
            let Some(old) = self.metrics.remove(&metric) else { continue };
            let mut entry = MetricEntry { unit: old.unit, ..MetricEntry::default() };
            for series in old.series {
                if self.by_key.contains_key(&series.hash) {
                    entry.add(series);
                }
            }
            if !entry.series.is_empty() {
                self.metrics.insert(metric, entry);
            }
        }
    }

    /// The tags of a series as text.
    pub fn tags<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = &'a str> {
        series.tags.iter().map(|&tag| &**self.strings.text(tag))
    }
}
