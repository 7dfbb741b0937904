//! From a scope to the series of one metric, over any index: the head's or a segment's.

use galgo_core::HostTags;
use galgo_query::source::Scope;
use roaring::RoaringBitmap;

/// The series of one metric in one index.
pub trait MetricView {
    /// All of them.
    fn all(&self) -> RoaringBitmap;
    /// Those that carry a tag.
    fn with_tag(&self, tag: &str) -> RoaringBitmap;
    /// Those that belong to a host.
    fn with_host(&self, host: &str) -> RoaringBitmap;
    /// Those that carry a tag for which `matches` holds.
    fn with_tags_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap;
    /// Those that belong to a host for which `matches` holds.
    fn with_hosts_like(&self, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap;
}

/// The series that a scope selects. A tag of a host counts as a tag of each of its series.
pub fn select(view: &dyn MetricView, scope: &Scope, hosts: &HostTags) -> RoaringBitmap {
    match scope {
        Scope::All => view.all(),
        Scope::And(parts) => {
            let mut selected: Option<RoaringBitmap> = None;
            for part in parts {
                let next = select(view, part, hosts);
                let both = selected.map_or_else(|| next.clone(), |before| before & &next);
                if both.is_empty() {
                    return both;
                }
                selected = Some(both);
            }
            selected.unwrap_or_else(|| view.all())
        }
        Scope::Or(parts) => parts.iter().fold(RoaringBitmap::new(), |union, part| union | select(view, part, hosts)),
        Scope::Not(inner) => view.all() - select(view, inner, hosts),
        Scope::Tag(tag) => select_tag(view, tag, hosts),
        Scope::Like(pattern) => select_like(view, pattern, hosts),
    }
}

fn select_tag(view: &dyn MetricView, tag: &str, hosts: &HostTags) -> RoaringBitmap {
    let mut selected = view.with_tag(tag);
    if let Some(host) = tag.strip_prefix("host:") {
        selected |= view.with_host(host);
        // A host name keeps its case; a scope is normalised to lower case.
        selected |=
            view.with_hosts_like(&|name| name.len() == host.len() && name != host && name.eq_ignore_ascii_case(host));
    }
    for host in hosts.hosts_with(tag) {
        selected |= view.with_host(host);
    }
    selected
}

fn select_like(view: &dyn MetricView, pattern: &str, hosts: &HostTags) -> RoaringBitmap {
    let pattern = Pattern::new(pattern);
    let mut selected = view.with_tags_like(&|tag| pattern.matches(tag));
    if pattern.may_match_prefix("host:") {
        let mut name = String::from("host:");
        let matched = std::cell::RefCell::new(&mut name);
        selected |= view.with_hosts_like(&|host| {
            let mut name = matched.borrow_mut();
            name.truncate("host:".len());
            name.push_str(&host.to_ascii_lowercase());
            !host.is_empty() && pattern.matches(&name)
        });
    }
    for (tag, members) in hosts.tags_from(pattern.literal_prefix()) {
        if !tag.starts_with(pattern.literal_prefix()) {
            break;
        }
        if pattern.matches(tag) {
            for host in members {
                selected |= view.with_host(host);
            }
        }
    }
    selected
}

/// A tag pattern with `*` for any run of characters. `key:*` also matches a bare `key`.
#[derive(Debug)]
pub struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    /// Splits the pattern at its stars.
    pub fn new(pattern: &str) -> Self {
        Self { pieces: pattern.split('*').map(str::to_owned).collect() }
    }

    /// What every match starts with.
    pub fn literal_prefix(&self) -> &str {
        // `key:*` matches a bare `key` too.
        let first = self.pieces[0].as_str();
        if self.is_key() { first.strip_suffix(':').unwrap_or(first) } else { first }
    }

    fn is_key(&self) -> bool {
        matches!(self.pieces.as_slice(), [key, rest] if key.ends_with(':') && rest.is_empty())
    }

    /// Whether a text that starts with `prefix` could match.
    pub fn may_match_prefix(&self, prefix: &str) -> bool {
        let literal = self.pieces[0].as_str();
        prefix.starts_with(literal) || literal.starts_with(prefix)
    }

    /// Whether a tag matches.
    pub fn matches(&self, tag: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else { return self.pieces[0] == tag };
        if self.is_key() && tag == &first[..first.len() - 1] {
            return true;
        }
        let Some(mut rest) = tag.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_anywhere() {
        for (pattern, tag, expected) in [
            ("env:prod", "env:prod", true),
            ("env:*", "env:prod", true),
            ("env:*", "env", true),
            ("env:*", "environment:prod", false),
            ("host:web-*", "host:web-1", true),
            ("host:*-db", "host:eu-db", true),
            ("image:*redis*", "image:my-redis-7", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*bc", "abc", true),
            ("a*ab", "ab", false),
            ("*", "anything", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(tag), expected, "{pattern} on {tag}");
        }
        assert_eq!(Pattern::new("env:*").literal_prefix(), "env");
        assert!(Pattern::new("ho*").may_match_prefix("host:"));
        assert!(!Pattern::new("env:*").may_match_prefix("host:"));
    }
}
