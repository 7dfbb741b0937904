//! Checks a value against the form that its key asks for, and says in words what was expected.

use std::time::Duration;

use serde_json::{Number, Value};

use super::keys::Shape;
use super::yaml::{Kind, Node, boolean};

/// Most characters of a wrong value that a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// The value in its key's form, or what was expected instead.
pub fn shaped(shape: Shape, node: &Node) -> Result<Value, String> {
    let text = match &node.kind {
        Kind::Scalar { text, .. } => Some(text.trim()),
        _ => None,
    };
    let value = match shape {
        Shape::Bool => text.and_then(flag).map(Value::Bool),
        Shape::Int(low, high) => text.and_then(whole).filter(|number| (low..=high).contains(number)).map(Value::from),
        Shape::Float(low, high) => {
            let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| (low..=high).contains(number));
            number.and_then(Number::from_f64).map(Value::Number)
        }
        Shape::Seconds => text.and_then(seconds).and_then(plain_seconds),
        Shape::Text | Shape::Secret => text.map(Value::from),
        Shape::List => list(node).map(Value::from),
        Shape::Maps => match node.to_value() {
            Value::Array(items) if items.iter().all(Value::is_object) => Some(Value::Array(items)),
            _ => None,
        },
        Shape::Map => Some(node.to_value()).filter(Value::is_object),
    };
    value.ok_or_else(|| expected(shape))
}

/// What a key of this form takes, as in "must be …".
pub fn expected(shape: Shape) -> String {
    match shape {
        Shape::Bool => "true or false".into(),
        Shape::Int(low, i64::MAX) => format!("a whole number of at least {low}"),
        Shape::Int(low, high) => format!("a number from {low} to {high}"),
        Shape::Float(low, high) => format!("a number from {low} to {high}"),
        Shape::Seconds => "a number of seconds (or a duration such as 30s or 5m)".into(),
        Shape::Text | Shape::Secret => "a text".into(),
        Shape::List => "a list of texts".into(),
        Shape::Maps => "a list of maps".into(),
        Shape::Map => "a map".into(),
    }
}

/// A wrong value as a message shows it: its kind for lists and maps, cut when it is long, without passwords.
pub fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "nothing".into(),
        Kind::List(_) => "a list".into(),
        Kind::Map(_) => "a map".into(),
        Kind::Scalar { text, .. } => {
            let text = super::scrub(text);
            let cut: String = text.chars().take(SHOWN_CHARACTERS).collect();
            if cut.len() < text.len() { format!("{cut:?}…") } else { shown_scalar(node, &cut) }
        }
    }
}

fn shown_scalar(node: &Node, text: &str) -> String {
    if node.to_value().is_string() { format!("{text:?}") } else { text.to_owned() }
}

/// A boolean in any spelling of YAML 1.1 or of the environment.
pub fn flag(text: &str) -> Option<bool> {
    boolean(text).or(match text {
        "1" | "t" | "T" | "y" | "Y" => Some(true),
        "0" | "f" | "F" | "n" | "N" => Some(false),
        _ => None,
    })
}

fn whole(text: &str) -> Option<i64> {
    let plain = text.parse::<i64>().ok();
    // A number of seconds or bytes is sometimes written with a fraction of zero.
    plain.or_else(|| text.strip_suffix(".0")?.parse().ok())
}

/// A duration: a number of seconds, or numbers with units (`1h30m`, `100ms`).
pub fn seconds(text: &str) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(number).ok();
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|next: char| !next.is_ascii_digit() && next != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|next: char| next.is_ascii_digit()).map_or(rest.len(), |at| at + digits);
        total += number
            * match &rest[digits..unit_end] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Duration::try_from_secs_f64(total).ok().filter(|_| !text.is_empty())
}

fn plain_seconds(duration: Duration) -> Option<Value> {
    if duration.subsec_nanos() == 0 {
        return Some(duration.as_secs().into());
    }
    Number::from_f64(duration.as_secs_f64()).map(Value::Number)
}

