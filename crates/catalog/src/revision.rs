//! How several nodes on one database, and a node that lost a connection in the middle of a commit, learn that what
//! they keep in memory is old.
//!
//! Each area (access, hosts, metrics) has a number in the database that every change raises within its transaction.
//! A node knows the number that its memory stands for. While a change is under way the area counts as stale; only when
//! memory was changed too does it become fresh again. So a request that is cancelled between commit and memory, or a
//! commit whose outcome nobody heard, leads to a reload at the next upkeep and never to a forgotten change.

use sqlx::AnyConnection;
use tokio::sync::{Mutex, MutexGuard};

use crate::Result;

/// An area of the database that is kept in memory.
#[derive(Debug)]
pub(crate) struct Area {
    name: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: i64,
    stale: bool,
}

/// A change under way; at most one in an area and process.
pub(crate) struct Change<'a> {
    name: &'static str,
    state: MutexGuard<'a, State>,
    raised_to: Option<i64>,
}

impl Area {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, state: Mutex::default() }
    }

    /// Begins a change, or a reload: waits for the one under way.
    pub(crate) async fn change(&self) -> Change<'_> {
        Change { name: self.name, state: self.state.lock().await, raised_to: None }
    }

    /// Whether memory must be loaded again, given the number that stands in the database.
    pub(crate) async fn is_stale(&self, current: Option<i64>) -> bool {
        let state = self.state.lock().await;
        state.stale || current.is_some_and(|number| number != state.known)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

impl Change<'_> {
    /// Raises the number, as the first statement of the transaction (so that PostgreSQL lets one change through at a
    /// time).
    pub(crate) async fn raise(&mut self, connection: &mut AnyConnection) -> Result<()> {
        self.state.stale = true;
        let number = sqlx::query_scalar("UPDATE revisions SET number = number + 1 WHERE area = $1 RETURNING number")
            .bind(self.name)
            .fetch_one(connection)
            .await?;
        self.raised_to = Some(number);
        Ok(())
    }

    /// Reads the number before a reload.
    pub(crate) async fn read(&mut self, connection: &mut AnyConnection) -> Result<()> {
        self.state.stale = true;
        let number = sqlx::query_scalar("SELECT number FROM revisions WHERE area = $1")
            .bind(self.name)
            .fetch_one(connection)
            .await?;
        self.state.known = number;
        self.raised_to = None;
        Ok(())
    }

    /// Memory stands for the database again. Had another node changed the area meanwhile, it stays stale.
    pub(crate) fn settle(mut self) {
        match self.raised_to {
            Some(number) if number == self.state.known + 1 => {
                self.state.known = number;
                self.state.stale = false;
            }
            Some(_) => {}
            None => self.state.stale = false,
        }
    }

    /// Nothing was written after all.
    pub(crate) fn abandon(mut self) {
        self.state.stale = false;
    }
}
