//! Which metrics came in and how often: what `dogstatsd-stats` shows (`dogstatsd_metrics_stats_enable`).

use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;

use super::context::ContextKey;

/// Most metrics and tags of which numbers are kept; further ones are left out.
const MAX_METRICS: usize = 10_000;

/// Numbers of one metric with its tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricStats {
    /// The metric.
    pub name: String,
    /// Its tags, separated by spaces.
    pub tags: String,
    /// Messages that came in.
    pub count: u64,
    /// When the last one did, in seconds since the UNIX epoch.
    pub last_seen: i64,
}

/// Numbers of every metric.
#[derive(Debug, Default)]
pub(super) struct MetricTable(HashMap<Arc<ContextKey>, (u64, i64)>);

impl MetricTable {
    /// Counts a message.
    pub(super) fn count(&mut self, key: &Arc<ContextKey>, now: i64) {
        if let Some((count, last_seen)) = self.0.get_mut(key) {
            *count += 1;
            *last_seen = now;
        } else if self.0.len() < MAX_METRICS {
            self.0.insert(Arc::clone(key), (1, now));
        }
    }

    /// The numbers, most frequent first.
    pub(super) fn list(&self) -> Vec<MetricStats> {
        let mut list: Vec<MetricStats> = self
            .0
            .iter()
            .map(|(key, &(count, last_seen))| MetricStats {
                name: key.metric.clone(),
                tags: key.tags.join(" "),
                count,
                last_seen,
            })
            .collect();
        list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.name, &a.tags).cmp(&(&b.name, &b.tags))));
        list
    }
}
