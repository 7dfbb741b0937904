//! Service checks: the newest state of each (check, host, tags) in memory, written in batches, and the history of
//! status changes in the database.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use galgo_core::check::{CheckRun, CheckStatus};
use galgo_core::tags::normalise_tags;
use parking_lot::Mutex;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::database::{Database, storable};
use crate::hosts::registry::{MAX_HOST_BYTES, from_json, to_json};
use crate::secrets::SecretHash;
use crate::{Catalog, CatalogError, Result};

/// The newest state of a check on a host with some tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckState {
    /// Name of the check.
    pub check: String,
    /// Host, empty for none.
    pub host: String,
    /// Normalised tags, sorted.
    pub tags: Vec<String>,
    /// Outcome.
    pub status: CheckStatus,
    /// Free text of the newest run.
    pub message: String,
    /// Seconds since the UNIX epoch of the newest run.
    pub time: i64,
    /// Seconds since the UNIX epoch since which the status holds.
    pub since: i64,
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckChange {
    /// Name of the check.
    pub check: String,
    /// Host, empty for none.
    pub host: String,
    /// Normalised tags, sorted.
    pub tags: Vec<String>,
    /// Status before, `None` for the first run.
    pub from: Option<CheckStatus>,
    /// Status from then on.
    pub to: CheckStatus,
    /// Free text of that run.
    pub message: String,
    /// Seconds since the UNIX epoch.
    pub time: i64,
}

/// Which states or changes. Empty fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct CheckQuery {
    /// Name of the check.
    pub check: String,
    /// Host.
    pub host: String,
    /// Tags that must all be there.
    pub tags: Vec<String>,
    /// Runs or changes from this second on.
    pub from: Option<i64>,
    /// Runs or changes before this second.
    pub to: Option<i64>,
    /// At most so many, 1000 when 0.
    pub limit: usize,
}

/// Most states kept; runs of further ones are dropped and counted.
pub const MAX_STATES: usize = 200_000;
/// Longest name of a check in characters; longer ones are cut off.
const MAX_CHECK_CHARS: usize = 200;
/// Longest message in characters; what is beyond is cut off.
const MAX_MESSAGE_CHARS: usize = 1000;
/// Changes that wait for the next flush at most; when the database is away for long the oldest are lost.
const MAX_WAITING_CHANGES: usize = 50_000;
/// Rows of one flush transaction.
const FLUSH_CHUNK: usize = 1000;
/// Seconds without a run after which a state is forgotten.
const STATE_SECONDS: i64 = 7 * 86_400;
/// Days of history kept.
const HISTORY_DAYS: i64 = 90;
/// Rows of one answer at most.
const MAX_ROWS: usize = 1000;
/// Rows of history looked through for one answer with a tag filter at most.
const MAX_SCANNED: i64 = 20_000;

type Key = (String, String, Vec<String>);

#[derive(Debug, Clone)]
struct Newest {
    status: CheckStatus,
    message: String,
    time: i64,
    since: i64,
    saved: bool,
}

/// States in memory and changes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct CheckStore {
    states: Mutex<BTreeMap<Key, Newest>>,
    waiting: Mutex<VecDeque<CheckChange>>,
}

impl CheckStore {
    /// Takes a run; `false` when there is no room for its state.
    fn record(&self, run: &CheckRun) -> bool {
        let check: String = clean(&run.check, MAX_CHECK_CHARS);
        let host: String = clean(&run.host, MAX_HOST_BYTES);
        if check.is_empty() {
            return true;
        }
        let key = (check, host, normalise_tags(run.tags.iter().map(String::as_str)));
        let message = clean(&run.message, MAX_MESSAGE_CHARS);
        let mut states = self.states.lock();
        let known = states.get(&key);
        if known.is_none() && states.len() >= MAX_STATES {
            return false;
        }
        if known.is_some_and(|known| known.time > run.time) {
            return true;
        }
        let before = known.map(|known| (known.status, known.since));
        let since = before.filter(|(status, _)| *status == run.status).map_or(run.time, |(_, since)| since);
        if before.map(|(status, _)| status) != Some(run.status) {
            self.note(CheckChange {
                check: key.0.clone(),
                host: key.1.clone(),
                tags: key.2.clone(),
                from: before.map(|(status, _)| status),
                to: run.status,
                message: message.clone(),
                time: run.time,
            });
        }
        states.insert(key, Newest { status: run.status, message, time: run.time, since, saved: false });
        true
    }

