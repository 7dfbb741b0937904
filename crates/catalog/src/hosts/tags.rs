//! Host tags by source, and the snapshot that queries read.

use std::collections::BTreeMap;

use galgo_core::HostTagsCell;
use galgo_core::tags::normalise_tags;

use crate::audit::Actor;
use crate::hosts::registry::{Details, checked_host, save, saved};
use crate::{Catalog, CatalogError, Result};

/// Most tags of one source of one host.
pub const MAX_TAGS_OF_A_SOURCE: usize = 1000;
/// Most sources of tags of one host.
const MAX_SOURCES: usize = 64;
/// Longest name of a source in characters.
const MAX_SOURCE_CHARS: usize = 100;
/// The source of tags that users set through the API, as shown.
pub(crate) const USERS: &str = "Users";
/// Spellings of well-known sources in the API and in payloads, and how they are shown.
const SOURCES: [(&str, &str); 22] = [
    ("", USERS),
    ("user", USERS),
    ("users", USERS),
    ("system", "Datadog"),
    ("datadog", "Datadog"),
    ("chef", "Chef"),
    ("puppet", "Puppet"),
    ("ansible", "Ansible"),
    ("nagios", "Nagios"),
    ("jenkins", "Jenkins"),
    ("hudson", "Hudson"),
    ("git", "Git"),
    ("bitbucket", "Bitbucket"),
    ("fabric", "Fabric"),
    ("capistrano", "Capistrano"),
    ("feed", "Feed"),
    ("aws", "Amazon Web Services"),
    ("ec2", "Amazon Web Services"),
    ("amazon web services", "Amazon Web Services"),
    ("google cloud platform", "Google Cloud Platform"),
    ("gcp", "Google Cloud Platform"),
    ("azure", "Azure"),
];

/// How a source is shown: well-known ones under one spelling, others as they came.
pub fn canonical_source(source: &str) -> String {
    let source = source.trim();
    let lower = source.to_lowercase();
    match SOURCES.iter().find(|(spelling, _)| *spelling == lower) {
        Some((_, shown)) => (*shown).to_owned(),
        None => source.chars().filter(|character| !character.is_control()).take(MAX_SOURCE_CHARS).collect(),
    }
}

impl Catalog {
    /// The cell that always holds the newest snapshot of all host tags (clone it into the query engine).
    pub fn host_tags_cell(&self) -> HostTagsCell {
        self.inner.hosts.cell.clone()
    }

    /// Tags of a host, of one source or merged over all, sorted. `None` when the host is unknown. No SQL.
    pub fn host_tags(&self, host: &str, source: Option<&str>) -> Option<Vec<String>> {
        let details = self.inner.hosts.get(host.trim())?.details.load_full();
        Some(match source {
            Some(source) => details.tags.get(&canonical_source(source)).cloned().unwrap_or_default(),
            None => details.merged_tags(),
        })
    }

    /// Every tag with its hosts, of one source or of all. No SQL.
    pub fn hosts_by_tag(&self, source: Option<&str>) -> BTreeMap<String, Vec<String>> {
        let source = source.map(canonical_source);
        let mut by_tag: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (host, slot) in self.inner.hosts.hosts.read().iter() {
            let details = slot.details.load();
            let tags = match &source {
                Some(source) => details.tags.get(source).cloned().unwrap_or_default(),
                None => details.merged_tags(),
            };
            for tag in tags {
                by_tag.entry(tag).or_default().push(host.clone());
            }
        }
        by_tag.values_mut().for_each(|hosts| hosts.sort());
        by_tag
    }

    /// Adds tags (POST) and returns all tags of that source. The host need not be known.
    pub async fn add_host_tags(&self, actor: &Actor, host: &str, source: &str, tags: &[String]) -> Result<Vec<String>> {
        self.put_host_tags(actor, host, source, tags, true).await
    }

    /// Replaces the tags of a source (PUT) and returns them.
    pub async fn replace_host_tags(
        &self,
        actor: &Actor,
        host: &str,
        source: &str,
        tags: &[String],
    ) -> Result<Vec<String>> {
        self.put_host_tags(actor, host, source, tags, false).await
    }

    /// Removes all tags of a source (DELETE).
    pub async fn remove_host_tags(&self, actor: &Actor, host: &str, source: &str) -> Result<()> {
        let host = checked_host(host)?;
        let source = canonical_source(source);
        if self.inner.hosts.get(host).is_none() {
            return Err(CatalogError::NotFound { what: "host", id: host.to_owned() });
        }
        let details = serde_json::json!({ "source": source });
        self.change_host(actor, host, "deleted", "host_tags", details, |known| {
            known.tags.remove(&source);
            Ok(())
        })
        .await?;
        self.inner.hosts.tags_changed(&self.inner.clock, true);
        Ok(())
    }

    async fn put_host_tags(
        &self,
        actor: &Actor,
        host: &str,
        source: &str,
        tags: &[String],
        add: bool,
    ) -> Result<Vec<String>> {
        let host = checked_host(host)?;
        let source = canonical_source(source);
        let given = normalise_tags(tags.iter().map(String::as_str));
        let details = serde_json::json!({ "source": source, "tags": given, "added": add });
        let action = if add { "created" } else { "modified" };
        let mut result = Vec::new();
        self.change_host(actor, host, action, "host_tags", details, |known| {
            let mut all = given;
            if add {
                all.extend(known.tags.get(&source).into_iter().flatten().cloned());
                all.sort();
                all.dedup();
            }
            set_tags(known, source, all.clone())?;
            result = all;
            Ok(())
        })
        .await?;
        self.inner.hosts.tags_changed(&self.inner.clock, true);
        Ok(result)
    }

    /// Changes a host in database and memory; `edit` may refuse.
    pub(crate) async fn change_host(
        &self,
        actor: &Actor,
        host: &str,
        action: &str,
        resource: &str,
        details: serde_json::Value,
        edit: impl FnOnce(&mut Details) -> Result<()>,
    ) -> Result<()> {
        let mut change = self.inner.hosts.area.change().await;
        let edited = self.inner.hosts.get_or_make(host).and_then(|slot| {
            let mut after = slot.details.load().as_ref().clone();
            edit(&mut after).map(|()| (slot, after))
        });
        let (slot, after) = match edited {
            Ok(edited) => edited,
            Err(error) => {
                change.abandon();
                return Err(error);
            }
        };
        let mut write = self.inner.database.write().await?;
        change.raise(write.connection()).await?;
        save(write.connection(), host, &slot, &after).await?;
        self.append_audit(write.connection(), actor, action, resource, host, &details).await?;
        write.commit().await?;
        saved(&slot, after);
        change.settle();
        Ok(())
    }
}

/// Puts the tags of a source in place, within bounds.
pub(crate) fn set_tags(details: &mut Details, source: String, tags: Vec<String>) -> Result<()> {
    if tags.len() > MAX_TAGS_OF_A_SOURCE {
        return Err(CatalogError::Invalid(format!(
            "more than {MAX_TAGS_OF_A_SOURCE} tags of source {source}: {}",
            tags.len()
        )));
    }
    if details.tags.len() >= MAX_SOURCES && !details.tags.contains_key(&source) {
        return Err(CatalogError::Invalid(format!("more than {MAX_SOURCES} sources of tags")));
    }
    if tags.is_empty() {
        details.tags.remove(&source);
    } else {
        details.tags.insert(source, tags);
    }
    Ok(())
}
