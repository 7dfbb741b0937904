//! The DogStatsD protocol (reference: dogstatsd.md): packets of newline-separated messages, parsed without a copy.
//!
//! ```
//! use galgo_intake::dogstatsd::{self, Message};
//!
//! let packet = dogstatsd::text(b"page.views:1|c|#env:prod\nfuel:0.5|g");
//! for message in dogstatsd::messages(&packet) {
//!     let Ok(Message::Metric(metric)) = message else { continue };
//!     let mut tags = Vec::new();
//!     let special = metric.tags.split_special(&mut tags);
//!     println!("{} {:?} {tags:?} {:?}", metric.name, metric.values, special.host);
//! }
//! ```
//!
//! Messages that cannot be parsed are errors of their own: the caller counts them, the rest of the packet stands.
//! Unknown fields are ignored and a field that comes twice counts the last time, as in the agent. [`number`] reads
//! values, [`message`] the three kinds of messages.

mod message;
mod number;

use std::borrow::Cow;

use galgo_core::check::CheckStatus;

/// Largest packet that is read (`dogstatsd_buffer_size`), in bytes.
pub const MAX_PACKET_BYTES: usize = 8192;

/// One message of a packet.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// `name:value|type…`
    Metric(Metric<'a>),
    /// `_e{…}:…`
    Event(Event<'a>),
    /// `_sc|…`
    Check(Check<'a>),
}

/// Type of a metric on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// `c`
    Count,
    /// `g`
    Gauge,
    /// `ms`
    Timing,
    /// `h`
    Histogram,
    /// `s`
    Set,
    /// `d`
    Distribution,
}

/// One metric message with one or more values.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'a> {
    /// Name, not empty, as sent.
    pub name: &'a str,
    /// One or more values.
    pub values: Values<'a>,
    /// Type.
    pub kind: MetricType,
    /// Above 0 and finite; 1 when the sender gave none (or 0).
    pub sample_rate: f64,
    /// Seconds since the UNIX epoch, above 0: the sample skips aggregation.
    pub timestamp: Option<i64>,
    /// Tags.
    pub tags: Tags<'a>,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// The values of a metric message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Numbers: never empty; may hold NaN and infinities, which aggregation should drop.
    Numbers(Numbers<'a>),
    /// The member of a set, raw.
    Member(&'a str),
}

/// Packed numbers, `240:234`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers<'a> {
    first: f64,
    /// Checked when the message was parsed; most often empty.
    rest: &'a str,
}

impl<'a> Numbers<'a> {
    /// The values in order, at least one.
    pub fn iter(&self) -> impl Iterator<Item = f64> + use<'a> {
        let rest = self.rest.split(':').filter(|piece| !piece.is_empty());
        std::iter::once(self.first).chain(rest.filter_map(number::parse))
    }
}

/// The tag field of a message: `a,b:c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags<'a> {
    raw: &'a str,
}

impl<'a> Tags<'a> {
    /// Every tag as sent, special ones included, empty ones not.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.raw.split(',').filter(|tag| !tag.is_empty())
    }

    /// Appends the ordinary tags to `plain` and returns what the special ones say.
    pub fn split_special(&self, plain: &mut Vec<&'a str>) -> SpecialTags<'a> {
        let mut special = SpecialTags::default();
        for tag in self.iter() {
            // Nearly all tags are told apart by their first byte.
            let known = match tag.as_bytes()[0] {
                b'h' => tag.strip_prefix("host:").map(|host| special.host = Some(host)),
                b'd' => tag.strip_prefix("dd.internal.").and_then(|internal| special.read_internal(internal)),
                _ => None,
            };
            if known.is_none() {
                plain.push(tag);
            }
        }
        special
    }
}

