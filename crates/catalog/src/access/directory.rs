//! The snapshot of users, roles and keys that requests are checked against.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::access::keys::{ApiIdentity, AppIdentity, KeyInfo};
use crate::access::users::{Access, Organisation, Role, User};
use crate::secrets::{MAX_SECRET_BYTES, SecretHash, last4};
use crate::{CatalogError, Result};

/// Keys given by configuration: valid as long as they are given, stored nowhere.
#[derive(Debug, Default)]
pub(crate) struct ConfiguredKeys {
    pub(crate) api: Option<ConfiguredKey>,
    pub(crate) app: Option<ConfiguredKey>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredKey {
    hash: SecretHash,
    last4: String,
    name: &'static str,
}

impl ConfiguredKey {
    /// Checks a key from the configuration; `name` is what it is called in listings.
    pub(crate) fn new(secret: &str, name: &'static str) -> Result<Self> {
        let plain = secret.bytes().all(|byte| byte.is_ascii_graphic());
        if secret.is_empty() || secret.len() > MAX_SECRET_BYTES || !plain {
            return Err(CatalogError::Invalid(format!(
                "{name} must be 1 to {MAX_SECRET_BYTES} visible ASCII characters, got {} bytes",
                secret.len()
            )));
        }
        Ok(Self { hash: SecretHash::of(secret), last4: last4(secret), name })
    }

    fn info(&self, owner_id: &str, created_at: i64) -> KeyInfo {
        KeyInfo {
            id: uuid::Builder::from_random_bytes(self.hash.half()).into_uuid().to_string(),
            name: self.name.to_owned(),
            last4: self.last4.clone(),
            owner_id: owner_id.to_owned(),
            created_at,
            modified_at: created_at,
            from_configuration: true,
        }
    }
}

/// Everything that a request is checked against.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) organisation: Arc<Organisation>,
    pub(crate) roles: Vec<Role>,
    pub(crate) users: Vec<Arc<User>>,
    pub(crate) api_keys: Vec<KeyInfo>,
    pub(crate) app_keys: Vec<KeyInfo>,
    users_by_id: HashMap<String, Arc<User>>,
    api_by_hash: HashMap<SecretHash, ApiIdentity>,
    app_by_hash: HashMap<SecretHash, AppIdentity>,
}

impl Directory {
    pub(crate) fn api_identity(&self, secret: &str) -> Option<ApiIdentity> {
        (secret.len() <= MAX_SECRET_BYTES).then(|| self.api_by_hash.get(&SecretHash::of(secret)).cloned())?
    }

    pub(crate) fn app_identity(&self, secret: &str) -> Option<AppIdentity> {
        (secret.len() <= MAX_SECRET_BYTES).then(|| self.app_by_hash.get(&SecretHash::of(secret)).cloned())?
    }

    pub(crate) fn user(&self, id: &str) -> Option<&Arc<User>> {
        self.users_by_id.get(id)
    }

    pub(crate) fn user_by_login(&self, login: &str) -> Option<&Arc<User>> {
        let login = login.trim().to_lowercase();
        self.users.iter().find(|user| user.handle == login || user.email == login)
    }

    pub(crate) fn admin(&self) -> Option<&Arc<User>> {
        self.users.iter().find(|user| user.access == Access::Admin && !user.disabled)
    }

    pub(crate) async fn load(pool: &AnyPool, configured: &ConfiguredKeys) -> Result<Self> {
        let mut directory = Self::default();
        let Some(organisation) =
            sqlx::query("SELECT id, public_id, name, created_at FROM organisations ORDER BY id LIMIT 1")
                .fetch_optional(pool)
                .await?
        else {
            return Ok(directory);
        };
        directory.organisation = Arc::new(Organisation {
            id: organisation.try_get(0)?,
            public_id: organisation.try_get(1)?,
            name: organisation.try_get(2)?,
            created_at: organisation.try_get(3)?,
        });
        directory.load_users(pool).await?;
        directory.load_keys(pool).await?;
        directory.add_configured(configured);
        Ok(directory)
    }

