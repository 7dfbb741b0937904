//! The state of a running agent: what `galgo agent status` prints, as text in the order of Datadog's agent, as JSON,
//! and as a local page.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use galgo_agent::check::{CheckState, Outcome};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything that a person asks of a running agent.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Version of the agent.
    pub version: &'static str,
    /// Process.
    pub pid: u32,
    /// Now, in seconds since the UNIX epoch.
    pub now: i64,
    /// Since when it runs, in seconds since the UNIX epoch.
    pub started: i64,
    /// Folder of its configuration.
    pub config: String,
    /// Level of its log.
    pub log_level: String,
    /// Name under which the host reports.
    pub hostname: String,
    /// How that name was found.
    pub hostname_source: String,
    /// Host tags.
    pub tags: Vec<String>,
    /// What is odd in the configuration.
    pub warnings: Vec<String>,
    /// What is wrong in the configuration of checks and logs.
    pub problems: Vec<String>,
    /// Every scheduled instance.
    pub checks: Vec<CheckState>,
    /// The Python interpreter that runs checks.
    pub python: Value,
    /// Queues and endpoints.
    pub forwarder: Value,
    /// Counters of DogStatsD, null when it is off.
    pub dogstatsd: Value,
    /// Log sources, null when log collection is off.
    pub logs: Value,
}

impl Status {
    /// The status as one HTML page without a script.
    pub fn page(&self) -> String {
        let failing = self.checks.iter().filter(|check| outcome(check) == Some(Outcome::Error)).count();
        let rows: String = self.checks.iter().map(row).collect();
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
             <title>{host} – Galgo agent</title><style>{STYLE}</style><main><h1>Galgo agent on {host}</h1>\
             <p>{count} checks, {failing} failing · version {version} · running for {uptime}</p>\
             <div class=wide><table><thead><tr><th>Check<th>State<th>Runs<th>Samples<th>Last run<th>Message</thead>\
             <tbody>{rows}</tbody></table></div><h2>All of it</h2><pre>{text}</pre></main></html>",
            host = escape(&self.hostname),
            count = self.checks.len(),
            version = escape(self.version),
            uptime = duration(Duration::from_secs(self.now.abs_diff(self.started))),
            text = escape(&self.to_string()),
        )
    }
}

const STYLE: &str = "body{font:14px/1.5 system-ui;margin:0;background:Canvas;color:CanvasText;color-scheme:light dark}\
main{max-width:70rem;margin:0 auto;padding:1.5rem}h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .7rem;\
border-bottom:1px solid #8884;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}\
.OK{color:#188038}.WARNING{color:#b06000}.ERROR{color:#d93025}pre{overflow-x:auto;font-size:12px}";

fn row(check: &CheckState) -> String {
    let state = outcome(check).map_or("waiting", outcome_word);
    let last = check.last.as_ref();
    let message = if check.error.is_empty() { check.warnings.join("; ") } else { check.error.clone() };
    format!(
        "<tr><td title='{source}'>{name}<td class={state}>{state}<td class=n>{runs}<td class=n>{samples}<td>{when}\
         <td>{message}",
        source = escape(&check.source),
        name = escape(&check.check),
        runs = check.runs,
        samples = last.map_or(0, |run| run.metric_samples),
        when = last.map_or_else(|| "–".to_owned(), |run| moment(run.at)),
        message = escape(&message),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&quot;")
}

fn outcome(check: &CheckState) -> Option<Outcome> {
    check.last.as_ref().map(|run| run.outcome)
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "OK",
        Outcome::Warning => "WARNING",
        Outcome::Error => "ERROR",
    }
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.strftime("%F %T UTC").to_string())
}

fn duration(of: Duration) -> String {
    let seconds = of.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        title(f, &format!("Agent (v{})", self.version))?;
        writeln!(f, "  Status date: {}", moment(self.now))?;
        writeln!(f, "  Agent start: {}", moment(self.started))?;
        writeln!(f, "  Uptime: {}", duration(Duration::from_secs(self.now.abs_diff(self.started))))?;
        writeln!(f, "  Pid: {}", self.pid)?;
        writeln!(f, "  Config: {}", self.config)?;
        writeln!(f, "  Log Level: {}", self.log_level)?;
        list(f, "Warnings", &self.warnings)?;
        list(f, "Configuration errors", &self.problems)?;
        section(f, "Hostname")?;
        writeln!(f, "    hostname: {}", self.hostname)?;
        writeln!(f, "    source: {}", self.hostname_source)?;
        writeln!(f, "    tags: {}", self.tags.join(", "))?;
        writeln!(f)?;
        title(f, "Collector")?;
        section(f, "Running Checks")?;
        self.checks.iter().try_for_each(|check| self::check(f, check))?;
        for (name, part) in [
            ("Python", &self.python),
            ("Forwarder", &self.forwarder),
            ("DogStatsD", &self.dogstatsd),
            ("Logs", &self.logs),
        ] {
            writeln!(f)?;
            title(f, name)?;
            match part {
                Value::Null => writeln!(f, "  not running")?,
                part => tree(f, part, 2)?,
            }
        }
        Ok(())
    }
}

fn title(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let line = "=".repeat(text.chars().count());
    writeln!(f, "{line}\n{text}\n{line}\n")
}

