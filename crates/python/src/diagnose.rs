//! Tries everything that Python checks need and says what is missing.

use std::path::Path;

use tokio::time::Instant;

use crate::pool::Pool;
use crate::{files, interpreter};

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but somebody should know.
    Warning,
    /// Does not work.
    Fail,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub subject: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, and what to do about it.
    pub detail: String,
}

impl Finding {
    fn new(subject: impl Into<String>, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), verdict, detail: detail.into() }
    }
}

/// Everything that was tried.
pub async fn diagnose(pool: &Pool) -> Vec<Finding> {
    let mut findings = Vec::new();
    match interpreter::find(pool.config.interpreter.as_deref()) {
        Ok(path) => findings.push(Finding::new("Python interpreter", Verdict::Ok, path.display().to_string())),
        Err(error) => findings.push(Finding::new("Python interpreter", Verdict::Fail, error.to_string())),
    }
    match files::write(&pool.config.run_dir) {
        Ok(folder) => findings.push(Finding::new("Python runner", Verdict::Ok, folder.display().to_string())),
        Err(error) => findings.push(Finding::new("Python runner", Verdict::Fail, error.to_string())),
    }
    if findings.iter().all(|finding| finding.verdict == Verdict::Ok) {
        probe(pool, &mut findings).await;
    }
    for folder in &pool.config.check_dirs {
        findings.push(look_into(folder));
    }
    for isolated in pool.ledger.isolated(Instant::now()) {
        findings.push(Finding::new(isolated.instance, Verdict::Warning, isolated.reason));
    }
    findings
}

async fn probe(pool: &Pool, findings: &mut Vec<Finding>) {
    match pool.probe().await {
        Ok(started) => {
            let hello = pool.hello();
            findings.push(Finding::new("Python version", Verdict::Ok, hello.version));
            let (verdict, note) = match hello.base_note.as_str() {
                "" => (Verdict::Ok, String::new()),
                note => (Verdict::Warning, format!(" ({note})")),
            };
            findings.push(Finding::new("Base class of checks", verdict, format!("{}{note}", hello.base)));
            if started {
                pool.stop_all().await;
            }
        }
        Err(error) => findings.push(Finding::new("Python process", Verdict::Fail, error.to_string())),
    }
}

fn look_into(folder: &Path) -> Finding {
    let subject = format!("Custom checks in {}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::new(subject, Verdict::Ok, "the folder does not exist: no custom checks");
        }
        Err(error) => return Finding::new(subject, Verdict::Fail, format!("cannot be read: {error}")),
    };
    let mut names = Vec::new();
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        if let Err(error) = std::fs::File::open(&path) {
            return Finding::new(subject, Verdict::Fail, format!("{} cannot be read: {error}", path.display()));
        }
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort_unstable();
    let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Finding::new(subject, Verdict::Ok, found)
}
