//! The organisation, users and roles.

use std::sync::Arc;

use sqlx::AnyConnection;
use uuid::Uuid;

use crate::access::first_start::FIRST_ORG;
use crate::audit::Actor;
use crate::database::is_duplicate;
use crate::secrets::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, hash_password};
use crate::{Catalog, CatalogError, Result};

/// The organisation that owns everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Organisation {
    /// Number.
    pub id: i64,
    /// Public id, a UUID.
    pub public_id: String,
    /// Display name.
    pub name: String,
    /// Seconds since the UNIX epoch.
    pub created_at: i64,
}

/// What a role allows, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Look only.
    ReadOnly,
    /// Look and change what is not administration.
    Standard,
    /// Everything.
    Admin,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// A UUID.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What it allows.
    pub access: Access,
    /// How many users have it.
    pub user_count: u64,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A UUID.
    pub id: String,
    /// Unique login name.
    pub handle: String,
    /// Unique e-mail address.
    pub email: String,
    /// Display name, may be empty.
    pub name: String,
    /// Job title, may be empty.
    pub title: String,
    /// Whether logins, sessions and keys of this user are refused.
    pub disabled: bool,
    /// Role ids.
    pub role_ids: Vec<String>,
    /// The most that one of the roles allows.
    pub access: Access,
    /// Seconds since the UNIX epoch.
    pub created_at: i64,
    /// Seconds since the UNIX epoch.
    pub modified_at: i64,
    /// Seconds since the UNIX epoch.
    pub last_login_at: Option<i64>,
}

/// What a new user is made of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Unique e-mail address; also the handle when that is empty.
    pub email: String,
    /// Unique login name.
    pub handle: String,
    /// Display name.
    pub name: String,
    /// Job title.
    pub title: String,
    /// What the user may do.
    pub access: Access,
    /// Without one the user cannot log in until a password is set.
    pub password: Option<String>,
}

/// Changes to a user; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// New e-mail address.
    pub email: Option<String>,
    /// New display name.
    pub name: Option<String>,
    /// New job title.
    pub title: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// New role.
    pub access: Option<Access>,
}

/// Longest name, handle, title or e-mail address in characters.
const MAX_TEXT_CHARS: usize = 254;
/// Most users.
const MAX_USERS: usize = 10_000;

impl Access {
    /// Datadog's code for it (`access_role` of the v1 API).
    pub fn code(self) -> &'static str {
        match self {
            Self::ReadOnly => "ro",
            Self::Standard => "st",
            Self::Admin => "adm",
        }
    }

    pub(crate) fn from_code(code: &str) -> Result<Self> {
        Ok(match code {
            "ro" => Self::ReadOnly,
            "st" => Self::Standard,
            "adm" => Self::Admin,
            other => return Err(CatalogError::Database(format!("unknown access of a role: {other:?}"))),
        })
    }
}

impl std::str::FromStr for Access {
    type Err = CatalogError;

    fn from_str(code: &str) -> Result<Self> {
        Self::from_code(code).map_err(|_| CatalogError::Invalid(format!("access must be adm, st or ro: {code:?}")))
    }
}

impl Catalog {
    /// The organisation.
    pub fn organisation(&self) -> Arc<Organisation> {
        Arc::clone(&self.inner.access.directory.load().organisation)
    }

    /// The roles, least powerful first.
    pub fn roles(&self) -> Vec<Role> {
        self.inner.access.directory.load().roles.clone()
    }

    /// All users, oldest first.
    pub fn users(&self) -> Vec<Arc<User>> {
        self.inner.access.directory.load().users.clone()
    }

    /// One user by id.
    pub fn user(&self, id: &str) -> Option<Arc<User>> {
        self.inner.access.directory.load().user(id).cloned()
    }

    /// One user by handle or e-mail address.
    pub fn user_by_login(&self, login: &str) -> Option<Arc<User>> {
        self.inner.access.directory.load().user_by_login(login).cloned()
    }

