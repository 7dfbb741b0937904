//! Opening the catalogue, its first start and its upkeep.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_core::Clock;
use sqlx::Row;

use crate::access::directory::{ConfiguredKey, ConfiguredKeys};
use crate::access::{AccessStore, first_start};
use crate::agents;
use crate::audit::{self, Actor};
use crate::checks::CheckStore;
use crate::counters::CounterStore;
use crate::database::{Database, Dialect};
use crate::hosts::registry::HostStore;
use crate::manifest::SqlManifest;
use crate::metrics::MetricStore;
use crate::revision::Area;
use crate::secrets::password_matches;
use crate::{CatalogError, Result};

/// How to open a catalogue.
#[derive(Clone, Default)]
pub struct Config {
    /// `sqlite:/path/to/file` (made when absent) or `postgres://…`.
    pub database_url: String,
    /// A fixed API key (`GALGO_API_KEY`), valid as long as it is given.
    pub api_key: Option<String>,
    /// A fixed application key of the admin (`GALGO_APP_KEY`), valid as long as it is given.
    pub app_key: Option<String>,
    /// The admin's password (`GALGO_ADMIN_PASSWORD`); replaces the one stored.
    pub admin_password: Option<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The url may hold a password, the rest are secrets.
        formatter.debug_struct("Config").finish_non_exhaustive()
    }
}

/// A secret of the first start.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstSecret {
    /// The secret.
    pub value: String,
    /// Whether the user gave it (then there is no need to print it).
    pub given: bool,
}

/// What the first start made; shown once and stored nowhere.
#[derive(Debug, Clone)]
pub struct FirstStart {
    /// Login name of the admin.
    pub admin_handle: String,
    /// Password of the admin.
    pub admin_password: FirstSecret,
    /// First API key.
    pub api_key: FirstSecret,
    /// First application key.
    pub app_key: FirstSecret,
}

impl std::fmt::Debug for FirstSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "FirstSecret {{ given: {} }}", self.given)
    }
}

impl FirstSecret {
    pub(crate) fn given_or(given: &Option<String>, generate: impl FnOnce() -> String) -> Self {
        match given {
            Some(value) => Self { value: value.clone(), given: true },
            None => Self { value: generate(), given: false },
        }
    }
}

/// Seconds between two flushes of what is kept in memory first.
const FLUSH_SECONDS: i64 = 10;
/// Seconds between two writes of the times at which known hosts were last seen.
const SIGHTINGS_SECONDS: i64 = 60;
/// Seconds between two looks for what is too old.
const PRUNE_SECONDS: i64 = 3600;

/// The catalogue. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) database: Arc<Database>,
    pub(crate) access: AccessStore,
    pub(crate) hosts: HostStore,
    pub(crate) metrics: MetricStore,
    pub(crate) checks: CheckStore,
    pub(crate) counters: CounterStore,
    upkeep: tokio::sync::Mutex<Upkeep>,
}

/// When what was last done, in seconds since the UNIX epoch.
#[derive(Debug, Default)]
struct Upkeep {
    flushed: i64,
    sightings: i64,
    pruned: i64,
}

