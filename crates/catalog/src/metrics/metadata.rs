//! Metric metadata: what users set, over what is known of Datadog's own metrics.

use std::collections::HashMap;

use galgo_core::units;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::audit::Actor;
use crate::database::storable;
use crate::metrics::{checked_metric, checked_type, known};
use crate::{Catalog, CatalogError, Result};

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

/// Longest description or name in characters.
const MAX_TEXT_CHARS: usize = 4000;
/// Most metrics whose metadata users set.
const MAX_METRICS: usize = 200_000;

impl MetricMetadata {
    /// Puts the fields of a change in place.
    fn apply(&mut self, change: &MetricMetadataChange) {
        for (field, set) in [
            (&mut self.metric_type, &change.metric_type),
            (&mut self.unit, &change.unit),
            (&mut self.per_unit, &change.per_unit),
            (&mut self.description, &change.description),
            (&mut self.short_name, &change.short_name),
            (&mut self.integration, &change.integration),
        ] {
            if let Some(set) = set {
                field.clone_from(set);
            }
        }
        self.statsd_interval = change.statsd_interval.or(self.statsd_interval);
    }
}

impl Catalog {
    /// Metadata of a metric: what users set, over the defaults of well-known metrics. No SQL.
    pub fn metric_metadata(&self, metric: &str) -> MetricMetadata {
        let mut metadata = known::metadata(metric);
        if let Some(set) = self.inner.metrics.metadata.read().get(metric) {
            metadata.apply(set);
        }
        metadata
    }

    /// Changes metadata and returns the whole.
    pub async fn set_metric_metadata(
        &self,
        actor: &Actor,
        metric: &str,
        change: MetricMetadataChange,
    ) -> Result<MetricMetadata> {
        let metric = checked_metric(metric)?;
        let given = checked(change)?;
        let mut under_way = self.inner.metrics.area.change().await;
        let (mut set, full) = {
            let metadata = self.inner.metrics.metadata.read();
            let known = metadata.get(metric).cloned();
            (known.clone().unwrap_or_default(), known.is_none() && metadata.len() >= MAX_METRICS)
        };
        if full {
            under_way.abandon();
            return Err(CatalogError::Limit(format!("metadata of {MAX_METRICS} metrics is set already")));
        }
        set.overwrite(&given);
        let mut write = self.inner.database.write().await?;
        under_way.raise(write.connection()).await?;
        put(write.connection(), metric, &set, self.inner.clock.now_s()).await?;
        let details = serde_json::json!({
            "metric_type": given.metric_type, "unit": given.unit, "per_unit": given.per_unit,
            "description": given.description, "short_name": given.short_name,
            "statsd_interval": given.statsd_interval, "integration": given.integration,
        });
        self.append_audit(write.connection(), actor, "modified", "metric_metadata", metric, &details).await?;
        write.commit().await?;
        self.inner.metrics.metadata.write().insert(metric.to_owned(), set);
        under_way.settle();
        Ok(self.metric_metadata(metric))
    }
}

impl MetricMetadataChange {
    fn overwrite(&mut self, newer: &Self) {
        for (field, newer) in [
            (&mut self.metric_type, &newer.metric_type),
            (&mut self.unit, &newer.unit),
            (&mut self.per_unit, &newer.per_unit),
            (&mut self.description, &newer.description),
            (&mut self.short_name, &newer.short_name),
            (&mut self.integration, &newer.integration),
        ] {
            if newer.is_some() {
                field.clone_from(newer);
            }
        }
        self.statsd_interval = newer.statsd_interval.or(self.statsd_interval);
    }
}

fn checked(mut change: MetricMetadataChange) -> Result<MetricMetadataChange> {
    if let Some(metric_type) = change.metric_type.as_deref().filter(|text| !text.is_empty()) {
        checked_type(metric_type)?;
    }
    for unit in [&mut change.unit, &mut change.per_unit].into_iter().flatten().filter(|text| !text.is_empty()) {
        let known = units::lookup(unit).ok_or_else(|| CatalogError::Invalid(format!("unknown unit: {unit:?}")))?;
        known.name.clone_into(unit);
    }
    for text in [&mut change.description, &mut change.short_name, &mut change.integration].into_iter().flatten() {
        let chars = text.chars().count();
        if chars > MAX_TEXT_CHARS {
            return Err(CatalogError::Invalid(format!("text longer than {MAX_TEXT_CHARS} characters: {chars}")));
        }
        *text = storable(text).into_owned();
    }
    if change.statsd_interval.is_some_and(|interval| interval < 0) {
        let interval = change.statsd_interval.unwrap_or_default();
        return Err(CatalogError::Invalid(format!("statsd_interval must not be negative: {interval}")));
    }
    Ok(change)
}

async fn put(connection: &mut AnyConnection, metric: &str, set: &MetricMetadataChange, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO metric_metadata (metric, metric_type, unit, per_unit, description, short_name, statsd_interval, \
         integration, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (metric) DO UPDATE SET \
         metric_type = excluded.metric_type, unit = excluded.unit, per_unit = excluded.per_unit, \
         description = excluded.description, short_name = excluded.short_name, \
         statsd_interval = excluded.statsd_interval, integration = excluded.integration, \
         modified_at = excluded.modified_at",
    )
    .bind(metric)
    .bind(set.metric_type.as_deref())
    .bind(set.unit.as_deref())
    .bind(set.per_unit.as_deref())
    .bind(set.description.as_deref())
    .bind(set.short_name.as_deref())
    .bind(set.statsd_interval)
    .bind(set.integration.as_deref())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn rows(pool: &AnyPool) -> Result<HashMap<String, MetricMetadataChange>> {
    let rows = sqlx::query(
        "SELECT metric, metric_type, unit, per_unit, description, short_name, statsd_interval, integration \
         FROM metric_metadata",
    );
    let mut metadata = HashMap::new();
    for row in rows.fetch_all(pool).await? {
        let set = MetricMetadataChange {
            metric_type: row.try_get(1)?,
            unit: row.try_get(2)?,
            per_unit: row.try_get(3)?,
            description: row.try_get(4)?,
            short_name: row.try_get(5)?,
            statsd_interval: row.try_get(6)?,
            integration: row.try_get(7)?,
        };
        metadata.insert(row.try_get(0)?, set);
    }
    Ok(metadata)
}