    fn note(&self, change: CheckChange) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= MAX_WAITING_CHANGES {
            waiting.pop_front();
        }
        waiting.push_back(change);
    }

    pub(crate) async fn load(&self, database: &Database) -> Result<()> {
        let rows = sqlx::query("SELECT check_name, host, tags, status, message, time, since FROM check_states");
        let mut states = BTreeMap::new();
        for row in rows.fetch_all(database.reader()).await? {
            let key = (row.try_get(0)?, row.try_get(1)?, from_json(&row.try_get::<String, _>(2)?)?);
            let newest = Newest {
                status: status(row.try_get(3)?)?,
                message: row.try_get(4)?,
                time: row.try_get(5)?,
                since: row.try_get(6)?,
                saved: true,
            };
            states.insert(key, newest);
        }
        *self.states.lock() = states;
        Ok(())
    }

    /// Writes new states and changes.
    pub(crate) async fn flush(&self, database: &Database) -> Result<()> {
        let unsaved: Vec<(Key, Newest)> = {
            let states = self.states.lock();
            states
                .iter()
                .filter(|(_, newest)| !newest.saved)
                .map(|(key, newest)| (key.clone(), newest.clone()))
                .collect()
        };
        for chunk in unsaved.chunks(FLUSH_CHUNK) {
            let mut write = database.write().await?;
            for (key, newest) in chunk {
                put_state(write.connection(), key, newest).await?;
            }
            write.commit().await?;
            let mut states = self.states.lock();
            for (key, written) in chunk {
                if let Some(newest) = states.get_mut(key).filter(|newest| newest.time == written.time) {
                    newest.saved = newest.status == written.status && newest.message == written.message;
                }
            }
        }
        loop {
            let chunk: Vec<CheckChange> = self.waiting.lock().iter().take(FLUSH_CHUNK).cloned().collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let mut write = database.write().await?;
            for change in &chunk {
                put_change(write.connection(), change).await?;
            }
            write.commit().await?;
            // Only a flush takes from the front, save when the queue was full: then the oldest are gone either way.
            let mut waiting = self.waiting.lock();
            for written in &chunk {
                if waiting.front() == Some(written) {
                    waiting.pop_front();
                }
            }
        }
    }

    /// Forgets states without runs and history that is too old.
    pub(crate) async fn prune(&self, database: &Database, now: i64) -> Result<()> {
        let oldest = now - STATE_SECONDS;
        self.states.lock().retain(|_, newest| newest.time >= oldest);
        let mut write = database.write().await?;
        let states = sqlx::query("DELETE FROM check_states WHERE time < $1").bind(oldest);
        states.execute(write.connection()).await?;
        let changes = sqlx::query("DELETE FROM check_changes WHERE time < $1").bind(now - HISTORY_DAYS * 86_400);
        changes.execute(write.connection()).await?;
        write.commit().await
    }
}

impl CheckQuery {
    fn limit(&self) -> usize {
        if self.limit == 0 { MAX_ROWS } else { self.limit.min(MAX_ROWS) }
    }

    fn wants(&self, check: &str, host: &str, tags: &[String], time: i64) -> bool {
        (self.check.is_empty() || self.check == check)
            && (self.host.is_empty() || self.host == host)
            && self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && self.tags.iter().all(|wanted| tags.contains(wanted))
    }
}

impl Catalog {
    /// Takes runs of checks. No SQL; written with the next flush.
    pub fn record_checks(&self, runs: &[CheckRun]) {
        let lost = runs.iter().filter(|run| !self.inner.checks.record(run)).count();
        if lost > 0 {
            let example = runs.last().map_or("", |run| run.check.as_str());
            self.count_dropped("service checks beyond the limit of states", lost as u64, example);
        }
    }

    /// Newest states, in order of check, host and tags. No SQL.
    pub fn check_states(&self, query: &CheckQuery) -> Vec<CheckState> {
        let states = self.inner.checks.states.lock();
        let first = (query.check.clone(), String::new(), Vec::new());
        let wanted = states
            .range(first..)
            .take_while(|((check, _, _), _)| query.check.is_empty() || *check == query.check)
            .filter(|((check, host, tags), newest)| query.wants(check, host, tags, newest.time));
        let state = |((check, host, tags), newest): (&Key, &Newest)| CheckState {
            check: check.clone(),
            host: host.clone(),
            tags: tags.clone(),
            status: newest.status,
            message: newest.message.clone(),
            time: newest.time,
            since: newest.since,
        };
        wanted.take(query.limit()).map(state).collect()
    }