impl Catalog {
    /// Opens the database, migrates it and loads what lives in memory. `FirstStart` is there when the database was
    /// empty.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<(Self, Option<FirstStart>)> {
        let configured = config.keys()?;
        let database = Database::open(&config.database_url).await?;
        let first_start = first_start::fill(&database, config, clock.now_ms()).await?;
        let now = clock.now_s();
        let inner = Inner {
            clock,
            database: Arc::new(database),
            access: AccessStore::new(configured),
            hosts: HostStore::default(),
            metrics: MetricStore::default(),
            checks: CheckStore::default(),
            counters: CounterStore::default(),
            upkeep: tokio::sync::Mutex::new(Upkeep { flushed: now, sightings: now, pruned: now }),
        };
        let catalog = Self { inner: Arc::new(inner) };
        catalog.load().await?;
        if first_start.is_none() {
            catalog.accept_configured_password(config).await?;
        }
        Ok((catalog, first_start))
    }

    async fn load(&self) -> Result<()> {
        let inner = &self.inner;
        inner.access.load(&inner.database).await?;
        inner.hosts.load(&inner.database, &inner.clock).await?;
        inner.metrics.load(&inner.database).await?;
        inner.checks.load(&inner.database).await?;
        inner.counters.load(&inner.database).await
    }

    /// The operator's word counts: a configured password that is not the admin's becomes it.
    async fn accept_configured_password(&self, config: &Config) -> Result<()> {
        let Some(password) = &config.admin_password else { return Ok(()) };
        let admin = self.inner.access.directory.load().admin().cloned();
        let Some(admin) = admin else { return Ok(()) };
        let stored: Option<String> = sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1")
            .bind(&admin.id)
            .fetch_one(self.inner.database.reader())
            .await?;
        if password_matches(password, stored).await {
            return Ok(());
        }
        self.store_password(&Actor::system(), &admin.id, password).await
    }

    /// Writes what is only in memory so far, takes over what other nodes changed, prunes what is too old. Call it
    /// about once a second; it does nothing when there is nothing to do.
    pub async fn maintain(&self) -> Result<()> {
        let inner = &self.inner;
        let mut upkeep = inner.upkeep.lock().await;
        let now = inner.clock.now_s();
        self.refresh().await?;
        inner.hosts.rebuild_if_due(&inner.clock);
        if (now - upkeep.flushed).abs() >= FLUSH_SECONDS {
            let sightings = (now - upkeep.sightings).abs() >= SIGHTINGS_SECONDS;
            self.write_out(sightings).await?;
            upkeep.flushed = now;
            upkeep.sightings = if sightings { now } else { upkeep.sightings };
        }
        if (now - upkeep.pruned).abs() >= PRUNE_SECONDS {
            self.prune(now).await?;
            upkeep.pruned = now;
        }
        Ok(())
    }

    /// Writes what is only in memory so far.
    pub async fn flush(&self) -> Result<()> {
        let _one_at_a_time = self.inner.upkeep.lock().await;
        self.write_out(true).await
    }

    async fn write_out(&self, sightings: bool) -> Result<()> {
        let inner = &self.inner;
        inner.hosts.flush(&inner.database, sightings).await?;
        inner.checks.flush(&inner.database).await?;
        inner.counters.flush(&inner.database).await?;
        inner.access.sessions.flush(&inner.database).await
    }

    /// Loads again the areas that another node changed, or whose last change this node did not see through.
    async fn refresh(&self) -> Result<()> {
        let inner = &self.inner;
        let numbers = match inner.database.dialect() {
            // One process owns a file: only its own unfinished changes can make memory stale.
            Dialect::Sqlite => HashMap::new(),
            Dialect::Postgres => revisions(&inner.database).await?,
        };
        let current = |area: &Area| numbers.get(area.name()).copied();
        if inner.access.area.is_stale(current(&inner.access.area)).await {
            inner.access.load(&inner.database).await?;
        }
        if inner.hosts.area.is_stale(current(&inner.hosts.area)).await {
            inner.hosts.load(&inner.database, &inner.clock).await?;
        }
        if inner.metrics.area.is_stale(current(&inner.metrics.area)).await {
            inner.metrics.load(&inner.database).await?;
        }
        Ok(())
    }

    async fn prune(&self, now: i64) -> Result<()> {
        let inner = &self.inner;
        inner.access.sessions.prune(&inner.database, now).await?;
        inner.hosts.prune(&inner.database, &inner.clock).await?;
        inner.checks.prune(&inner.database, now).await?;
        agents::report::prune(&inner.database, now).await?;
        audit::prune(&inner.database, now * 1000).await
    }

    /// Flushes and closes all connections.
    pub async fn close(&self) -> Result<()> {
        let flushed = self.flush().await;
        self.inner.database.close().await;
        flushed
    }

    /// Whether the database answers (for `/ready`).
    pub async fn ping(&self) -> Result<()> {
        self.inner.database.ping().await
    }

    /// The list of live segments, for both storage engines.
    pub fn manifest(&self) -> Arc<dyn galgo_store::Manifest> {
        Arc::new(SqlManifest::new(Arc::clone(&self.inner.database)))
    }
}

impl Config {
    fn keys(&self) -> Result<ConfiguredKeys> {
        let key = |given: &Option<String>, name| given.as_deref().map(|key| ConfiguredKey::new(key, name)).transpose();
        if self.admin_password.as_deref().is_some_and(str::is_empty) {
            return Err(CatalogError::Invalid("GALGO_ADMIN_PASSWORD is empty".to_owned()));
        }
        Ok(ConfiguredKeys { api: key(&self.api_key, "GALGO_API_KEY")?, app: key(&self.app_key, "GALGO_APP_KEY")? })
    }
}

async fn revisions(database: &Database) -> Result<HashMap<String, i64>> {
    let rows = sqlx::query("SELECT area, number FROM revisions").fetch_all(database.reader()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
