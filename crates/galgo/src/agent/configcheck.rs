//! `galgo agent configcheck`: the configuration of every check as the agent understands it, secrets removed.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use galgo_agent::config::{Settings, scrub};
use serde_json::Value;

use super::{load, parts};

/// Runs the command; fails when a file has a mistake.
pub fn main(folder: &Path) -> anyhow::Result<ExitCode> {
    let settings = load(folder)?;
    let (text, sound) = report(&settings);
    print!("{text}");
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The configuration as text, and whether it is without mistakes; the flare has it too.
pub fn report(settings: &Settings) -> (String, bool) {
    let configured = parts::configured(settings);
    let mut text = String::new();
    for warning in &settings.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if !configured.problems.is_empty() {
        let _ = writeln!(text, "=== Configuration errors ===\n");
        for problem in &configured.problems {
            let _ = writeln!(text, "{problem}");
        }
        text.push('\n');
    }
    for note in &configured.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for instance in &configured.instances {
        let _ = writeln!(text, "=== {} check ===", instance.check);
        let _ = writeln!(text, "Configuration source: {}", instance.source);
        let _ = writeln!(text, "Instance ID: {}", instance.id);
        text.push_str(&yaml(&instance.options));
        if instance.init_config.as_object().is_some_and(|map| !map.is_empty()) {
            let _ = writeln!(text, "~\nInit config:");
            text.push_str(&yaml(&instance.init_config));
        }
        text.push_str("===\n\n");
    }
    for log in &configured.logs {
        let _ = writeln!(text, "=== {} logs ===", log.check);
        let _ = writeln!(text, "Configuration source: {}", log.source);
        text.push_str(&yaml(&log.config));
        text.push_str("===\n\n");
    }
    (text, configured.problems.is_empty())
}

fn yaml(value: &Value) -> String {
    scrub(&serde_norway::to_string(value).unwrap_or_default())
}
