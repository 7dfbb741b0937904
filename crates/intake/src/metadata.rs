//! POST /api/v1/metadata (JSON; reference: intake-agent.md §7.4): one inventory of a host or of its agent. There are
//! many kinds and every release of the agent adds some, so the content stays a tree.

use serde_json::Value;

use crate::loose;
use crate::proto::is_probe;
use crate::report::DecodeError;

/// One inventory payload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    /// Host that it describes; empty when the payload names none.
    pub hostname: String,
    /// Identifier of the machine; empty when unknown.
    pub uuid: String,
    /// When it was made: milliseconds since the UNIX epoch (the wire has nanoseconds), 0 when unknown.
    pub time_ms: i64,
    /// Which inventory: the name of its key, such as `host_metadata`, `agent_metadata` or `check_metadata`.
    pub discriminator: String,
    /// What is under that key.
    pub content: Value,
    /// Further keys beside it (`logs_metadata`), as sent.
    pub other: serde_json::Map<String, Value>,
}

/// Decodes the JSON body of `/api/v1/metadata`. An empty payload is an inventory without a discriminator.
pub fn decode(body: &[u8]) -> Result<Inventory, DecodeError> {
    let mut inventory = Inventory::default();
    if is_probe(body) {
        return Ok(inventory);
    }
    for (key, value) in loose::parse_object(body)? {
        match key.as_str() {
            "hostname" => inventory.hostname = loose::text(Some(&value)),
            "uuid" => inventory.uuid = loose::text(Some(&value)),
            "timestamp" => inventory.time_ms = milliseconds(&value),
            // The first key named so decides; `check_metadata` comes with `logs_metadata` beside it.
            _ if key.ends_with("_metadata") && may_lead(&key, &inventory.discriminator) => {
                let beside = (std::mem::replace(&mut inventory.discriminator, key), inventory.content);
                inventory.content = value;
                if !beside.0.is_empty() {
                    inventory.other.insert(beside.0, beside.1);
                }
            }
            _ => drop(inventory.other.insert(key, value)),
        }
    }
    Ok(inventory)
}

/// Logs are described beside checks and never lead when anything else does.
fn may_lead(key: &str, leader: &str) -> bool {
    leader.is_empty() || (leader == "logs_metadata" && key != "logs_metadata")
}

/// The wire has nanoseconds.
fn milliseconds(value: &Value) -> i64 {
    value.as_i64().or_else(|| loose::number(Some(value)).map(|nanos| nanos as i64)).unwrap_or(0) / 1_000_000
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_kind_is_told_by_its_key() {
        let body = br#"{"hostname":"web-1","timestamp":1656581409708654317,"uuid":"u-1","logs_metadata":{"a":[]},"check_metadata":{"cpu":[{"config.hash":"cpu"}]}}"#;
        let inventory = decode(body).unwrap();
        assert_eq!(
            (inventory.hostname.as_str(), inventory.uuid.as_str(), inventory.time_ms),
            ("web-1", "u-1", 1_656_581_409_708)
        );
        assert_eq!(inventory.discriminator, "check_metadata");
        assert_eq!(inventory.content, json!({"cpu": [{"config.hash": "cpu"}]}));
        assert_eq!(inventory.other["logs_metadata"], json!({"a": []}));

        let host = decode(br#"{"hostname":"h","host_metadata":{"cpu_cores":4}}"#).unwrap();
        assert_eq!((host.discriminator.as_str(), host.time_ms), ("host_metadata", 0));
        assert_eq!(decode(b"{}"), Ok(Inventory::default()));
        assert!(decode(b"[]").is_err());
    }
}
