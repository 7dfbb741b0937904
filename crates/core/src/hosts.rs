//! Host tags as one immutable snapshot. They are not copied into series: a query resolves `{env:test}` to "series with
//! that tag, or of a host with that tag", so a changed host tag works at once and makes no new series.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Tags of every host, merged over their sources, indexed both ways.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HostTags {
    by_host: HashMap<String, Vec<String>>,
    by_tag: BTreeMap<String, BTreeSet<String>>,
}

impl HostTags {
    /// Builds the snapshot from normalised tags.
    pub fn new(hosts: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let mut snapshot = Self::default();
        for (host, mut tags) in hosts {
            tags.sort();
            tags.dedup();
            for tag in &tags {
                snapshot.by_tag.entry(tag.clone()).or_default().insert(host.clone());
            }
            snapshot.by_host.insert(host, tags);
        }
        snapshot
    }

    /// The tags of a host, sorted; empty when it has none.
    pub fn of(&self, host: &str) -> &[String] {
        self.by_host.get(host).map_or(&[], Vec::as_slice)
    }

    /// Whether any host has a tag.
    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    /// The hosts that carry a tag.
    pub fn hosts_with(&self, tag: &str) -> impl Iterator<Item = &str> {
        self.by_tag.get(tag).into_iter().flatten().map(String::as_str)
    }

    /// Every tag with its hosts, in order of tags, starting at the first that is not below `from`.
    pub fn tags_from<'a>(&'a self, from: &str) -> impl Iterator<Item = (&'a str, &'a BTreeSet<String>)> {
        self.by_tag
            .range::<str, _>((std::ops::Bound::Included(from), std::ops::Bound::Unbounded))
            .map(|(tag, hosts)| (tag.as_str(), hosts))
    }
}

/// The current snapshot, replaced whole by the catalogue and read without a lock.
#[derive(Debug, Default, Clone)]
pub struct HostTagsCell(Arc<ArcSwap<HostTags>>);

impl HostTagsCell {
    /// The snapshot of this moment.
    pub fn load(&self) -> Arc<HostTags> {
        self.0.load_full()
    }

    /// Replaces the snapshot.
    pub fn store(&self, snapshot: HostTags) {
        self.0.store(Arc::new(snapshot));
    }
}
