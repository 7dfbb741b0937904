//! What comes from the hosts themselves: sightings on the ingest path and reports of metadata.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Catalog, Result};

/// Kinds of metadata documents. Inventory payloads use their discriminator (`host_metadata`, `agent_metadata`, …).
pub mod kind {
    /// The host payload of `/intake/` without key, tags, gohai, checks and processes.
    pub const HOST: &str = "host";
    /// What gohai collected, parsed from its JSON string.
    pub const GOHAI: &str = "gohai";
    /// The `agent_checks` list.
    pub const AGENT_CHECKS: &str = "agent_checks";
    /// The `resources` object (top processes).
    pub const RESOURCES: &str = "resources";
}

/// What one payload says of a host. Empty fields change nothing.
#[derive(Debug, Clone, Default)]
pub struct HostReport {
    /// Name of the host.
    pub host: String,
    /// Version of the agent.
    pub agent_version: String,
    /// Flavour of the agent.
    pub agent_flavor: String,
    /// Operating system (`os` or `systemStats.platform`).
    pub platform: String,
    /// Other names, added to those known.
    pub aliases: Vec<String>,
    /// Integrations, added to those known.
    pub apps: Vec<String>,
    /// Where it is known from, added to those known.
    pub sources: Vec<String>,
    /// Tags by source as sent (`system`, `google cloud platform`); each source given is replaced whole.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Documents by kind; each kind given is replaced whole.
    pub metadata: BTreeMap<String, Value>,
}

impl Catalog {
    /// Notes that data of a host came in. No SQL, no write lock for a known host; flushed now and then.
    pub fn host_seen(&self, host: &str) {
        let _ = host;
        todo!()
    }
    /// Takes a report, durable when it returns. `external_host_tags` are reports with nothing but tags.
    pub async fn report_host(&self, report: HostReport) -> Result<()> {
        let _ = report;
        todo!()
    }
    /// Attaches tags to other hosts without marking them as seen (`external_host_tags`).
    pub async fn external_host_tags(&self, tags: Vec<(String, BTreeMap<String, Vec<String>>)>) -> Result<()> {
        let _ = tags;
        todo!()
    }
}
