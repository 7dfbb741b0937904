//! Why a configuration cannot be used.

use std::path::{Path, PathBuf};

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, or `None` for an environment variable.
    pub path: Option<PathBuf>,
    /// Line of the file, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// Key or variable, its value unless it is secret, and what was expected.
    pub reason: String,
}

impl Fault {
    /// A fault on a line of a file.
    pub fn at(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        Self { path: Some(path.to_owned()), line, reason: reason.into() }
    }

    /// A fault of the environment.
    pub fn of_environment(reason: impl Into<String>) -> Self {
        Self { path: None, line: 0, reason: reason.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) if self.line > 0 => write!(f, "{}:{}: {}", path.display(), self.line, self.reason),
            Some(path) => write!(f, "{}: {}", path.display(), self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Why the settings were not loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither a file nor an API key in the environment.
    #[error("{} does not exist and DD_API_KEY is not set", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Values that cannot be used, all of them.
    #[error("{}", lines(.0))]
    Invalid(Vec<Fault>),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}
