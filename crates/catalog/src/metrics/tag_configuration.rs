//! Tag configurations of the v2 metrics API (`manage_tags`).

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AnyPool, Row};

use crate::audit::Actor;
use crate::hosts::registry::{from_json, to_json};
use crate::metrics::{checked_metric, checked_type};
use crate::revision::Change;
use crate::{Catalog, CatalogError, Result};

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

/// Most tag keys of one configuration.
const MAX_TAGS: usize = 200;
/// Most pairs of aggregations.
const MAX_AGGREGATIONS: usize = 64;
/// Longest tag key or aggregation in characters.
const MAX_TEXT_CHARS: usize = 200;
/// Most configurations.
const MAX_CONFIGURATIONS: usize = 100_000;

impl Catalog {
    /// One configuration. No SQL.
    pub fn tag_configuration(&self, metric: &str) -> Option<TagConfiguration> {
        self.inner.metrics.configurations.read().get(metric).cloned()
    }

    /// All, in order of names. No SQL.
    pub fn tag_configurations(&self) -> Vec<TagConfiguration> {
        self.inner.metrics.configurations.read().values().cloned().collect()
    }

    /// Makes one (its times are set here); a conflict when the metric has one.
    pub async fn create_tag_configuration(&self, actor: &Actor, new: TagConfiguration) -> Result<TagConfiguration> {
        checked_metric(&new.metric)?;
        let now = self.inner.clock.now_s();
        let new = checked(TagConfiguration { created_at: now, modified_at: now, ..new })?;
        let change = self.inner.metrics.area.change().await;
        let refusal = {
            let known = self.inner.metrics.configurations.read();
            if known.contains_key(&new.metric) {
                Some(CatalogError::Conflict(format!("metric {} has a tag configuration already", new.metric)))
            } else if known.len() >= MAX_CONFIGURATIONS {
                Some(CatalogError::Limit(format!("there are {MAX_CONFIGURATIONS} tag configurations already")))
            } else {
                None
            }
        };
        if let Some(refusal) = refusal {
            change.abandon();
            return Err(refusal);
        }
        self.put_configuration(actor, "created", new, change).await
    }

    /// Changes one.
    pub async fn update_tag_configuration(
        &self,
        actor: &Actor,
        metric: &str,
        update: TagConfigurationChange,
    ) -> Result<TagConfiguration> {
        let change = self.inner.metrics.area.change().await;
        let updated = self.tag_configuration(metric).ok_or_else(|| not_found(metric)).and_then(|known| {
            checked(TagConfiguration {
                tags: update.tags.unwrap_or(known.tags),
                include_percentiles: update.include_percentiles.or(known.include_percentiles),
                exclude_tags_mode: update.exclude_tags_mode.unwrap_or(known.exclude_tags_mode),
                aggregations: update.aggregations.unwrap_or(known.aggregations),
                modified_at: self.inner.clock.now_s(),
                ..known
            })
        });
        match updated {
            Ok(updated) => self.put_configuration(actor, "modified", updated, change).await,
            Err(error) => {
                change.abandon();
                Err(error)
            }
        }
    }

    /// Removes one.
    pub async fn delete_tag_configuration(&self, actor: &Actor, metric: &str) -> Result<()> {
        let mut change = self.inner.metrics.area.change().await;
        if self.tag_configuration(metric).is_none() {
            change.abandon();
            return Err(not_found(metric));
        }
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        let delete = sqlx::query("DELETE FROM tag_configurations WHERE metric = $1");
        delete.bind(metric).execute(write.connection()).await?;
        let details = serde_json::json!({});
        self.append_audit(write.connection(), actor, "deleted", "tag_configuration", metric, &details).await?;
        write.commit().await?;
        self.inner.metrics.configurations.write().remove(metric);
        change.settle();
        Ok(())
    }

