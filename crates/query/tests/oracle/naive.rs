//! The rules of the language as plain loops over raw points. Nothing here is shared with the real evaluator; it is slow
//! and easy to check against the reference.

use galgo_core::MetricKind;

use super::data::{Data, RawSeries};
use super::naive_functions::call;

/// A condition of a scope.
#[derive(Debug, Clone)]
pub enum Condition {
    Tag(&'static str, &'static str),
    Prefix(&'static str, &'static str),
    Present(&'static str),
    Not(Box<Condition>),
    Any(Vec<Condition>),
}

/// A query as data.
#[derive(Debug, Clone)]
pub struct Query {
    pub space: &'static str,
    pub metric: &'static str,
    pub scope: Vec<Condition>,
    pub by: Vec<&'static str>,
    pub modifier: &'static str,
    pub rollup: Option<(Option<&'static str>, i64)>,
    pub fill: Option<(&'static str, i64)>,
    pub weighted: bool,
    pub diff: Option<&'static str>,
}

/// An expression as data.
#[derive(Debug, Clone)]
pub enum Expression {
    Leaf(Query),
    Number(f64),
    Binary(char, Box<Expression>, Box<Expression>),
    Function(Function, Box<Expression>),
}

#[derive(Debug, Clone)]
pub enum Function {
    Abs,
    Cumsum,
    Derivative,
    ClampMin(f64),
    CutoffMax(f64),
    CountNotNull,
    Top(usize, &'static str, &'static str),
    MovingRollup(i64, &'static str),
    Timeshift(i64),
    Regroup(&'static str, Vec<&'static str>),
    Nested(&'static str, i64),
    Ewma5,
    Median3,
}

/// Tags and values of a series.
pub type Row = (Vec<Option<String>>, Vec<Option<f64>>);

/// Series by their tags: each has values at bucket starts.
#[derive(Debug, Clone)]
pub struct Table {
    pub keys: Vec<&'static str>,
    pub step: i64,
    pub starts: Vec<i64>,
    pub rows: Vec<Row>,
}

/// The window of a request and its default bucket.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub from: i64,
    pub to: i64,
    pub step: i64,
}

pub fn starts(window: Window, step: i64) -> Vec<i64> {
    let last = (window.to - 1).div_euclid(step) * step;
    let mut starts: Vec<i64> = (window.from..window.to).filter(|time| time.rem_euclid(step) == 0).collect();
    if starts.is_empty() {
        starts.push(last);
    }
    starts
}

fn holds(condition: &Condition, tags: &[String]) -> bool {
    match condition {
        Condition::Tag(key, value) => tags.contains(&format!("{key}:{value}")),
        Condition::Prefix(key, start) => tags.iter().any(|tag| tag.starts_with(&format!("{key}:{start}"))),
        Condition::Present(key) => tags.iter().any(|tag| tag.starts_with(&format!("{key}:"))),
        Condition::Not(inner) => !holds(inner, tags),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, tags)),
    }
}

/// One statistic of some values in order.
pub fn statistic(name: &str, values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let sum: f64 = values.iter().sum();
    Some(match name {
        "avg" | "mean" => sum / values.len() as f64,
        "sum" => sum,
        "min" => values.iter().copied().reduce(f64::min)?,
        "max" => values.iter().copied().reduce(f64::max)?,
        "count" => values.len() as f64,
        "last" => *values.last()?,
        other => panic!("no statistic {other}"),
    })
}

/// The value of a series in the bucket from `start` on, from its own points only.
fn own_value(series: &RawSeries, query: &Query, start: i64, step: i64) -> Option<f64> {
    let in_bucket = series.points.iter().filter(|(time, _)| (start..start + step).contains(time));
    let values: Vec<f64> = in_bucket.map(|(_, value)| *value).collect();
    if values.is_empty() {
        return None;
    }
    let (length, interval) = (step as f64, f64::from(series.interval));
    let wanted = query.rollup.and_then(|(statistic, _)| statistic);
    let sum: f64 = values.iter().sum();
    let plain = |name: &str| statistic(name, &values);
    match (series.kind, query.modifier) {
        (MetricKind::Gauge, _) if is_weighted(series, query) => Some(sum * interval / length.max(interval)),
        (MetricKind::Gauge, _) | (_, "") => plain(wanted.unwrap_or("avg")),
        (_, _) if wanted == Some("count") => plain("count"),
        (MetricKind::Count, "as_count") => plain(wanted.unwrap_or("sum")),
        (MetricKind::Count, _) => match wanted {
            None | Some("sum") => Some(sum / length),
            Some(name) => plain(name).map(|value| value / interval),
        },
        (MetricKind::Rate, "as_count") => plain(wanted.unwrap_or("sum")).map(|value| value * interval),
        (MetricKind::Rate, _) => match wanted {
            None | Some("sum") => Some(sum * interval / length.max(interval)),
            Some(name) => plain(name),
        },
        (MetricKind::Distribution, _) => unreachable!("distributions are merged, not aggregated"),
    }
}

fn is_weighted(series: &RawSeries, query: &Query) -> bool {
    let averages = query.rollup.and_then(|(statistic, _)| statistic).is_none_or(|name| name == "avg");
    query.weighted && series.kind == MetricKind::Gauge && series.interval > 0 && averages
}

/// Values of one series over the buckets of the answer, before and after it as far as neighbours matter.
fn series_values(series: &RawSeries, query: &Query, starts: &[i64], step: i64, combined: bool) -> Vec<Option<f64>> {
    let by_default = query.fill.is_none();
    let (method, limit) = match query.fill {
        Some(fill) => fill,
        None if series.kind == MetricKind::Gauge && query.diff.is_none() && !is_weighted(series, query) => {
            ("linear", 300)
        }
        None => ("null", 0),
    };
    let (before, after) = margins(query, step);
    let first = starts[0] - before;
    let last = starts[starts.len() - 1] + after;
    let all: Vec<i64> = (first..=last).step_by(step as usize).collect();
    let mut own: Vec<Option<f64>> = all.iter().map(|&start| own_value(series, query, start, step)).collect();
    if let Some(kind) = query.diff {
        let taken = own.clone();
        for at in 0..own.len() {
            let earlier = (0..at).rev().find_map(|at| taken[at]);
            own[at] = match (taken[at], earlier) {
                (Some(now), Some(earlier)) if kind == "diff" || now >= earlier => Some(now - earlier),
                _ => None,
            };
        }
    }
    if by_default && !combined {
        return starts.iter().map(|start| own[all.iter().position(|other| other == start).unwrap()]).collect();
    }
    let value_at = |start: i64| {
        let at = all.iter().position(|&other| other == start).unwrap();
        if own[at].is_some() {
            return own[at];
        }
        let left = (0..at).rev().find(|&at| own[at].is_some())?;
        if start - all[left] > limit {
            return None;
        }
        let low = own[left]?;
        match method {
            "last" => Some(low),
            "zero" => Some(0.0),
            "linear" => {
                let right = (at..all.len()).find(|&at| own[at].is_some())?;
                let share = (start - all[left]) as f64 / (all[right] - all[left]) as f64;
                Some(low + (own[right]? - low) * share)
            }
            _ => None,
        }
    };
    starts.iter().map(|&start| value_at(start)).collect()
}

/// Seconds before and after the answer in which points matter, as whole buckets.
fn margins(query: &Query, step: i64) -> (i64, i64) {
    let (mut back, ahead) = match query.fill {
        None if query.diff.is_some() || query.weighted => (0, 0),
        None => (300, 300),
        Some(("linear", limit)) => (limit, limit),
        Some(("null", _)) => (0, 0),
        Some((_, limit)) => (limit, 0),
    };
    if query.diff.is_some() {
        back = back.max(300).max(step);
    }
    let whole = |seconds: i64| (seconds + step - 1) / step * step;
    (whole(back), whole(ahead))
}

fn group_of(tags: &[String], by: &[&str]) -> Vec<Option<String>> {
    let value = |key: &&str| {
        let mut values: Vec<&str> =
            tags.iter().filter_map(|tag| tag.split_once(':')).filter(|(k, _)| k == key).map(|(_, v)| v).collect();
        values.sort_unstable();
        values.dedup();
        (!values.is_empty()).then(|| values.join(","))
    };
    by.iter().map(value).collect()
}

/// The table of one query.
pub fn leaf(data: &Data, query: &Query, window: Window) -> Table {
    let step = query.rollup.map_or(window.step, |(_, seconds)| seconds);
    let starts = starts(window, step);
    let chosen: Vec<&RawSeries> = data
        .series
        .iter()
        .filter(|series| series.metric == query.metric)
        .filter(|series| query.scope.iter().all(|condition| holds(condition, &data.tags_of(series))))
        .collect();
    let mut groups: Vec<(Vec<Option<String>>, Vec<&RawSeries>)> = Vec::new();
    for series in chosen {
        let group = group_of(&data.tags_of(series), &query.by);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(series),
            None => groups.push((group, vec![series])),
        }
    }
    let mut rows = Vec::new();
    for (group, members) in groups {
        let values = if members[0].kind == MetricKind::Distribution {
            distribution(&members, query, &starts, step)
        } else {
            scalars(&members, query, &starts, step)
        };
        if values.iter().any(Option::is_some) {
            rows.push((group, values));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Table { keys: query.by.clone(), step, starts, rows }
}

fn scalars(members: &[&RawSeries], query: &Query, starts: &[i64], step: i64) -> Vec<Option<f64>> {
    let (before, after) = margins(query, step);
    let seen = starts[0] - before..starts[starts.len() - 1] + step + after;
    let present: Vec<&&RawSeries> =
        members.iter().filter(|series| series.points.iter().any(|(time, _)| seen.contains(time))).collect();
    let columns: Vec<Vec<Option<f64>>> =
        present.iter().map(|series| series_values(series, query, starts, step, present.len() > 1)).collect();
    (0..starts.len())
        .map(|at| statistic(query.space, &columns.iter().filter_map(|column| column[at]).collect::<Vec<f64>>()))
        .collect()
}

fn distribution(members: &[&RawSeries], query: &Query, starts: &[i64], step: i64) -> Vec<Option<f64>> {
    let bucket = |&start: &i64| {
        let points = members.iter().flat_map(|series| &series.points);
        let values: Vec<f64> =
            points.filter(|(time, _)| (start..start + step).contains(time)).map(|(_, value)| *value).collect();
        let value = statistic(query.space, &values)?;
        let amount = query.space == "sum" || query.space == "count";
        Some(if query.modifier == "as_rate" && amount { value / step as f64 } else { value })
    };
    starts.iter().map(bucket).collect()
}

/// The table of an expression, `None` for a number.
pub fn table(data: &Data, expression: &Expression, window: Window) -> Result<Table, f64> {
    match expression {
        Expression::Leaf(query) => Ok(leaf(data, query, window)),
        Expression::Number(value) => Err(*value),
        Expression::Binary(operator, left, right) => match (table(data, left, window), table(data, right, window)) {
            (Err(left), Err(right)) => Err(compute(*operator, Some(left), Some(right)).unwrap_or(f64::NAN)),
            (Ok(table), Err(number)) => Ok(each(table, |value| compute(*operator, value, Some(number)))),
            (Err(number), Ok(table)) => Ok(each(table, |value| compute(*operator, Some(number), value))),
            (Ok(left), Ok(right)) => Ok(join(&left, &right, *operator)),
        },
        Expression::Function(function, inner) => Ok(call(data, function, inner, window)),
    }
}

fn compute(operator: char, left: Option<f64>, right: Option<f64>) -> Option<f64> {
    let (left, right) = (left?, right?);
    match operator {
        '+' => Some(left + right),
        '-' => Some(left - right),
        '*' => Some(left * right),
        _ => (right != 0.0).then(|| left / right),
    }
}

pub fn each(mut table: Table, change: impl Fn(Option<f64>) -> Option<f64>) -> Table {
    for (_, values) in &mut table.rows {
        values.iter_mut().for_each(|value| *value = change(*value));
    }
    table
}

fn join(left: &Table, right: &Table, operator: char) -> Table {
    let starts: Vec<i64> = left.starts.iter().copied().filter(|start| right.starts.contains(start)).collect();
    let shared: Vec<&str> = left.keys.iter().copied().filter(|key| right.keys.contains(key)).collect();
    let extra: Vec<&'static str> = right.keys.iter().copied().filter(|key| !shared.contains(key)).collect();
    let tag = |table: &Table, row: &Vec<Option<String>>, key: &str| {
        row[table.keys.iter().position(|other| *other == key).unwrap()].clone()
    };
    let at = |table: &Table, values: &Vec<Option<f64>>, start: i64| {
        values[table.starts.iter().position(|other| *other == start).unwrap()]
    };
    let mut rows = Vec::new();
    for (left_tags, left_values) in &left.rows {
        for (right_tags, right_values) in &right.rows {
            if shared.iter().any(|key| tag(left, left_tags, key) != tag(right, right_tags, key)) {
                continue;
            }
            let mut tags = left_tags.clone();
            tags.extend(extra.iter().map(|key| tag(right, right_tags, key)));
            let values = starts
                .iter()
                .map(|&start| compute(operator, at(left, left_values, start), at(right, right_values, start)))
                .collect();
            rows.push((tags, values));
        }
    }
    let keys = left.keys.iter().copied().chain(extra).collect();
    Table { keys, step: left.step.max(right.step), starts, rows }
}