/// Tags that steer the server and are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpecialTags<'a> {
    /// `host:<h>`: `Some("")` means no host at all.
    pub host: Option<&'a str>,
    /// `dd.internal.entity_id:<pod uid>`.
    pub entity_id: Option<&'a str>,
    /// `dd.internal.card:<level>`.
    pub cardinality: Option<&'a str>,
    /// `dd.internal.jmx_check_name:<n>`.
    pub jmx_check_name: Option<&'a str>,
}

impl<'a> SpecialTags<'a> {
    fn read_internal(&mut self, internal: &'a str) -> Option<()> {
        let (key, value) = internal.split_once(':')?;
        let field = match key {
            "entity_id" => &mut self.entity_id,
            "card" => &mut self.cardinality,
            "jmx_check_name" => &mut self.jmx_check_name,
            _ => return None,
        };
        *field = Some(value);
        Some(())
    }
}

/// Where a message comes from, as its client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin<'a> {
    /// `c:`: container id, `ci-…`, `cid-…`, `in-…`, comma-separated.
    pub local_data: Option<&'a str>,
    /// `e:`: `it-…,cn-…,pu-…`.
    pub external_data: Option<&'a str>,
    /// `card:`: none, low, orchestrator or high.
    pub cardinality: Option<&'a str>,
}

/// One event message.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// Title, not empty, newlines restored.
    pub title: Cow<'a, str>,
    /// Text, newlines restored.
    pub text: Cow<'a, str>,
    /// Seconds since the UNIX epoch, `None` for now.
    pub timestamp: Option<i64>,
    /// `h:`.
    pub host: Option<&'a str>,
    /// `k:`.
    pub aggregation_key: Option<&'a str>,
    /// `normal` (default) or `low`.
    pub priority: &'a str,
    /// `s:`.
    pub source_type: Option<&'a str>,
    /// `info` (default), `error`, `warning` or `success`.
    pub alert_type: &'a str,
    /// Tags.
    pub tags: Tags<'a>,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// One service check message.
#[derive(Debug, Clone, PartialEq)]
pub struct Check<'a> {
    /// Name of the check.
    pub name: &'a str,
    /// Outcome.
    pub status: CheckStatus,
    /// Seconds since the UNIX epoch, `None` for now.
    pub timestamp: Option<i64>,
    /// `h:`.
    pub host: Option<&'a str>,
    /// `m:`, as sent.
    pub message: &'a str,
    /// Tags.
    pub tags: Tags<'a>,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// Why a message is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// No `|` behind the values.
    #[error("message has no type")]
    NoType,
    /// No `:`, or nothing before or behind it.
    #[error("metric has no name or no value")]
    NoNameOrValue,
    /// Not one of c, g, ms, h, s and d.
    #[error("unknown metric type")]
    UnknownType,
    /// A value, sample rate or timestamp that is none.
    #[error("{0} is not a valid number")]
    BadNumber(&'static str),
    /// The header of an event is no `_e{<title bytes>,<text bytes>}:`, or its lengths do not fit.
    #[error("event header is malformed or does not fit the text")]
    BadEventHeader,
    /// An event needs a title.
    #[error("event has no title")]
    NoTitle,
    /// A service check needs a name and a status.
    #[error("service check has no name or no status")]
    BadCheck,
    /// Not 0 to 3.
    #[error("service check status is not 0 to 3")]
    BadStatus,
}

/// The text of a packet; bytes that are no UTF-8 become U+FFFD.
pub fn text(packet: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(packet)
}

/// The messages of a packet, one for each line that is not empty.
pub fn messages(packet: &str) -> impl Iterator<Item = Result<Message<'_>, ParseError>> {
    packet.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty()).map(parse)
}

/// Parses one message (without its newline).
pub fn parse(message: &str) -> Result<Message<'_>, ParseError> {
    if message.starts_with("_e{") {
        message::event(message).map(Message::Event)
    } else if message.starts_with("_sc") {
        message::check(message).map(Message::Check)
    } else {
        message::metric(message).map(Message::Metric)
    }
}

#[cfg(test)]
mod tests;
