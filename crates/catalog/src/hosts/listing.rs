//! Lists of hosts as `/api/v1/hosts` and the infrastructure list want them.

use std::cmp::Ordering as CmpOrdering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use sqlx::Row;

use crate::hosts::registry::{Details, Slot, from_json};
use crate::hosts::{ACTIVE_SECONDS, Host};
use crate::secrets::SecretHash;
use crate::{Catalog, Result};

/// A number of a host by name, such as its CPU use.
pub type HostValue = Arc<dyn Fn(&str) -> Option<f64> + Send + Sync>;

/// What a host list is sorted by.
#[derive(Clone, Default)]
pub enum HostSort {
    /// Name.
    #[default]
    Name,
    /// Up before down.
    Status,
    /// Names of the apps.
    Apps,
    /// Last report.
    LastSeen,
    /// A number per host (cpu, iowait, load) that the caller takes from the metric store; hosts without one come last.
    Value(HostValue),
}

impl fmt::Debug for HostSort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "Name",
            Self::Status => "Status",
            Self::Apps => "Apps",
            Self::LastSeen => "LastSeen",
            Self::Value(_) => "Value",
        })
    }
}

/// Which hosts, in which order.
#[derive(Debug, Clone, Default)]
pub struct HostQuery {
    /// Terms separated by blanks or commas, all of which must hold. A term with a colon is a tag (`env:prod`,
    /// `host:web-*`), any other is looked for within name, aliases, apps and tags. `-term` or `!term` must not hold.
    pub filter: String,
    /// Seconds since the UNIX epoch: only hosts that reported since. `None`: within [`super::ACTIVE_SECONDS`].
    pub from: Option<i64>,
    /// Order.
    pub sort: HostSort,
    /// Largest first.
    pub descending: bool,
    /// How many to skip.
    pub start: usize,
    /// At most so many.
    pub count: usize,
}

/// One page of hosts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostPage {
    /// The hosts of this page.
    pub hosts: Vec<Host>,
    /// How many match in all.
    pub total_matching: usize,
}

/// Numbers of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostTotals {
    /// Reported since `from` (default: within [`super::ACTIVE_SECONDS`]).
    pub active: usize,
    /// Of those, up now.
    pub up: usize,
}

/// Hosts whose documents one call reads at most.
const MAX_METADATA_HOSTS: usize = 1000;
/// Bits of a host id: numbers that a JavaScript client can hold exactly.
const ID_BITS: u32 = 53;

impl Catalog {
    /// One page of hosts. No SQL.
    pub fn hosts(&self, query: &HostQuery) -> HostPage {
        let now = self.inner.clock.now_s();
        let from = query.from.unwrap_or(now - ACTIVE_SECONDS);
        let filter = Filter::parse(&query.filter);
        let mut matching: Vec<Host> = Vec::new();
        for (name, slot) in self.inner.hosts.hosts.read().iter() {
            let last_seen = slot.last_seen.load(Ordering::Relaxed);
            let details = slot.details.load();
            if last_seen > 0 && last_seen >= from && filter.matches(name, &details) {
                matching.push(host(name, slot, &details, now));
            }
        }
        sort(&mut matching, &query.sort, query.descending);
        let total_matching = matching.len();
        let hosts = matching.into_iter().skip(query.start).take(query.count).collect();
        HostPage { hosts, total_matching }
    }

    /// One host by name or alias. No SQL.
    pub fn host(&self, name: &str) -> Option<Host> {
        let now = self.inner.clock.now_s();
        let hosts = self.inner.hosts.hosts.read();
        if let Some(slot) = hosts.get(name) {
            return Some(host(name, slot, &slot.details.load(), now));
        }
        let by_alias = hosts.iter().find(|(_, slot)| slot.details.load().aliases.contains(name));
        by_alias.map(|(name, slot)| host(name, slot, &slot.details.load(), now))
    }

    /// Numbers of hosts. No SQL.
    pub fn host_totals(&self, from: Option<i64>) -> HostTotals {
        let active_since = self.inner.clock.now_s() - ACTIVE_SECONDS;
        let from = from.unwrap_or(active_since);
        let mut totals = HostTotals::default();
        for slot in self.inner.hosts.hosts.read().values() {
            let last_seen = slot.last_seen.load(Ordering::Relaxed);
            let active = last_seen > 0 && last_seen >= from;
            totals.active += usize::from(active);
            totals.up += usize::from(active && last_seen >= active_since);
        }
        totals
    }

    /// Names of hosts that contain `part` (any case), sorted, at most `limit`. No SQL.
    pub fn host_names(&self, part: &str, limit: usize) -> Vec<String> {
        let part = part.to_lowercase();
        let hosts = self.inner.hosts.hosts.read();
        let seen = hosts.iter().filter(|(_, slot)| slot.last_seen.load(Ordering::Relaxed) > 0);
        let mut names: Vec<String> =
            seen.map(|(name, _)| name).filter(|name| name.to_lowercase().contains(&part)).cloned().collect();
        names.sort();
        names.truncate(limit);
        names
    }

    /// Metadata documents of some hosts: host -> kind -> document (kinds: [`super::report::kind`]).
    pub async fn host_metadata(&self, hosts: &[String]) -> Result<BTreeMap<String, BTreeMap<String, Value>>> {
        let mut found: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut connection = self.inner.database.reader().acquire().await?;
        for host in hosts.iter().take(MAX_METADATA_HOSTS).filter(|host| !host.contains('\0')) {
            let documents = sqlx::query("SELECT kind, document FROM host_metadata WHERE host = $1").bind(host);
            for row in documents.fetch_all(&mut *connection).await? {
                let document: String = row.try_get(1)?;
                found.entry(host.clone()).or_default().insert(row.try_get(0)?, from_json(&document)?);
            }
        }
        Ok(found)
    }
}

