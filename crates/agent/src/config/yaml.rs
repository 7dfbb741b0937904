//! YAML as configuration files use it: a tree in which every value knows its line and its spelling, so that messages can
//! point at it and a key of digits is not taken for a number.
//!
//! Plain `yes`, `no`, `on` and `off` are booleans, as in YAML 1.1 and hence in the files of Datadog's agent. Where YAML
//! leaves a choice, a value stays text (`012`, `12:30`, `1e5`): a check can read a number from text, but nobody can
//! get a password back from a number.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use serde_json::{Map, Number, Value};

/// Deepest nesting; the files that people write stay below 10.
const MAX_DEPTH: usize = 64;
/// Most values of a file with its aliases expanded: an alias of aliases grows without bound.
const MAX_NODES: usize = 200_000;

/// Why a text is no YAML, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

/// A value with its line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Line on which it starts, from 1; 0 when it comes from no file.
    pub line: usize,
    /// The value.
    pub kind: Kind,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Kind {
    /// Nothing at all, `~` or `null`.
    #[default]
    Null,
    /// Text, a number or a boolean.
    Scalar {
        /// As written, without quotes.
        text: String,
        /// Whether it was quoted (or a block): it is text then, whatever it looks like.
        quoted: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file.
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Key.
    pub key: String,
    /// Line of the key, from 1.
    pub line: usize,
    /// Value.
    pub value: Node,
}

/// A parsed file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The first document of the text; null when there is none.
    pub root: Node,
    /// Keys that stand twice in one map (the last one counts), with their lines.
    pub duplicates: Vec<(String, usize)>,
}

impl Node {
    /// Text that is not a number or boolean, from no file.
    pub fn text(text: impl Into<String>) -> Self {
        Self { line: 0, kind: Kind::Scalar { text: text.into(), quoted: true } }
    }

    /// A value as if written without quotes on `line`.
    pub fn plain(text: &str, line: usize) -> Self {
        let kind = if is_null(text) { Kind::Null } else { Kind::Scalar { text: text.to_owned(), quoted: false } };
        Self { line, kind }
    }

    /// Whether it holds nothing.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The entries of a map, none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of a map with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value below a dotted path. A key with dots in it may stand as it is (`logs_config.logs_dd_url: …`).
    pub fn at(&self, path: &str) -> Option<&Node> {
        if let Some(found) = self.get(path) {
            return Some(found);
        }
        let dots = path.match_indices('.').map(|(at, _)| at);
        dots.into_iter().find_map(|at| self.get(&path[..at])?.at(&path[at + 1..]))
    }

    /// Puts a value at a dotted path; whatever is in its way and no map is replaced.
    pub fn set(&mut self, path: &str, value: Node) {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        if !matches!(self.kind, Kind::Map(_)) {
            self.kind = Kind::Map(Vec::new());
        }
        let Kind::Map(entries) = &mut self.kind else { return };
        let at = entries.iter().position(|entry| entry.key == head).unwrap_or_else(|| {
            entries.push(Entry { key: head.to_owned(), line: value.line, value: Node::default() });
            entries.len() - 1
        });
        let entry = &mut entries[at];
        match rest {
            Some(rest) => entry.value.set(rest, value),
            None => entry.value = value,
        }
    }

    /// The value in JSON's terms.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar { text, quoted: true } => Value::String(text.clone()),
            Kind::Scalar { text, quoted: false } => plain_value(text),
            Kind::List(items) => items.iter().map(Node::to_value).collect(),
            Kind::Map(entries) => {
                let pair = |entry: &Entry| (entry.key.clone(), entry.value.to_value());
                Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
            }
        }
    }

    /// A node of a JSON value, from no file.
    pub fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(flag) => Kind::Scalar { text: flag.to_string(), quoted: false },
            Value::Number(number) => Kind::Scalar { text: number.to_string(), quoted: false },
            Value::String(text) => Kind::Scalar { text: text.clone(), quoted: true },
            Value::Array(items) => Kind::List(items.iter().map(Self::from_value).collect()),
            Value::Object(map) => Kind::Map(
                map.iter()
                    .map(|(key, value)| Entry { key: key.clone(), line: 0, value: Self::from_value(value) })
                    .collect(),
            ),
        };
        Self { line: 0, kind }
    }

    /// Calls `change` on every scalar below with its dotted path; its answer takes the scalar's place.
    pub fn rewrite(&mut self, path: &str, change: &mut impl FnMut(&str, &Node, &str) -> Option<Node>) {
        match &mut self.kind {
            Kind::Null => {}
            Kind::Scalar { text, .. } => {
                let text = text.clone();
                if let Some(node) = change(path, self, &text) {
                    *self = node;
                }
            }
            Kind::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    item.rewrite(&format!("{path}[{at}]"), change);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
                    entry.value.rewrite(&below, change);
                }
            }
        }
    }

    /// Makes it a value of no file.
    pub fn forget_lines(&mut self) {
        self.line = 0;
        match &mut self.kind {
            Kind::Null | Kind::Scalar { .. } => {}
            Kind::List(items) => items.iter_mut().for_each(Self::forget_lines),
            Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.line = 0;
                entry.value.forget_lines();
            }),
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Scalar { .. } => 1,
            Kind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Map(entries) => 1 + entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The boolean that a word stands for, in YAML 1.1's spellings.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn plain_value(text: &str) -> Value {
    if let Some(flag) = boolean(text) {
        return Value::Bool(flag);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_like_a_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if !starts_like_a_number || has_leading_zero {
        return hexadecimal(digits).map_or_else(|| Value::String(text.to_owned()), Value::from);
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = digits.parse::<u64>() {
        return if text.starts_with('-') { Value::String(text.to_owned()) } else { number.into() };
    }
    let looks_like_a_float = digits.contains('.') || digits.contains("e+") || digits.contains("e-");
    let float = text.parse::<f64>().ok().filter(|_| looks_like_a_float).and_then(Number::from_f64);
    float.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn hexadecimal(digits: &str) -> Option<i64> {
    digits.strip_prefix("0x").and_then(|hex| i64::from_str_radix(hex, 16).ok())
}

/// Parses the first document of a text.
pub fn parse(text: &str) -> Result<Document, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parser = Parser::new_from_str(text);
    let mut builder = Builder { parser, anchors: HashMap::new(), nodes: 0, duplicates: Vec::new() };
    let last_line = text.lines().count().max(1);
    let root = builder.document().map_err(|error| {
        // The parser names the line on which the value before a tab starts.
        let tab = || text.lines().position(|line| line.trim_start_matches(' ').starts_with('\t')).map(|at| at + 1);
        let line = Some(error.line).filter(|_| !error.reason.ends_with(TAB_HINT)).or_else(tab).unwrap_or(error.line);
        YamlError { line: line.clamp(1, last_line), ..error }
    })?;
    Ok(Document { root, duplicates: builder.duplicates })
}

struct Builder<'input> {
    parser: Parser<'input, StrInput<'input>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    duplicates: Vec<(String, usize)>,
}

