//! API keys (to send data) and application keys (to read and change things).

use std::sync::Arc;

use uuid::Uuid;

use crate::access::directory::Directory;
use crate::access::first_start::FIRST_ORG;
use crate::access::users::User;
use crate::audit::Actor;
use crate::secrets::{API_KEY_CHARS, APP_KEY_CHARS, SecretHash, last4, random_hex};
use crate::{Catalog, CatalogError, Result};

/// What a valid API key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiIdentity {
    /// Number of the organisation.
    pub org_id: i64,
    /// Id of the key (a UUID).
    pub key_id: Arc<str>,
}

/// What a valid application key stands for.
#[derive(Debug, Clone)]
pub struct AppIdentity {
    /// Number of the organisation.
    pub org_id: i64,
    /// Id of the key (a UUID).
    pub key_id: Arc<str>,
    /// Whose key it is; never a disabled user.
    pub owner: Arc<User>,
}

/// A key as a listing shows it. The secret itself is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// A UUID.
    pub id: String,
    /// Given by whoever made it.
    pub name: String,
    /// Last four characters of the secret.
    pub last4: String,
    /// User id of the owner (application keys) or creator (API keys); empty for keys of the first start.
    pub owner_id: String,
    /// Seconds since the UNIX epoch.
    pub created_at: i64,
    /// Seconds since the UNIX epoch.
    pub modified_at: i64,
    /// Whether it is given by configuration and so cannot be revoked here.
    pub from_configuration: bool,
}

/// A key just made: the only moment at which its secret is known.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key.
    pub info: KeyInfo,
    /// 32 (API) or 40 (application) hexadecimal characters.
    pub secret: String,
}

/// Longest name of a key in characters.
const MAX_NAME_CHARS: usize = 256;
/// Most keys of one kind.
const MAX_KEYS: usize = 10_000;

/// What tells the two kinds of keys apart.
struct Kind {
    what: &'static str,
    resource: &'static str,
    chars: usize,
    insert: &'static str,
    rename: &'static str,
    delete: &'static str,
    list: fn(&Directory) -> &[KeyInfo],
}

const API: Kind = Kind {
    what: "api key",
    resource: "api_key",
    chars: API_KEY_CHARS,
    insert: "INSERT INTO api_keys (id, org_id, name, hash, last4, owner_id, created_at, modified_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    rename: "UPDATE api_keys SET name = $2, modified_at = $3 WHERE id = $1",
    delete: "DELETE FROM api_keys WHERE id = $1",
    list: |directory| &directory.api_keys,
};

const APP: Kind = Kind {
    what: "application key",
    resource: "application_key",
    chars: APP_KEY_CHARS,
    insert: "INSERT INTO app_keys (id, org_id, name, hash, last4, owner_id, created_at, modified_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    rename: "UPDATE app_keys SET name = $2, modified_at = $3 WHERE id = $1",
    delete: "DELETE FROM app_keys WHERE id = $1",
    list: |directory| &directory.app_keys,
};

impl Catalog {
    /// Checks an API key. No SQL, no lock.
    pub fn api_key(&self, secret: &str) -> Option<ApiIdentity> {
        self.inner.access.directory.load().api_identity(secret)
    }

    /// Checks an application key. No SQL, no lock.
    pub fn app_key(&self, secret: &str) -> Option<AppIdentity> {
        self.inner.access.directory.load().app_identity(secret)
    }

    /// All API keys, oldest first.
    pub async fn list_api_keys(&self) -> Result<Vec<KeyInfo>> {
        Ok(self.inner.access.directory.load().api_keys.clone())
    }

    /// Makes an API key.
    pub async fn create_api_key(&self, actor: &Actor, name: &str) -> Result<NewKey> {
        self.create_key(&API, actor, &actor.user_id, name).await
    }

    /// Renames an API key.
    pub async fn rename_api_key(&self, actor: &Actor, id: &str, name: &str) -> Result<KeyInfo> {
        self.rename_key(&API, actor, id, name).await
    }

    /// Revokes an API key; requests with it fail from now on.
    pub async fn revoke_api_key(&self, actor: &Actor, id: &str) -> Result<()> {
        self.revoke_key(&API, actor, id).await
    }