    async fn put_configuration(
        &self,
        actor: &Actor,
        action: &str,
        configuration: TagConfiguration,
        mut change: Change<'_>,
    ) -> Result<TagConfiguration> {
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        put(write.connection(), &configuration).await?;
        let details = serde_json::json!({
            "tags": configuration.tags, "exclude_tags_mode": configuration.exclude_tags_mode,
            "include_percentiles": configuration.include_percentiles,
        });
        let metric = &configuration.metric;
        self.append_audit(write.connection(), actor, action, "tag_configuration", metric, &details).await?;
        write.commit().await?;
        self.inner.metrics.configurations.write().insert(metric.clone(), configuration.clone());
        change.settle();
        Ok(configuration)
    }
}

fn not_found(metric: &str) -> CatalogError {
    CatalogError::NotFound { what: "tag configuration", id: metric.to_owned() }
}

fn checked(mut configuration: TagConfiguration) -> Result<TagConfiguration> {
    checked_type(&configuration.metric_type)?;
    if configuration.include_percentiles.is_some() && configuration.metric_type != "distribution" {
        return Err(CatalogError::Invalid(format!(
            "include_percentiles is for distributions only, not for a {}",
            configuration.metric_type
        )));
    }
    let pairs = &configuration.aggregations;
    let too_long = |text: &String| text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control);
    if configuration.tags.len() > MAX_TAGS || pairs.len() > MAX_AGGREGATIONS {
        return Err(CatalogError::Invalid(format!(
            "at most {MAX_TAGS} tags and {MAX_AGGREGATIONS} aggregations, got {} and {}",
            configuration.tags.len(),
            pairs.len()
        )));
    }
    let too_long_text = configuration
        .tags
        .iter()
        .chain(pairs.iter().flat_map(|(space, time)| [space, time]))
        .find(|text| too_long(text));
    if let Some(text) = too_long_text {
        let shown: String = text.chars().take(64).collect();
        return Err(CatalogError::Invalid(format!(
            "tag or aggregation longer than {MAX_TEXT_CHARS} characters or with control characters: {shown:?}"
        )));
    }
    let mut seen = std::collections::HashSet::new();
    configuration.tags.retain(|tag| !tag.is_empty() && seen.insert(tag.clone()));
    Ok(configuration)
}

async fn put(connection: &mut AnyConnection, configuration: &TagConfiguration) -> Result<()> {
    sqlx::query(
        "INSERT INTO tag_configurations (metric, metric_type, tags, include_percentiles, exclude_tags_mode, \
         aggregations, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (metric) DO UPDATE SET metric_type = excluded.metric_type, tags = excluded.tags, \
         include_percentiles = excluded.include_percentiles, exclude_tags_mode = excluded.exclude_tags_mode, \
         aggregations = excluded.aggregations, modified_at = excluded.modified_at",
    )
    .bind(&configuration.metric)
    .bind(&configuration.metric_type)
    .bind(to_json(&configuration.tags))
    .bind(configuration.include_percentiles.map(i64::from))
    .bind(i64::from(configuration.exclude_tags_mode))
    .bind(to_json(&configuration.aggregations))
    .bind(configuration.created_at)
    .bind(configuration.modified_at)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn rows(pool: &AnyPool) -> Result<BTreeMap<String, TagConfiguration>> {
    let rows = sqlx::query(
        "SELECT metric, metric_type, tags, include_percentiles, exclude_tags_mode, aggregations, created_at, \
         modified_at FROM tag_configurations",
    );
    let mut configurations = BTreeMap::new();
    for row in rows.fetch_all(pool).await? {
        let configuration = TagConfiguration {
            metric: row.try_get(0)?,
            metric_type: row.try_get(1)?,
            tags: from_json(&row.try_get::<String, _>(2)?)?,
            include_percentiles: row.try_get::<Option<i64>, _>(3)?.map(|flag| flag != 0),
            exclude_tags_mode: row.try_get::<i64, _>(4)? != 0,
            aggregations: from_json(&row.try_get::<String, _>(5)?)?,
            created_at: row.try_get(6)?,
            modified_at: row.try_get(7)?,
        };
        configurations.insert(configuration.metric.clone(), configuration);
    }
    Ok(configurations)
}