    /// Makes a user.
    pub async fn create_user(&self, actor: &Actor, new: NewUser) -> Result<Arc<User>> {
        let email = checked_email(&new.email)?;
        let handle = if new.handle.trim().is_empty() {
            email.clone()
        } else {
            checked_text("handle", &new.handle)?.to_lowercase()
        };
        let (name, title) = (checked_text("name", &new.name)?, checked_text("title", &new.title)?);
        if self.users().len() >= MAX_USERS {
            return Err(CatalogError::Limit(format!("there are {MAX_USERS} users already")));
        }
        let password_hash = match &new.password {
            Some(password) => Some(hash_password(checked_password(password)?).await?),
            None => None,
        };
        let id = Uuid::new_v4().to_string();
        let now = self.inner.clock.now_s();
        let mut change = self.inner.access.area.change().await;
        // A handle must not be someone else's e-mail address either: both serve to log in.
        if self.user_by_login(&email).or_else(|| self.user_by_login(&handle)).is_some() {
            change.abandon();
            return Err(CatalogError::Conflict(format!("user {handle} exists already")));
        }
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query(
            "INSERT INTO users (id, org_id, handle, email, name, title, password_hash, created_at, modified_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        )
        .bind(&id)
        .bind(FIRST_ORG)
        .bind(&handle)
        .bind(&email)
        .bind(name)
        .bind(title)
        .bind(password_hash)
        .bind(now)
        .execute(write.connection())
        .await
        .map_err(|error| duplicate_user(error, &handle))?;
        set_role(write.connection(), &id, new.access).await?;
        let details = serde_json::json!({ "handle": handle, "access": new.access.code() });
        self.append_audit(write.connection(), actor, "created", "user", &id, &details).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await?;
        self.known_user(&id)
    }

    /// Changes a user. The last enabled admin can neither be disabled nor lose the role.
    pub async fn update_user(&self, actor: &Actor, id: &str, update: UserChange) -> Result<Arc<User>> {
        let mut change = self.inner.access.area.change().await;
        let checked = self.known_user(id).and_then(|user| self.checked_update(&user, &update));
        let updated = match checked {
            Ok(updated) => updated,
            Err(error) => {
                change.abandon();
                return Err(error);
            }
        };
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query(
            "UPDATE users SET email = $2, name = $3, title = $4, disabled = $5, modified_at = $6 WHERE id = $1",
        )
        .bind(id)
        .bind(&updated.email)
        .bind(&updated.name)
        .bind(&updated.title)
        .bind(i64::from(updated.disabled))
        .bind(self.inner.clock.now_s())
        .execute(write.connection())
        .await
        .map_err(|error| duplicate_user(error, &updated.email))?;
        if let Some(access) = update.access {
            set_role(write.connection(), id, access).await?;
        }
        if updated.disabled {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id).execute(write.connection()).await?;
        }
        let details = serde_json::json!({
            "handle": updated.handle, "disabled": updated.disabled, "access": updated.access.code(),
        });
        self.append_audit(write.connection(), actor, "modified", "user", id, &details).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await?;
        self.known_user(id)
    }

    /// Sets a password and ends the user's sessions.
    pub async fn set_password(&self, actor: &Actor, id: &str, password: &str) -> Result<()> {
        checked_password(password)?;
        self.store_password(actor, id, password).await
    }

    /// As [`Catalog::set_password`], for a password that the operator chose: no rules.
    pub(crate) async fn store_password(&self, actor: &Actor, id: &str, password: &str) -> Result<()> {
        self.known_user(id)?;
        let hash = hash_password(password).await?;
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query("UPDATE users SET password_hash = $2, failed_logins = 0, modified_at = $3 WHERE id = $1")
            .bind(id)
            .bind(hash)
            .bind(self.inner.clock.now_s())
            .execute(write.connection())
            .await?;
        sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id).execute(write.connection()).await?;
        self.append_audit(write.connection(), actor, "modified", "password", id, &serde_json::json!({})).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await
    }

    fn known_user(&self, id: &str) -> Result<Arc<User>> {
        self.user(id).ok_or_else(|| CatalogError::NotFound { what: "user", id: id.to_owned() })
    }

    fn checked_update(&self, user: &User, update: &UserChange) -> Result<User> {
        let mut updated = user.clone();
        if let Some(email) = &update.email {
            updated.email = checked_email(email)?;
            if self.user_by_login(&updated.email).is_some_and(|other| other.id != user.id) {
                return Err(CatalogError::Conflict(format!("user {} exists already", updated.email)));
            }
        }
        if let Some(name) = &update.name {
            updated.name = checked_text("name", name)?.to_owned();
        }
        if let Some(title) = &update.title {
            updated.title = checked_text("title", title)?.to_owned();
        }
        updated.disabled = update.disabled.unwrap_or(user.disabled);
        updated.access = update.access.unwrap_or(user.access);
        let is_admin = |user: &User| user.access == Access::Admin && !user.disabled;
        let others = || self.users().iter().any(|other| other.id != user.id && is_admin(other));
        if is_admin(user) && !is_admin(&updated) && !others() {
            return Err(CatalogError::Conflict(format!("{} is the last enabled admin", user.handle)));
        }
        Ok(updated)
    }
}

async fn set_role(connection: &mut AnyConnection, user_id: &str, access: Access) -> Result<()> {
    sqlx::query("DELETE FROM user_roles WHERE user_id = $1").bind(user_id).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM roles WHERE access = $2")
        .bind(user_id)
        .bind(access.code())
        .execute(connection)
        .await?;
    Ok(())
}

fn duplicate_user(error: sqlx::Error, who: &str) -> CatalogError {
    if is_duplicate(&error) { CatalogError::Conflict(format!("user {who} exists already")) } else { error.into() }
}

fn checked_text<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
        return Err(CatalogError::Invalid(format!(
            "{what} must be at most {MAX_TEXT_CHARS} characters without control characters, got {chars}"
        )));
    }
    Ok(text)
}

fn checked_email(email: &str) -> Result<String> {
    let email = checked_text("email", email)?.to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !well_formed || email.contains(char::is_whitespace) {
        return Err(CatalogError::Invalid(format!("not an email address: {email:?}")));
    }
    Ok(email)
}

fn checked_password(password: &str) -> Result<&str> {
    let chars = password.chars().count();
    if chars < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
        return Err(CatalogError::Invalid(format!(
            "password must have {MIN_PASSWORD_CHARS} characters at least and {MAX_PASSWORD_BYTES} bytes at most"
        )));
    }
    Ok(password)
}
