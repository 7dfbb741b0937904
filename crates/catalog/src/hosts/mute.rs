//! Muting of hosts.

use crate::audit::Actor;
use crate::{Catalog, Result};

/// A mute in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// Seconds since the UNIX epoch; `None` for no end.
    pub end: Option<i64>,
    /// Why.
    pub message: String,
}

impl Catalog {
    /// Mutes a host, known or not. A mute in force is a conflict unless `replace`.
    pub async fn mute_host(&self, actor: &Actor, host: &str, mute: Mute, replace: bool) -> Result<Mute> {
        let _ = (actor, host, mute, replace);
        todo!()
    }
    /// Ends a mute; a conflict when there is none.
    pub async fn unmute_host(&self, actor: &Actor, host: &str) -> Result<()> {
        let _ = (actor, host);
        todo!()
    }
}
