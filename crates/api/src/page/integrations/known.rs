//! The catalogue of integrations: what each brings and how it is switched on, one JSON file for each beside this crate.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What an integration is, which decides where its state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A check of this name that agents run.
    Check,
    /// A kind of log source that agents read.
    Logs,
    /// The DogStatsD server of the agent.
    Dogstatsd,
    /// A description of how something is made, which itself never runs.
    Guide,
}

/// One integration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Name of the check, or of the page for what is no check.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Heading under which it stands.
    pub category: String,
    /// What it is.
    pub kind: Kind,
    /// Whether an agent runs it without being told to.
    pub default: bool,
    /// How the names of its metrics begin.
    pub metric_prefixes: Vec<String>,
    /// Names of its service checks.
    pub service_checks: Vec<String>,
    /// Type of log source, for [`Kind::Logs`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub log_kind: String,
    /// Files to write, with an example of each.
    pub files: Vec<ExampleFile>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What else one should know.
    pub notes: Vec<String>,
}

/// A file to copy. `{server}` in it stands for the address of this server.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleFile {
    /// Path within the agent's folder.
    pub path: String,
    /// `yaml` or `python`.
    pub language: String,
    /// The text.
    pub lines: Vec<String>,
}

/// Something to do.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What.
    pub title: String,
    /// Why, and where.
    pub text: String,
    /// What to type, may be empty.
    pub commands: Vec<String>,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(include_str!(concat!("../../../data/integrations/", $name, ".json"))),+]
    };
}

const FILES: &[&str] = files![
    "agent",
    "apache",
    "cpu",
    "custom_check",
    "directory",
    "disk",
    "dogstatsd",
    "file_handle",
    "http_check",
    "io",
    "load",
    "logs_file",
    "logs_journald",
    "logs_tcp",
    "logs_udp",
    "memory",
    "mysql",
    "network",
    "nginx",
    "ntp",
    "openmetrics",
    "postgres",
    "process",
    "redisdb",
    "system_core",
    "tcp_check",
    "tls",
    "uptime",
];

/// Every known integration, by name.
pub fn all() -> &'static [Integration] {
    static ALL: LazyLock<Vec<Integration>> = LazyLock::new(|| {
        // Files are compiled in, and a test reads each of them.
        let read = |text: &&str| serde_json::from_str(text).map_err(|error| tracing::error!(%error, "integration"));
        FILES.iter().filter_map(|text| read(text).ok()).collect()
    });
    &ALL
}

/// The integration of a name.
pub fn find(name: &str) -> Option<&'static Integration> {
    all().iter().find(|known| known.name == name)
}

/// Names of metrics by the integration that they belong to: that of the longest prefix. A metric of a check that is not
/// in the catalogue belongs to it when it begins with the check's name and a dot.
pub fn metrics_by_integration<'a>(
    metrics: impl Iterator<Item = &'a str>,
    unknown_checks: &[String],
) -> HashMap<String, Vec<&'a str>> {
    let mut prefixes: Vec<(String, &str)> = Vec::new();
    for known in all() {
        prefixes.extend(known.metric_prefixes.iter().map(|prefix| (prefix.clone(), known.name.as_str())));
    }
    prefixes.extend(unknown_checks.iter().map(|check| (format!("{check}."), check.as_str())));
    prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    let mut found: HashMap<String, Vec<&str>> = HashMap::new();
    for metric in metrics {
        if let Some((_, name)) = prefixes.iter().find(|(prefix, _)| metric.starts_with(prefix.as_str())) {
            found.entry((*name).to_owned()).or_default().push(metric);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_whole_and_in_the_table() {
        assert_eq!(all().len(), FILES.len());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/integrations");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be read").path().file_stem().expect("a file").to_string_lossy().into())
            .collect();
        names.sort();
        assert_eq!(names, all().iter().map(|known| known.name.clone()).collect::<Vec<_>>());
        for known in all() {
            assert!(!known.title.is_empty() && known.summary.ends_with('.'), "{}", known.name);
            assert!(!known.files.is_empty() && !known.steps.is_empty(), "{}", known.name);
            assert_eq!(known.kind == Kind::Logs, !known.log_kind.is_empty(), "{}", known.name);
            assert!(known.metric_prefixes.iter().all(|prefix| prefix.contains('.')), "{}", known.name);
        }
    }

    #[test]
    fn metrics_go_to_the_longest_prefix() {
        let metrics = ["system.disk.total", "system.disk.directory.files", "my_check.value", "my_check", "other"];
        let found = metrics_by_integration(metrics.into_iter(), &["my_check".to_owned()]);
        assert_eq!(found["disk"], ["system.disk.total"]);
        assert_eq!(found["directory"], ["system.disk.directory.files"]);
        assert_eq!(found["my_check"], ["my_check.value"]);
        assert_eq!(found.len(), 3);
    }
}
