//! The organisation, users and roles.

use std::sync::Arc;

use crate::audit::Actor;
use crate::{Catalog, Result};

/// The organisation that owns everything.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Catalog {
    /// The organisation.
    pub fn organisation(&self) -> Arc<Organisation> {
        todo!()
    }
    /// The roles, least powerful first.
    pub fn roles(&self) -> Vec<Role> {
        todo!()
    }
    /// All users, oldest first.
    pub fn users(&self) -> Vec<Arc<User>> {
        todo!()
    }
    /// One user by id.
    pub fn user(&self, id: &str) -> Option<Arc<User>> {
        let _ = id;
        todo!()
    }
    /// One user by handle or e-mail address.
    pub fn user_by_login(&self, login: &str) -> Option<Arc<User>> {
        let _ = login;
        todo!()
    }
    /// Makes a user.
    pub async fn create_user(&self, actor: &Actor, new: NewUser) -> Result<Arc<User>> {
        let _ = (actor, new);
        todo!()
    }
    /// Changes a user. The last enabled admin can neither be disabled nor lose the role.
    pub async fn update_user(&self, actor: &Actor, id: &str, change: UserChange) -> Result<Arc<User>> {
        let _ = (actor, id, change);
        todo!()
    }
    /// Sets a password and ends the user's sessions.
    pub async fn set_password(&self, actor: &Actor, id: &str, password: &str) -> Result<()> {
        let _ = (actor, id, password);
        todo!()
    }
}
