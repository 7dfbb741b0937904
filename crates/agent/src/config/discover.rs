//! Finds what `conf.d` asks for: instances of checks and sources of logs (reference: python-checks.md §1).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::Fault;
use super::secrets;
use super::settings::{Settings, read_text};
use super::template::Variables;
use super::values::shown;
use super::yaml::{self, Kind, Node};
use crate::check::{Instance, Source};
use crate::collect::Roots;

/// A source of logs.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSource {
    /// Name of the check whose file it is in.
    pub check: String,
    /// The entry of `logs:`, secrets resolved.
    pub config: Value,
    /// File and number of the entry.
    pub source: Source,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something was left out on purpose.
    Note,
    /// Something does not run.
    Error,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The check, by the file's name.
    pub check: String,
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong and what was expected.
    pub reason: String,
    /// How much it matters.
    pub severity: Severity,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovery {
    /// Instances of checks, in the order of folders and files, default checks last.
    pub instances: Vec<Instance>,
    /// Sources of logs, in the same order.
    pub logs: Vec<LogSource>,
    /// What is wrong or was left out.
    pub problems: Vec<Problem>,
}

impl Problem {
    fn new(file: &File, line: usize, severity: Severity, reason: impl Into<String>) -> Self {
        Self { check: file.check.clone(), path: file.path.clone(), line, reason: reason.into(), severity }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Fault::at(&self.path, self.line, self.reason.as_str()).fmt(f)
    }
}

/// A file of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    check: String,
    path: PathBuf,
    /// Whether it only counts when the check has no other (`.default`).
    is_default: bool,
}

/// A file's tree, before secrets.
struct Parsed {
    file: File,
    root: Node,
    /// Items without all their secrets, such as `instances[2]`.
    left_out: BTreeSet<String>,
}

/// Finds what the folders of check configurations ask for. Checks that run by default (`default_checks`) run with an
/// empty instance unless a file configures them; a file with `instances: []` switches one off. May run
/// `secret_backend_command`, so it may block.
pub fn discover(settings: &Settings, default_checks: &[&str]) -> Discovery {
    let mut found = Discovery::default();
    let mut parsed = Vec::new();
    for folder in &settings.confd_paths {
        for file in files(folder, &mut found.problems) {
            parsed.extend(read(file, settings, &mut found.problems));
        }
    }
    drop_defaults(&mut parsed);
    let parsed = resolve(parsed, settings, &mut found.problems);
    let mut configured: BTreeSet<String> = BTreeSet::new();
    for parsed in &parsed {
        if configures_instances(parsed) {
            configured.insert(parsed.file.check.clone());
        }
        take_instances(parsed, &mut found);
        take_logs(parsed, &mut found);
    }
    for &check in default_checks.iter().filter(|&&check| !configured.contains(check)) {
        found.instances.extend(Instance::new(check, Value::Null, Value::Null, Source::default()));
    }
    if !found.logs.is_empty() && !settings.logs.enabled {
        let first = &found.logs[0];
        found.problems.push(Problem {
            check: first.check.clone(),
            path: first.source.path.clone(),
            line: 0,
            reason: "has logs, but logs_enabled is not true in datadog.yaml: none are collected".into(),
            severity: Severity::Note,
        });
    }
    found.problems.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    found
}

/// The files of a folder, sorted by name; one that is not there has none.
fn files(folder: &Path, problems: &mut Vec<Problem>) -> Vec<File> {
    let mut found = Vec::new();
    let names = match listed(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return found,
        Err(error) => {
            problems.push(unreadable(folder, &error));
            return found;
        }
    };
    for name in names {
        let path = folder.join(&name);
        if path.is_dir() {
            let Some(check) = name.strip_suffix(".d").filter(|check| !check.is_empty()) else { continue };
            match listed(&path) {
                Ok(inner) => {
                    let accepted = inner.iter().filter(|name| !matches!(stem(name), Some("metrics" | "auto_conf")));
                    found.extend(accepted.filter_map(|name| file(check, path.join(name), name)));
                }
                Err(error) => problems.push(unreadable(&path, &error)),
            }
        } else if let Some(check) = stem(&name) {
            found.extend(file(check, path.clone(), &name));
        }
    }
    found
}

