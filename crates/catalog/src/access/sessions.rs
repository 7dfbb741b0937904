//! Sessions of the page: login, look-up by token, logout.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::access::users::User;
use crate::audit::Actor;
use crate::database::{Database, storable};
use crate::secrets::{SecretHash, TOKEN_CHARS, password_matches, random_hex};
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

/// Seconds after its last use at which a session ends.
const IDLE_SECONDS: i64 = 7 * 86_400;
/// Seconds after its login at which a session ends whatever happens.
const MAX_SECONDS: i64 = 30 * 86_400;
/// A session's end is written anew when it moved by more than this, in seconds.
const SLIDE_SECONDS: i64 = 3600;
/// Most sessions of one user; the oldest ends when one more is opened.
const MAX_SESSIONS_OF_A_USER: i64 = 100;
/// Failed logins in a row that cost no delay.
const FREE_FAILURES: i64 = 5;
/// First delay in seconds, doubled with each further failure.
const FIRST_DELAY: i64 = 5;
/// Longest delay in seconds.
const MAX_DELAY: i64 = 15 * 60;
/// Unknown login names whose failures are remembered; beyond, the map starts anew.
const MAX_UNKNOWN_LOGINS: usize = 10_000;

/// Locks that attempts to log in are spread over.
const ATTEMPT_LANES: usize = 64;

#[derive(Debug)]
struct Slot {
    user_id: String,
    created_at: i64,
    expires_at: AtomicI64,
    stored_expires_at: AtomicI64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: i64,
    last_at: i64,
}

impl Failures {
    /// Seconds to wait before the next try.
    fn delay_left(self, now: i64) -> i64 {
        if self.count < FREE_FAILURES {
            return 0;
        }
        let doublings = (self.count - FREE_FAILURES).min(10) as u32;
        let delay = (FIRST_DELAY << doublings).min(MAX_DELAY);
        (self.last_at + delay - now).clamp(0, delay)
    }
}

/// Live sessions in memory, and failures of login names that belong to nobody.
#[derive(Debug)]
pub(crate) struct Sessions {
    live: RwLock<HashMap<SecretHash, Arc<Slot>>>,
    unknown: Mutex<HashMap<String, Failures>>,
    /// Attempts at one account run one after the other, so that many at once cannot outrun the counting of failures.
    attempts: [tokio::sync::Mutex<()>; ATTEMPT_LANES],
}

impl Default for Sessions {
    fn default() -> Self {
        let attempts = std::array::from_fn(|_| tokio::sync::Mutex::new(()));
        Self { live: RwLock::default(), unknown: Mutex::default(), attempts }
    }
}

impl Sessions {
    fn attempts_of(&self, who: &str) -> &tokio::sync::Mutex<()> {
        let lane = usize::from(SecretHash::of(&unknown_key(who)).half()[0]) % ATTEMPT_LANES;
        &self.attempts[lane]
    }

    pub(crate) async fn rows(pool: &AnyPool) -> Result<Vec<AnyRow>> {
        Ok(sqlx::query("SELECT hash, user_id, created_at, expires_at FROM sessions").fetch_all(pool).await?)
    }

    pub(crate) fn replace(&self, rows: Vec<AnyRow>) {
        let mut fresh = HashMap::with_capacity(rows.len());
        let mut live = self.live.write();
        for row in rows {
            let hash: String = row.get(0);
            let Some(hash) = SecretHash::from_hex(&hash) else { continue };
            let stored: i64 = row.get(3);
            let slid = live.get(&hash).map_or(stored, |slot| slot.expires_at.load(Ordering::Relaxed).max(stored));
            let slot = Slot {
                user_id: row.get(1),
                created_at: row.get(2),
                expires_at: AtomicI64::new(slid),
                stored_expires_at: AtomicI64::new(stored),
            };
            fresh.insert(hash, Arc::new(slot));
        }
        *live = fresh;
    }