impl<'input> Builder<'input> {
    fn document(&mut self) -> Result<Node, YamlError> {
        let mut root = Node::default();
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(root),
                event => root = self.node(event, line, 0)?,
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'input>, usize), YamlError> {
        let end = || YamlError { line: 0, reason: "the text ends too early".into() };
        let (event, span) = self.parser.next_event().ok_or_else(end)?.map_err(|error| scan_error(&error))?;
        Ok((event, span.start.line()))
    }

    fn node(&mut self, event: Event<'input>, line: usize, depth: usize) -> Result<Node, YamlError> {
        let refuse = |reason: String| YamlError { line, reason };
        self.nodes += 1;
        if depth > MAX_DEPTH {
            return Err(refuse(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        if self.nodes > MAX_NODES {
            return Err(refuse(format!("more than {MAX_NODES} values")));
        }
        let (anchor, kind) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or_else(|| refuse("an alias (*) without its anchor".into()))?;
                self.nodes += node.size();
                return Ok(Node { line, kind: node.kind.clone() });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.suffix == "str");
                let quoted = style != ScalarStyle::Plain || is_text;
                let null = !quoted && is_null(&text);
                (anchor, if null { Kind::Null } else { Kind::Scalar { text: text.into_owned(), quoted } })
            }
            Event::SequenceStart(anchor, _) => (anchor, Kind::List(self.items(depth)?)),
            Event::MappingStart(anchor, _) => (anchor, Kind::Map(self.pairs(depth)?)),
            other => return Err(refuse(format!("expected a value, not {other:?}"))),
        };
        let node = Node { line, kind };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn pairs(&mut self, depth: usize) -> Result<Vec<Entry>, YamlError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (event, line) = match self.next()? {
                (Event::MappingEnd, _) => break,
                start => start,
            };
            let key = match self.node(event, line, depth + 1)?.kind {
                Kind::Scalar { text, .. } => text,
                Kind::Null => String::new(),
                _ => return Err(YamlError { line, reason: "a list or map cannot be a key".into() }),
            };
            let (event, value_line) = self.next()?;
            let value = self.node(event, value_line, depth + 1)?;
            if key == "<<" {
                merged.extend(merge_sources(value));
            } else if let Some(earlier) = entries.iter_mut().find(|entry| entry.key == key) {
                self.duplicates.push((key.clone(), line));
                *earlier = Entry { key, line, value };
            } else {
                entries.push(Entry { key, line, value });
            }
        }
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

/// The entries that a merge key (`<<`) brings: those of one map, or of several, the first of which wins.
fn merge_sources(value: Node) -> Vec<Entry> {
    match value.kind {
        Kind::Map(entries) => entries,
        Kind::List(maps) => maps.into_iter().flat_map(merge_sources).collect(),
        _ => Vec::new(),
    }
}

fn scan_error(error: &ScanError) -> YamlError {
    let info = error.info();
    let hint = HINTS.iter().find(|(part, _)| info.contains(part)).map_or(info, |(_, hint)| hint);
    YamlError { line: error.marker().line(), reason: format!("not valid YAML: {hint}") }
}

const TAB_HINT: &str = "tabs cannot indent, use blanks";

/// What the frequent mistakes are in plain words: a part of the parser's message, and what is said instead.
const HINTS: [(&str, &str); 7] = [
    // Variables such as %%host%% are what brings people here.
    ("`%'", "a value that starts with % must be quoted"),
    ("found a tab", TAB_HINT),
    ("did not find expected '-'", "expected another item of the list (- …), check the indentation"),
    ("did not find expected key", "expected another key of the map, check the indentation"),
    (
        "mapping values are not allowed",
        "a key cannot stand here, check the indentation (a text with a colon and a blank must be quoted)",
    ),
    ("did not find expected node content", "a value was expected here (is a [ or { before it not closed?)"),
    ("unexpected end of stream", "a quotation mark is not closed"),
];

#[cfg(test)]
mod tests;
