//! Values that stand elsewhere: `ENC[handle]` asks the program of `secret_backend_command`, `ENC[env:NAME]` the
//! environment (reference: agent-config.md §1).
//!
//! The program gets `{"version":"1.0","secrets":["handle", …]}` on its standard input and answers
//! `{"handle":{"value":"…","error":null}, …}`; its standard error goes where the agent's goes. A message names the
//! handle and the reason, never a value or what the program wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::command::{self, Limits};
use super::layers::{Environment, Layers};
use super::yaml::{Kind, Node};

/// Resolves handles; what the program answered is kept until the next load.
#[derive(Default)]
pub struct Secrets {
    command: Option<PathBuf>,
    arguments: Vec<String>,
    timeout: Duration,
    output_limit: usize,
    environment: Environment,
    known: Mutex<BTreeMap<String, String>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The values of handles, or why there is none.
pub type Resolved = BTreeMap<String, Result<String, String>>;

impl Secrets {
    pub(super) fn new(layers: &mut Layers, environment: Environment) -> Self {
        Self {
            command: layers.some_text("secret_backend_command").map(PathBuf::from),
            arguments: layers.list("secret_backend_arguments"),
            timeout: layers.seconds("secret_backend_timeout"),
            output_limit: layers.size("secret_backend_output_max_size"),
            environment,
            known: Mutex::default(),
        }
    }

    /// A variable of the environment that the settings were loaded with.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// The values of all handles, with at most one call of the program.
    pub fn resolve(&self, handles: &BTreeSet<String>) -> Resolved {
        let mut resolved = Resolved::new();
        let mut asked = Vec::new();
        for handle in handles {
            if let Some(name) = handle.strip_prefix("env:") {
                let value = self.variable(name).map(str::to_owned);
                let value = value.ok_or_else(|| format!("the environment variable {name} is not set"));
                resolved.insert(handle.clone(), value);
            } else if let Some(value) = self.known.lock().get(handle) {
                resolved.insert(handle.clone(), Ok(value.clone()));
            } else {
                asked.push(handle.clone());
            }
        }
        if asked.is_empty() {
            return resolved;
        }
        match self.ask(&asked) {
            Err(reason) => resolved.extend(asked.into_iter().map(|handle| (handle, Err(reason.clone())))),
            Ok(mut answers) => {
                for handle in asked {
                    let value = answers.remove(&handle).unwrap_or_default().into_value();
                    if let Ok(value) = &value {
                        self.known.lock().insert(handle.clone(), value.clone());
                    }
                    resolved.insert(handle, value);
                }
            }
        }
        resolved
    }

    fn ask(&self, handles: &[String]) -> Result<BTreeMap<String, Answer>, String> {
        let command = self.command.as_ref().ok_or("secret_backend_command is not set")?;
        let refuse = |reason: String| format!("secret_backend_command {}: {reason}", command.display());
        check_program(command).map_err(refuse)?;
        let question = json!({ "version": "1.0", "secrets": handles }).to_string();
        let limits = Limits { timeout: self.timeout, output_bytes: self.output_limit };
        let output = command::run(command, &self.arguments, question.into_bytes(), limits).map_err(refuse)?;
        // What serde says could quote a value.
        serde_json::from_slice(&output).map_err(|error| {
            refuse(format!("its answer is not the expected JSON (line {}, column {})", error.line(), error.column()))
        })
    }
}

#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

impl Answer {
    fn into_value(self) -> Result<String, String> {
        match (self.error, self.value) {
            (Some(Value::String(error)), _) if !error.is_empty() => Err(format!("the secret backend says: {error}")),
            (_, Some(Value::String(value))) if !value.is_empty() => Ok(value),
            (_, Some(Value::Number(number))) => Ok(number.to_string()),
            (_, Some(Value::String(_))) => Err("the secret backend gave an empty value".into()),
            _ => Err("the secret backend gave no value".into()),
        }
    }
}

/// Whether the program may be trusted with secrets: an executable file that only its owner can change.
fn check_program(path: &std::path::Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("must be a file".into());
    }
    let mode = metadata.permissions().mode();
    if mode & 0o111 == 0 {
        return Err(format!("must be executable (mode {:04o})", mode & 0o7777));
    }
    if mode & 0o022 != 0 {
        return Err(format!("must not be writable by group or others (mode {:04o})", mode & 0o7777));
    }
    Ok(())
}

/// The handle of `ENC[handle]`.
pub fn handle_of(text: &str) -> Option<&str> {
    Some(text.trim().strip_prefix("ENC[")?.strip_suffix(']')?.trim())
}

/// Collects the handles of a tree.
pub fn collect_handles(node: &Node, into: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar { text, .. } => into.extend(handle_of(text).map(str::to_owned)),
        Kind::List(items) => items.iter().for_each(|item| collect_handles(item, into)),
        Kind::Map(entries) => entries.iter().for_each(|entry| collect_handles(&entry.value, into)),
    }
}

/// Puts the values in the place of their handles; `unresolved` hears of each that has none: key, line and reason.
pub fn fill(node: &mut Node, resolved: &Resolved, mut unresolved: impl FnMut(&str, usize, &str)) {
    node.rewrite("", &mut |path, node, text| {
        let handle = handle_of(text)?;
        match resolved.get(handle) {
            Some(Ok(value)) => Some(Node { line: node.line, ..Node::text(value.as_str()) }),
            Some(Err(reason)) => {
                unresolved(path, node.line, reason);
                None
            }
            None => None,
        }
    });
}

#[cfg(test)]
mod tests;
