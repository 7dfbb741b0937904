//! Tag configurations of the v2 metrics API (`manage_tags`).

use crate::audit::Actor;
use crate::{Catalog, Result};

/// Which tags of a metric stay queryable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagConfiguration {
    /// Metric name.
    pub metric: String,
    /// `gauge`, `count`, `rate` or `distribution`.
    pub metric_type: String,
    /// Tag keys.
    pub tags: Vec<String>,
    /// Whether percentiles are on; distributions only.
    pub include_percentiles: Option<bool>,
    /// Whether `tags` are those to leave out.
    pub exclude_tags_mode: bool,
    /// Pairs of space and time aggregation.
    pub aggregations: Vec<(String, String)>,
    /// Seconds since the UNIX epoch.
    pub created_at: i64,
    /// Seconds since the UNIX epoch.
    pub modified_at: i64,
}

/// Changes; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TagConfigurationChange {
    /// Tag keys.
    pub tags: Option<Vec<String>>,
    /// Percentiles.
    pub include_percentiles: Option<bool>,
    /// Whether `tags` are those to leave out.
    pub exclude_tags_mode: Option<bool>,
    /// Pairs of space and time aggregation.
    pub aggregations: Option<Vec<(String, String)>>,
}

impl Catalog {
    /// One configuration. No SQL.
    pub fn tag_configuration(&self, metric: &str) -> Option<TagConfiguration> {
        let _ = metric;
        todo!()
    }
    /// All, in order of names. No SQL.
    pub fn tag_configurations(&self) -> Vec<TagConfiguration> {
        todo!()
    }
    /// Makes one (its times are set here); a conflict when the metric has one.
    pub async fn create_tag_configuration(&self, actor: &Actor, new: TagConfiguration) -> Result<TagConfiguration> {
        let _ = (actor, new);
        todo!()
    }
    /// Changes one.
    pub async fn update_tag_configuration(
        &self,
        actor: &Actor,
        metric: &str,
        change: TagConfigurationChange,
    ) -> Result<TagConfiguration> {
        let _ = (actor, metric, change);
        todo!()
    }
    /// Removes one.
    pub async fn delete_tag_configuration(&self, actor: &Actor, metric: &str) -> Result<()> {
        let _ = (actor, metric);
        todo!()
    }
}
