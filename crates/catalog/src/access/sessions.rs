//! Sessions of the page: login, look-up by token, logout.

use std::sync::Arc;
use std::time::Duration;

use crate::access::users::User;
use crate::{Catalog, CatalogError, Result};

/// A session just opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Goes into the HttpOnly cookie; stored as a hash only.
    pub token: String,
    /// Seconds since the UNIX epoch at which the session ends at the latest.
    pub expires_at: i64,
    /// Who logged in.
    pub user: Arc<User>,
}

/// A live session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is; never a disabled user.
    pub user: Arc<User>,
    /// Seconds since the UNIX epoch at which it ends unless used again.
    pub expires_at: i64,
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user, disabled user or wrong password; on purpose not told apart.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// Too many failed logins.
    #[error("too many failed logins, try again in {} s", .retry_after.as_secs())]
    LockedOut {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The catalogue failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl Catalog {
    /// Opens a session. `login` is a handle or an e-mail address, `address` where the request came from (audit trail).
    pub async fn login(&self, login: &str, password: &str, address: &str) -> Result<NewSession, LoginError> {
        let _ = (login, password, address);
        todo!()
    }
    /// The session of a token, `None` when there is none or it has ended. Slides its end. No SQL.
    pub fn session(&self, token: &str) -> Option<Session> {
        let _ = token;
        todo!()
    }
    /// Ends a session.
    pub async fn logout(&self, token: &str) -> Result<()> {
        let _ = token;
        todo!()
    }
}