fn host(name: &str, slot: &Slot, details: &Details, now: i64) -> Host {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
    let last_seen = slot.last_seen.load(Ordering::Relaxed);
    Host {
        id: id_of(name),
        name: name.to_owned(),
        aliases: list(&details.aliases),
        apps: list(&details.apps),
        sources: list(&details.sources),
        tags_by_source: details.tags.clone(),
        agent_version: details.agent_version.clone(),
        agent_flavor: details.agent_flavor.clone(),
        platform: details.platform.clone(),
        first_seen: slot.first_seen.load(Ordering::Relaxed),
        last_seen,
        up: last_seen > 0 && last_seen >= now - ACTIVE_SECONDS,
        mute: details.mute.clone().filter(|mute| mute.holds_at(now)),
    }
}

fn id_of(name: &str) -> i64 {
    let half = SecretHash::of(name).half();
    let number = half.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    (number >> (u64::BITS - ID_BITS)) as i64
}

fn sort(hosts: &mut [Host], by: &HostSort, descending: bool) {
    // Names decide between equals, always in the same direction.
    hosts.sort_by(|left, right| left.name.cmp(&right.name));
    let directed = |ordering: CmpOrdering| if descending { ordering.reverse() } else { ordering };
    match by {
        HostSort::Name => hosts.sort_by(|left, right| directed(left.name.cmp(&right.name))),
        HostSort::Status => hosts.sort_by(|left, right| directed(right.up.cmp(&left.up))),
        HostSort::Apps => hosts.sort_by(|left, right| directed(left.apps.cmp(&right.apps))),
        HostSort::LastSeen => hosts.sort_by(|left, right| directed(left.last_seen.cmp(&right.last_seen))),
        HostSort::Value(value) => {
            hosts.sort_by_cached_key(|host| {
                let value = value(&host.name).filter(|value| !value.is_nan());
                let key = value.map(|value| total_order(if descending { -value } else { value }));
                (key.is_none(), key)
            });
        }
    }
}

/// Maps a number to an integer of the same order.
fn total_order(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// A parsed filter: all terms must hold.
struct Filter(Vec<Term>);

struct Term {
    negated: bool,
    text: String,
}

impl Filter {
    fn parse(text: &str) -> Self {
        let words = text.split(|character: char| character.is_whitespace() || character == ',');
        let terms = words.filter_map(|word| {
            let positive = word.strip_prefix(['-', '!']);
            let text = positive.unwrap_or(word).to_lowercase();
            (!text.is_empty()).then_some(Term { negated: positive.is_some(), text })
        });
        Self(terms.collect())
    }

    fn matches(&self, name: &str, details: &Details) -> bool {
        self.0.iter().all(|term| term.matches(name, details) != term.negated)
    }
}

impl Term {
    fn matches(&self, name: &str, details: &Details) -> bool {
        let names = || std::iter::once(name).chain(details.aliases.iter().map(String::as_str));
        let tags = || details.tags.values().flatten();
        let Some((key, value)) = self.text.split_once(':') else {
            let within = |text: &str| {
                let text = text.to_lowercase();
                if self.text.contains('*') { glob(&self.text, &text) } else { text.contains(&self.text) }
            };
            return names().any(within) || details.apps.iter().any(|app| within(app)) || tags().any(|tag| within(tag));
        };
        let like = |text: &str, pattern: &str| glob(pattern, &text.to_lowercase());
        match key {
            "host" => names().any(|name| like(name, value)) || tags().any(|tag| like(tag, &self.text)),
            "app" | "apps" if details.apps.iter().any(|app| like(app, value)) => true,
            _ => tags().any(|tag| like(tag, &self.text)),
        }
    }
}

/// Whether a pattern, in which `*` stands for any run of characters, covers the whole text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(tags: &[&str], aliases: &[&str], apps: &[&str]) -> Details {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let tags = BTreeMap::from([("Datadog".to_owned(), tags.iter().map(ToString::to_string).collect())]);
        Details { tags, aliases: set(aliases), apps: set(apps), ..Details::default() }
    }

    #[test]
    fn filters_match_names_aliases_apps_and_tags() {
        let details = details(&["env:prod", "role:db-1", "host:ubuntu"], &["i-0abc"], &["agent", "mysql"]);
        for (filter, expected) in [
            ("", true),
            ("web", true),
            ("WEB-1", true),
            ("web-2", false),
            ("i-0a", true),
            ("mysql", true),
            ("prod", true),
            ("env:prod", true),
            ("env:pro", false),
            ("env:*", true),
            ("role:db-*", true),
            ("env:prod role:db-1", true),
            ("env:prod,role:web", false),
            ("-env:prod", false),
            ("!env:dev web", true),
            ("host:web-1", true),
            ("host:i-*", true),
            ("host:ubuntu", true),
            ("host:other", false),
            ("app:mysql", true),
            ("w*1", true),
        ] {
            assert_eq!(Filter::parse(filter).matches("web-1", &details), expected, "{filter:?}");
        }
    }

    #[test]
    fn patterns_cover_the_whole_text() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("a*b*c", "axxbyc", true),
            ("aa*a", "aa", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn values_keep_their_order_as_integers() {
        let values = [f64::NEG_INFINITY, -2.0, -0.5, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(values.windows(2).all(|pair| total_order(pair[0]) < total_order(pair[1])));
        assert_eq!(total_order(-0.0), total_order(0.0));
    }

    #[test]
    fn ids_are_stable_and_fit_javascript() {
        assert_eq!(id_of("web-1"), id_of("web-1"));
        assert!(id_of("web-1") > 0 && id_of("web-1") < 1 << 53);
    }
}