fn listed(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Problem {
    Problem {
        check: String::new(),
        path: folder.to_owned(),
        line: 0,
        reason: format!("cannot be read: {error}"),
        severity: Severity::Error,
    }
}

/// A file's name without its end, `None` when it is no configuration.
fn stem(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".default").unwrap_or(name);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    (!stem.is_empty()).then_some(stem)
}

fn file(check: &str, path: PathBuf, name: &str) -> Option<File> {
    stem(name)?;
    Some(File { check: check.to_owned(), path, is_default: name.ends_with(".default") })
}

/// The tree of a file that configures something; what is wrong with it is noted.
fn read(file: File, settings: &Settings, problems: &mut Vec<Problem>) -> Option<Parsed> {
    let mut note = |line, severity, reason: String| problems.push(Problem::new(&file, line, severity, reason));
    let text = match read_text(&file.path) {
        Ok(text) => text,
        Err(error) => {
            note(0, Severity::Error, format!("cannot be read: {error}"));
            return None;
        }
    };
    let document = match yaml::parse(&text) {
        Ok(document) => document,
        Err(error) => {
            note(error.line, Severity::Error, error.reason);
            return None;
        }
    };
    for (key, line) in document.duplicates {
        note(line, Severity::Note, format!("{key} stands twice, this value counts"));
    }
    let root = document.root;
    match root.kind {
        Kind::Null => return None,
        Kind::Map(_) => {}
        _ => {
            let reason = format!("must be a map with init_config and instances, not {}", shown(&root));
            note(root.line, Severity::Error, reason);
            return None;
        }
    }
    if let Some(entry) = TEMPLATE_KEYS.iter().find_map(|key| root.entry(key)).filter(|entry| !entry.value.is_null()) {
        if !settings.ignore_autoconf.contains(&file.check) {
            note(entry.line, Severity::Note, format!("is a template for containers ({}), left out", entry.key));
        }
        return None;
    }
    let configures = ["instances", "logs"].iter().any(|key| root.entry(key).is_some());
    if !configures {
        note(0, Severity::Error, "has neither instances nor logs".into());
        return None;
    }
    Some(Parsed { file, root, left_out: BTreeSet::new() })
}

/// Keys of autodiscovery templates.
const TEMPLATE_KEYS: [&str; 4] = ["ad_identifiers", "advanced_ad_identifiers", "cel_selector", "docker_images"];

/// A `.default` file counts only when no other file has instances for its check.
fn drop_defaults(parsed: &mut Vec<Parsed>) {
    let has_instances = |parsed: &&Parsed| !parsed.file.is_default && configures_instances(parsed);
    let own: BTreeSet<String> = parsed.iter().filter(has_instances).map(|parsed| parsed.file.check.clone()).collect();
    parsed.retain(|parsed| !parsed.file.is_default || !own.contains(&parsed.file.check));
}

fn configures_instances(parsed: &Parsed) -> bool {
    parsed.root.get("instances").is_some_and(|instances| !instances.is_null())
}

/// Puts secrets and variables into all files. An instance or log with one that has no value is left out; in any other
/// place it concerns the whole file.
fn resolve(parsed: Vec<Parsed>, settings: &Settings, problems: &mut Vec<Problem>) -> Vec<Parsed> {
    let mut handles = BTreeSet::new();
    parsed.iter().for_each(|parsed| secrets::collect_handles(&parsed.root, &mut handles));
    let resolved = settings.secrets.resolve(&handles);
    let variables = Variables { hostname: &|| settings.host_name(&Roots::machine()).name, secrets: &settings.secrets };
    let mut kept = Vec::new();
    for mut parsed in parsed {
        let mut faults = Vec::new();
        variables.fill(&mut parsed.root, |key, line, reason| {
            faults.push((key.to_owned(), line, format!("{key}: {reason}")));
        });
        secrets::fill(&mut parsed.root, &resolved, |key, line, reason| {
            let reason = format!("{key} is a secret that cannot be resolved: {reason}");
            faults.push((key.to_owned(), line, reason));
        });
        let mut usable = true;
        for (key, line, reason) in faults {
            problems.push(Problem::new(&parsed.file, line, Severity::Error, reason));
            match item_of(&key) {
                Some(item) => {
                    parsed.left_out.insert(item.to_owned());
                }
                None => usable = false,
            }
        }
        if usable {
            kept.push(parsed);
        }
    }
    kept
}

