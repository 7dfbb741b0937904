//! The audit trail: who did what and when. Rows are only ever added (and pruned by age).

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::database::{Database, storable};
use crate::{Catalog, Result};

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// User id, empty for the system itself.
    pub user_id: String,
    /// Handle, or `system`.
    pub handle: String,
    /// How they came in: `session`, `app_key`, `api_key`, `system`.
    pub via: String,
    /// Address of the request, may be empty.
    pub address: String,
}

impl Actor {
    /// The server itself.
    pub fn system() -> Self {
        Self { user_id: String::new(), handle: "system".into(), via: "system".into(), address: String::new() }
    }
}

/// One row of the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Ascending number.
    pub id: i64,
    /// Milliseconds since the UNIX epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: Actor,
    /// What was done: `created`, `modified`, `deleted`, `login`, …
    pub action: String,
    /// Kind of thing: `api_key`, `host_tags`, …
    pub resource: String,
    /// Its id.
    pub resource_id: String,
    /// Anything else; never a secret.
    pub details: Value,
}

/// Which rows to read.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// From this moment on, milliseconds.
    pub from_ms: Option<i64>,
    /// Before this moment, milliseconds.
    pub to_ms: Option<i64>,
    /// Only rows with a smaller id (paging, newest first).
    pub before_id: Option<i64>,
    /// At most so many, 1000 when 0.
    pub limit: usize,
}

/// Rows read when the query names no limit, and at most.
const MAX_ROWS: usize = 1000;
/// Longest text of a field in characters; what is beyond is cut off.
const MAX_FIELD_CHARS: usize = 512;
/// Longest details in bytes of JSON; longer ones are replaced by a note.
const MAX_DETAILS_BYTES: usize = 16 << 10;
/// Days after which rows are pruned.
const KEPT_DAYS: i64 = 400;

impl Catalog {
    /// Adds a row.
    pub async fn audit(
        &self,
        actor: &Actor,
        action: &str,
        resource: &str,
        resource_id: &str,
        details: Value,
    ) -> Result<()> {
        let mut write = self.inner.database.write().await?;
        self.append_audit(write.connection(), actor, action, resource, resource_id, &details).await?;
        write.commit().await
    }

    /// Reads rows, newest first.
    pub async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>> {
        let limit = if query.limit == 0 { MAX_ROWS } else { query.limit.min(MAX_ROWS) };
        let rows = sqlx::query(
            "SELECT id, at_ms, user_id, handle, via, address, action, resource, resource_id, details FROM audit_trail \
             WHERE at_ms >= $1 AND at_ms < $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        )
        .bind(query.from_ms.unwrap_or(i64::MIN))
        .bind(query.to_ms.unwrap_or(i64::MAX))
        .bind(query.before_id.unwrap_or(i64::MAX))
        .bind(limit as i64)
        .fetch_all(self.inner.database.reader())
        .await?;
        rows.iter().map(entry).collect()
    }

    /// Adds a row within the transaction of the change that it tells of.
    pub(crate) async fn append_audit(
        &self,
        connection: &mut AnyConnection,
        actor: &Actor,
        action: &str,
        resource: &str,
        resource_id: &str,
        details: &Value,
    ) -> Result<()> {
        append(connection, self.inner.clock.now_ms(), actor, action, resource, resource_id, details).await
    }
}

/// Adds a row.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    at_ms: i64,
    actor: &Actor,
    action: &str,
    resource: &str,
    resource_id: &str,
    details: &Value,
) -> Result<()> {
    let mut details = details.to_string();
    if details.len() > MAX_DETAILS_BYTES {
        details = format!("{{\"omitted_bytes\":{}}}", details.len());
    }
    sqlx::query(
        "INSERT INTO audit_trail (at_ms, user_id, handle, via, address, action, resource, resource_id, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(at_ms)
    .bind(field(&actor.user_id))
    .bind(field(&actor.handle))
    .bind(field(&actor.via))
    .bind(field(&actor.address))
    .bind(field(action))
    .bind(field(resource))
    .bind(field(resource_id))
    .bind(details)
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes rows that are too old.
pub(crate) async fn prune(database: &Database, now_ms: i64) -> Result<()> {
    let mut write = database.write().await?;
    let oldest = now_ms - KEPT_DAYS * 86_400_000;
    sqlx::query("DELETE FROM audit_trail WHERE at_ms < $1").bind(oldest).execute(write.connection()).await?;
    write.commit().await
}

fn field(text: &str) -> String {
    storable(text).chars().take(MAX_FIELD_CHARS).collect()
}

fn entry(row: &AnyRow) -> Result<AuditEntry> {
    let details: String = row.try_get(9)?;
    Ok(AuditEntry {
        id: row.try_get(0)?,
        at_ms: row.try_get(1)?,
        actor: Actor {
            user_id: row.try_get(2)?,
            handle: row.try_get(3)?,
            via: row.try_get(4)?,
            address: row.try_get(5)?,
        },
        action: row.try_get(6)?,
        resource: row.try_get(7)?,
        resource_id: row.try_get(8)?,
        details: serde_json::from_str(&details).unwrap_or_default(),
    })
}
