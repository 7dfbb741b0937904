//! Settings of the Python side, its limits and its errors.

use std::path::PathBuf;
use std::time::Duration;

/// Most resident memory of a Python process unless configured.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 << 20;

/// Longest run of a Python check unless configured.
pub const DEFAULT_RUN_TIMEOUT: Duration = Duration::from_secs(60);

/// Most values and buckets of one run; further ones are dropped with a warning.
pub const MAX_SAMPLES_PER_RUN: usize = 200_000;

/// Most runs at a time in one process. The rest waits its turn, and its time limit starts when its turn comes.
pub const MAX_RUNS_AT_A_TIME: usize = 16;

/// Most processes for single instances that misbehaved.
pub const MAX_OWN_PROCESSES: usize = 16;

/// Settings of the Python side.
#[derive(Debug, Clone)]
pub struct PythonConfig {
    /// The interpreter; without one, the first of `/opt/datadog-agent/embedded/bin/python3` and `python3` on `PATH`.
    pub interpreter: Option<PathBuf>,
    /// Folders with custom checks (`NAME.py`), first one first: `checks.d`, `additional_checksd`.
    pub check_dirs: Vec<PathBuf>,
    /// Folder that the agent may write to; the runner's code and the checks' persistent values go below it.
    pub run_dir: PathBuf,
    /// Tags of the host, for checks that ask for them.
    pub host_tags: Vec<String>,
    /// Most resident memory of one process, in bytes; 0 for no limit.
    pub memory_limit_bytes: u64,
    /// Longest run of one check.
    pub run_timeout: Duration,
    /// Number of processes over which instances are spread; at least 1.
    pub processes: usize,
    /// Lowest level of checks' logs: `trace`, `debug`, `info`, `warn`, `error`, `critical` or `off`.
    pub log_level: String,
}

impl PythonConfig {
    /// Defaults, with a folder to write to.
    pub fn new(run_dir: impl Into<PathBuf>) -> Self {
        Self {
            interpreter: None,
            check_dirs: Vec::new(),
            run_dir: run_dir.into(),
            host_tags: Vec::new(),
            memory_limit_bytes: DEFAULT_MEMORY_LIMIT,
            run_timeout: DEFAULT_RUN_TIMEOUT,
            processes: 1,
            log_level: "info".to_owned(),
        }
    }
}

/// Why the Python side does not work.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// There is no interpreter to run.
    #[error("no Python interpreter: {0}")]
    NoInterpreter(String),
    /// The runner's code cannot be written.
    #[error("cannot write the Python runner to {path}: {source}")]
    Files {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The interpreter cannot be started.
    #[error("cannot start {interpreter}: {source}")]
    Spawn {
        /// The interpreter.
        interpreter: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The process ended, or said nothing, before it was ready.
    #[error("{interpreter} is no Python that can run checks: {reason}")]
    NotReady {
        /// The interpreter.
        interpreter: PathBuf,
        /// What it did instead, with its last words.
        reason: String,
    },
    /// It failed a moment ago and is not tried again yet.
    #[error("Python is started again in {seconds} s; the last attempt failed: {reason}")]
    Waiting {
        /// Seconds until the next attempt.
        seconds: u64,
        /// Why the last attempt failed.
        reason: String,
    },
    /// Too many checks misbehaved.
    #[error("{0} Python processes for single checks are running, which is the limit")]
    TooManyProcesses(usize),
}
