//! The head: active series and their newest points. Requests resolve raw series to numbers on their own threads; the
//! log's one thread appends points in log order, so "the last write wins" is the order of the log.

pub mod buffer;
pub mod index;
pub mod series;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use galgo_core::{KeyHash, MetricKind, RawSeries, Rejection, tags};
use hashbrown::HashMap as FastMap;
use parking_lot::{Mutex, RwLock};

use index::HeadIndex;
use series::Series;

/// Bounds on active series.
#[derive(Debug, Clone)]
pub struct SeriesLimits {
    /// Most active series in all.
    pub total: usize,
    /// Most active series of one metric.
    pub per_metric: usize,
}

/// A raw hash is uniform already, so the map need not hash it again.
#[derive(Debug, Default, Clone, Copy)]
pub struct PassThrough(u64);

impl std::hash::Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only u128 keys are used; other input still gives a valid, if poor, hash.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

type RawMap = FastMap<u128, u32, std::hash::BuildHasherDefault<PassThrough>>;

/// Power of two, so that two request threads rarely meet in one shard.
const SHARDS: usize = 64;

/// Active series and how raw ones resolve to them.
#[derive(Debug)]
pub struct Head {
    /// The index, read by queries, written when a series is first seen.
    pub index: RwLock<HeadIndex>,
    raw: Vec<RwLock<RawMap>>,
    // Series whose definition is in no applied record yet: every batch that uses one defines it again.
    pending: Mutex<HashMap<u32, Arc<Series>>>,
    pending_len: AtomicUsize,
    next_id: AtomicU32,
    limits: SeriesLimits,
    /// Points in active and frozen buffers.
    pub points: AtomicU64,
    /// Series refused by a limit since the start.
    pub refused: AtomicU64,
}

impl Head {
    /// An empty head.
    pub fn new(limits: SeriesLimits) -> Self {
        Self {
            index: RwLock::default(),
            raw: (0..SHARDS).map(|_| RwLock::default()).collect(),
            pending: Mutex::default(),
            pending_len: AtomicUsize::new(0),
            next_id: AtomicU32::new(0),
            limits,
            points: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn shard(&self, raw_hash: u128) -> &RwLock<RawMap> {
        &self.raw[(raw_hash >> 64) as usize % SHARDS]
    }

    /// The number of a raw series, given now if it was never seen. `raw_hash` covers all of `raw`.
    pub fn resolve(&self, raw: &RawSeries<'_>, raw_hash: u128) -> Result<u32, Rejection> {
        let known = self.shard(raw_hash).read().get(&raw_hash).copied();
        match known {
            Some(id) => Ok(id),
            None => self.first_sight(raw, raw_hash),
        }
    }

    #[cold]
    fn first_sight(&self, raw: &RawSeries<'_>, raw_hash: u128) -> Result<u32, Rejection> {
        let Some(metric) = tags::normalise_metric(raw.metric) else {
            return Err(Rejection::invalid(format!("metric name has no letter: {:?}", clip(raw.metric))));
        };
        let pairs: Vec<String> = raw.pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        let tags = tags::normalise_tags(raw.tags.iter().copied().chain(pairs.iter().map(String::as_str)));
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let series = self.define(&metric, raw.host, &tags, raw.kind, raw.interval, raw.unit)?;
        self.shard(raw_hash).write().insert(raw_hash, series.id);
        Ok(series.id)
    }

    /// The series with this identity, made now if needed; a changed kind or interval is taken over. It is pending
    /// until a record that defines it is applied.
    pub fn define(
        &self,
        metric: &str,
        host: &str,
        tags: &[&str],
        kind: MetricKind,
        interval: u32,
        unit: &str,
    ) -> Result<Arc<Series>, Rejection> {
        let hash = KeyHash::of(metric, host, tags.iter().copied(), kind == MetricKind::Distribution);
        let mut index = self.index.write();
        if let Some(series) = index.find(hash).cloned() {
            if (series.kind(), series.interval()) != (kind, interval) {
                series.set_meta(kind, interval);
                self.make_pending(&series);
            }
            return Ok(series);
        }
        self.check_limits(&index, metric)?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let names = (
            index.strings.intern(metric),
            index.strings.intern(host),
            tags.iter().map(|tag| index.strings.intern(tag)).collect(),
        );
        let series = Arc::new(Series::new(id, hash, names, kind, interval));
        self.make_pending(&series);
        index.add(series.clone());
        if !unit.is_empty()
            && let Some(entry) = index.metrics.get_mut(&series.metric)
        {
            entry.unit = Some(unit.into());
        }
        Ok(series)
    }

    fn check_limits(&self, index: &HeadIndex, metric: &str) -> Result<(), Rejection> {
        let SeriesLimits { total, per_metric } = self.limits;
        let reason = if index.len() >= total {
            format!("limit of {total} active series is reached: new series of {metric} refused")
        } else if index.metric_len(metric) >= per_metric {
            format!("metric {metric} has reached its limit of {per_metric} active series")
        } else {
            return Ok(());
        };
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Rejection::limit(reason))
    }

    fn make_pending(&self, series: &Arc<Series>) {
        let mut pending = self.pending.lock();
        pending.insert(series.id, series.clone());
        self.pending_len.store(pending.len(), Ordering::Release);
    }

    /// The series itself when its definition must go into the batch that uses it.
    pub fn pending(&self, id: u32) -> Option<Arc<Series>> {
        if self.pending_len.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.pending.lock().get(&id).cloned()
    }

    /// Records that a definition was applied.
    pub fn defined(&self, series: &[Definition]) {
        if series.is_empty() {
            return;
        }
        let mut pending = self.pending.lock();
        for Definition { series, kind, interval } in series {
            // A kind that changed after the record was made is still to be logged.
            if (series.kind(), series.interval()) == (*kind, *interval) {
                pending.remove(&series.id);
            }
        }
        self.pending_len.store(pending.len(), Ordering::Release);
    }

    /// Forgets series that were not written to since `before` and hold no points.
    pub fn retire(&self, before: u32) -> Vec<Arc<Series>> {
        let mut index = self.index.write();
        let idle = |series: &&Arc<Series>| {
            series.last_time() < before && series.is_empty() && self.pending(series.id).is_none()
        };
        let retired: Vec<Arc<Series>> =
            index.metrics.values().flat_map(|entry| entry.series.iter()).filter(idle).cloned().collect();
        if retired.is_empty() {
            return retired;
        }
        let ids: std::collections::HashSet<u32> = retired.iter().map(|series| series.id).collect();
        for shard in &self.raw {
            shard.write().retain(|_, id| !ids.contains(id));
        }
        index.remove(&retired);
        retired
    }
}

/// A series with the kind and interval under which it is logged.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The series.
    pub series: Arc<Series>,
    /// Kind when the record was made.
    pub kind: MetricKind,
    /// Interval when the record was made.
    pub interval: u32,
}

impl Definition {
    /// The definition of a series as it is now.
    pub fn of(series: Arc<Series>) -> Self {
        let (kind, interval) = (series.kind(), series.interval());
        Self { series, kind, interval }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
