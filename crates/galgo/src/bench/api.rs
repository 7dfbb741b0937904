//! The few calls that are not measured: readiness, host tags, compaction, queries.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// Longest wait for an answer; compaction of a large data set takes a while.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// A server's address and keys.
pub(super) struct Api {
    agent: ureq::Agent,
    base: String,
    api_key: String,
    app_key: String,
}

impl Api {
    pub(super) fn new(base: String, api_key: &str, app_key: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        Self { agent: ureq::Agent::new_with_config(config), base, api_key: api_key.into(), app_key: app_key.into() }
    }

    /// Whether the server is ready for requests.
    pub(super) fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/ready", self.base)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// Posts JSON and returns the status.
    fn post(&self, path: &str, body: &Value) -> anyhow::Result<u16> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("DD-API-KEY", &self.api_key).header("DD-APPLICATION-KEY", &self.app_key);
        let answer = request.header("Content-Type", "application/json").send(body.to_string());
        Ok(answer.with_context(|| format!("POST {path}"))?.status().as_u16())
    }

    /// Tells the server the tags of a host, as an agent does.
    pub(super) fn describe_host(&self, host: &str, tags: &[String]) -> anyhow::Result<()> {
        let payload = json!({
            "internalHostname": host,
            "agentVersion": env!("CARGO_PKG_VERSION"),
            "meta": { "hostname": host },
            "host-tags": { "system": tags },
        });
        let status = self.post("/intake/", &payload)?;
        if status / 100 != 2 {
            bail!("host metadata was refused with {status}");
        }
        Ok(())
    }

    /// Asks the server to write and merge everything now; `false` when it knows no such request.
    pub(super) fn compact(&self) -> anyhow::Result<bool> {
        match self.post("/api/galgo/v1/compact", &json!({}))? {
            404 | 405 => Ok(false),
            status if status / 100 == 2 => Ok(true),
            status => bail!("compaction was refused with {status}"),
        }
    }

    /// A number that the server shows of itself at `/metrics`.
    pub(super) fn own_metric(&self, name: &str) -> Option<f64> {
        let text = self.agent.get(format!("{}/metrics", self.base)).call().ok()?.body_mut().read_to_string().ok()?;
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<f64>().ok();
        text.lines().find_map(value)
    }

    /// Asks a metric query over a range in seconds and returns (series, points).
    pub(super) fn query(&self, query: &str, from: i64, to: i64) -> anyhow::Result<(usize, usize)> {
        let request = self.agent.get(format!("{}/api/v1/query", self.base));
        let request = request.query("query", query).query("from", from.to_string()).query("to", to.to_string());
        let request = request.header("DD-API-KEY", &self.api_key).header("DD-APPLICATION-KEY", &self.app_key);
        // The peers in the goals were asked for plain answers too.
        let request = request.header("Accept-Encoding", "identity");
        let mut answer = request.call().with_context(|| format!("query {query}"))?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        if answer.status() != 200 {
            bail!("query {query} was refused with {}: {}", answer.status(), String::from_utf8_lossy(&body));
        }
        let answer: Value = serde_json::from_slice(&body).context("the answer is no JSON")?;
        let series = answer.get("series").and_then(Value::as_array).context("the answer has no series")?;
        let length = |series: &Value| series.get("pointlist").and_then(Value::as_array).map_or(0, Vec::len);
        Ok((series.len(), series.iter().map(length).sum()))
    }
}