fn section(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "\n  {text}\n  {}", "=".repeat(text.chars().count()))
}

fn list(f: &mut Formatter<'_>, name: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    section(f, name)?;
    lines.iter().try_for_each(|line| writeln!(f, "    {line}"))
}

fn check(f: &mut Formatter<'_>, check: &CheckState) -> fmt::Result {
    let version = if check.version.is_empty() { String::new() } else { format!(" ({})", check.version) };
    let name = format!("{}{version}", check.check);
    writeln!(f, "\n    {name}\n    {}", "-".repeat(name.chars().count()))?;
    let state = outcome(check).map_or("WAITING", outcome_word);
    writeln!(f, "      Instance ID: {} [{state}]", check.id)?;
    writeln!(f, "      Configuration Source: {}", check.source)?;
    writeln!(f, "      Loader: {}", if check.loader.is_empty() { "none yet" } else { check.loader })?;
    writeln!(f, "      Interval: {} s", check.interval_s)?;
    writeln!(f, "      Total Runs: {}", check.runs)?;
    let Some(last) = &check.last else { return writeln!(f, "      Not run yet") };
    writeln!(f, "      Metric Samples: Last Run: {}, Total: {}", last.metric_samples, check.metric_samples)?;
    writeln!(f, "      Events: Last Run: {}, Total: {}", last.events, check.events)?;
    writeln!(f, "      Service Checks: Last Run: {}, Total: {}", last.service_checks, check.service_checks)?;
    writeln!(f, "      Average Execution Time: {} ms", check.total_ms / check.runs.max(1))?;
    writeln!(f, "      Last Execution Date: {}", moment(last.at))?;
    writeln!(f, "      Last Successful Execution Date: {}", check.last_ok.map_or("never".into(), moment))?;
    for (key, value) in &check.metadata {
        writeln!(f, "      {key}: {value}")?;
    }
    for warning in &check.warnings {
        writeln!(f, "      Warning: {warning}")?;
    }
    if !check.error.is_empty() {
        writeln!(f, "      Error: {}", check.error)?;
        check.traceback.lines().try_for_each(|line| writeln!(f, "        {line}"))?;
    }
    Ok(())
}

/// Any value as indented lines of `key: value`.
fn tree(f: &mut Formatter<'_>, value: &Value, indent: usize) -> fmt::Result {
    let space = " ".repeat(indent);
    match value {
        Value::Object(map) => entries(f, map, indent),
        Value::Array(items) => items.iter().try_for_each(|item| match item {
            Value::Object(map) => {
                writeln!(f, "{space}-")?;
                entries(f, map, indent + 2)
            }
            item => writeln!(f, "{space}- {}", plain(item)),
        }),
        single => writeln!(f, "{space}{}", plain(single)),
    }
}

fn entries(f: &mut Formatter<'_>, map: &Map<String, Value>, indent: usize) -> fmt::Result {
    let space = " ".repeat(indent);
    for (key, value) in map {
        match value {
            Value::Object(inner) if inner.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Null => {}
            Value::Object(_) | Value::Array(_) => {
                writeln!(f, "{space}{key}:")?;
                tree(f, value, indent + 2)?;
            }
            single => writeln!(f, "{space}{key}: {}", plain(single))?,
        }
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use galgo_agent::check::RunRecord;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn status() -> Status {
        let last = RunRecord {
            at: 1_700_000_015,
            duration_ms: 12,
            metric_samples: 7,
            service_checks: 1,
            events: 0,
            logs: 0,
            outcome: Outcome::Error,
        };
        let check = CheckState {
            check: "mysql".into(),
            id: "mysql:1".into(),
            source: "conf.d/mysql.yaml, instance 1".into(),
            loader: "core",
            version: "1".into(),
            interval_s: 15.0,
            runs: 2,
            failed_runs: 1,
            metric_samples: 90,
            service_checks: 2,
            events: 0,
            total_ms: 24,
            last: Some(last),
            last_ok: None,
            error: "cannot connect <127.0.0.1>".into(),
            traceback: String::new(),
            warnings: vec![],
            metadata: BTreeMap::from([("version.raw".into(), "11.4".into())]),
        };
        Status {
            version: "1.2.3",
            pid: 7,
            now: 1_700_000_030,
            started: 1_700_000_000,
            config: "/etc/galgo-agent".into(),
            log_level: "info".into(),
            hostname: "web-1".into(),
            hostname_source: "os".into(),
            tags: vec!["env:test".into()],
            warnings: vec![],
            problems: vec!["conf.d/x.yaml:3: not a map".into()],
            checks: vec![check],
            python: Value::Null,
            forwarder: json!({ "endpoints": [{ "url": "http://galgo", "queued": 0 }], "empty": {} }),
            dogstatsd: Value::Null,
            logs: Value::Null,
        }
    }

    #[test]
    fn the_text_has_datadogs_order() {
        expect_test::expect_file!["golden/status.txt"].assert_eq(&status().to_string());
    }

    #[test]
    fn the_page_escapes_what_checks_say() {
        let page = status().page();
        assert!(page.contains("cannot connect &lt;127.0.0.1&gt;"));
        assert!(!page.contains("<127.0.0.1>"));
    }
}
