//! What the Python side tells the status page.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// The Python side as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PythonState {
    /// The interpreter; none when there is none.
    pub interpreter: Option<PathBuf>,
    /// Its version; empty until it was first started.
    pub version: String,
    /// Which base class serves the checks: `datadog-checks-base 38.7.0` or `built in`; empty until first started.
    pub base: String,
    /// Why the real base class is not used although it is installed; empty otherwise.
    pub base_note: String,
    /// The processes.
    pub processes: Vec<ProcessState>,
    /// Instances that run apart from the others because of what they did.
    pub isolated: Vec<IsolatedCheck>,
    /// Why a process last ended or could not be started; empty when none has.
    pub last_error: String,
    /// What happened since the start.
    pub stats: PythonStats,
}

/// One Python process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessState {
    /// `shared`, or the instance that it belongs to.
    pub name: String,
    /// Its number in the system; none while it does not run.
    pub pid: Option<u32>,
    /// Resident memory in bytes when it was last looked at.
    pub memory_bytes: u64,
    /// Instances loaded in it.
    pub instances: usize,
    /// How often it was started anew.
    pub restarts: u64,
    /// Why it last ended or could not be started; empty when it has not.
    pub last_error: String,
}

/// An instance that runs apart from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IsolatedCheck {
    /// Identity of the instance.
    pub instance: String,
    /// What it did.
    pub reason: String,
    /// How often.
    pub offences: u32,
    /// Seconds until it may run again.
    pub waits_s: u64,
}

/// What happened since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PythonStats {
    /// Runs that ended, well or with an error of the check.
    pub runs: u64,
    /// Runs among them that ended with an error.
    pub failed_runs: u64,
    /// Runs that were given up because they took too long.
    pub timeouts: u64,
    /// Processes that were ended because they had grown too large.
    pub memory_kills: u64,
    /// Processes that ended by themselves.
    pub crashes: u64,
    /// Processes started.
    pub starts: u64,
    /// Values and buckets received.
    pub samples: u64,
    /// Lines of logs dropped because a check wrote too many.
    pub dropped_log_lines: u64,
}

/// The counters behind [`PythonStats`].
#[derive(Debug, Default)]
pub struct Counters {
    /// See [`PythonStats::runs`].
    pub runs: AtomicU64,
    /// See [`PythonStats::failed_runs`].
    pub failed_runs: AtomicU64,
    /// See [`PythonStats::timeouts`].
    pub timeouts: AtomicU64,
    /// See [`PythonStats::memory_kills`].
    pub memory_kills: AtomicU64,
    /// See [`PythonStats::crashes`].
    pub crashes: AtomicU64,
    /// See [`PythonStats::starts`].
    pub starts: AtomicU64,
    /// See [`PythonStats::samples`].
    pub samples: AtomicU64,
    /// See [`PythonStats::dropped_log_lines`].
    pub dropped_log_lines: AtomicU64,
}

impl Counters {
    /// The figures of this moment.
    pub fn snapshot(&self) -> PythonStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PythonStats {
            runs: read(&self.runs),
            failed_runs: read(&self.failed_runs),
            timeouts: read(&self.timeouts),
            memory_kills: read(&self.memory_kills),
            crashes: read(&self.crashes),
            starts: read(&self.starts),
            samples: read(&self.samples),
            dropped_log_lines: read(&self.dropped_log_lines),
        }
    }
}

/// Adds to a counter.
pub fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