    async fn load_users(&mut self, pool: &AnyPool) -> Result<()> {
        let roles = sqlx::query("SELECT id, name, access FROM roles ORDER BY id").fetch_all(pool).await?;
        for row in roles {
            let access = Access::from_code(row.try_get(2)?)?;
            self.roles.push(Role { id: row.try_get(0)?, name: row.try_get(1)?, access, user_count: 0 });
        }
        self.roles.sort_by_key(|role| role.access);
        let mut roles_of: HashMap<String, Vec<String>> = HashMap::new();
        for row in sqlx::query("SELECT user_id, role_id FROM user_roles ORDER BY role_id").fetch_all(pool).await? {
            roles_of.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
        }
        let users = sqlx::query(
            "SELECT id, handle, email, name, title, disabled, created_at, modified_at, last_login_at \
             FROM users ORDER BY created_at, handle",
        );
        for row in users.fetch_all(pool).await? {
            let id: String = row.try_get(0)?;
            let role_ids = roles_of.remove(&id).unwrap_or_default();
            let user = Arc::new(self.user_from(&row, id, role_ids)?);
            self.users_by_id.insert(user.id.clone(), Arc::clone(&user));
            self.users.push(user);
        }
        Ok(())
    }

    fn user_from(&mut self, row: &AnyRow, id: String, role_ids: Vec<String>) -> Result<User> {
        let mut access = Access::ReadOnly;
        for role in self.roles.iter_mut().filter(|role| role_ids.contains(&role.id)) {
            role.user_count += 1;
            access = access.max(role.access);
        }
        Ok(User {
            id,
            handle: row.try_get(1)?,
            email: row.try_get(2)?,
            name: row.try_get(3)?,
            title: row.try_get(4)?,
            disabled: row.try_get::<i64, _>(5)? != 0,
            role_ids,
            access,
            created_at: row.try_get(6)?,
            modified_at: row.try_get(7)?,
            last_login_at: row.try_get(8)?,
        })
    }

    async fn load_keys(&mut self, pool: &AnyPool) -> Result<()> {
        let api =
            "SELECT id, name, hash, last4, owner_id, created_at, modified_at FROM api_keys ORDER BY created_at, id";
        for row in sqlx::query(api).fetch_all(pool).await? {
            let (info, hash) = key_from(&row)?;
            self.add_api(info, hash);
        }
        let app =
            "SELECT id, name, hash, last4, owner_id, created_at, modified_at FROM app_keys ORDER BY created_at, id";
        for row in sqlx::query(app).fetch_all(pool).await? {
            let (info, hash) = key_from(&row)?;
            self.add_app(info, hash);
        }
        Ok(())
    }

    fn add_api(&mut self, info: KeyInfo, hash: SecretHash) {
        let identity = ApiIdentity { org_id: self.organisation.id, key_id: info.id.as_str().into() };
        self.api_by_hash.insert(hash, identity);
        self.api_keys.push(info);
    }

    fn add_app(&mut self, info: KeyInfo, hash: SecretHash) {
        if let Some(owner) = self.users_by_id.get(&info.owner_id).filter(|owner| !owner.disabled) {
            let owner = Arc::clone(owner);
            let identity = AppIdentity { org_id: self.organisation.id, key_id: info.id.as_str().into(), owner };
            self.app_by_hash.insert(hash, identity);
        }
        self.app_keys.push(info);
    }

    /// A configured key that is stored as well stays one key, but can no longer be revoked.
    fn add_configured(&mut self, configured: &ConfiguredKeys) {
        let created_at = self.organisation.created_at;
        if let Some(key) = &configured.api {
            match self.api_by_hash.get(&key.hash) {
                Some(stored) => pin(&mut self.api_keys, &stored.key_id),
                None => self.add_api(key.info("", created_at), key.hash),
            }
        }
        let Some(admin) = self.admin().map(|admin| admin.id.clone()) else { return };
        if let Some(key) = &configured.app {
            match self.app_by_hash.get(&key.hash) {
                Some(stored) => pin(&mut self.app_keys, &stored.key_id),
                None => self.add_app(key.info(&admin, created_at), key.hash),
            }
        }
    }
}

fn pin(keys: &mut [KeyInfo], id: &str) {
    for key in keys.iter_mut().filter(|key| key.id == id) {
        key.from_configuration = true;
    }
}

fn key_from(row: &AnyRow) -> Result<(KeyInfo, SecretHash)> {
    let hash: String = row.try_get(2)?;
    let hash = SecretHash::from_hex(&hash)
        .ok_or_else(|| CatalogError::Database(format!("stored key hash is no SHA-256: {hash:?}")))?;
    let info = KeyInfo {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        last4: row.try_get(3)?,
        owner_id: row.try_get(4)?,
        created_at: row.try_get(5)?,
        modified_at: row.try_get(6)?,
        from_configuration: false,
    };
    Ok((info, hash))
}
