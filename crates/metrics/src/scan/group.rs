//! From the tags of a series to its groups.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_core::{HostTags, tags};
use smallvec::SmallVec;

/// Groups of one series; nearly always one.
pub type GroupIds = SmallVec<[u32; 1]>;

/// Most groups that one series may fall into when it carries a key several times.
const MAX_GROUPS_OF_A_SERIES: usize = 16;

/// Numbers the groups of a leaf as series come along.
pub struct Grouper<'a> {
    keys: &'a [String],
    hosts: Arc<HostTags>,
    skip_ungrouped: bool,
    ids: HashMap<Vec<Option<String>>, u32>,
    /// The values of each group, by number.
    pub groups: Vec<Vec<Option<String>>>,
}

impl<'a> Grouper<'a> {
    /// A grouper by tag keys.
    pub fn new(keys: &'a [String], hosts: Arc<HostTags>, skip_ungrouped: bool) -> Self {
        let mut grouper = Self { keys, hosts, skip_ungrouped, ids: HashMap::new(), groups: Vec::new() };
        if keys.is_empty() {
            grouper.groups.push(Vec::new());
        }
        grouper
    }

    /// The groups of a series. A series that carries a key with several values belongs to the group of each.
    pub fn groups_of<'t>(&mut self, host: &str, own: impl Iterator<Item = &'t str> + Clone) -> GroupIds {
        if self.keys.is_empty() {
            return SmallVec::from_slice(&[0]);
        }
        let mut combinations: SmallVec<[Vec<Option<String>>; 1]> = SmallVec::new();
        combinations.push(Vec::with_capacity(self.keys.len()));
        for key in self.keys {
            let values = self.values_of(key, host, own.clone());
            if values.is_empty() {
                if self.skip_ungrouped {
                    return GroupIds::new();
                }
                combinations.iter_mut().for_each(|combination| combination.push(None));
                continue;
            }
            combinations = combinations
                .iter()
                .flat_map(|before| values.iter().map(|value| [before.as_slice(), &[Some(value.clone())]].concat()))
                .take(MAX_GROUPS_OF_A_SERIES)
                .collect();
        }
        combinations.into_iter().map(|combination| self.id(combination)).collect()
    }

    fn id(&mut self, combination: Vec<Option<String>>) -> u32 {
        if let Some(&id) = self.ids.get(&combination) {
            return id;
        }
        let id = self.groups.len() as u32;
        self.groups.push(combination.clone());
        self.ids.insert(combination, id);
        id
    }

    // Own tags come before host tags. `host` is the series' own host: further `host:` tags select, they do not group.
    fn values_of<'t>(&self, key: &str, host: &str, own: impl Iterator<Item = &'t str>) -> SmallVec<[String; 1]> {
        if key == "host" && !host.is_empty() {
            return SmallVec::from_iter([host.to_owned()]);
        }
        let value_of = |tag: &str| {
            let (tag_key, value) = tags::split_tag(tag);
            (tag_key == key && !value.is_empty()).then(|| value.to_owned())
        };
        let values: SmallVec<[String; 1]> = own.filter_map(value_of).collect();
        if !values.is_empty() || host.is_empty() {
            return values;
        }
        self.hosts.of(host).iter().filter_map(|tag| value_of(tag)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_tags_come_before_host_tags_and_several_values_make_several_groups() {
        let hosts = HostTags::new([("h".to_owned(), vec!["env:host".to_owned(), "region:eu".to_owned()])]);
        let keys = ["env".to_owned(), "region".to_owned()];
        let mut grouper = Grouper::new(&keys, Arc::new(hosts), false);
        assert_eq!(grouper.groups_of("h", ["env:own"].into_iter()).as_slice(), [0]);
        assert_eq!(grouper.groups_of("h", ["env:a", "env:b"].into_iter()).as_slice(), [1, 2]);
        assert_eq!(grouper.groups_of("", ["env:own"].into_iter()).as_slice(), [3]);
        let group = |env: &str, region: Option<&str>| vec![Some(env.to_owned()), region.map(str::to_owned)];
        assert_eq!(
            grouper.groups,
            [group("own", Some("eu")), group("a", Some("eu")), group("b", Some("eu")), group("own", None)]
        );
    }

    #[test]
    fn monitors_leave_ungrouped_series_out() {
        let keys = ["host".to_owned()];
        let mut grouper = Grouper::new(&keys, Arc::default(), true);
        assert!(grouper.groups_of("", ["x:y"].into_iter()).is_empty());
        assert_eq!(grouper.groups_of("H", ["host:other"].into_iter()).as_slice(), [0]);
        assert_eq!(grouper.groups, [[Some("H".to_owned())]]);
    }
}
