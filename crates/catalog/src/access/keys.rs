//! API keys (to send data) and application keys (to read and change things).

use std::sync::Arc;

use crate::access::users::User;
use crate::audit::Actor;
use crate::{Catalog, Result};

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

impl Catalog {
    /// Checks an API key. No SQL, no lock.
    pub fn api_key(&self, secret: &str) -> Option<ApiIdentity> {
        let _ = secret;
        todo!()
    }
    /// Checks an application key. No SQL, no lock.
    pub fn app_key(&self, secret: &str) -> Option<AppIdentity> {
        let _ = secret;
        todo!()
    }
    /// All API keys, oldest first.
    pub async fn list_api_keys(&self) -> Result<Vec<KeyInfo>> {
        todo!()
    }
    /// Makes an API key.
    pub async fn create_api_key(&self, actor: &Actor, name: &str) -> Result<NewKey> {
        let _ = (actor, name);
        todo!()
    }
    /// Renames an API key.
    pub async fn rename_api_key(&self, actor: &Actor, id: &str, name: &str) -> Result<KeyInfo> {
        let _ = (actor, id, name);
        todo!()
    }
    /// Revokes an API key; requests with it fail from now on.
    pub async fn revoke_api_key(&self, actor: &Actor, id: &str) -> Result<()> {
        let _ = (actor, id);
        todo!()
    }
    /// Application keys of one user, or of everybody, oldest first.
    pub async fn list_app_keys(&self, owner_id: Option<&str>) -> Result<Vec<KeyInfo>> {
        let _ = owner_id;
        todo!()
    }
    /// Makes an application key for a user.
    pub async fn create_app_key(&self, actor: &Actor, owner_id: &str, name: &str) -> Result<NewKey> {
        let _ = (actor, owner_id, name);
        todo!()
    }
    /// Renames an application key.
    pub async fn rename_app_key(&self, actor: &Actor, id: &str, name: &str) -> Result<KeyInfo> {
        let _ = (actor, id, name);
        todo!()
    }
    /// Revokes an application key; requests with it fail from now on.
    pub async fn revoke_app_key(&self, actor: &Actor, id: &str) -> Result<()> {
        let _ = (actor, id);
        todo!()
    }
}
