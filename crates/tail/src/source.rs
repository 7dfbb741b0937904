//! One entry of a `logs:` list: where lines come from and what they are filed under (reference: agent-config.md §6).

use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::is_affirmative;
use regex::Regex;
use serde_json::Value;

use crate::encoding::Encoding;
use crate::pattern;
use crate::rules::{RuleSet, SharedRules, kind_of};

/// Types that exist in Datadog's agent and need something that this agent does not talk to.
const ELSEWHERE: [&str; 5] = ["docker", "windows_event", "containerd", "kubernetes", "snmp_traps"];

/// Keys that this agent reads; others are warned about, for they are mostly misspelled.
const KNOWN: [&str; 30] = [
    "type",
    "path",
    "port",
    "service",
    "source",
    "sourcecategory",
    "source_category",
    "tags",
    "encoding",
    "start_position",
    "exclude_paths",
    "log_processing_rules",
    "auto_multi_line_detection",
    "auto_multi_line_extra_patterns",
    "auto_multi_line_sample_size",
    "auto_multi_line_match_threshold",
    "frame_size",
    "idle_timeout",
    "include_units",
    "exclude_units",
    "include_user_units",
    "exclude_user_units",
    "include_matches",
    "exclude_matches",
    "config_id",
    "container_mode",
    "process_raw_message",
    "default_application_name",
    "integration_name",
    "integration_source",
];

/// An entry that cannot be collected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{where_from}: {reason}")]
pub struct SourceError {
    /// File and place in it.
    pub where_from: String,
    /// Key, value and what was expected.
    pub reason: String,
}

/// Where reading of a file begins that the agent sees for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartPosition {
    /// At its end; the saved place wins.
    #[default]
    End,
    /// At its beginning; the saved place wins.
    Beginning,
    /// At its end at every start of the agent.
    ForceEnd,
    /// At its beginning at every start of the agent.
    ForceBeginning,
}

/// Files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    /// Absolute path, may hold `*`, `?`, `[a-z]` in any part and `**` for any folders.
    pub path: String,
    /// Patterns of paths that are left out.
    pub exclude_paths: Vec<String>,
    /// How the bytes are text.
    pub encoding: Encoding,
    /// Where reading begins.
    pub start_position: StartPosition,
}

/// Part of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalSource {
    /// Folder or file of the journal; empty for the host's own.
    pub path: String,
    /// Where reading begins when no place is saved.
    pub start_position: StartPosition,
    /// `FIELD=value` matches one of which must hold; empty for everything.
    pub include: Vec<String>,
    /// `FIELD=value` matches none of which may hold.
    pub exclude: Vec<String>,
    /// Whether rules see the whole entry as JSON, or only its text.
    pub process_raw_message: bool,
}

/// What kind of place lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// Files.
    File(FileSource),
    /// Lines that applications send to a TCP port.
    Tcp {
        /// Port on all addresses.
        port: u16,
        /// A connection that says nothing for so long is closed.
        idle_timeout: Option<Duration>,
    },
    /// Datagrams that applications send to a UDP port.
    Udp {
        /// Port on all addresses.
        port: u16,
        /// Longest datagram in bytes; `None` for the agent's `logs_config.frame_size`.
        frame_size: Option<usize>,
    },
    /// The journal of systemd.
    Journald(JournalSource),
    /// Lines that the check of the same name sends.
    Integration,
}

/// One entry of a `logs:` list.
#[derive(Debug, Clone)]
pub struct TailSource {
    /// The integration in whose configuration it stands; empty when unknown.
    pub check: String,
    /// File and place in it, for people.
    pub where_from: String,
    /// Where lines come from.
    pub kind: SourceKind,
    /// `service` of its lines.
    pub service: String,
    /// `source` of its lines.
    pub source: String,
    /// Tags of its lines, `sourcecategory:…` among them.
    pub tags: Vec<String>,
    /// Whether logs of several lines are recognised without a rule; `None` when the agent's setting decides.
    pub auto_multi_line: Option<bool>,
    /// Patterns that begin a new log besides the known timestamps.
    pub extra_starts: Vec<Regex>,
    /// What is odd and does no harm, such as keys that mean nothing.
    pub warnings: Vec<String>,
    pub(crate) rules: SharedRules,
    config: Value,
}

impl PartialEq for TailSource {
    /// Two entries are the same when their configuration is; where it stands does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.check == other.check && self.config == other.config
    }
}

