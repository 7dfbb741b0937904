//! What is known of metrics beside their points: metadata (unit, description, …) and v2 tag configurations.

pub mod known;
pub mod metadata;
pub mod tag_configuration;

use std::collections::{BTreeMap, HashMap};

use parking_lot::RwLock;

use crate::database::Database;
use crate::metrics::metadata::MetricMetadataChange;
use crate::metrics::tag_configuration::TagConfiguration;
use crate::revision::Area;
use crate::{CatalogError, Result};

/// The words for kinds of metrics.
const METRIC_TYPES: [&str; 4] = ["gauge", "count", "rate", "distribution"];

/// What users set, in memory.
#[derive(Debug)]
pub(crate) struct MetricStore {
    pub(crate) area: Area,
    /// Fields that a user set; `None` where a default shows through.
    pub(crate) metadata: RwLock<HashMap<String, MetricMetadataChange>>,
    pub(crate) configurations: RwLock<BTreeMap<String, TagConfiguration>>,
}

impl Default for MetricStore {
    fn default() -> Self {
        Self { area: Area::new("metrics"), metadata: RwLock::default(), configurations: RwLock::default() }
    }
}

impl MetricStore {
    /// Loads everything anew.
    pub(crate) async fn load(&self, database: &Database) -> Result<()> {
        let mut change = self.area.change().await;
        change.read(&mut *database.reader().acquire().await?).await?;
        let metadata = metadata::rows(database.reader()).await?;
        let configurations = tag_configuration::rows(database.reader()).await?;
        *self.metadata.write() = metadata;
        *self.configurations.write() = configurations;
        change.settle();
        Ok(())
    }
}

fn checked_metric(metric: &str) -> Result<&str> {
    let limit = galgo_core::tags::MAX_METRIC_BYTES;
    if metric.is_empty() || metric.len() > limit || metric.chars().any(char::is_control) {
        let shown: String = metric.chars().take(64).collect();
        return Err(CatalogError::Invalid(format!(
            "metric name must be 1 to {limit} bytes without control characters: {shown:?}"
        )));
    }
    Ok(metric)
}

fn checked_type(metric_type: &str) -> Result<&str> {
    if METRIC_TYPES.contains(&metric_type) {
        return Ok(metric_type);
    }
    Err(CatalogError::Invalid(format!("metric type must be gauge, count, rate or distribution: {metric_type:?}")))
}