    /// Application keys of one user, or of everybody, oldest first.
    pub async fn list_app_keys(&self, owner_id: Option<&str>) -> Result<Vec<KeyInfo>> {
        let directory = self.inner.access.directory.load();
        let wanted = |key: &&KeyInfo| owner_id.is_none_or(|owner| owner == key.owner_id);
        Ok(directory.app_keys.iter().filter(wanted).cloned().collect())
    }

    /// Makes an application key for a user.
    pub async fn create_app_key(&self, actor: &Actor, owner_id: &str, name: &str) -> Result<NewKey> {
        if self.user(owner_id).is_none() {
            return Err(CatalogError::NotFound { what: "user", id: owner_id.to_owned() });
        }
        self.create_key(&APP, actor, owner_id, name).await
    }

    /// Renames an application key.
    pub async fn rename_app_key(&self, actor: &Actor, id: &str, name: &str) -> Result<KeyInfo> {
        self.rename_key(&APP, actor, id, name).await
    }

    /// Revokes an application key; requests with it fail from now on.
    pub async fn revoke_app_key(&self, actor: &Actor, id: &str) -> Result<()> {
        self.revoke_key(&APP, actor, id).await
    }

    fn known_key(&self, kind: &Kind, id: &str) -> Result<KeyInfo> {
        let directory = self.inner.access.directory.load();
        let known = (kind.list)(&directory).iter().find(|key| key.id == id).cloned();
        known.ok_or_else(|| CatalogError::NotFound { what: kind.what, id: id.to_owned() })
    }

    async fn create_key(&self, kind: &Kind, actor: &Actor, owner_id: &str, name: &str) -> Result<NewKey> {
        let name = checked_name(name)?;
        if (kind.list)(&self.inner.access.directory.load()).len() >= MAX_KEYS {
            return Err(CatalogError::Limit(format!("there are {MAX_KEYS} {}s already", kind.what)));
        }
        let secret = random_hex(kind.chars);
        let id = Uuid::new_v4().to_string();
        let now = self.inner.clock.now_s();
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query(kind.insert)
            .bind(&id)
            .bind(FIRST_ORG)
            .bind(name)
            .bind(SecretHash::of(&secret).to_hex())
            .bind(last4(&secret))
            .bind(owner_id)
            .bind(now)
            .execute(write.connection())
            .await?;
        let details = serde_json::json!({ "name": name, "last4": last4(&secret) });
        self.append_audit(write.connection(), actor, "created", kind.resource, &id, &details).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await?;
        Ok(NewKey { info: self.known_key(kind, &id)?, secret })
    }

    async fn rename_key(&self, kind: &Kind, actor: &Actor, id: &str, name: &str) -> Result<KeyInfo> {
        let name = checked_name(name)?;
        if self.known_key(kind, id)?.from_configuration {
            return Err(from_configuration(kind));
        }
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        let renamed = sqlx::query(kind.rename).bind(id).bind(name).bind(self.inner.clock.now_s());
        renamed.execute(write.connection()).await?;
        let details = serde_json::json!({ "name": name });
        self.append_audit(write.connection(), actor, "modified", kind.resource, id, &details).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await?;
        self.known_key(kind, id)
    }

    async fn revoke_key(&self, kind: &Kind, actor: &Actor, id: &str) -> Result<()> {
        let known = self.known_key(kind, id)?;
        if known.from_configuration {
            return Err(from_configuration(kind));
        }
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query(kind.delete).bind(id).execute(write.connection()).await?;
        let details = serde_json::json!({ "name": known.name, "last4": known.last4 });
        self.append_audit(write.connection(), actor, "deleted", kind.resource, id, &details).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await
    }
}

fn from_configuration(kind: &Kind) -> CatalogError {
    CatalogError::Conflict(format!("this {} is given by configuration: change it there", kind.what))
}

fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(CatalogError::Invalid(format!(
            "name of a key must be 1 to {MAX_NAME_CHARS} characters without control characters, got {chars}"
        )));
    }
    Ok(name)
}