/// The item of a path: `instances[2]` of `instances[2].options.pass`.
fn item_of(path: &str) -> Option<&str> {
    let is_item = path.starts_with("instances[") || path.starts_with("logs[");
    path.find(']').filter(|_| is_item).map(|end| &path[..=end])
}

fn take_instances(parsed: &Parsed, found: &mut Discovery) {
    let Parsed { file, root, left_out } = parsed;
    let Some(entry) = root.entry("instances") else { return };
    let mut refuse = |line: usize, reason: String| {
        found.problems.push(Problem::new(file, line, Severity::Error, reason));
    };
    let items = match &entry.value.kind {
        Kind::List(items) => items,
        // Next to logs, an empty list of instances is usual.
        Kind::Null if root.get("logs").is_some() => return,
        Kind::Null => {
            let expected = "instances is empty: expected a list with a map for each instance, such as [{}]";
            return refuse(entry.line, expected.into());
        }
        _ => return refuse(entry.line, format!("instances must be a list of maps, not {}", shown(&entry.value))),
    };
    let init_config = match root.entry("init_config") {
        Some(entry) if !matches!(entry.value.kind, Kind::Map(_) | Kind::Null) => {
            return refuse(entry.line, format!("init_config must be a map, not {}", shown(&entry.value)));
        }
        entry => entry.map_or(Value::Null, |entry| entry.value.to_value()),
    };
    for (index, item) in items.iter().enumerate() {
        if left_out.contains(&format!("instances[{index}]")) {
            continue;
        }
        if !matches!(item.kind, Kind::Map(_) | Kind::Null) {
            let reason = format!("instance {} must be a map of options, not {}", index + 1, shown(item));
            found.problems.push(Problem::new(file, item.line, Severity::Error, reason));
            continue;
        }
        take_instance(parsed, (index, item), &init_config, found);
    }
}

fn take_instance(parsed: &Parsed, (index, item): (usize, &Node), init_config: &Value, found: &mut Discovery) {
    let Parsed { file, root, .. } = parsed;
    let source = Source { path: file.path.clone(), index };
    let instance = match Instance::new(&file.check, item.to_value(), init_config.clone(), source) {
        Ok(instance) => instance,
        Err(error) => {
            let line = line_of(&error.reason, item, root).unwrap_or(item.line);
            let reason = format!("instance {}: {}", index + 1, error.reason);
            found.problems.push(Problem::new(file, line, Severity::Error, reason));
            return;
        }
    };
    match found.instances.iter().find(|known| known.id == instance.id) {
        None => found.instances.push(instance),
        Some(known) => {
            let reason = format!("instance {} is the same as that of {}, left out", index + 1, known.source);
            found.problems.push(Problem::new(file, item.line, Severity::Note, reason));
        }
    }
}

/// The line of the key that a reason begins with.
fn line_of(reason: &str, instance: &Node, root: &Node) -> Option<usize> {
    let key = reason.split_whitespace().next()?;
    let below = root.get("init_config");
    let entry = instance.entry(key).or_else(|| below?.entry(key)).or_else(|| root.entry(key))?;
    Some(entry.line)
}

fn take_logs(parsed: &Parsed, found: &mut Discovery) {
    let Parsed { file, root, left_out } = parsed;
    let Some(entry) = root.entry("logs").filter(|entry| !entry.value.is_null()) else { return };
    let Kind::List(items) = &entry.value.kind else {
        let reason = format!("logs must be a list of maps, not {}", shown(&entry.value));
        found.problems.push(Problem::new(file, entry.line, Severity::Error, reason));
        return;
    };
    let service = root.get("init_config").and_then(|init_config| init_config.get("service"));
    for (index, item) in items.iter().enumerate() {
        if left_out.contains(&format!("logs[{index}]")) {
            continue;
        }
        if !matches!(item.kind, Kind::Map(_)) {
            let reason =
                format!("entry {} of logs must be a map with type and path or port, not {}", index + 1, shown(item));
            found.problems.push(Problem::new(file, item.line, Severity::Error, reason));
            continue;
        }
        let mut item = item.clone();
        if let Some(service) = service.filter(|_| item.get("service").is_none_or(Node::is_null)) {
            item.set("service", service.clone());
        }
        found.logs.push(LogSource {
            check: file.check.clone(),
            config: item.to_value(),
            source: Source { path: file.path.clone(), index },
        });
    }
}

#[cfg(test)]
mod tests;
