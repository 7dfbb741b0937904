//! Who may do what: the organisation, its users and roles, API and application keys, sessions of the page.
//!
//! Secrets are stored as hashes only. Validating a key reads an in-memory snapshot and no SQL, so that the ingest path
//! pays nanoseconds; creating and revoking replace the snapshot before they return.

pub(crate) mod directory;
pub(crate) mod first_start;
pub mod keys;
pub mod sessions;
pub mod users;

use arc_swap::ArcSwap;

use crate::Result;
use crate::access::directory::{ConfiguredKeys, Directory};
use crate::access::sessions::Sessions;
use crate::database::Database;
use crate::revision::{Area, Change};

/// Keys, users and sessions in memory.
#[derive(Debug)]
pub(crate) struct AccessStore {
    pub(crate) area: Area,
    pub(crate) directory: ArcSwap<Directory>,
    pub(crate) sessions: Sessions,
    configured: ConfiguredKeys,
}

impl AccessStore {
    pub(crate) fn new(configured: ConfiguredKeys) -> Self {
        Self { area: Area::new("access"), directory: ArcSwap::default(), sessions: Sessions::default(), configured }
    }

    /// Loads everything anew, unless another reload was faster.
    pub(crate) async fn load(&self, database: &Database) -> Result<()> {
        let mut change = self.area.change().await;
        change.read(&mut *database.reader().acquire().await?).await?;
        self.replace(database, change).await
    }

    /// Replaces the snapshot with what the database holds now and ends the change.
    pub(crate) async fn replace(&self, database: &Database, change: Change<'_>) -> Result<()> {
        let directory = Directory::load(database.reader(), &self.configured).await?;
        let sessions = Sessions::rows(database.reader()).await?;
        self.sessions.replace(sessions);
        self.directory.store(directory.into());
        change.settle();
        Ok(())
    }
}
