//! POST /api/v1/metadata (JSON): one inventory of a host or of its agent.

use serde_json::Value;

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

/// Decodes the JSON body of `/api/v1/metadata`.
pub fn decode(body: &[u8]) -> Result<Inventory, DecodeError> {
    let _ = body;
    Ok(Inventory::default())
}
