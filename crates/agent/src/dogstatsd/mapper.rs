//! Mapper profiles: turns dotted StatsD names into a name and tags (`dogstatsd_mapper_profiles`; reference:
//! dogstatsd.md §3). The rules are those of Datadog's agent: the first mapping that fits counts, a wildcard stands for
//! one part between dots, `$1` for what the first one held.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use parking_lot::Mutex;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// Names remembered unless told otherwise (`dogstatsd_mapper_cache_size`).
pub const DEFAULT_MAPPER_CACHE: usize = 1000;
/// Most mappings of all profiles together.
const MAX_MAPPINGS: usize = 10_000;
/// A prefix that every name has.
const ANY_PREFIX: &str = "*";

/// Why profiles cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapperError {
    /// They are no list of maps with these keys.
    #[error("expected a list of maps with name, prefix and mappings: {0}")]
    Shape(String),
    /// A profile that lacks a key.
    #[error("profile {profile}: {what} is missing")]
    Profile {
        /// Its name, or its number from 1.
        profile: String,
        /// The key.
        what: &'static str,
    },
    /// A mapping that cannot be used.
    #[error("profile {profile}, mapping {number}: {reason}")]
    Mapping {
        /// Name of its profile.
        profile: String,
        /// Its number from 1.
        number: usize,
        /// Value and what was expected.
        reason: String,
    },
    /// Too many mappings.
    #[error("{0} mappings are too many, the limit is {MAX_MAPPINGS}")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct ProfileText {
    #[serde(default)]
    name: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    mappings: Vec<MappingText>,
}

#[derive(Deserialize)]
struct MappingText {
    #[serde(rename = "match", default)]
    pattern: String,
    #[serde(default)]
    match_type: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, Scalar>,
}

/// A tag's value, which YAML may read as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

struct Profile {
    prefix: String,
    mappings: Vec<Mapping>,
}

struct Mapping {
    pattern: Regex,
    name: String,
    tags: Vec<(String, String)>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The metric's name.
    pub name: String,
    /// Tags that come on top.
    pub tags: Vec<String>,
}

/// Maps names. Remembers what it found, names without a mapping too.
pub struct Mapper {
    profiles: Vec<Profile>,
    cache: Mutex<HashMap<String, Option<Mapped>>>,
    max_cached: usize,
}

impl std::fmt::Debug for Mapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mappings: usize = self.profiles.iter().map(|profile| profile.mappings.len()).sum();
        f.debug_struct("Mapper").field("mappings", &mappings).field("max_cached", &self.max_cached).finish()
    }
}

impl Mapper {
    /// A mapper from `dogstatsd_mapper_profiles` as written: a list of maps. `None` when the list is empty.
    pub fn parse(profiles: &Value, max_cached: usize) -> Result<Option<Self>, MapperError> {
        if profiles.is_null() {
            return Ok(None);
        }
        let texts = Vec::<ProfileText>::deserialize(profiles).map_err(|error| MapperError::Shape(error.to_string()))?;
        let mappings = texts.iter().map(|profile| profile.mappings.len()).sum();
        if mappings > MAX_MAPPINGS {
            return Err(MapperError::TooMany(mappings));
        }
        let profiles =
            texts.into_iter().enumerate().map(|(at, text)| profile(at, text)).collect::<Result<Vec<_>, _>>()?;
        Ok((!profiles.is_empty()).then(|| Self { profiles, cache: Mutex::default(), max_cached }))
    }

    /// What a name stands for, `None` for itself.
    pub fn map(&self, name: &str) -> Option<Mapped> {
        let mut cache = self.cache.lock();
        if let Some(known) = cache.get(name) {
            return known.clone();
        }
        let found = self.find(name);
        if cache.len() >= self.max_cached {
            cache.clear();
        }
        if self.max_cached > 0 {
            cache.insert(name.to_owned(), found.clone());
        }
        found
    }

    fn find(&self, name: &str) -> Option<Mapped> {
        let fits = |profile: &&Profile| profile.prefix == ANY_PREFIX || name.starts_with(&profile.prefix);
        let mut mappings = self.profiles.iter().filter(fits).flat_map(|profile| &profile.mappings);
        mappings.find_map(|mapping| {
            let captures = mapping.pattern.captures(name)?;
            let expand = |template: &str| {
                let mut text = String::new();
                captures.expand(template, &mut text);
                text
            };
            let tags = mapping.tags.iter().map(|(key, value)| format!("{key}:{}", expand(value))).collect();
            Some(Mapped { name: expand(&mapping.name), tags })
        })
    }
}

fn profile(at: usize, text: ProfileText) -> Result<Profile, MapperError> {
    let shown = if text.name.is_empty() { (at + 1).to_string() } else { text.name.clone() };
    for (what, value) in [("name", &text.name), ("prefix", &text.prefix)] {
        if value.is_empty() {
            return Err(MapperError::Profile { profile: shown, what });
        }
    }
    let mapping = |(at, text)| {
        let refuse = |reason| MapperError::Mapping { profile: shown.clone(), number: at + 1, reason };
        mapping(text).map_err(refuse)
    };
    let mappings = text.mappings.into_iter().enumerate().map(mapping).collect::<Result<Vec<_>, _>>()?;
    Ok(Profile { prefix: text.prefix, mappings })
}

