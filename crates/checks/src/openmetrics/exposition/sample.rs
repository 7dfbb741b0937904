//! One sample line: `name{label="value",…} value [timestamp] [# exemplar]`, names in quotes included.

use super::Format;

/// Most labels of one sample.
const MAX_LABELS: usize = 256;

/// What is wrong with a sample line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// It begins with something that is no name.
    #[error("no metric name")]
    NoName,
    /// A label without `=` or without quotes.
    #[error("a label is not name=\"value\"")]
    BadLabel,
    /// A quote or a brace that is never closed.
    #[error("quote or brace not closed")]
    NotClosed,
    /// More labels than anyone needs.
    #[error("more than {MAX_LABELS} labels")]
    TooManyLabels,
    /// No number where the value should be.
    #[error("no number as value")]
    BadValue,
    /// No number where the time should be.
    #[error("no number as timestamp")]
    BadTimestamp,
    /// Something after the sample.
    #[error("text after the sample")]
    Trailing,
}

/// An example observation behind a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Labels, such as a trace id.
    pub labels: Vec<(String, String)>,
    /// The observed value.
    pub value: f64,
    /// Seconds since the UNIX epoch, if given.
    pub timestamp: Option<f64>,
}

/// A line's parts.
#[derive(Debug)]
pub(super) struct Parsed {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub timestamp: Option<f64>,
    pub exemplar: Option<Exemplar>,
}

/// Reads one line that is not empty and no comment.
pub(super) fn parse(line: &str, format: Format) -> Result<Parsed, SampleError> {
    let (bare, rest) = split_bare_name(line);
    let rest = skip_blanks(rest);
    let mut labels = Vec::new();
    let mut quoted = None;
    let rest = match rest.strip_prefix('{') {
        Some(inside) => parse_labels(inside, &mut labels, &mut quoted)?,
        None => rest,
    };
    let name = match (bare.is_empty(), quoted) {
        (false, None) => bare.to_owned(),
        (true, Some(name)) if !name.is_empty() => name,
        (false, Some(_)) => return Err(SampleError::BadLabel),
        _ => return Err(SampleError::NoName),
    };
    let (value, rest) = number(rest).ok_or(SampleError::BadValue)?;
    let (timestamp, rest) = timestamp(rest, format)?;
    let exemplar = match rest.strip_prefix('#') {
        Some(rest) => Some(parse_exemplar(rest)?),
        None if rest.is_empty() => None,
        None => return Err(SampleError::Trailing),
    };
    Ok(Parsed { name, labels, value, timestamp, exemplar })
}

/// A name at the beginning of a comment's rest, in quotes or bare, and what follows it.
pub(super) fn leading_name(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(inside) => {
            let (name, rest) = quoted_text(inside)?;
            Some((name, skip_blanks(rest)))
        }
        None => {
            let (name, rest) = super::split_word(text);
            (!name.is_empty()).then(|| (name.to_owned(), rest))
        }
    }
}

/// The text with `\\`, `\n` and `\"` resolved; other escapes stay as they are.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some(escaped @ ('\\' | '"')) => out.push(escaped),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// A name may hold anything but what ends it; Prometheus' clients are as lax.
fn split_bare_name(text: &str) -> (&str, &str) {
    let end = text.find([' ', '\t', '{', '}', '"', '=', ',', '#']);
    text.split_at(end.unwrap_or(text.len()))
}

/// The content of a quoted text whose opening quote was taken, and what follows the closing one.
fn quoted_text(inside: &str) -> Option<(String, &str)> {
    let bytes = inside.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((unescape(&inside[..at]), &inside[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn parse_labels<'t>(
    inside: &'t str,
    labels: &mut Vec<(String, String)>,
    quoted_name: &mut Option<String>,
) -> Result<&'t str, SampleError> {
    let mut rest = skip_blanks(inside);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        if rest.is_empty() {
            return Err(SampleError::NotClosed);
        }
        if labels.len() >= MAX_LABELS {
            return Err(SampleError::TooManyLabels);
        }
        rest = parse_label(rest, labels, quoted_name)?;
        rest = skip_blanks(rest);
        match rest.strip_prefix(',') {
            Some(after) => rest = skip_blanks(after),
            None if rest.is_empty() || rest.starts_with('}') => {}
            None => return Err(SampleError::BadLabel),
        }
    }
}

/// One `name="value"`, or the metric's own name in quotes.
fn parse_label<'t>(
    text: &'t str,
    labels: &mut Vec<(String, String)>,
    quoted_name: &mut Option<String>,
) -> Result<&'t str, SampleError> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(inside) => quoted_text(inside).ok_or(SampleError::NotClosed)?,
        None => {
            let (name, rest) = split_bare_name(text);
            (name.to_owned(), rest)
        }
    };
    let rest = skip_blanks(rest);
    let Some(rest) = rest.strip_prefix('=') else {
        let is_metric_name = text.starts_with('"') && quoted_name.is_none();
        return if is_metric_name {
            *quoted_name = Some(name);
            Ok(rest)
        } else {
            Err(SampleError::BadLabel)
        };
    };
    let inside = skip_blanks(rest).strip_prefix('"').ok_or(SampleError::BadLabel)?;
    let (value, rest) = quoted_text(inside).ok_or(SampleError::NotClosed)?;
    if name.is_empty() {
        return Err(SampleError::BadLabel);
    }
    labels.push((name, value));
    Ok(rest)
}

/// The number at the beginning and what follows it without blanks.
fn number(text: &str) -> Option<(f64, &str)> {
    let (word, rest) = super::split_word(skip_blanks(text));
    Some((word.parse().ok()?, rest))
}

/// A time is milliseconds in Prometheus text and seconds in OpenMetrics.
fn timestamp(text: &str, format: Format) -> Result<(Option<f64>, &str), SampleError> {
    if text.is_empty() || text.starts_with('#') {
        return Ok((None, text));
    }
    let (time, rest) = number(text).ok_or(SampleError::BadTimestamp)?;
    let seconds = if format == Format::Prometheus { time / 1000.0 } else { time };
    Ok((Some(seconds), rest))
}

fn parse_exemplar(text: &str) -> Result<Exemplar, SampleError> {
    let inside = skip_blanks(text).strip_prefix('{').ok_or(SampleError::BadLabel)?;
    let mut labels = Vec::new();
    // An exemplar has no name: a text in quotes alone is refused.
    let mut quoted = Some(String::new());
    let rest = parse_labels(inside, &mut labels, &mut quoted)?;
    let (value, rest) = number(rest).ok_or(SampleError::BadValue)?;
    let (timestamp, rest) = timestamp(rest, Format::OpenMetrics)?;
    if !rest.is_empty() {
        return Err(SampleError::Trailing);
    }
    Ok(Exemplar { labels, value, timestamp })
}
