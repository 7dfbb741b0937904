//! The values of `datadog.yaml` with those of the environment laid over them, and typed access that collects every
//! fault instead of stopping at the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::Fault;
use super::keys::{KEYS, Key, Shape, key, variable_of};
use super::values::{expected, shaped, shown, split_list};
use super::yaml::{Kind, Node, parse};

/// The environment, by name.
pub type Environment = BTreeMap<String, String>;

/// File and environment together.
#[derive(Debug)]
pub struct Layers {
    path: PathBuf,
    root: Node,
    /// Which variable set a key.
    variables: BTreeMap<String, String>,
    /// What is wrong so far.
    pub faults: Vec<Fault>,
    /// What is odd so far.
    pub warnings: Vec<String>,
}

impl Layers {
    /// The text of a file; one that is no YAML is a fault.
    pub fn of_file(path: &Path, text: &str) -> Self {
        let mut layers = Self {
            path: path.to_owned(),
            root: Node::default(),
            variables: BTreeMap::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        match parse(text) {
            Err(error) => layers.faults.push(Fault::at(path, error.line, error.reason)),
            Ok(document) => {
                for (key, line) in document.duplicates {
                    let warning = Fault::at(path, line, format!("{key} stands twice, this value counts"));
                    layers.warnings.push(warning.to_string());
                }
                layers.root = document.root;
                if !matches!(layers.root.kind, Kind::Map(_) | Kind::Null) {
                    let reason = format!("must be a map of keys and values, not {}", shown(&layers.root));
                    layers.faults.push(Fault::at(path, layers.root.line, reason));
                }
                spell_as_known(&mut layers.root, "");
            }
        }
        layers
    }

    /// Lays the variables over the file.
    pub fn overlay(&mut self, environment: &Environment) {
        for key in KEYS {
            let own = key.variable();
            let names = std::iter::once(own.as_str()).chain(key.variables.iter().copied());
            let mut set = names.filter_map(|name| Some((name, environment.get(name)?)));
            // An empty variable counts as not set.
            if let Some((name, text)) = set.find(|(_, text)| !text.trim().is_empty()) {
                self.set_from(key, name, text.trim());
            }
        }
        let mut unknown = Vec::new();
        scalar_paths(&self.root, "", &mut unknown);
        for path in unknown.into_iter().filter(|path| key(path).is_none()) {
            let name = variable_of(&path);
            if let Some(text) = environment.get(&name).filter(|text| !text.trim().is_empty()) {
                self.root.set(&path, Node::plain(text.trim(), 0));
                self.variables.insert(path, name);
            }
        }
    }

    fn set_from(&mut self, key: &Key, name: &str, text: &str) {
        let node = match key.shape {
            Shape::List if text.starts_with('[') => structure(text),
            Shape::List => {
                let items = if key.name == "proxy.no_proxy" { words(text) } else { split_list(text) };
                Some(Node { line: 0, kind: Kind::List(items.into_iter().map(Node::text).collect()) })
            }
            Shape::Map | Shape::Maps => structure(text),
            Shape::Text | Shape::Secret => Some(Node::text(text)),
            _ => Some(Node::plain(text, 0)),
        };
        match node {
            Some(node) => {
                self.root.set(key.name, node);
                self.variables.insert(key.name.to_owned(), name.to_owned());
            }
            None => {
                let reason = format!("{name} must be {} in JSON", expected(key.shape));
                self.faults.push(Fault::of_environment(reason));
            }
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole tree.
    pub fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    /// The whole tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// What stands at a key, unless it is null.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.root.at(name).filter(|node| !node.is_null())
    }

    /// Whether file or environment set a key.
    pub fn is_set(&self, name: &str) -> bool {
        self.node(name).is_some()
    }

    /// A fault of a key: `reason` follows the name of the key or variable.
    fn fault(&self, name: &str, reason: &str) -> Fault {
        self.fault_on(name, self.node(name).map_or(0, |node| node.line), reason)
    }

    /// A fault of a value on a line, which may be an item of a key's list or map.
    pub fn fault_on(&self, path: &str, line: usize, reason: &str) -> Fault {
        let is_above =
            |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        match self.variables.iter().find(|(name, _)| is_above(name)) {
            Some((_, variable)) => Fault::of_environment(format!("{variable} {reason}")),
            None => Fault::at(&self.path, line, format!("{path} {reason}")),
        }
    }

    /// Notes that a key's value cannot be used.
    pub fn refuse(&mut self, name: &str, reason: &str) {
        let fault = self.fault(name, reason);
        self.faults.push(fault);
    }

    /// Notes that a key's value is odd.
    pub fn warn(&mut self, name: &str, reason: &str) {
        let fault = self.fault(name, reason);
        self.warnings.push(fault.to_string());
    }

    /// The value of a key in its form, or its default; `None` when it has neither.
    fn value(&mut self, name: &str) -> Option<Value> {
        let key = key(name)?;
        let checked = self.node(name).map(|node| shaped(key.shape, node).map_err(|expected| (expected, shown(node))));
        match checked {
            Some(Ok(value)) => return Some(value),
            Some(Err((expected, _))) if key.shape == Shape::Secret => self.refuse(name, &format!("must be {expected}")),
            Some(Err((expected, shown))) => self.refuse(name, &format!("must be {expected}, not {shown}")),
            None => {}
        }
        serde_json::from_str(key.default).ok()
    }

    /// A boolean.
    pub fn flag(&mut self, name: &str) -> bool {
        self.value(name).and_then(|value| value.as_bool()).unwrap_or(false)
    }

    /// A whole number.
    pub fn int(&mut self, name: &str) -> i64 {
        self.value(name).and_then(|value| value.as_i64()).unwrap_or(0)
    }

    /// A whole number that is not negative.
    pub fn size(&mut self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or(0)
    }

    /// A port.
    pub fn port(&mut self, name: &str) -> u16 {
        u16::try_from(self.int(name)).unwrap_or(0)
    }

    /// A number.
    pub fn float(&mut self, name: &str) -> f64 {
        self.value(name).and_then(|value| value.as_f64()).unwrap_or(0.0)
    }

    /// A duration.
    pub fn seconds(&mut self, name: &str) -> Duration {
        let seconds = self.value(name).and_then(|value| value.as_f64()).unwrap_or(0.0);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// A text, empty when not set.
    pub fn text(&mut self, name: &str) -> String {
        self.value(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// A text, unless it is empty or not set.
    pub fn some_text(&mut self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A list of texts.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }

    /// A list of maps.
    pub fn maps(&mut self, name: &str) -> Vec<Value> {
        match self.value(name) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    /// The whole tree in JSON: defaults where nothing is set, known keys in their form.
    pub fn merged(&self) -> Value {
        let mut tree = Node { line: 0, kind: Kind::Map(Vec::new()) };
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            let default = serde_json::from_str(key.default).unwrap_or(Value::Null);
            tree.set(key.name, Node::from_value(&default));
        }
        let mut merged = tree.to_value();
        merge(&mut merged, self.root.to_value());
        for key in KEYS {
            if let Some(value) = self.node(key.name).and_then(|node| shaped(key.shape, node).ok()) {
                put(&mut merged, key.name, value);
            }
        }
        merged
    }
}

/// Gives known keys their usual spelling: capital and small letters make no difference.
fn spell_as_known(node: &mut Node, above: &str) {
    let Kind::Map(entries) = &mut node.kind else { return };
    for entry in entries {
        let path = if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
        let begins = |known: &&str| {
            let start = known.get(..path.len()).is_some_and(|start| start.eq_ignore_ascii_case(&path));
            start && (known.len() == path.len() || known.as_bytes()[path.len()] == b'.')
        };
        if let Some(known) = KEYS.iter().map(|key| key.name).find(begins) {
            entry.key = known[path.len() - entry.key.len()..path.len()].to_owned();
            spell_as_known(&mut entry.value, &known[..path.len()]);
        }
    }
}

/// JSON (or YAML in one line) that is a list or map.
fn structure(text: &str) -> Option<Node> {
    let mut node = parse(text).ok()?.root;
    node.forget_lines();
    matches!(node.kind, Kind::List(_) | Kind::Map(_)).then_some(node)
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn scalar_paths(node: &Node, path: &str, into: &mut Vec<String>) {
    for entry in node.entries() {
        let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        match &entry.value.kind {
            Kind::Scalar { .. } | Kind::Null => into.push(below),
            Kind::Map(_) => scalar_paths(&entry.value, &below, into),
            Kind::List(_) => {}
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

fn put(tree: &mut Value, path: &str, value: Value) {
    let mut at = tree;
    for part in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(map) = at else { return };
        at = map.entry(part.to_owned()).or_insert(Value::Null);
    }
    *at = value;
}
