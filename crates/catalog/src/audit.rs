//! The audit trail: who did what and when. Rows are only ever added (and pruned by age).

use serde_json::Value;

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
        let _ = (actor, action, resource, resource_id, details);
        todo!()
    }
    /// Reads rows, newest first.
    pub async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>> {
        let _ = query;
        todo!()
    }
}