    /// Writes the ends that moved.
    pub(crate) async fn flush(&self, database: &Database) -> Result<()> {
        let moved: Vec<(SecretHash, Arc<Slot>)> = {
            let live = self.live.read();
            let moved = live.iter().filter(|(_, slot)| {
                let moved_by = slot.expires_at.load(Ordering::Relaxed) - slot.stored_expires_at.load(Ordering::Relaxed);
                moved_by > SLIDE_SECONDS
            });
            moved.map(|(hash, slot)| (*hash, Arc::clone(slot))).collect()
        };
        if moved.is_empty() {
            return Ok(());
        }
        let mut write = database.write().await?;
        for (hash, slot) in moved {
            let expires_at = slot.expires_at.load(Ordering::Relaxed);
            let update = sqlx::query("UPDATE sessions SET expires_at = $2 WHERE hash = $1 AND expires_at < $2");
            update.bind(hash.to_hex()).bind(expires_at).execute(write.connection()).await?;
            slot.stored_expires_at.store(expires_at, Ordering::Relaxed);
        }
        write.commit().await
    }

    /// Forgets sessions that ended.
    pub(crate) async fn prune(&self, database: &Database, now: i64) -> Result<()> {
        self.live.write().retain(|_, slot| slot.expires_at.load(Ordering::Relaxed) > now);
        let mut write = database.write().await?;
        // What slid in memory only since the last flush is later than what stands here by at most SLIDE_SECONDS.
        let prune = sqlx::query("DELETE FROM sessions WHERE expires_at < $1").bind(now - SLIDE_SECONDS);
        prune.execute(write.connection()).await?;
        write.commit().await
    }
}

impl Catalog {
    /// Opens a session. `login` is a handle or an e-mail address, `address` where the request came from (audit trail).
    pub async fn login(&self, login: &str, password: &str, address: &str) -> Result<NewSession, LoginError> {
        let user = self.user_by_login(login);
        let attempts = self.inner.access.sessions.attempts_of(user.as_ref().map_or(login, |user| &user.id));
        let _one_at_a_time = attempts.lock().await;
        let now = self.inner.clock.now_s();
        let (stored, failures) = self.login_state(user.as_deref(), login).await?;
        let wait = failures.delay_left(now);
        if wait > 0 {
            return Err(LoginError::LockedOut { retry_after: Duration::from_secs(wait.unsigned_abs()) });
        }
        let matches = password_matches(password, stored).await;
        match user {
            Some(user) if matches && !user.disabled => Ok(self.open_session(user, address).await?),
            user => {
                self.note_failure(user.as_deref(), login, address).await?;
                Err(LoginError::WrongCredentials)
            }
        }
    }

    /// The session of a token, `None` when there is none or it has ended. Slides its end. No SQL.
    pub fn session(&self, token: &str) -> Option<Session> {
        if token.len() != TOKEN_CHARS {
            return None;
        }
        let slot = self.inner.access.sessions.live.read().get(&SecretHash::of(token)).cloned()?;
        let now = self.inner.clock.now_s();
        if slot.expires_at.load(Ordering::Relaxed) <= now {
            return None;
        }
        let user = self.user(&slot.user_id).filter(|user| !user.disabled)?;
        let slid = (now + IDLE_SECONDS).min(slot.created_at + MAX_SECONDS);
        let expires_at = slot.expires_at.fetch_max(slid, Ordering::Relaxed).max(slid);
        Some(Session { user, expires_at })
    }

