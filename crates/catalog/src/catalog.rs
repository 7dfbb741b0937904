//! Opening the catalogue, its first start and its upkeep.

use std::sync::Arc;

use galgo_core::Clock;

use crate::Result;

/// How to open a catalogue.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// `sqlite:/path/to/file` (made when absent) or `postgres://…`.
    pub database_url: String,
    /// A fixed API key (`GALGO_API_KEY`), valid as long as it is given.
    pub api_key: Option<String>,
    /// A fixed application key of the admin (`GALGO_APP_KEY`), valid as long as it is given.
    pub app_key: Option<String>,
    /// The admin's password (`GALGO_ADMIN_PASSWORD`); replaces the one stored.
    pub admin_password: Option<String>,
}

/// A secret of the first start.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstSecret {
    /// The secret.
    pub value: String,
    /// Whether the user gave it (then there is no need to print it).
    pub given: bool,
}

/// What the first start made; shown once and stored nowhere.
#[derive(Debug, Clone)]
pub struct FirstStart {
    /// Login name of the admin.
    pub admin_handle: String,
    /// Password of the admin.
    pub admin_password: FirstSecret,
    /// First API key.
    pub api_key: FirstSecret,
    /// First application key.
    pub app_key: FirstSecret,
}

impl std::fmt::Debug for FirstSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "FirstSecret {{ given: {} }}", self.given)
    }
}

/// The catalogue. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Catalog {
    clock: Arc<dyn Clock>,
}

impl Catalog {
    /// Opens the database, migrates it and loads what lives in memory. `FirstStart` is there when the database was
    /// empty.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<(Self, Option<FirstStart>)> {
        let _ = (config, clock);
        todo!()
    }
    /// Writes what is only in memory so far, takes over what other nodes changed, prunes what is too old. Call it
    /// about once a second; it does nothing when there is nothing to do.
    pub async fn maintain(&self) -> Result<()> {
        todo!()
    }
    /// Writes what is only in memory so far.
    pub async fn flush(&self) -> Result<()> {
        let _ = &self.clock;
        todo!()
    }
    /// Flushes and closes all connections.
    pub async fn close(&self) -> Result<()> {
        todo!()
    }
    /// Whether the database answers (for `/ready`).
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }
}
