//! Counters of what came in and was not kept: requests to paths that Galgo acknowledges but does not use, and data
//! that was dropped, by reason. Kept in memory, flushed now and then.

use std::collections::HashMap;

use parking_lot::Mutex;
use sqlx::{AnyConnection, Row};

use crate::database::Database;
use crate::hosts::registry::{from_json, to_json};
use crate::{Catalog, Result};

/// Requests to a path whose content is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnkeptPath {
    /// Path as in the table of routes.
    pub path: String,
    /// Number of requests.
    pub requests: u64,
    /// Bytes of their bodies as sent.
    pub bytes: u64,
    /// Seconds since the UNIX epoch.
    pub first_seen: i64,
    /// Seconds since the UNIX epoch.
    pub last_seen: i64,
    /// Who sent them (bounded).
    pub user_agents: Vec<String>,
}

/// Data dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Reason, a short stable text without values.
    pub reason: String,
    /// How many items.
    pub count: u64,
    /// Seconds since the UNIX epoch.
    pub first_seen: i64,
    /// Seconds since the UNIX epoch.
    pub last_seen: i64,
    /// The newest example.
    pub example: String,
}

/// Most paths counted apart; further ones share one entry.
const MAX_PATHS: usize = 500;
/// Most reasons counted apart; further ones share one entry.
const MAX_REASONS: usize = 500;
/// Name of the shared entry.
const OTHERS: &str = "(others)";
/// Most user agents of one path.
const MAX_USER_AGENTS: usize = 8;
/// Longest path, reason, user agent or example in characters; what is beyond is cut off.
const MAX_TEXT_CHARS: usize = 300;

#[derive(Debug, Clone)]
struct Counted<T> {
    shown: T,
    /// What of it the database does not hold yet.
    new_count: u64,
    new_bytes: u64,
}

/// Counters in memory.
#[derive(Debug, Default)]
pub(crate) struct CounterStore {
    unkept: Mutex<HashMap<String, Counted<UnkeptPath>>>,
    dropped: Mutex<HashMap<String, Counted<Dropped>>>,
}

impl Catalog {
    /// Counts a request whose content is not kept. No SQL.
    pub fn count_unkept(&self, path: &str, bytes: u64, user_agent: &str) {
        let now = self.inner.clock.now_s();
        let mut unkept = self.inner.counters.unkept.lock();
        let path = bounded_key(&unkept, path, MAX_PATHS);
        let counted = unkept.entry(path).or_insert_with_key(|path| Counted {
            shown: UnkeptPath {
                path: path.clone(),
                requests: 0,
                bytes: 0,
                first_seen: now,
                last_seen: now,
                user_agents: Vec::new(),
            },
            new_count: 0,
            new_bytes: 0,
        });
        counted.new_count += 1;
        counted.new_bytes = counted.new_bytes.saturating_add(bytes);
        counted.shown.requests += 1;
        counted.shown.bytes = counted.shown.bytes.saturating_add(bytes);
        counted.shown.last_seen = counted.shown.last_seen.max(now);
        let agents = &mut counted.shown.user_agents;
        let user_agent = clean(user_agent);
        if !user_agent.is_empty() && agents.len() < MAX_USER_AGENTS && !agents.contains(&user_agent) {
            agents.push(user_agent);
        }
    }

    /// Counts dropped items. No SQL.
    pub fn count_dropped(&self, reason: &str, count: u64, example: &str) {
        if count == 0 {
            return;
        }
        let now = self.inner.clock.now_s();
        let mut dropped = self.inner.counters.dropped.lock();
        let reason = bounded_key(&dropped, reason, MAX_REASONS);
        let counted = dropped.entry(reason).or_insert_with_key(|reason| Counted {
            shown: Dropped {
                reason: reason.clone(),
                count: 0,
                first_seen: now,
                last_seen: now,
                example: String::new(),
            },
            new_count: 0,
            new_bytes: 0,
        });
        counted.new_count = counted.new_count.saturating_add(count);
        counted.shown.count = counted.shown.count.saturating_add(count);
        counted.shown.last_seen = counted.shown.last_seen.max(now);
        let example = clean(example);
        if !example.is_empty() {
            counted.shown.example = example;
        }
    }

    /// What agents send that is not kept, most requests first. No SQL.
    pub fn unkept_paths(&self) -> Vec<UnkeptPath> {
        let mut paths: Vec<UnkeptPath> =
            self.inner.counters.unkept.lock().values().map(|counted| counted.shown.clone()).collect();
        paths.sort_by(|left, right| right.requests.cmp(&left.requests).then_with(|| left.path.cmp(&right.path)));
        paths
    }

    /// What was dropped, most items first. No SQL.
    pub fn dropped(&self) -> Vec<Dropped> {
        let mut dropped: Vec<Dropped> =
            self.inner.counters.dropped.lock().values().map(|counted| counted.shown.clone()).collect();
        dropped.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.reason.cmp(&right.reason)));
        dropped
    }
}

