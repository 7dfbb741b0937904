//! Reading loosely typed JSON: agents of different ages write the same thing as string, number, list or `null`. These
//! payloads come every few seconds at most, so they are parsed into trees.

use serde_json::{Map, Value};

use crate::report::DecodeError;

/// Parses a body.
pub(crate) fn parse(body: &[u8]) -> Result<Value, DecodeError> {
    serde_json::from_slice(body).map_err(|error| DecodeError::Json {
        at: offset_of(body, error.line(), error.column()),
        what: describe(&error).into(),
    })
}

/// Parses a body that must be an object.
pub(crate) fn parse_object(body: &[u8]) -> Result<Map<String, Value>, DecodeError> {
    match parse(body)? {
        Value::Object(object) => Ok(object),
        other => Err(DecodeError::Invalid(format!("expected an object, not {}", kind_of(&other)))),
    }
}

/// The library's message without its place, which is given as an offset instead.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Lines count from 1, columns in bytes.
fn offset_of(body: &[u8], line: usize, column: usize) -> usize {
    let before: usize = body.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(body.len())
}

/// JSON's word for the kind of a value.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The text of a string, number or boolean; empty for anything else.
pub(crate) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

/// The number of a number or of a string that holds one.
pub(crate) fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A time in seconds; `now_s` when it is missing or not above 0.
pub(crate) fn time(value: Option<&Value>, now_s: i64) -> i64 {
    number(value).map(|seconds| seconds as i64).filter(|&seconds| seconds > 0).unwrap_or(now_s)
}

/// The texts of a list; a single text counts as a list of one, anything else as an empty one.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => {
            items.iter().map(|item| text(Some(item))).filter(|text| !text.is_empty()).collect()
        }
        Some(Value::Object(_)) | None => Vec::new(),
        single => Some(text(single)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

/// Tags: as [`texts`], but a single text holds tags between commas.
pub(crate) fn tags(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(list)) => {
            list.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
        other => texts(other),
    }
}

/// The items of a list; none for anything else.
pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
