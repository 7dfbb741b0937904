//! What every instance did, for `status`, the page of the agent and the description that the server gets.

use std::collections::BTreeMap;

use galgo_core::check::CheckStatus;
use parking_lot::Mutex;
use serde::Serialize;

use super::{CheckError, Instance, Samples};

/// Most warnings of one run that are kept.
const MAX_WARNINGS: usize = 20;

/// Most hosts for which checks may know tags.
const MAX_TAGGED_HOSTS: usize = 10_000;

/// Tags that checks know of other hosts: host → source → tags.
pub type ExternalTags = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Without a complaint.
    Ok,
    /// The check warned of something.
    Warning,
    /// The check failed.
    Error,
}

impl Outcome {
    /// The status of `datadog.agent.check_status`.
    pub fn status(self) -> CheckStatus {
        match self {
            Self::Ok => CheckStatus::Ok,
            Self::Warning => CheckStatus::Warning,
            Self::Error => CheckStatus::Critical,
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRecord {
    /// When it ended, in seconds since the UNIX epoch.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Values and buckets that it submitted.
    pub metric_samples: usize,
    /// Service checks that it submitted.
    pub service_checks: usize,
    /// Events that it submitted.
    pub events: usize,
    /// Log lines that it submitted.
    pub logs: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// What is known of one instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckState {
    /// Name of the check.
    pub check: String,
    /// Identity of the instance.
    pub id: String,
    /// File and number of the instance.
    pub source: String,
    /// Which loader made it, empty until one has.
    pub loader: &'static str,
    /// Version of the check's code, may be empty.
    pub version: String,
    /// Seconds between runs.
    pub interval_s: f64,
    /// Number of runs.
    pub runs: u64,
    /// Number of runs that failed.
    pub failed_runs: u64,
    /// Values and buckets of all runs.
    pub metric_samples: u64,
    /// Service checks of all runs.
    pub service_checks: u64,
    /// Events of all runs.
    pub events: u64,
    /// Milliseconds of all runs.
    pub total_ms: u64,
    /// The last run.
    pub last: Option<RunRecord>,
    /// When a run last ended well, in seconds since the UNIX epoch.
    pub last_ok: Option<i64>,
    /// Why the last run failed, empty when it did not.
    pub error: String,
    /// Where in the check's code, may be empty.
    pub traceback: String,
    /// What the last run warned of.
    pub warnings: Vec<String>,
    /// Facts about what is checked.
    pub metadata: BTreeMap<String, String>,
}

impl CheckState {
    fn new(instance: &Instance) -> Self {
        Self {
            check: instance.check.clone(),
            id: instance.id.clone(),
            source: instance.source.to_string(),
            loader: "",
            version: String::new(),
            interval_s: instance.common.interval.as_secs_f64(),
            runs: 0,
            failed_runs: 0,
            metric_samples: 0,
            service_checks: 0,
            events: 0,
            total_ms: 0,
            last: None,
            last_ok: None,
            error: String::new(),
            traceback: String::new(),
            warnings: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }
}

/// The states of all scheduled instances.
#[derive(Debug, Default)]
pub struct Board {
    states: Mutex<BTreeMap<String, CheckState>>,
    external_tags: Mutex<ExternalTags>,
}

impl Board {
    /// The states, ordered by instance.
    pub fn states(&self) -> Vec<CheckState> {
        self.states.lock().values().cloned().collect()
    }

    /// Tags that checks know of other hosts, the last ones of each host and source.
    pub fn external_tags(&self) -> ExternalTags {
        self.external_tags.lock().clone()
    }

    pub(super) fn learn_tags(&self, learnt: &[(String, String, Vec<String>)]) {
        let mut known = self.external_tags.lock();
        for (host, source, tags) in learnt {
            if known.len() < MAX_TAGGED_HOSTS || known.contains_key(host) {
                known.entry(host.clone()).or_default().insert(source.clone(), tags.clone());
            }
        }
    }

    pub(super) fn add(&self, instance: &Instance) {
        self.states.lock().entry(instance.id.clone()).or_insert_with(|| CheckState::new(instance));
    }

    pub(super) fn remove(&self, id: &str) {
        self.states.lock().remove(id);
    }

    pub(super) fn loaded(&self, id: &str, loader: &'static str, version: String) {
        if let Some(state) = self.states.lock().get_mut(id) {
            (state.loader, state.version) = (loader, version);
        }
    }

    /// Notes a run; `samples` holds what it left beside its values. Returns whether the outcome is another one than
    /// that of the run before.
    pub(super) fn note(&self, id: &str, run: RunRecord, samples: &Samples, error: Option<&CheckError>) -> bool {
        let mut states = self.states.lock();
        let Some(state) = states.get_mut(id) else { return false };
        let changed = state.last.as_ref().is_none_or(|last| last.outcome != run.outcome);
        state.runs += 1;
        state.failed_runs += u64::from(run.outcome == Outcome::Error);
        state.metric_samples += run.metric_samples as u64;
        state.service_checks += run.service_checks as u64;
        state.events += run.events as u64;
        state.total_ms += run.duration_ms;
        if run.outcome != Outcome::Error {
            state.last_ok = Some(run.at);
        }
        state.error = error.map(|error| error.message.clone()).unwrap_or_default();
        state.traceback = error.map(|error| error.traceback.clone()).unwrap_or_default();
        state.warnings = samples.warnings.iter().take(MAX_WARNINGS).cloned().collect();
        state.metadata.extend(samples.metadata.iter().cloned());
        state.last = Some(run);
        changed
    }
}