impl TailSource {
    /// Reads an entry. `where_from` is its file and place, for errors.
    pub fn parse(config: &Value, where_from: &str) -> Result<Self, SourceError> {
        let refuse = |reason: String| SourceError { where_from: where_from.to_owned(), reason };
        if !config.is_object() {
            return Err(refuse(format!("an entry of logs must be a map with a type, not {}", kind_of(config))));
        }
        let entry = Entry { config };
        let kind = entry.kind().map_err(refuse)?;
        let rules = RuleSet::parse(config.get("log_processing_rules"), "log_processing_rules");
        let rules = Arc::new(rules.map_err(|error| refuse(error.to_string()))?);
        let mut tags = entry.tags().map_err(refuse)?;
        let category = match entry.text("sourcecategory").map_err(refuse)? {
            category if !category.is_empty() => category,
            _ => entry.text("source_category").map_err(refuse)?,
        };
        if !category.is_empty() {
            tags.push(format!("sourcecategory:{category}"));
        }
        let extra_starts = entry.extra_starts().map_err(refuse)?;
        let auto_multi_line =
            config.get("auto_multi_line_detection").filter(|value| !value.is_null()).map(is_affirmative);
        Ok(Self {
            check: String::new(),
            where_from: where_from.to_owned(),
            kind,
            service: entry.text("service").map_err(refuse)?,
            source: entry.text("source").map_err(refuse)?,
            tags,
            auto_multi_line,
            extra_starts,
            warnings: entry.warnings(),
            rules,
            config: config.clone(),
        })
    }

    /// The same entry as part of an integration's configuration.
    #[must_use]
    pub fn for_check(mut self, check: impl Into<String>) -> Self {
        self.check = check.into();
        self
    }

    /// `file`, `tcp` and so on.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            SourceKind::File(_) => "file",
            SourceKind::Tcp { .. } => "tcp",
            SourceKind::Udp { .. } => "udp",
            SourceKind::Journald(_) => "journald",
            SourceKind::Integration => "integration",
        }
    }

    /// What it reads, in few words: `file:/var/log/x.log`, `tcp:10514`. Places are saved under this name.
    pub fn name(&self) -> String {
        match &self.kind {
            SourceKind::File(file) => format!("file:{}", file.path),
            SourceKind::Tcp { port, .. } => format!("tcp:{port}"),
            SourceKind::Udp { port, .. } => format!("udp:{port}"),
            SourceKind::Journald(journal) => {
                let mut name = format!("journald:{}", journal.path);
                let config_id = self.config.get("config_id").and_then(Value::as_str).unwrap_or_default();
                for part in std::iter::once(config_id).chain(journal.include.iter().map(String::as_str)) {
                    if !part.is_empty() {
                        name.push(' ');
                        name.push_str(part);
                    }
                }
                name
            }
            SourceKind::Integration => format!("integration:{}", self.check),
        }
    }
}

/// Reads keys of an entry.
struct Entry<'a> {
    config: &'a Value,
}