fn mapping(text: MappingText) -> Result<Mapping, String> {
    if text.name.is_empty() {
        return Err("name is missing".to_owned());
    }
    if text.pattern.is_empty() {
        return Err("match is missing".to_owned());
    }
    let pattern = match text.match_type.as_str() {
        "" | "wildcard" => wildcard(&text.pattern)?,
        "regex" => text.pattern.clone(),
        other => return Err(format!("match_type must be wildcard or regex: {other:?}")),
    };
    let pattern = Regex::new(&format!("^{pattern}$"))
        .map_err(|error| format!("match is no regular expression: {:?}: {}", text.pattern, last_line(&error)))?;
    let tags = text.tags.into_iter().map(|(key, value)| (key, value.to_string())).collect();
    Ok(Mapping { pattern, name: text.name, tags })
}

/// The last line of an error says what is wrong; those above draw it.
fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The regular expression of a wildcard pattern.
fn wildcard(pattern: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_*.".contains(c);
    if !pattern.chars().all(allowed) {
        return Err(format!("match may hold letters, digits, -, _, * and . only: {pattern:?}"));
    }
    if pattern.contains("**") {
        return Err(format!("match must not hold two * in a row: {pattern:?}"));
    }
    Ok(pattern.replace('.', "\\.").replace('*', "([^.]*)"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapper() -> Mapper {
        let profiles = json!([
            {
                "name": "airflow",
                "prefix": "airflow.",
                "mappings": [
                    {"match": "airflow.job.duration_sec.*.*", "name": "airflow.job.duration",
                     "tags": {"job_type": "$1", "job_name": "$2"}},
                    {"match": "airflow.task.*.size", "match_type": "wildcard", "name": "airflow.task.${1}_size"},
                    {"match": "airflow\\.dag\\.(?P<dag>[^.]+)\\.(\\d+)", "match_type": "regex", "name": "airflow.dag",
                     "tags": {"dag": "$dag", "run": "$2", "fixed": 1}}
                ]
            },
            {"name": "all", "prefix": "*", "mappings": [{"match": "*.requests.*", "name": "requests", "tags": {"app": "$1"}}]}
        ]);
        Mapper::parse(&profiles, 2).unwrap().unwrap()
    }

    #[test]
    fn names_become_names_and_tags() {
        let mapper = mapper();
        for _ in 0..2 {
            for (name, expected) in [
                (
                    "airflow.job.duration_sec.my_type.my_name",
                    Some(("airflow.job.duration", vec!["job_name:my_name", "job_type:my_type"])),
                ),
                ("airflow.job.duration_sec.my_type.my.name", None),
                ("airflow.task.x.size", Some(("airflow.task.x_size", vec![]))),
                ("airflow.dag.etl.17", Some(("airflow.dag", vec!["dag:etl", "fixed:1", "run:17"]))),
                ("airflow.dag.etl.x", None),
                ("shop.requests.get", Some(("requests", vec!["app:shop"]))),
                ("airflow.requests.get", Some(("requests", vec!["app:airflow"]))),
                ("other", None),
            ] {
                let expected = expected.map(|(name, tags)| Mapped {
                    name: name.into(),
                    tags: tags.into_iter().map(str::to_owned).collect(),
                });
                assert_eq!(mapper.map(name), expected, "{name}");
            }
        }
        assert!(mapper.cache.lock().len() <= 2);
    }

    #[test]
    fn mistakes_are_named() {
        let one =
            |mapping: Value| json!([{"name": "p", "prefix": "a.", "mappings": [{"match": "a", "name": "b"}, mapping]}]);
        for (profiles, error) in [
            (
                json!({"name": "p"}),
                "expected a list of maps with name, prefix and mappings: invalid type: map, expected a sequence",
            ),
            (json!([{"prefix": "a."}]), "profile 1: name is missing"),
            (json!([{"name": "p"}]), "profile p: prefix is missing"),
            (one(json!({"name": "b"})), "profile p, mapping 2: match is missing"),
            (one(json!({"match": "a.*"})), "profile p, mapping 2: name is missing"),
            (
                one(json!({"match": "a.**", "name": "b"})),
                "profile p, mapping 2: match must not hold two * in a row: \"a.**\"",
            ),
            (
                one(json!({"match": "a.(x)", "name": "b"})),
                "profile p, mapping 2: match may hold letters, digits, -, _, * and . only: \"a.(x)\"",
            ),
            (
                one(json!({"match": "a", "match_type": "glob", "name": "b"})),
                "profile p, mapping 2: match_type must be wildcard or regex: \"glob\"",
            ),
            (
                one(json!({"match": "a(", "match_type": "regex", "name": "b"})),
                "profile p, mapping 2: match is no regular expression: \"a(\": unclosed group",
            ),
        ] {
            assert_eq!(Mapper::parse(&profiles, 10).unwrap_err().to_string(), error);
        }
        for empty in [Value::Null, json!([])] {
            assert!(Mapper::parse(&empty, 10).unwrap().is_none());
        }
    }
}