impl CounterStore {
    pub(crate) async fn load(&self, database: &Database) -> Result<()> {
        let paths = sqlx::query("SELECT path, requests, bytes, first_seen, last_seen, user_agents FROM unkept_paths");
        let mut unkept = HashMap::new();
        for row in paths.fetch_all(database.reader()).await? {
            let shown = UnkeptPath {
                path: row.try_get(0)?,
                requests: row.try_get::<i64, _>(1)?.unsigned_abs(),
                bytes: row.try_get::<i64, _>(2)?.unsigned_abs(),
                first_seen: row.try_get(3)?,
                last_seen: row.try_get(4)?,
                user_agents: from_json(&row.try_get::<String, _>(5)?)?,
            };
            unkept.insert(shown.path.clone(), Counted { shown, new_count: 0, new_bytes: 0 });
        }
        let reasons = sqlx::query("SELECT reason, count, first_seen, last_seen, example FROM dropped_data");
        let mut dropped = HashMap::new();
        for row in reasons.fetch_all(database.reader()).await? {
            let shown = Dropped {
                reason: row.try_get(0)?,
                count: row.try_get::<i64, _>(1)?.unsigned_abs(),
                first_seen: row.try_get(2)?,
                last_seen: row.try_get(3)?,
                example: row.try_get(4)?,
            };
            dropped.insert(shown.reason.clone(), Counted { shown, new_count: 0, new_bytes: 0 });
        }
        *self.unkept.lock() = unkept;
        *self.dropped.lock() = dropped;
        Ok(())
    }

    /// Adds to the rows what was counted since the last flush; several nodes may add to the same rows.
    pub(crate) async fn flush(&self, database: &Database) -> Result<()> {
        let unkept = changed(&self.unkept);
        let dropped = changed(&self.dropped);
        if unkept.is_empty() && dropped.is_empty() {
            return Ok(());
        }
        let mut write = database.write().await?;
        for counted in &unkept {
            add_unkept(write.connection(), counted).await?;
        }
        for counted in &dropped {
            add_dropped(write.connection(), counted).await?;
        }
        write.commit().await?;
        settle(&self.unkept, unkept.iter().map(|counted| (&counted.shown.path, counted.new_count, counted.new_bytes)));
        settle(&self.dropped, dropped.iter().map(|counted| (&counted.shown.reason, counted.new_count, 0)));
        Ok(())
    }
}

fn changed<T: Clone>(counters: &Mutex<HashMap<String, Counted<T>>>) -> Vec<Counted<T>> {
    counters.lock().values().filter(|counted| counted.new_count > 0).cloned().collect()
}

fn settle<'a, T>(counters: &Mutex<HashMap<String, Counted<T>>>, written: impl Iterator<Item = (&'a String, u64, u64)>) {
    let mut counters = counters.lock();
    for (key, count, bytes) in written {
        if let Some(counted) = counters.get_mut(key) {
            counted.new_count = counted.new_count.saturating_sub(count);
            counted.new_bytes = counted.new_bytes.saturating_sub(bytes);
        }
    }
}

async fn add_unkept(connection: &mut AnyConnection, counted: &Counted<UnkeptPath>) -> Result<()> {
    sqlx::query(
        "INSERT INTO unkept_paths (path, requests, bytes, first_seen, last_seen, user_agents) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (path) DO UPDATE SET \
         requests = unkept_paths.requests + excluded.requests, bytes = unkept_paths.bytes + excluded.bytes, \
         last_seen = excluded.last_seen, user_agents = excluded.user_agents",
    )
    .bind(&counted.shown.path)
    .bind(counted.new_count as i64)
    .bind(i64::try_from(counted.new_bytes).unwrap_or(i64::MAX))
    .bind(counted.shown.first_seen)
    .bind(counted.shown.last_seen)
    .bind(to_json(&counted.shown.user_agents))
    .execute(connection)
    .await?;
    Ok(())
}

async fn add_dropped(connection: &mut AnyConnection, counted: &Counted<Dropped>) -> Result<()> {
    sqlx::query(
        "INSERT INTO dropped_data (reason, count, first_seen, last_seen, example) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (reason) DO UPDATE SET count = dropped_data.count + excluded.count, \
         last_seen = excluded.last_seen, example = excluded.example",
    )
    .bind(&counted.shown.reason)
    .bind(i64::try_from(counted.new_count).unwrap_or(i64::MAX))
    .bind(counted.shown.first_seen)
    .bind(counted.shown.last_seen)
    .bind(&counted.shown.example)
    .execute(connection)
    .await?;
    Ok(())
}

fn clean(text: &str) -> String {
    text.trim().chars().filter(|character| !character.is_control()).take(MAX_TEXT_CHARS).collect()
}

/// The key itself, or that of the shared entry when there are too many.
fn bounded_key<T>(known: &HashMap<String, T>, key: &str, max: usize) -> String {
    let key = clean(key);
    if known.contains_key(&key) || known.len() < max { key } else { OTHERS.to_owned() }
}
