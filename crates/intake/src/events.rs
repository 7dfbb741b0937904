//! Events, in the agent's form (inside `/intake/`) and the API's form (`/api/v1/events`; reference:
//! intake-agent.md §7.3).

use serde_json::{Map, Value};

use crate::loose;
use crate::report::{Context, DecodeError};

/// Longest text of an event in characters; longer ones are cut.
pub const MAX_TEXT_CHARS: usize = 4000;
/// Longest title of an event in characters; longer ones are cut.
pub const MAX_TITLE_CHARS: usize = 500;
/// Longest aggregation key in characters.
pub const MAX_AGGREGATION_KEY_CHARS: usize = 100;

const ALERT_TYPES: [&str; 7] = ["error", "warning", "info", "success", "user_update", "recommendation", "snapshot"];
const PRIORITIES: [&str; 2] = ["normal", "low"];

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

/// Decodes the JSON body of `/api/v1/events`: one event. Unlike an agent, a client is told what is wrong with it.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Event, DecodeError> {
    let sent = loose::parse_object(body)?;
    let required = |key: &str| match sent.get(key) {
        Some(Value::String(text)) if !text.is_empty() || key == "text" => Ok(text.as_str()),
        Some(Value::Null) | None => Err(DecodeError::Invalid(format!("missing required attribute: {key}"))),
        Some(Value::String(_)) => Err(DecodeError::Invalid(format!("{key} is empty"))),
        Some(other) => Err(DecodeError::Invalid(format!("{key} must be a string, not {}", loose::kind_of(other)))),
    };
    let aggregation_key = loose::text(sent.get("aggregation_key"));
    let key_chars = aggregation_key.chars().count();
    if key_chars > MAX_AGGREGATION_KEY_CHARS {
        return Err(DecodeError::Invalid(format!(
            "aggregation_key has {key_chars} characters, the limit is {MAX_AGGREGATION_KEY_CHARS}"
        )));
    }
    Ok(Event {
        title: cut(required("title")?, MAX_TITLE_CHARS),
        text: cut(required("text")?, MAX_TEXT_CHARS),
        time: loose::time(sent.get("date_happened"), ctx.now_s),
        priority: one_of(&sent, "priority", &PRIORITIES, "normal")?,
        host: loose::text(sent.get("host")),
        device: loose::text(sent.get("device_name")),
        tags: loose::tags(sent.get("tags")),
        alert_type: one_of(&sent, "alert_type", &ALERT_TYPES, "info")?,
        aggregation_key,
        source_type_name: loose::text(sent.get("source_type_name")),
        event_type: loose::text(sent.get("event_type")),
        related_event_id: loose::number(sent.get("related_event_id")).map(|id| id as i64),
    })
}

fn one_of(sent: &Map<String, Value>, key: &str, known: &[&str], default: &str) -> Result<String, DecodeError> {
    let given = loose::text(sent.get(key));
    if given.is_empty() {
        return Ok(default.to_owned());
    }
    if known.contains(&given.as_str()) {
        return Ok(given);
    }
    Err(DecodeError::Invalid(format!("{key} must be one of {}: {:?}", known.join(", "), cut(&given, 40))))
}

fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

/// Reads `events` of an agent's `/intake/` payload: lists by source. What is no event is left out; a source named
/// `api` is none.
pub(crate) fn from_agent(events: Option<&Value>, ctx: &Context) -> Vec<Event> {
    let Some(by_source) = events.and_then(Value::as_object) else { return Vec::new() };
    let rows =
        by_source.iter().flat_map(|(source, rows)| loose::items(Some(rows)).iter().map(move |row| (source, row)));
    rows.filter_map(|(source, row)| Some(agent_event(source, row.as_object()?, ctx))).collect()
}

/// Reads one event in the agent's words (`msg_title`, `msg_text`, `timestamp`…), as checks make them too; `source` is
/// its source type when it names none itself.
pub fn agent_event(source: &str, sent: &Map<String, Value>, ctx: &Context) -> Event {
    let known_or = |key: &str, known: &[&str], default: &str| {
        let given = loose::text(sent.get(key)).to_ascii_lowercase();
        if known.contains(&given.as_str()) { given } else { default.to_owned() }
    };
    let source_type_name = loose::text(sent.get("source_type_name"));
    let source = if source == "api" { "" } else { source };
    Event {
        title: cut(&loose::text(sent.get("msg_title")), MAX_TITLE_CHARS),
        text: cut(&loose::text(sent.get("msg_text")), MAX_TEXT_CHARS),
        time: loose::time(sent.get("timestamp"), ctx.now_s),
        priority: known_or("priority", &PRIORITIES, "normal"),
        host: loose::text(sent.get("host")),
        device: loose::text(sent.get("device_name")),
        tags: loose::tags(sent.get("tags")),
        alert_type: known_or("alert_type", &ALERT_TYPES, "info"),
        aggregation_key: cut(&loose::text(sent.get("aggregation_key")), MAX_AGGREGATION_KEY_CHARS),
        source_type_name: if source_type_name.is_empty() { source.to_owned() } else { source_type_name },
        event_type: loose::text(sent.get("event_type")),
        related_event_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CTX: Context = Context { now_s: 1_700_000_000, from_agent: false };

    #[test]
    fn an_event_of_the_api() {
        let body = br#"{"title":"Deployed","text":"","tags":["env:prod"],"alert_type":"success","host":"web-1",
            "date_happened":1656581400,"related_event_id":12,"device_name":null}"#;
        let expected = Event {
            title: "Deployed".into(),
            time: 1_656_581_400,
            priority: "normal".into(),
            host: "web-1".into(),
            tags: vec!["env:prod".into()],
            alert_type: "success".into(),
            related_event_id: Some(12),
            ..Event::default()
        };
        assert_eq!(decode(body, &CTX), Ok(expected));
    }

    #[test]
    fn a_client_is_told_what_is_wrong() {
        let long_key = format!(r#"{{"title":"a","text":"b","aggregation_key":"{}"}}"#, "x".repeat(101));
        for (body, error) in [
            ("{}", "missing required attribute: title"),
            (r#"{"title":"a"}"#, "missing required attribute: text"),
            (r#"{"title":"","text":"b"}"#, "title is empty"),
            (r#"{"title":1,"text":"b"}"#, "title must be a string, not a number"),
            (r#"{"title":"a","text":"b","priority":"urgent"}"#, "priority must be one of normal, low: \"urgent\""),
            (&long_key, "aggregation_key has 101 characters, the limit is 100"),
            ("[]", "expected an object, not an array"),
            ("", "malformed json at byte 0: EOF while parsing a value"),
        ] {
            assert_eq!(decode(body.as_bytes(), &CTX).unwrap_err().to_string(), error);
        }
    }
}
