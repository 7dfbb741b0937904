//! `galgo agent diagnose`: looks for what keeps the agent from working and says what to do about it.

use std::fs;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::config::Settings;
use galgo_core::{Clock, SystemClock};
use jiff::fmt::rfc2822;
use serde::Serialize;

use super::parts::{self, Parts};
use super::{client, load};

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Largest difference between the clocks of agent and server that does no harm, in seconds.
const MAX_CLOCK_SKEW_S: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Warning,
    Fail,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    suite: &'static str,
    name: String,
    verdict: Verdict,
    says: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, suite: &'static str, name: impl Into<String>, verdict: Verdict, says: impl Into<String>) {
        self.0.push(Finding { suite, name: name.into(), verdict, says: says.into() });
    }
}

/// Runs the command; fails when something is wrong.
pub fn main(folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let findings = examine(folder);
    if json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print!("{}", text(&findings));
    }
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The findings as text; the flare has them too.
pub fn report(folder: &Path) -> String {
    text(&examine(folder))
}

fn text(findings: &[Finding]) -> String {
    let mut lines = String::new();
    let mut suite = "";
    for finding in findings {
        if finding.suite != suite {
            suite = finding.suite;
            lines.push_str(&format!("\n{suite}\n{}\n", "-".repeat(suite.len())));
        }
        let verdict = match finding.verdict {
            Verdict::Pass => "pass   ",
            Verdict::Warning => "WARNING",
            Verdict::Fail => "FAIL   ",
        };
        lines.push_str(&format!("  {verdict}  {}: {}\n", finding.name, finding.says));
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (failed, warned) = (count(Verdict::Fail), count(Verdict::Warning));
    lines.push_str(&format!("\n{} looked at, {failed} failed, {warned} warnings\n", findings.len()));
    lines
}

fn examine(folder: &Path) -> Vec<Finding> {
    let mut found = Findings::default();
    match load(folder) {
        Err(error) => found.add("configuration", "datadog.yaml", Verdict::Fail, format!("{error:#}")),
        Ok(settings) => {
            configuration(&settings, &mut found);
            servers(&settings, &mut found);
            permissions(&settings, &mut found);
            python(&settings, &mut found);
            running(&settings, &mut found);
        }
    }
    found.0
}

fn configuration(settings: &Settings, found: &mut Findings) {
    let suite = "configuration";
    for warning in &settings.warnings {
        found.add(suite, "datadog.yaml", Verdict::Warning, warning);
    }
    if settings.api_key.is_empty() {
        found.add(suite, "api_key", Verdict::Fail, "is not set: servers refuse everything");
    }
    let configured = parts::configured(settings);
    for problem in &configured.problems {
        found.add(suite, "checks and logs", Verdict::Fail, problem);
    }
    let host = parts::host_name(settings);
    found.add(suite, "host name", Verdict::Pass, format!("{} ({})", host.name, host.source.name()));
    let count = format!("{} check instances, {} log sources", configured.instances.len(), configured.logs.len());
    found.add(suite, "checks and logs", Verdict::Pass, count);
}

fn servers(settings: &Settings, found: &mut Findings) {
    let suite = "servers";
    for (url, keys) in parts::endpoints(settings) {
        if let Err(error) = resolve(&url) {
            found.add(suite, &url, Verdict::Fail, error);
            continue;
        }
        for key in keys {
            server(settings, &url, &key, found);
        }
    }
}

fn resolve(url: &str) -> Result<(), String> {
    let uri: ureq::http::Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
    let host = uri.host().ok_or("names no host")?;
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let mut found = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(|error| format!("{host} is not found: {error}"))?;
    found.next().map(drop).ok_or_else(|| format!("{host} has no address"))
}

fn server(settings: &Settings, url: &str, key: &str, found: &mut Findings) {
    let suite = "servers";
    let name = format!("{url} with the key {}", galgo_agent::config::hidden(key));
    let proxy = parts::proxy_for(settings, url).and_then(|proxy| ureq::Proxy::new(&proxy).ok());
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).proxy(proxy);
    let agent: ureq::Agent = config.build().into();
    let answer = agent.get(format!("{url}/api/v1/validate")).header("DD-API-KEY", key).call();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return found.add(suite, name, Verdict::Fail, format!("no answer: {error}")),
    };
    match answer.status().as_u16() {
        200 => found.add(suite, name, Verdict::Pass, "answers and takes the key"),
        401 | 403 => {
            found.add(suite, name, Verdict::Fail, "answers and refuses the key: make a new one in Settings → API keys")
        }
        status => found.add(suite, name, Verdict::Fail, format!("answers {status} to /api/v1/validate")),
    }
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    let Some(server) = date.and_then(|date| rfc2822::parse(&date.replace("GMT", "+0000")).ok()) else { return };
    let skew = SystemClock::new().now_s() - server.timestamp().as_second();
    if skew.abs() > MAX_CLOCK_SKEW_S {
        let says = format!("this machine's clock is {skew} s off the server's: points land at the wrong time");
        found.add(suite, format!("clock of {url}"), Verdict::Fail, says);
    } else {
        found.add(suite, format!("clock of {url}"), Verdict::Pass, format!("{skew} s off"));
    }
}

fn permissions(settings: &Settings, found: &mut Findings) {
    let suite = "permissions";
    let run = &settings.run_path;
    match fs::create_dir_all(run).and_then(|()| tempfile::tempfile_in(run)) {
        Ok(_) => found.add(suite, "run folder", Verdict::Pass, format!("{} is writable", run.display())),
        Err(error) => found.add(suite, "run folder", Verdict::Fail, format!("{}: {error}", run.display())),
    }
    for (path, error) in parts::unreadable_logs(settings) {
        let says = format!("{error}: give the agent's user the right to read it (adduser galgo-agent adm, or setfacl)");
        found.add(suite, path, Verdict::Fail, says);
    }
}

fn python(settings: &Settings, found: &mut Findings) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let parts = Parts::new(settings, clock)?;
            let says = parts.python_diagnosis().await;
            parts.shutdown().await;
            Ok(says)
        })
    });
    match outcome {
        Ok(findings) => findings.into_iter().for_each(|finding| {
            let verdict = match finding.verdict {
                galgo_python::Verdict::Ok => Verdict::Pass,
                // Only those who have Python checks miss Python.
                _ => Verdict::Warning,
            };
            found.add("python", finding.subject, verdict, finding.detail);
        }),
        Err(error) => found.add("python", "interpreter", Verdict::Fail, format!("{error:#}")),
    }
}

fn running(settings: &Settings, found: &mut Findings) {
    let suite = "agent";
    let answers = client::Client::new(settings).and_then(|client| client.get("/agent/status"));
    match answers {
        Ok(_) => found.add(suite, "running agent", Verdict::Pass, "answers"),
        Err(error) => {
            found.add(suite, "running agent", Verdict::Warning, format!("{error:#}"));
            let address = (settings.local.cmd_host.as_str(), settings.local.cmd_port);
            if let Err(error) = TcpListener::bind(address) {
                let says = format!("{}:{} is taken by somebody else: {error}", address.0, address.1);
                found.add(suite, "cmd_port", Verdict::Fail, says);
            }
        }
    }
}
