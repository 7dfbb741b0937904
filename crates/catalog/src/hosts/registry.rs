//! All hosts in memory, and how they get there and back: loaded whole at start, changed together with the database,
//! the times of their last reports written now and then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use galgo_core::tags::normalise_tag;
use galgo_core::{Clock, HostTags, HostTagsCell};
use parking_lot::{Mutex, RwLock};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::database::Database;
use crate::hosts::mute::Mute;
use crate::hosts::tags::USERS;
use crate::revision::Area;
use crate::{CatalogError, Result};

/// Most hosts; data of further ones is stored, but they get no entry here.
pub const MAX_HOSTS: usize = 200_000;
/// Longest host name in bytes (reference: intake-agent.md §5).
pub const MAX_HOST_BYTES: usize = 255;
/// Days without a report after which a host is forgotten, unless a user tagged or muted it.
const KEPT_DAYS: i64 = 30;
/// Rows of one flush transaction.
const FLUSH_CHUNK: usize = 1000;
/// A snapshot of tags is built again after a report only when so many times the time that it took has passed.
const REBUILD_PAUSE: u32 = 20;

/// What is known of a host beside when it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) agent_version: String,
    pub(crate) agent_flavor: String,
    pub(crate) platform: String,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) apps: BTreeSet<String>,
    pub(crate) sources: BTreeSet<String>,
    /// Normalised and sorted, by source as shown.
    pub(crate) tags: BTreeMap<String, Vec<String>>,
    pub(crate) mute: Option<Mute>,
}

impl Details {
    /// Tags of all sources, sorted, each once.
    pub(crate) fn merged_tags(&self) -> Vec<String> {
        let merged: BTreeSet<&String> = self.tags.values().flatten().collect();
        merged.into_iter().cloned().collect()
    }

    /// What queries match: the tags of all sources, and each alias as `host:alias`.
    fn query_tags(&self) -> Vec<String> {
        let mut tags = self.merged_tags();
        tags.extend(self.aliases.iter().map(|alias| normalise_tag(&format!("host:{alias}")).into_owned()));
        tags
    }
}

/// A host.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) first_seen: AtomicI64,
    pub(crate) last_seen: AtomicI64,
    /// What the database holds as last seen; -1 when it holds no row.
    stored_last_seen: AtomicI64,
    pub(crate) details: ArcSwap<Details>,
    /// Hashes of the metadata documents written by this process, so that an unchanged one is not written again.
    pub(crate) documents: Mutex<HashMap<String, u64>>,
}

impl Slot {
    fn unsaved() -> Self {
        Self { stored_last_seen: AtomicI64::new(-1), ..Self::default() }
    }

