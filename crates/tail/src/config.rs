//! Settings of log collection (reference: agent-config.md §6).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::is_affirmative;
use serde_json::Value;

use crate::pipeline::BatchConfig;
use crate::rules::{RuleSet, kind_of};
use crate::source::SourceError;

/// Settings of log collection.
#[derive(Debug, Clone)]
pub struct TailConfig {
    /// Folder of `registry.json`.
    pub run_dir: PathBuf,
    /// Host under which lines are filed.
    pub host: String,
    /// Rules of all sources (`logs_config.processing_rules`).
    pub processing_rules: Arc<RuleSet>,
    /// Most files that are open at a time (`logs_config.open_files_limit`).
    pub open_files_limit: usize,
    /// Time between two searches for files (`logs_config.file_scan_period`); at least 1 s.
    pub file_scan_period: Duration,
    /// How long a rotated file is watched after it was read to its end (`logs_config.close_timeout`).
    pub close_timeout: Duration,
    /// How long the place in a file that is gone is kept (`logs_config.auditor_ttl`).
    pub auditor_ttl: Duration,
    /// Whether logs of several lines are recognised without a rule (`logs_config.auto_multi_line_detection`).
    pub auto_multi_line: bool,
    /// Longest line in bytes; longer ones are cut (`logs_config.max_message_size_bytes`).
    pub max_message_bytes: usize,
    /// Longest datagram in bytes (`logs_config.frame_size`).
    pub frame_size: usize,
    /// How lines are put together for a delivery.
    pub batch: BatchConfig,
    /// How long the last lines may take at the end.
    pub shutdown_timeout: Duration,
    /// The program that reads the journal.
    pub journalctl: PathBuf,
}

impl TailConfig {
    /// Datadog's defaults.
    pub fn new(run_dir: impl Into<PathBuf>, host: impl Into<String>) -> Self {
        Self {
            run_dir: run_dir.into(),
            host: host.into(),
            processing_rules: Arc::default(),
            open_files_limit: 500,
            file_scan_period: Duration::from_secs(1),
            close_timeout: Duration::from_secs(60),
            auditor_ttl: Duration::from_secs(23 * 3600),
            auto_multi_line: false,
            max_message_bytes: 900_000,
            frame_size: 9000,
            batch: BatchConfig::default(),
            shutdown_timeout: Duration::from_secs(10),
            journalctl: PathBuf::from("journalctl"),
        }
    }

    /// The same with what the agent's configuration says. `settings` is the whole configuration as one map,
    /// `where_from` its file, for errors.
    pub fn with_settings(mut self, settings: &Value, where_from: &str) -> Result<Self, SourceError> {
        let Some(logs) = settings.get("logs_config").filter(|logs| logs.is_object()) else { return Ok(self) };
        let keys = Keys { logs, where_from };
        keys.rules(&mut self.processing_rules)?;
        keys.number("open_files_limit", 1, &mut self.open_files_limit)?;
        keys.number("max_message_size_bytes", 100, &mut self.max_message_bytes)?;
        keys.number("frame_size", 1, &mut self.frame_size)?;
        self.frame_size = self.frame_size.min(65_535);
        keys.number("batch_max_size", 1, &mut self.batch.max_lines)?;
        keys.number("batch_max_content_size", 1, &mut self.batch.max_bytes)?;
        keys.duration("batch_wait", 1, &mut self.batch.wait)?;
        keys.duration("file_scan_period", 1, &mut self.file_scan_period)?;
        self.file_scan_period = self.file_scan_period.max(Duration::from_secs(1));
        keys.duration("close_timeout", 1, &mut self.close_timeout)?;
        keys.duration("auditor_ttl", 3600, &mut self.auditor_ttl)?;
        keys.duration("stop_grace_period", 1, &mut self.shutdown_timeout)?;
        if let Some(value) = keys.get("auto_multi_line_detection") {
            self.auto_multi_line = is_affirmative(value);
        }
        Ok(self)
    }
}

struct Keys<'a> {
    logs: &'a Value,
    where_from: &'a str,
}

impl Keys<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.logs.get(key).filter(|value| !value.is_null())
    }

    fn refuse(&self, reason: String) -> SourceError {
        SourceError { where_from: self.where_from.to_owned(), reason }
    }

    /// Rules as a list, or as JSON in a text as environment variables hold them.
    fn rules(&self, into: &mut Arc<RuleSet>) -> Result<(), SourceError> {
        let key = "logs_config.processing_rules";
        let parsed = match self.get("processing_rules") {
            None => return Ok(()),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(()),
            Some(Value::String(text)) => {
                let list: Value = serde_json::from_str(text)
                    .map_err(|error| self.refuse(format!("{key} must be a list of rules, or one as JSON: {error}")))?;
                RuleSet::parse(Some(&list), key)
            }
            Some(value) => RuleSet::parse(Some(value), key),
        };
        *into = Arc::new(parsed.map_err(|error| self.refuse(error.to_string()))?);
        Ok(())
    }

    fn number(&self, key: &str, least: usize, into: &mut usize) -> Result<(), SourceError> {
        let Some(value) = self.get(key) else { return Ok(()) };
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        let number = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number >= least);
        *into = number.ok_or_else(|| {
            self.refuse(format!("logs_config.{key} must be a whole number from {least} on, not {}", kind_of(value)))
        })?;
        Ok(())
    }

    /// A number of units of so many seconds.
    fn duration(&self, key: &str, unit_s: u64, into: &mut Duration) -> Result<(), SourceError> {
        let Some(value) = self.get(key) else { return Ok(()) };
        let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        let seconds = number.map(|number: f64| number * unit_s as f64).filter(|seconds| *seconds >= 0.0);
        *into = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
            let unit = if unit_s == 3600 { "hours" } else { "seconds" };
            self.refuse(format!("logs_config.{key} must be a number of {unit}, not {}", kind_of(value)))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(logs: Value) -> Result<TailConfig, String> {
        let settings = json!({ "logs_config": logs });
        TailConfig::new("/run", "h").with_settings(&settings, "datadog.yaml").map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_read() {
        let rules = r#"[{"type":"exclude_at_match","name":"n","pattern":"x"}]"#;
        let config = parse(json!({
            "processing_rules": rules, "open_files_limit": "100", "batch_wait": 1, "file_scan_period": 0.1,
            "auditor_ttl": 2, "auto_multi_line_detection": "true", "close_timeout": 30
        }));
        let config = config.unwrap();
        assert_eq!(config.processing_rules.apply("x".into()), None);
        assert_eq!((config.open_files_limit, config.auto_multi_line), (100, true));
        assert_eq!(config.file_scan_period, Duration::from_secs(1));
        assert_eq!(config.auditor_ttl, Duration::from_secs(7200));
        assert_eq!(TailConfig::new("/run", "h").with_settings(&json!({}), "").unwrap().open_files_limit, 500);
    }

    #[test]
    fn errors_name_the_key() {
        let refused = |logs| parse(logs).unwrap_err();
        assert_eq!(
            refused(json!({ "open_files_limit": 0 })),
            "datadog.yaml: logs_config.open_files_limit must be a whole number from 1 on, not 0"
        );
        assert_eq!(
            refused(json!({ "batch_wait": "soon" })),
            "datadog.yaml: logs_config.batch_wait must be a number of seconds, not the text \"soon\""
        );
        assert!(refused(json!({ "processing_rules": "[" })).contains("logs_config.processing_rules must be a list"));
        assert!(
            refused(json!({ "processing_rules": [{}] })).contains("logs_config.processing_rules[0]: name is missing")
        );
    }
}
