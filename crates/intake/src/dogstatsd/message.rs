//! The three kinds of messages.

use std::borrow::Cow;

use galgo_core::check::CheckStatus;

use super::{Check, Event, Metric, MetricType, Numbers, Origin, ParseError, Tags, Values, number};

/// Shortest header of an event: `_e{1,1}`.
const MIN_EVENT_HEADER_BYTES: usize = 7;

/// `name:values|type|field…`
pub(super) fn metric(message: &str) -> Result<Metric<'_>, ParseError> {
    let (name_and_values, rest) = message.split_once('|').ok_or(ParseError::NoType)?;
    let (name, values) = name_and_values.split_once(':').ok_or(ParseError::NoNameOrValue)?;
    if name.is_empty() || values.is_empty() {
        return Err(ParseError::NoNameOrValue);
    }
    let mut fields = rest.split('|');
    let kind = match fields.next().unwrap_or("") {
        "c" => MetricType::Count,
        "g" => MetricType::Gauge,
        "ms" => MetricType::Timing,
        "h" => MetricType::Histogram,
        "s" => MetricType::Set,
        "d" => MetricType::Distribution,
        _ => return Err(ParseError::UnknownType),
    };
    let values = if kind == MetricType::Set { Values::Member(values) } else { Values::Numbers(numbers(values)?) };
    let (tags, origin) = (Tags::default(), Origin::default());
    let mut metric = Metric { name, values, kind, sample_rate: 1.0, timestamp: None, tags, origin };
    for field in fields {
        if let Some(rate) = field.strip_prefix('@') {
            metric.sample_rate = sample_rate(rate)?;
        } else if let Some(tags) = field.strip_prefix('#') {
            metric.tags = Tags { raw: tags };
        } else if let Some(seconds) = field.strip_prefix('T') {
            let seconds = seconds.parse().ok().filter(|&seconds: &i64| seconds > 0);
            metric.timestamp = Some(seconds.ok_or(ParseError::BadNumber("timestamp"))?);
        } else {
            metric.origin.read(field);
        }
    }
    Ok(metric)
}

/// Checks all values, so that iterating over them later cannot fail.
fn numbers(values: &str) -> Result<Numbers<'_>, ParseError> {
    let mut pieces = values.splitn(2, ':');
    loop {
        let piece = pieces.next().ok_or(ParseError::NoNameOrValue)?;
        let rest = pieces.next().unwrap_or("");
        if piece.is_empty() {
            pieces = rest.splitn(2, ':');
            if rest.is_empty() {
                return Err(ParseError::NoNameOrValue);
            }
            continue;
        }
        let first = number::parse(piece).ok_or(ParseError::BadNumber("value"))?;
        let all_valid = rest.split(':').all(|piece| piece.is_empty() || number::parse(piece).is_some());
        return if all_valid { Ok(Numbers { first, rest }) } else { Err(ParseError::BadNumber("value")) };
    }
}

/// A rate that cannot be divided by counts as 1.
fn sample_rate(text: &str) -> Result<f64, ParseError> {
    let rate = number::parse(text).ok_or(ParseError::BadNumber("sample rate"))?;
    Ok(if rate.is_finite() && rate > 0.0 { rate } else { 1.0 })
}

/// `_e{title bytes,text bytes}:title|text|field…`; a field with a bad value is ignored.
pub(super) fn event(message: &str) -> Result<Event<'_>, ParseError> {
    let (header, body) = message.split_once(':').ok_or(ParseError::BadEventHeader)?;
    let lengths = header.strip_prefix("_e{").and_then(|inner| inner.strip_suffix('}'));
    let (title_len, text_len) = lengths
        .filter(|_| header.len() >= MIN_EVENT_HEADER_BYTES)
        .and_then(|lengths| lengths.split_once(','))
        .and_then(|(title, text)| Some((title.parse::<usize>().ok()?, text.parse::<usize>().ok()?)))
        .ok_or(ParseError::BadEventHeader)?;
    if title_len == 0 {
        return Err(ParseError::NoTitle);
    }
    let (title, rest) = body.split_at_checked(title_len).ok_or(ParseError::BadEventHeader)?;
    let rest = rest.strip_prefix('|').ok_or(ParseError::BadEventHeader)?;
    let (text, rest) = rest.split_at_checked(text_len).ok_or(ParseError::BadEventHeader)?;
    let mut event = Event {
        title: with_newlines(title),
        text: with_newlines(text),
        timestamp: None,
        host: None,
        aggregation_key: None,
        priority: "normal",
        source_type: None,
        alert_type: "info",
        tags: Tags::default(),
        origin: Origin::default(),
    };
    for field in rest.split('|').filter(|field| !field.is_empty()) {
        event.read(field);
    }
    Ok(event)
}

/// Clients write a newline as the two characters `\n`.
fn with_newlines(text: &str) -> Cow<'_, str> {
    if text.contains("\\n") { Cow::Owned(text.replace("\\n", "\n")) } else { Cow::Borrowed(text) }
}

impl<'a> Event<'a> {
    fn read(&mut self, field: &'a str) {
        if let Some(tags) = field.strip_prefix('#') {
            self.tags = Tags { raw: tags };
            return;
        }
        match field.split_once(':') {
            Some(("d", seconds)) => self.timestamp = timestamp(seconds).or(self.timestamp),
            Some(("h", host)) => self.host = Some(host),
            Some(("k", key)) => self.aggregation_key = Some(key),
            Some(("p", priority @ ("normal" | "low"))) => self.priority = priority,
            Some(("s", source)) => self.source_type = Some(source),
            Some(("t", alert @ ("info" | "error" | "warning" | "success"))) => self.alert_type = alert,
            _ => self.origin.read(field),
        }
    }
}

/// `_sc|name|status|field…`; a field with a bad value is ignored.
pub(super) fn check(message: &str) -> Result<Check<'_>, ParseError> {
    let rest = message.strip_prefix("_sc|").ok_or(ParseError::BadCheck)?;
    let (name, rest) = rest.split_once('|').ok_or(ParseError::BadCheck)?;
    if name.is_empty() {
        return Err(ParseError::BadCheck);
    }
    let mut fields = rest.split('|');
    let status = match fields.next().unwrap_or("") {
        "" => return Err(ParseError::BadCheck),
        code => code.parse::<u8>().ok().and_then(|code| CheckStatus::try_from(code).ok()),
    };
    let mut check = Check {
        name,
        status: status.ok_or(ParseError::BadStatus)?,
        timestamp: None,
        host: None,
        message: "",
        tags: Tags::default(),
        origin: Origin::default(),
    };
    for field in fields {
        if let Some(tags) = field.strip_prefix('#') {
            check.tags = Tags { raw: tags };
            continue;
        }
        match field.split_once(':') {
            Some(("d", seconds)) => check.timestamp = timestamp(seconds).or(check.timestamp),
            Some(("h", host)) => check.host = Some(host),
            Some(("m", message)) => check.message = message,
            _ => check.origin.read(field),
        }
    }
    Ok(check)
}

fn timestamp(text: &str) -> Option<i64> {
    text.parse().ok().filter(|&seconds: &i64| seconds > 0)
}

impl<'a> Origin<'a> {
    /// Reads a field if it is one of origin.
    fn read(&mut self, field: &'a str) {
        match field.split_once(':') {
            Some(("c", local)) => self.local_data = Some(local),
            Some(("e", external)) => self.external_data = Some(external),
            Some(("card", level)) => self.cardinality = Some(level),
            _ => {}
        }
    }
}