    /// Names of all checks, sorted. No SQL.
    pub fn check_names(&self) -> Vec<String> {
        let states = self.inner.checks.states.lock();
        let mut names: Vec<String> = states.keys().map(|(check, _, _)| check.clone()).collect();
        names.dedup();
        names
    }

    /// Changes of status, newest first.
    pub async fn check_history(&self, query: &CheckQuery) -> Result<Vec<CheckChange>> {
        let waiting: Vec<CheckChange> = self.inner.checks.waiting.lock().iter().cloned().collect();
        let rows = sqlx::query(
            "SELECT check_name, host, tags, from_status, to_status, message, time FROM check_changes \
             WHERE ($1 = '' OR check_name = $1) AND ($2 = '' OR host = $2) AND time >= $3 AND time < $4 \
             ORDER BY time DESC, id DESC LIMIT $5",
        )
        .bind(storable(&query.check).as_ref())
        .bind(storable(&query.host).as_ref())
        .bind(query.from.unwrap_or(i64::MIN))
        .bind(query.to.unwrap_or(i64::MAX))
        .bind(if query.tags.is_empty() { query.limit() as i64 } else { MAX_SCANNED })
        .fetch_all(self.inner.database.reader())
        .await?;
        let wants = |change: &CheckChange| query.wants(&change.check, &change.host, &change.tags, change.time);
        let mut changes: Vec<CheckChange> = waiting.into_iter().rev().filter(wants).collect();
        let waiting_changes = changes.len();
        for row in &rows {
            let change = change_from(row)?;
            // A flush between the two reads above would show a change twice.
            if wants(&change) && !changes[..waiting_changes].contains(&change) {
                changes.push(change);
            }
        }
        changes.sort_by_key(|change| Reverse(change.time));
        changes.truncate(query.limit());
        Ok(changes)
    }
}

fn clean(text: &str, max_chars: usize) -> String {
    storable(text.trim()).chars().take(max_chars).collect()
}

fn status(code: i64) -> Result<CheckStatus> {
    let status = u8::try_from(code).map_err(|error| error.to_string()).and_then(CheckStatus::try_from);
    status.map_err(CatalogError::Database)
}

fn change_from(row: &AnyRow) -> Result<CheckChange> {
    Ok(CheckChange {
        check: row.try_get(0)?,
        host: row.try_get(1)?,
        tags: from_json(&row.try_get::<String, _>(2)?)?,
        from: row.try_get::<Option<i64>, _>(3)?.map(status).transpose()?,
        to: status(row.try_get(4)?)?,
        message: row.try_get(5)?,
        time: row.try_get(6)?,
    })
}

async fn put_state(connection: &mut AnyConnection, key: &Key, newest: &Newest) -> Result<()> {
    let (check, host, tags) = key;
    let tags = to_json(tags);
    // Tags may be longer than what a database puts in an index, so the hash of all three is the key.
    let hashed = SecretHash::of(&format!("{check}\0{host}\0{tags}")).to_hex();
    sqlx::query(
        "INSERT INTO check_states (key, check_name, host, tags, status, message, time, since) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO UPDATE SET status = excluded.status, \
         message = excluded.message, time = excluded.time, since = excluded.since \
         WHERE check_states.time <= excluded.time",
    )
    .bind(hashed)
    .bind(check)
    .bind(host)
    .bind(tags)
    .bind(i64::from(u8::from(newest.status)))
    .bind(&newest.message)
    .bind(newest.time)
    .bind(newest.since)
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_change(connection: &mut AnyConnection, change: &CheckChange) -> Result<()> {
    sqlx::query(
        "INSERT INTO check_changes (check_name, host, tags, from_status, to_status, message, time) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&change.check)
    .bind(&change.host)
    .bind(to_json(&change.tags))
    .bind(change.from.map(|status| i64::from(u8::from(status))))
    .bind(i64::from(u8::from(change.to)))
    .bind(&change.message)
    .bind(change.time)
    .execute(connection)
    .await?;
    Ok(())
}
