//! Halves a body: a server may allow less than its documentation says.

use serde_json::Value;

use super::Raw;
use crate::payload::Route;
use crate::wire;

/// The two halves of a body, `None` when it holds one thing only (or is not what its path says).
pub(crate) fn halve(route: Route, raw: &Raw) -> Option<(Raw, Raw)> {
    let (first, second) = if route.is_protobuf() {
        halve_protobuf(&raw.body)?
    } else {
        halve_json(serde_json::from_slice(&raw.body).ok()?)?
    };
    let points = raw.points / 2;
    Some((Raw { body: first, points }, Raw { body: second, points: raw.points - points }))
}

/// Both payloads are nothing but a list of items, so they may be cut between any two.
fn halve_protobuf(body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let ends = wire::field_ends(body)?;
    if ends.len() < 2 {
        return None;
    }
    let (first, second) = body.split_at(ends[ends.len() / 2 - 1]);
    Some((first.to_vec(), second.to_vec()))
}

fn halve_json(document: Value) -> Option<(Vec<u8>, Vec<u8>)> {
    let (first, second) = match document {
        Value::Array(rows) => {
            let (first, second) = halve_rows(rows)?;
            (Value::Array(first), Value::Array(second))
        }
        Value::Object(intake) => {
            // Only a payload of events can be cut: a description of the host is one thing.
            let by_source = intake.get("events")?.as_object()?;
            let each = |(source, rows): (&String, &Value)| {
                let rows = rows.as_array().cloned().unwrap_or_default();
                rows.into_iter().map(|row| (source.clone(), row)).collect::<Vec<_>>()
            };
            let (first, second) = halve_rows(by_source.iter().flat_map(each).collect())?;
            let with = |rows: Vec<(String, Value)>| {
                let mut half = intake.clone();
                let mut by_source = serde_json::Map::new();
                for (source, row) in rows {
                    let list = by_source.entry(source).or_insert_with(|| Value::Array(Vec::new()));
                    list.as_array_mut().into_iter().for_each(|list| list.push(row.clone()));
                }
                half.insert("events".into(), Value::Object(by_source));
                Value::Object(half)
            };
            (with(first), with(second))
        }
        _ => return None,
    };
    Some((first.to_string().into_bytes(), second.to_string().into_bytes()))
}

fn halve_rows<T>(mut rows: Vec<T>) -> Option<(Vec<T>, Vec<T>)> {
    if rows.len() < 2 {
        return None;
    }
    let second = rows.split_off(rows.len() / 2);
    Some((rows, second))
}