/// A list of texts: as a list, as one text with commas or blanks between, or (as is often written by mistake for tags)
/// as maps of one entry, which stand for `key:value`.
fn list(node: &Node) -> Option<Vec<String>> {
    match &node.kind {
        Kind::Null => Some(Vec::new()),
        Kind::Scalar { text, .. } => Some(split_list(text)),
        Kind::Map(_) => pairs(node),
        Kind::List(items) => {
            let mut texts = Vec::with_capacity(items.len());
            for item in items {
                match &item.kind {
                    Kind::Null => {}
                    Kind::Scalar { text, .. } => texts.push(text.trim().to_owned()),
                    Kind::Map(_) => texts.extend(pairs(item)?),
                    Kind::List(_) => return None,
                }
            }
            texts.retain(|text| !text.is_empty());
            Some(texts)
        }
    }
}

fn pairs(node: &Node) -> Option<Vec<String>> {
    let pair = |entry: &super::yaml::Entry| match &entry.value.kind {
        Kind::Scalar { text, .. } => Some(format!("{}:{text}", entry.key)),
        Kind::Null => Some(entry.key.clone()),
        _ => None,
    };
    node.entries().iter().map(pair).collect()
}

/// The items of a list in one text. With commas, these separate; without, blanks do, unless what they separate are
/// words of one tag (`team:data science`).
pub fn split_list(text: &str) -> Vec<String> {
    let trimmed = |items: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    if text.contains(',') {
        return trimmed(&mut text.split(','));
    }
    let mut words = text.split_whitespace();
    let is_one_tag = text.contains(':') && !words.all(|word| word.contains(':'));
    if is_one_tag { trimmed(&mut std::iter::once(text)) } else { trimmed(&mut text.split_whitespace()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::parse;

    #[test]
    fn durations_are_numbers_or_have_units() {
        for (text, expected) in [
            ("30", Some(30.0)),
            ("0.5", Some(0.5)),
            ("100ms", Some(0.1)),
            ("1h30m", Some(5400.0)),
            ("1.5s", Some(1.5)),
            ("-1", None),
            ("5 minutes", None),
            ("s", None),
            ("", None),
        ] {
            assert_eq!(seconds(text).map(|duration| duration.as_secs_f64()), expected, "{text}");
        }
    }

    #[test]
    fn lists_come_in_many_spellings() {
        let read = |text: &str| list(&parse(text).unwrap().root);
        let texts = |items: &[&str]| Some(items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>());
        assert_eq!(
            read("env:test, host:ubuntu, name:xenial, region:france"),
            texts(&["env:test", "host:ubuntu", "name:xenial", "region:france"])
        );
        assert_eq!(read("a:1 b:2"), texts(&["a:1", "b:2"]));
        assert_eq!(read("'team:data science'"), texts(&["team:data science"]));
        assert_eq!(read("max median"), texts(&["max", "median"]));
        assert_eq!(read("[a:1, 2, ~, ' b ']"), texts(&["a:1", "2", "b"]));
        assert_eq!(read("- env: prod\n- x\n"), texts(&["env:prod", "x"]));
        assert_eq!(read("env: prod\nteam: x"), texts(&["env:prod", "team:x"]));
        assert_eq!(read("[[a]]"), None);
    }

    #[test]
    fn wrong_values_are_described() {
        let check = |shape, text: &str| {
            let node = Node::plain(text, 1);
            shaped(shape, &node).map_err(|expected| format!("must be {expected}, not {}", shown(&node)))
        };
        assert_eq!(check(Shape::Int(0, 65535), "abc").unwrap_err(), "must be a number from 0 to 65535, not \"abc\"");
        assert_eq!(check(Shape::Int(0, 65535), "70000").unwrap_err(), "must be a number from 0 to 65535, not 70000");
        assert_eq!(check(Shape::Bool, "maybe").unwrap_err(), "must be true or false, not \"maybe\"");
        assert_eq!(check(Shape::Bool, "on").unwrap(), Value::Bool(true));
        assert_eq!(check(Shape::Int(0, 10), "\"8\"").unwrap_err(), "must be a number from 0 to 10, not \"\\\"8\\\"\"");
        assert_eq!(shaped(Shape::Int(0, 10), &Node::text("8")), Ok(8.into()));
    }
}
