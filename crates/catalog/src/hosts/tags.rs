//! Host tags by source, and the snapshot that queries read.

use std::collections::BTreeMap;

use galgo_core::HostTagsCell;

use crate::audit::Actor;
use crate::{Catalog, Result};

impl Catalog {
    /// The cell that always holds the newest snapshot of all host tags (clone it into the query engine).
    pub fn host_tags_cell(&self) -> HostTagsCell {
        todo!()
    }
    /// Tags of a host, of one source or merged over all, sorted. `None` when the host is unknown. No SQL.
    pub fn host_tags(&self, host: &str, source: Option<&str>) -> Option<Vec<String>> {
        let _ = (host, source);
        todo!()
    }
    /// Every tag with its hosts, of one source or of all. No SQL.
    pub fn hosts_by_tag(&self, source: Option<&str>) -> BTreeMap<String, Vec<String>> {
        let _ = source;
        todo!()
    }
    /// Adds tags (POST) and returns all tags of that source. The host need not be known.
    pub async fn add_host_tags(&self, actor: &Actor, host: &str, source: &str, tags: &[String]) -> Result<Vec<String>> {
        let _ = (actor, host, source, tags);
        todo!()
    }
    /// Replaces the tags of a source (PUT) and returns them.
    pub async fn replace_host_tags(
        &self,
        actor: &Actor,
        host: &str,
        source: &str,
        tags: &[String],
    ) -> Result<Vec<String>> {
        let _ = (actor, host, source, tags);
        todo!()
    }
    /// Removes all tags of a source (DELETE).
    pub async fn remove_host_tags(&self, actor: &Actor, host: &str, source: &str) -> Result<()> {
        let _ = (actor, host, source);
        todo!()
    }
}
