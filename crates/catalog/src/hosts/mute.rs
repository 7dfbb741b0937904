//! Muting of hosts.

use crate::audit::Actor;
use crate::database::storable;
use crate::hosts::registry::checked_host;
use crate::{Catalog, CatalogError, Result};

/// A mute in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// Seconds since the UNIX epoch; `None` for no end.
    pub end: Option<i64>,
    /// Why.
    pub message: String,
}

/// Longest message in characters; what is beyond is cut off.
const MAX_MESSAGE_CHARS: usize = 2000;

impl Mute {
    /// Whether it holds at a moment (seconds).
    pub fn holds_at(&self, now: i64) -> bool {
        self.end.is_none_or(|end| end > now)
    }
}

impl Catalog {
    /// Mutes a host, known or not. A mute in force is a conflict unless `replace`.
    pub async fn mute_host(&self, actor: &Actor, host: &str, mute: Mute, replace: bool) -> Result<Mute> {
        let host = checked_host(host)?;
        let now = self.inner.clock.now_s();
        if !mute.holds_at(now) {
            let end = mute.end.unwrap_or_default();
            return Err(CatalogError::Invalid(format!("end of a mute must be in the future: {end}, now is {now}")));
        }
        let message = storable(&mute.message).chars().take(MAX_MESSAGE_CHARS).collect();
        let mute = Mute { end: mute.end, message };
        let details = serde_json::json!({ "end": mute.end, "message": mute.message });
        let result = mute.clone();
        self.change_host(actor, host, "muted", "host", details, |known| {
            if !replace && known.mute.as_ref().is_some_and(|known| known.holds_at(now)) {
                return Err(CatalogError::Conflict(format!("host {host} is already muted")));
            }
            known.mute = Some(mute);
            Ok(())
        })
        .await?;
        Ok(result)
    }

    /// Ends a mute; a conflict when there is none.
    pub async fn unmute_host(&self, actor: &Actor, host: &str) -> Result<()> {
        let host = checked_host(host)?;
        let now = self.inner.clock.now_s();
        let not_muted = || CatalogError::Conflict(format!("host {host} is not muted"));
        if self.inner.hosts.get(host).is_none() {
            return Err(not_muted());
        }
        self.change_host(actor, host, "unmuted", "host", serde_json::json!({}), |known| {
            let mute = known.mute.take();
            if mute.is_some_and(|mute| mute.holds_at(now)) { Ok(()) } else { Err(not_muted()) }
        })
        .await
    }
}