    /// Notes a sighting.
    pub(crate) fn see(&self, now: i64) {
        if self.last_seen.load(Ordering::Relaxed) < now {
            self.last_seen.fetch_max(now, Ordering::Relaxed);
        }
        if self.first_seen.load(Ordering::Relaxed) == 0 {
            // Losing this race to another sighting of the same second changes nothing.
            let _ = self.first_seen.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn is_saved(&self) -> bool {
        self.stored_last_seen.load(Ordering::Relaxed) >= 0
    }
}

/// All hosts.
#[derive(Debug)]
pub(crate) struct HostStore {
    pub(crate) area: Area,
    pub(crate) hosts: RwLock<HashMap<String, Arc<Slot>>>,
    pub(crate) cell: HostTagsCell,
    tags_changed: AtomicBool,
    /// Whether a host waits for its first row.
    new_hosts: AtomicBool,
    rebuild: Mutex<Rebuild>,
}

#[derive(Debug, Default)]
struct Rebuild {
    finished: Duration,
    took: Duration,
}

impl Default for HostStore {
    fn default() -> Self {
        Self {
            area: Area::new("hosts"),
            hosts: RwLock::default(),
            cell: HostTagsCell::default(),
            tags_changed: AtomicBool::new(false),
            new_hosts: AtomicBool::new(false),
            rebuild: Mutex::default(),
        }
    }
}

/// A host name without surrounding blanks; an error when it cannot be one.
pub(crate) fn checked_host(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.len() > MAX_HOST_BYTES || name.chars().any(char::is_control) {
        let shown: String = name.chars().take(64).collect();
        return Err(CatalogError::Invalid(format!(
            "host name must be 1 to {MAX_HOST_BYTES} bytes without control characters: {shown:?}"
        )));
    }
    Ok(name)
}

impl HostStore {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Slot>> {
        self.hosts.read().get(name).cloned()
    }

    /// Notes a sighting; the read lock is enough for a host that is known.
    pub(crate) fn see(&self, name: &str, now: i64) {
        if let Some(slot) = self.hosts.read().get(name) {
            slot.see(now);
            return;
        }
        let Ok(name) = checked_host(name) else { return };
        let mut hosts = self.hosts.write();
        if hosts.len() < MAX_HOSTS || hosts.contains_key(name) {
            hosts.entry(name.to_owned()).or_insert_with(|| Arc::new(Slot::unsaved())).see(now);
            self.new_hosts.store(true, Ordering::Relaxed);
        }
    }

    /// The host, made when there is none.
    pub(crate) fn get_or_make(&self, name: &str) -> Result<Arc<Slot>> {
        let mut hosts = self.hosts.write();
        if hosts.len() >= MAX_HOSTS && !hosts.contains_key(name) {
            return Err(CatalogError::Limit(format!("there are {MAX_HOSTS} hosts already")));
        }
        Ok(Arc::clone(hosts.entry(name.to_owned()).or_insert_with(|| Arc::new(Slot::unsaved()))))
    }

    /// Loads all hosts anew. Sightings that wait for their flush are kept.
    pub(crate) async fn load(&self, database: &Database, clock: &Arc<dyn Clock>) -> Result<()> {
        let mut change = self.area.change().await;
        change.read(&mut *database.reader().acquire().await?).await?;
        let loaded = rows(database.reader()).await?;
        {
            let mut hosts = self.hosts.write();
            // Hosts that were deleted elsewhere go, those that wait for their first row stay.
            hosts.retain(|name, slot| !slot.is_saved() || loaded.contains_key(name));
            for (name, (first_seen, last_seen, details)) in loaded {
                let slot = hosts.entry(name).or_default();
                slot.last_seen.fetch_max(last_seen, Ordering::Relaxed);
                slot.first_seen.store(first_seen, Ordering::Relaxed);
                slot.stored_last_seen.store(last_seen, Ordering::Relaxed);
                slot.details.store(Arc::new(details));
            }
        }
        self.rebuild(clock);
        change.settle();
        Ok(())
    }

    /// Tags changed: builds the snapshot now when somebody waits for it (`at_once`) or when that is cheap enough.
    pub(crate) fn tags_changed(&self, clock: &Arc<dyn Clock>, at_once: bool) {
        self.tags_changed.store(true, Ordering::Relaxed);
        if at_once {
            self.rebuild(clock);
        } else {
            self.rebuild_if_due(clock);
        }
    }

    /// Builds the snapshot when tags changed and the last build is long enough ago: when a thousand agents start at
    /// once, tags are not merged a thousand times over.
    pub(crate) fn rebuild_if_due(&self, clock: &Arc<dyn Clock>) {
        let due = {
            let last = self.rebuild.lock();
            clock.monotonic() >= last.finished + last.took * REBUILD_PAUSE
        };
        if due && self.tags_changed.load(Ordering::Relaxed) {
            self.rebuild(clock);
        }
    }

    fn rebuild(&self, clock: &Arc<dyn Clock>) {
        let mut last = self.rebuild.lock();
        self.tags_changed.store(false, Ordering::Relaxed);
        let started = clock.monotonic();
        let hosts: Vec<(String, Arc<Slot>)> =
            self.hosts.read().iter().map(|(name, slot)| (name.clone(), Arc::clone(slot))).collect();
        let tagged = hosts.into_iter().filter_map(|(name, slot)| {
            let tags = slot.details.load().query_tags();
            (!tags.is_empty()).then_some((name, tags))
        });
        self.cell.store(HostTags::new(tagged));
        last.finished = clock.monotonic();
        last.took = last.finished.saturating_sub(started);
    }

    /// Writes hosts seen for the first time and, when `sightings`, the times of all others.
    pub(crate) async fn flush(&self, database: &Database, sightings: bool) -> Result<()> {
        if !sightings && !self.new_hosts.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.new_hosts.store(false, Ordering::Relaxed);
        let moved: Vec<(String, Arc<Slot>)> = {
            let hosts = self.hosts.read();
            let moved = hosts.iter().filter(|(_, slot)| {
                let stored = slot.stored_last_seen.load(Ordering::Relaxed);
                let last_seen = slot.last_seen.load(Ordering::Relaxed);
                last_seen > stored && last_seen > 0 && (sightings || stored < 0)
            });
            moved.map(|(name, slot)| (name.clone(), Arc::clone(slot))).collect()
        };
        for chunk in moved.chunks(FLUSH_CHUNK) {
            if let Err(error) = self.write_sightings(database, chunk).await {
                self.new_hosts.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn write_sightings(&self, database: &Database, chunk: &[(String, Arc<Slot>)]) -> Result<()> {
        let mut write = database.write().await?;
        let mut written = Vec::with_capacity(chunk.len());
        for (name, slot) in chunk {
            let last_seen = slot.last_seen.load(Ordering::Relaxed);
            touch(write.connection(), name, slot.first_seen.load(Ordering::Relaxed), last_seen).await?;
            written.push(last_seen);
        }
        write.commit().await?;
        for ((_, slot), last_seen) in chunk.iter().zip(written) {
            slot.stored_last_seen.store(last_seen, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Forgets hosts that have not reported for long and that no user cares for.
    pub(crate) async fn prune(&self, database: &Database, clock: &Arc<dyn Clock>) -> Result<()> {
        let oldest = clock.now_s() - KEPT_DAYS * 86_400;
        let old: Vec<String> = {
            let hosts = self.hosts.read();
            let old = hosts.iter().filter(|(_, slot)| {
                let details = slot.details.load();
                let cared_for = details.mute.is_some() || details.tags.contains_key(USERS);
                slot.last_seen.load(Ordering::Relaxed) < oldest && !cared_for
            });
            old.map(|(name, _)| name.clone()).collect()
        };
        if old.is_empty() {
            return Ok(());
        }
        let mut change = self.area.change().await;
        let mut write = database.write().await?;
        change.raise(write.connection()).await?;
        for name in &old {
            let delete = sqlx::query("DELETE FROM hosts WHERE name = $1 AND last_seen < $2");
            delete.bind(name).bind(oldest).execute(write.connection()).await?;
        }
        write.commit().await?;
        let mut hosts = self.hosts.write();
        for name in &old {
            if hosts.get(name).is_some_and(|slot| slot.last_seen.load(Ordering::Relaxed) < oldest) {
                hosts.remove(name);
            }
        }
        drop(hosts);
        self.rebuild(clock);
        change.settle();
        Ok(())
    }
}

/// Makes the row of a host or moves its times.
pub(crate) async fn touch(connection: &mut AnyConnection, name: &str, first_seen: i64, last_seen: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO hosts (name, first_seen, last_seen) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
         first_seen = CASE WHEN hosts.first_seen = 0 THEN excluded.first_seen ELSE hosts.first_seen END, \
         last_seen = CASE WHEN hosts.last_seen < excluded.last_seen THEN excluded.last_seen ELSE hosts.last_seen END",
    )
    .bind(name)
    .bind(first_seen)
    .bind(last_seen)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes or changes the row of a host and the rows of those tag sources that differ from `before`.
pub(crate) async fn save(connection: &mut AnyConnection, name: &str, slot: &Slot, after: &Details) -> Result<()> {
    let before = slot.details.load_full();
    let (first_seen, last_seen) = (slot.first_seen.load(Ordering::Relaxed), slot.last_seen.load(Ordering::Relaxed));
    touch(connection, name, first_seen, last_seen).await?;
    sqlx::query(
        "UPDATE hosts SET agent_version = $2, agent_flavor = $3, platform = $4, aliases = $5, apps = $6, \
         sources = $7, muted = $8, mute_end = $9, mute_message = $10 WHERE name = $1",
    )
    .bind(name)
    .bind(&after.agent_version)
    .bind(&after.agent_flavor)
    .bind(&after.platform)
    .bind(to_json(&after.aliases))
    .bind(to_json(&after.apps))
    .bind(to_json(&after.sources))
    .bind(i64::from(after.mute.is_some()))
    .bind(after.mute.as_ref().and_then(|mute| mute.end))
    .bind(after.mute.as_ref().map_or("", |mute| mute.message.as_str()))
    .execute(&mut *connection)
    .await?;
    for source in before.tags.keys().filter(|source| !after.tags.contains_key(*source)) {
        let delete = sqlx::query("DELETE FROM host_tags WHERE host = $1 AND source = $2");
        delete.bind(name).bind(source).execute(&mut *connection).await?;
    }
    for (source, tags) in after.tags.iter().filter(|(source, tags)| before.tags.get(*source) != Some(tags)) {
        sqlx::query(
            "INSERT INTO host_tags (host, source, tags) VALUES ($1, $2, $3) \
             ON CONFLICT (host, source) DO UPDATE SET tags = excluded.tags",
        )
        .bind(name)
        .bind(source)
        .bind(to_json(tags))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Memory follows the database after [`save`] was committed.
pub(crate) fn saved(slot: &Slot, after: Details) {
    slot.details.store(Arc::new(after));
    // A sighting since the row was written only means that it is written once more.
    slot.stored_last_seen.fetch_max(0, Ordering::Relaxed);
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

type Loaded = HashMap<String, (i64, i64, Details)>;

async fn rows(pool: &AnyPool) -> Result<Loaded> {
    let hosts = sqlx::query(
        "SELECT name, first_seen, last_seen, agent_version, agent_flavor, platform, aliases, apps, sources, muted, \
         mute_end, mute_message FROM hosts",
    );
    let mut loaded = Loaded::new();
    for row in hosts.fetch_all(pool).await? {
        loaded.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?, details(&row)?));
    }
    for row in sqlx::query("SELECT host, source, tags FROM host_tags").fetch_all(pool).await? {
        let (host, source, tags): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if let Some((_, _, details)) = loaded.get_mut(&host) {
            details.tags.insert(source, from_json(&tags)?);
        }
    }
    Ok(loaded)
}

fn details(row: &AnyRow) -> Result<Details> {
    let text = |index: usize| row.try_get::<String, _>(index);
    let muted: i64 = row.try_get(9)?;
    let mute = Mute { end: row.try_get(10)?, message: text(11)? };
    Ok(Details {
        agent_version: text(3)?,
        agent_flavor: text(4)?,
        platform: text(5)?,
        aliases: from_json(&text(6)?)?,
        apps: from_json(&text(7)?)?,
        sources: from_json(&text(8)?)?,
        tags: BTreeMap::new(),
        mute: (muted != 0).then_some(mute),
    })
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| CatalogError::Database(format!("stored json is damaged: {error}")))
}
