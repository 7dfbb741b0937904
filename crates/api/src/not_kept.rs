//! The one table of paths that agents and tracers send to and that Galgo does not store yet.
//!
//! An agent repeats a payload for ever when it is answered with 404 (reference: intake-agent.md §2), so each of these
//! is acknowledged, counted in the catalogue and shown on the page "what agents send that Galgo does not keep".

use http::{Method, StatusCode};

/// The body of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// JSON text.
    Json(&'static str),
    /// Binary protobuf.
    Protobuf(&'static [u8]),
    /// Nothing.
    Empty,
}

/// One path that is acknowledged and not kept.
#[derive(Debug, Clone)]
pub struct NotKept {
    /// Method.
    pub method: Method,
    /// Path, in the router's notation.
    pub path: &'static str,
    /// What is sent there.
    pub what: &'static str,
    /// Why it is not kept.
    pub why: &'static str,
    /// Status of the answer.
    pub status: StatusCode,
    /// Body of the answer.
    pub reply: Reply,
}

const LATER: &str = "not stored yet";
const SHADOW: &str = "a copy of what the sender also sends to a path that is kept";
const UNUSED: &str = "declared by agents and unused by those that ship";
const FOREIGN: &str = "belongs to the hosted service";

/// A framed `ResCollector` with an empty `CollectorStatus`: the agent reads the status without checking that it is
/// there, and zero active clients keep real-time mode off (reference: intake-agent.md §8).
const RES_COLLECTOR: &[u8] = &[3, 0, 23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0];

const OK: Reply = Reply::Json(r#"{"status":"ok"}"#);
const BRACES: Reply = Reply::Json("{}");

macro_rules! row {
    ($method:ident $path:literal, $what:literal, $why:expr, $status:ident, $reply:expr) => {
        NotKept {
            method: Method::$method,
            path: $path,
            what: $what,
            why: $why,
            status: StatusCode::$status,
            reply: $reply,
        }
    };
}

/// Every such path.
pub const TABLE: &[NotKept] = &[
    row!(POST "/api/v1/events", "events", LATER, ACCEPTED, OK),
    row!(POST "/api/v2/events", "events", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v1/sketches", "sketches of an old form", UNUSED, ACCEPTED, BRACES),
    row!(POST "/api/v2/service_checks", "service checks", UNUSED, ACCEPTED, BRACES),
    row!(POST "/api/v2/host_metadata", "host metadata", UNUSED, ACCEPTED, BRACES),
    row!(POST "/api/intake/metrics/v3beta/series", "metrics", SHADOW, ACCEPTED, BRACES),
    row!(POST "/api/intake/metrics/v3beta/sketches", "distributions", SHADOW, ACCEPTED, BRACES),
    row!(POST "/api/v1/collector", "processes", LATER, OK, Reply::Protobuf(RES_COLLECTOR)),
    row!(POST "/api/v1/container", "containers", LATER, OK, Reply::Protobuf(RES_COLLECTOR)),
    row!(POST "/api/v1/connections", "network connections", LATER, OK, Reply::Protobuf(RES_COLLECTOR)),
    row!(POST "/api/v1/discovery", "processes found by service discovery", LATER, OK, Reply::Protobuf(RES_COLLECTOR)),
    row!(POST "/api/v2/proclcycle", "process starts and ends", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v1/orchestrator", "Kubernetes resources", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/orch", "Kubernetes resources", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/orchmanif", "Kubernetes manifests", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/contlcycle", "container starts and ends", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/contimage", "container images", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/sbom", "software bills of materials", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/databasequery", "database query samples", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/dbmmetrics", "database query metrics", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/dbmmetadata", "database schemas", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/dbmactivity", "database sessions", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/ndm", "network devices", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/ndmtraps", "SNMP traps", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/ndmflow", "NetFlow records", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/netpath", "network paths", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/apmtelemetry", "telemetry of tracers and agents about themselves", FOREIGN, ACCEPTED, BRACES),
    row!(POST "/api/v2/logs", "logs", LATER, ACCEPTED, BRACES),
    row!(POST "/v1/input", "logs", LATER, ACCEPTED, BRACES),
    row!(POST "/v1/input/{key}", "logs", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v0.2/traces", "traces", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v0.2/stats", "trace statistics", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v2/profile", "profiles", LATER, ACCEPTED, BRACES),
    row!(POST "/api/v0.1/configurations", "requests for remote configuration", FOREIGN, OK, Reply::Protobuf(&[])),
    row!(GET "/api/v0.1/org", "requests for remote configuration", FOREIGN, OK, Reply::Protobuf(&[])),
    row!(GET "/api/v0.1/status", "requests for remote configuration", FOREIGN, OK, Reply::Protobuf(&[])),
    row!(HEAD "/support/flare", "flares", FOREIGN, OK, Reply::Empty),
    row!(HEAD "/support/flare/{case}", "flares", FOREIGN, OK, Reply::Empty),
    row!(POST "/support/flare", "flares", FOREIGN, OK, Reply::Json(r#"{"error":"Galgo keeps no flares"}"#)),
    row!(POST "/support/flare/{case}", "flares", FOREIGN, OK, Reply::Json(r#"{"error":"Galgo keeps no flares"}"#)),
];

/// The row of events inside host payloads.
pub const EVENTS_IN_INTAKE: NotKept = row!(POST "/intake/", "events inside host payloads", LATER, ACCEPTED, OK);

/// The row of a path.
pub fn row_of(path: &str) -> Option<&'static NotKept> {
    const OTHERS: &[NotKept] = &[OTHER_INVENTORY, EVENTS_IN_INTAKE];
    TABLE.iter().chain(OTHERS).find(|row| row.path == path)
}

/// The row of an inventory payload on `/api/v1/metadata` that holds nothing about the host or its agent.
pub const OTHER_INVENTORY: NotKept =
    row!(POST "/api/v1/metadata", "inventories other than host and agent", LATER, ACCEPTED, OK);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_path_stands_once() {
        let paths: BTreeSet<_> = TABLE.iter().map(|row| (row.method.as_str(), row.path)).collect();
        assert_eq!(paths.len(), TABLE.len());
    }

    #[test]
    fn the_process_reply_is_the_documented_frame() {
        let hex: String = RES_COLLECTOR.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "030017000000000000000000000000001a00");
    }
}
