//! Metric metadata: what users set, over what is known of Datadog's own metrics.

use crate::audit::Actor;
use crate::{Catalog, Result};

/// Metadata of a metric. Empty text stands for unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricMetadata {
    /// Type override: `gauge`, `count`, `rate` or `distribution`.
    pub metric_type: String,
    /// Name of a unit of [`galgo_core::units`].
    pub unit: String,
    /// Per which unit.
    pub per_unit: String,
    /// One sentence.
    pub description: String,
    /// Short display name.
    pub short_name: String,
    /// Flush interval in seconds of StatsD metrics.
    pub statsd_interval: Option<i64>,
    /// Which integration sends it.
    pub integration: String,
}

/// Changes to metadata; `None` leaves a field as it is, empty text clears it.
#[derive(Debug, Clone, Default)]
pub struct MetricMetadataChange {
    /// Type override.
    pub metric_type: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Per unit.
    pub per_unit: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Short name.
    pub short_name: Option<String>,
    /// Flush interval in seconds.
    pub statsd_interval: Option<i64>,
    /// Integration.
    pub integration: Option<String>,
}

impl Catalog {
    /// Metadata of a metric: what users set, over the defaults of well-known metrics. No SQL.
    pub fn metric_metadata(&self, metric: &str) -> MetricMetadata {
        let _ = metric;
        todo!()
    }
    /// Changes metadata and returns the whole.
    pub async fn set_metric_metadata(
        &self,
        actor: &Actor,
        metric: &str,
        change: MetricMetadataChange,
    ) -> Result<MetricMetadata> {
        let _ = (actor, metric, change);
        todo!()
    }
}
