//! The commands that ask a running agent over its local API.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use galgo_agent::config::Settings;
use serde_json::Value;

use super::{load, local_api};

/// How long a running agent may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Which log lines to show.
#[derive(Debug, Args)]
pub struct StreamArgs {
    /// Only lines of this source.
    #[arg(long)]
    source: Option<String>,
    /// Only lines of this service.
    #[arg(long)]
    service: Option<String>,
    /// Ends after so many lines [default: never].
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

/// A running agent.
pub struct Client {
    base: String,
    token: String,
    agent: ureq::Agent,
}

impl Client {
    /// The agent of this configuration.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let token = local_api::read_token(&settings.run_path)?;
        let base = format!("http://{}:{}", settings.local.cmd_host, settings.local.cmd_port);
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        Ok(Self { base, token, agent: config.build().into() })
    }

    /// The answer to a GET, as text.
    pub fn get(&self, path: &str) -> anyhow::Result<String> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("Authorization", self.bearer());
        let answer = request.config().timeout_global(Some(TIMEOUT)).build().call();
        read(answer.with_context(|| self.silent())?)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn silent(&self) -> String {
        format!("no agent answers on {}: is it running?", self.base)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> anyhow::Result<String> {
    let ok = answer.status().is_success();
    let text = answer.body_mut().read_to_string()?;
    if ok {
        return Ok(text);
    }
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match body["errors"][0].as_str() {
        Some(error) => bail!("{error}"),
        None => bail!("the agent answered {}", answer.status()),
    }
}

/// `status`.
pub fn status(folder: &Path, json: bool, page: bool) -> anyhow::Result<ExitCode> {
    let client = Client::new(&load(folder)?)?;
    if page {
        println!("{}/?token={}", client.base, client.token);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", client.get(if json { "/agent/status" } else { "/agent/status?format=text" })?);
    if json {
        println!();
    }
    Ok(ExitCode::SUCCESS)
}

/// `reload`.
pub fn reload(folder: &Path) -> anyhow::Result<ExitCode> {
    let client = Client::new(&load(folder)?)?;
    let request = client.agent.post(format!("{}/agent/reload", client.base)).header("Authorization", client.bearer());
    let answer: Value = serde_json::from_str(&read(request.send_empty().with_context(|| client.silent())?)?)?;
    println!("{}", answer["reloaded"].as_str().unwrap_or("reloaded"));
    Ok(ExitCode::SUCCESS)
}

/// `dogstatsd-stats`.
pub fn dogstatsd_stats(folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let text = Client::new(&load(folder)?)?.get("/agent/dogstatsd-stats")?;
    if json {
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let metrics: Vec<Value> = serde_json::from_str(&text)?;
    println!("{:<50} {:<30} {:>10}  Last seen", "Metric", "Tags", "Count");
    for metric in &metrics {
        let text = |key: &str| metric[key].as_str().unwrap_or_default().to_owned();
        let seen = metric["last_seen"].as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let seen = seen.map_or_else(String::new, |seen| seen.to_string());
        println!("{:<50} {:<30} {:>10}  {seen}", text("name"), text("tags"), metric["count"]);
    }
    Ok(ExitCode::SUCCESS)
}

/// `stream-logs`.
pub fn stream_logs(folder: &Path, args: &StreamArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(&load(folder)?)?;
    let request =
        client.agent.get(format!("{}/agent/stream-logs", client.base)).header("Authorization", client.bearer());
    let answer = request.call().with_context(|| client.silent())?;
    if !answer.status().is_success() {
        return read(answer).map(|_| ExitCode::SUCCESS);
    }
    let wanted = |line: &Value, key: &str, filter: &Option<String>| {
        filter.as_deref().is_none_or(|filter| line[key].as_str() == Some(filter))
    };
    let lines = BufReader::new(answer.into_body().into_reader()).lines();
    let lines = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let lines = lines.filter(|line| wanted(line, "source", &args.source) && wanted(line, "service", &args.service));
    for line in lines.take(args.count.unwrap_or(usize::MAX)) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        println!(
            "Status: {} | Service: {} | Source: {} | Message: {}",
            text("status"),
            text("service"),
            text("source"),
            text("message")
        );
    }
    Ok(ExitCode::SUCCESS)
}