impl Entry<'_> {
    fn kind(&self) -> Result<SourceKind, String> {
        match self.text("type")?.as_str() {
            "file" => self.file().map(SourceKind::File),
            "tcp" => Ok(SourceKind::Tcp { port: self.port()?, idle_timeout: self.idle_timeout()? }),
            "udp" => Ok(SourceKind::Udp { port: self.port()?, frame_size: self.frame_size()? }),
            "journald" => self.journald().map(SourceKind::Journald),
            "integration" => Ok(SourceKind::Integration),
            "" => Err("type is missing: expected file, tcp, udp, journald or integration".to_owned()),
            other if ELSEWHERE.contains(&other) => Err(format!("type: {other} is not collected by this agent")),
            other => Err(format!("type must be file, tcp, udp, journald or integration, not {other:?}")),
        }
    }

    fn file(&self) -> Result<FileSource, String> {
        let path = self.text("path")?;
        if path.is_empty() {
            return Err("path is missing: a source of type file needs one".to_owned());
        }
        if !path.starts_with('/') {
            return Err(format!("path must be absolute, not {path:?}"));
        }
        let encoding = self.text("encoding")?;
        let encoding = Encoding::from_name(&encoding)
            .ok_or_else(|| format!("encoding must be utf-8, utf-16-le, utf-16-be or shift-jis, not {encoding:?}"))?;
        let exclude_paths = self.texts("exclude_paths")?;
        Ok(FileSource { path, exclude_paths, encoding, start_position: self.start_position()? })
    }

    fn journald(&self) -> Result<JournalSource, String> {
        if self.flag("container_mode") {
            return Err("container_mode is not collected by this agent: journald entries keep their own service".into());
        }
        let matches = |units: &str, user_units: &str, others: &str| -> Result<Vec<String>, String> {
            let mut all: Vec<String> = Vec::new();
            all.extend(self.texts(units)?.iter().map(|unit| format!("_SYSTEMD_UNIT={unit}")));
            all.extend(self.texts(user_units)?.iter().map(|unit| format!("_SYSTEMD_USER_UNIT={unit}")));
            for wanted in self.texts(others)? {
                if !wanted.contains('=') {
                    return Err(format!("{others} must hold FIELD=value, not {wanted:?}"));
                }
                all.push(wanted);
            }
            Ok(all)
        };
        Ok(JournalSource {
            path: self.text("path")?,
            start_position: self.start_position()?,
            include: matches("include_units", "include_user_units", "include_matches")?,
            exclude: matches("exclude_units", "exclude_user_units", "exclude_matches")?,
            process_raw_message: self.get("process_raw_message").is_none_or(is_affirmative),
        })
    }

    fn start_position(&self) -> Result<StartPosition, String> {
        match self.text("start_position")?.as_str() {
            "" | "end" => Ok(StartPosition::End),
            "beginning" => Ok(StartPosition::Beginning),
            "forceEnd" => Ok(StartPosition::ForceEnd),
            "forceBeginning" => Ok(StartPosition::ForceBeginning),
            other => Err(format!("start_position must be end, beginning, forceEnd or forceBeginning, not {other:?}")),
        }
    }

    fn port(&self) -> Result<u16, String> {
        let expected = "port must be a number from 1 to 65535";
        let value = self.get("port").ok_or("port is missing: a listener needs one")?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
        port.ok_or_else(|| format!("{expected}, not {}", kind_of(value)))
    }

    fn frame_size(&self) -> Result<Option<usize>, String> {
        let Some(value) = self.get("frame_size") else { return Ok(None) };
        let size = value.as_u64().filter(|size| (1..=65_535).contains(size));
        let size =
            size.ok_or_else(|| format!("frame_size must be a number from 1 to 65535, not {}", kind_of(value)))?;
        Ok(Some(size as usize))
    }

    fn idle_timeout(&self) -> Result<Option<Duration>, String> {
        let Some(value) = self.get("idle_timeout") else { return Ok(None) };
        let parsed = match value {
            Value::Number(number) => number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => parse_duration(text),
            _ => None,
        };
        let parsed = parsed
            .ok_or_else(|| format!("idle_timeout must be a duration such as 30s or 1m30s, not {}", kind_of(value)))?;
        Ok(Some(parsed).filter(|timeout| !timeout.is_zero()))
    }

    fn extra_starts(&self) -> Result<Vec<Regex>, String> {
        let compiled = self.texts("auto_multi_line_extra_patterns")?.into_iter().map(|pattern| {
            pattern::compile_at_start(&pattern)
                .map_err(|why| format!("auto_multi_line_extra_patterns: pattern {pattern:?}: {why}"))
        });
        compiled.collect()
    }

    fn tags(&self) -> Result<Vec<String>, String> {
        let tags = self.texts("tags")?;
        let clean = tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty());
        Ok(clean.map(str::to_owned).collect())
    }

    fn warnings(&self) -> Vec<String> {
        let keys = self.config.as_object().into_iter().flat_map(|map| map.keys());
        let unknown = keys.filter(|key| !KNOWN.contains(&key.as_str()));
        unknown.map(|key| format!("{key} means nothing in a log source")).collect()
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(is_affirmative)
    }

    /// A text; numbers and flags are taken as they are written, for YAML makes them of `service: 1`.
    fn text(&self, key: &str) -> Result<String, String> {
        match self.get(key) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.trim().to_owned()),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
            Some(other) => Err(format!("{key} must be a text, not {}", kind_of(other))),
        }
    }

    /// A list of texts, or one text with commas.
    fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(str::to_owned).collect())
            }
            Some(Value::Array(list)) => list
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    Value::Number(_) | Value::Bool(_) => Ok(item.to_string()),
                    other => Err(format!("{key} must be a list of texts, not of {}", kind_of(other))),
                })
                .collect(),
            Some(other) => Err(format!("{key} must be a list of texts, not {}", kind_of(other))),
        }
    }
}

/// `1h2m3.5s`, `300ms`: durations as Go writes them.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let unit = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
        rest = &rest[unit_end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests;