    /// Ends a session.
    pub async fn logout(&self, token: &str) -> Result<()> {
        let hash = SecretHash::of(token);
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.to_hex()).execute(write.connection()).await?;
        write.commit().await?;
        self.inner.access.sessions.live.write().remove(&hash);
        change.settle();
        Ok(())
    }

    /// The stored hash of a user's password and the failures so far.
    async fn login_state(&self, user: Option<&User>, login: &str) -> Result<(Option<String>, Failures)> {
        let Some(user) = user else {
            let failures = self.inner.access.sessions.unknown.lock().get(&unknown_key(login)).copied();
            return Ok((None, failures.unwrap_or_default()));
        };
        let row = sqlx::query("SELECT password_hash, failed_logins, last_failed_at FROM users WHERE id = $1")
            .bind(&user.id)
            .fetch_one(self.inner.database.reader())
            .await?;
        Ok((row.try_get(0)?, Failures { count: row.try_get(1)?, last_at: row.try_get(2)? }))
    }

    async fn note_failure(&self, user: Option<&User>, login: &str, address: &str) -> Result<()> {
        let now = self.inner.clock.now_s();
        let Some(user) = user else {
            let mut unknown = self.inner.access.sessions.unknown.lock();
            if unknown.len() >= MAX_UNKNOWN_LOGINS {
                unknown.clear();
            }
            let failures = unknown.entry(unknown_key(login)).or_default();
            *failures = Failures { count: failures.count + 1, last_at: now };
            return Ok(());
        };
        let mut write = self.inner.database.write().await?;
        sqlx::query("UPDATE users SET failed_logins = failed_logins + 1, last_failed_at = $2 WHERE id = $1")
            .bind(&user.id)
            .bind(now)
            .execute(write.connection())
            .await?;
        let details = serde_json::json!({ "handle": user.handle });
        let actor =
            Actor { user_id: String::new(), handle: String::new(), via: "login".into(), address: address.into() };
        self.append_audit(write.connection(), &actor, "login_failed", "user", &user.id, &details).await?;
        write.commit().await
    }

    async fn open_session(&self, user: Arc<User>, address: &str) -> Result<NewSession> {
        let token = random_hex(TOKEN_CHARS);
        let now = self.inner.clock.now_s();
        let expires_at = now + IDLE_SECONDS;
        let mut change = self.inner.access.area.change().await;
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        sqlx::query("UPDATE users SET failed_logins = 0, last_login_at = $2 WHERE id = $1")
            .bind(&user.id)
            .bind(now)
            .execute(write.connection())
            .await?;
        sqlx::query(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at, address) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(SecretHash::of(&token).to_hex())
        .bind(&user.id)
        .bind(now)
        .bind(expires_at)
        .bind(storable(address).as_ref())
        .execute(write.connection())
        .await?;
        sqlx::query(
            "DELETE FROM sessions WHERE user_id = $1 AND hash NOT IN \
             (SELECT hash FROM sessions WHERE user_id = $1 ORDER BY created_at DESC, expires_at DESC LIMIT $2)",
        )
        .bind(&user.id)
        .bind(MAX_SESSIONS_OF_A_USER)
        .execute(write.connection())
        .await?;
        let actor = Actor {
            user_id: user.id.clone(),
            handle: user.handle.clone(),
            via: "session".into(),
            address: address.to_owned(),
        };
        self.append_audit(write.connection(), &actor, "login", "user", &user.id, &serde_json::json!({})).await?;
        write.commit().await?;
        self.inner.access.replace(&self.inner.database, change).await?;
        Ok(NewSession { token, expires_at: now + MAX_SECONDS, user })
    }
}

/// Bounded, so that the map of unknown names stays small.
fn unknown_key(login: &str) -> String {
    login.trim().to_lowercase().chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound() {
        let left = |count, elapsed| Failures { count, last_at: 1000 }.delay_left(1000 + elapsed);
        assert_eq!([left(0, 0), left(4, 0), left(5, 0), left(6, 0), left(7, 5)], [0, 0, 5, 10, 15]);
        assert_eq!([left(5, 5), left(60, 0), left(60, MAX_DELAY)], [0, MAX_DELAY, 0]);
        // A clock that was set back must not lock anybody out for long.
        assert_eq!(left(5, -10_000), 5);
    }
}
