//! The functions of the language as plain loops over tables.

use super::data::Data;
use super::naive::{Expression, Function, Query, Row, Table, Window, each, leaf, starts, statistic, table};

/// The step of the leaf at the bottom of an expression without arithmetic.
fn step_of(expression: &Expression, window: Window) -> i64 {
    match expression {
        Expression::Leaf(query) => query.rollup.map_or(window.step, |(_, seconds)| seconds),
        Expression::Number(_) => 1,
        Expression::Binary(_, left, right) => step_of(left, window).max(step_of(right, window)),
        Expression::Function(Function::Nested(_, seconds), _) => *seconds,
        Expression::Function(_, inner) => step_of(inner, window),
    }
}

pub fn call(data: &Data, function: &Function, inner: &Expression, window: Window) -> Table {
    let step = step_of(inner, window);
    match function {
        Function::Abs => each(plain(data, inner, window), |value| value.map(f64::abs)),
        Function::ClampMin(limit) => each(plain(data, inner, window), |value| value.map(|value| value.max(*limit))),
        Function::CutoffMax(limit) => each(plain(data, inner, window), |value| value.filter(|value| value <= limit)),
        Function::Cumsum => along(plain(data, inner, window), |_, past, now| {
            Some(past.iter().map(|(_, value)| value).sum::<f64>() + now)
        }),
        Function::Derivative => wider(data, inner, window, step.max(300), |table| along(table, derivative)),
        Function::Ewma5 => wider(data, inner, window, 20 * step, |table| along(table, ewma_5)),
        Function::Median3 => wider(data, inner, window, 9 * step, |table| along(table, median_3)),
        Function::CountNotNull => count_not_null(plain(data, inner, window)),
        Function::Top(count, by, order) => top(plain(data, inner, window), *count, by, order),
        Function::MovingRollup(seconds, name) => {
            wider(data, inner, window, *seconds, |table| moving_rollup(table, *seconds, name))
        }
        Function::Timeshift(seconds) => timeshift(data, inner, window, *seconds, step),
        Function::Regroup(name, keys) => regroup(plain(data, inner, window), name, keys),
        // Around a query without a rollup it is that query's own.
        Function::Nested(name, seconds) => match first_layer(inner) {
            Some(query) => leaf(data, &Query { rollup: Some((Some(name), *seconds)), ..query }, window),
            None => nested(data, inner, window, name, *seconds),
        },
    }
}

fn plain(data: &Data, inner: &Expression, window: Window) -> Table {
    table(data, inner, window).expect("functions stand around queries")
}

/// Computes over a window that starts earlier and leaves out what lies before.
fn wider(data: &Data, inner: &Expression, window: Window, back: i64, change: impl Fn(Table) -> Table) -> Table {
    let wide = Window { from: window.from - back, ..window };
    let table = change(plain(data, inner, wide));
    let wanted = starts(window, table.step);
    let at = |start: &i64| table.starts.iter().position(|other| other == start);
    let cut = |values: &Vec<Option<f64>>| wanted.iter().map(|start| at(start).and_then(|at| values[at])).collect();
    let rows = table.rows.iter().map(|(tags, values)| (tags.clone(), cut(values))).collect();
    Table { rows, starts: wanted.clone(), ..table.clone() }
}

fn derivative(time: i64, past: &[(i64, f64)], now: f64) -> Option<f64> {
    past.last().map(|(before, value)| (now - value) / (time - before) as f64)
}

fn ewma_5(_time: i64, past: &[(i64, f64)], now: f64) -> Option<f64> {
    let values: Vec<f64> = past.iter().map(|(_, value)| *value).chain([now]).collect();
    values.into_iter().reduce(|average, value| average * (2.0 / 3.0) + value / 3.0)
}

fn median_3(_time: i64, past: &[(i64, f64)], now: f64) -> Option<f64> {
    let mut last: Vec<f64> = past.iter().rev().take(2).map(|(_, value)| *value).chain([now]).collect();
    last.sort_by(f64::total_cmp);
    Some(match last.len() {
        2 => (last[0] + last[1]) / 2.0,
        length => last[length / 2],
    })
}

fn count_not_null(table: Table) -> Table {
    let count = |at: usize| {
        let count = table.rows.iter().filter(|(_, values)| values[at].is_some()).count();
        (count > 0).then_some(count as f64)
    };
    let values = (0..table.starts.len()).map(count).collect();
    Table { keys: Vec::new(), rows: vec![(Vec::new(), values)], ..table }
}

fn top(mut table: Table, count: usize, by: &str, order: &str) -> Table {
    table.rows.retain(|(_, values)| values.iter().any(Option::is_some));
    let reduced =
        |values: &[Option<f64>]| statistic(by, &values.iter().flatten().copied().collect::<Vec<f64>>()).unwrap();
    table.rows.sort_by(|a, b| {
        let ascending = reduced(&a.1).total_cmp(&reduced(&b.1));
        if order == "desc" { ascending.reverse() } else { ascending }
    });
    table.rows.truncate(count);
    table
}

fn moving_rollup(table: Table, seconds: i64, name: &str) -> Table {
    replace_each(&table, &table.starts, |time, start| start > time - seconds && start <= time, name)
}

/// New values at some times, each a statistic of the values whose bucket passes a test.
fn replace_each(table: &Table, times: &[i64], belongs: impl Fn(i64, i64) -> bool, name: &str) -> Table {
    let value = |values: &Vec<Option<f64>>, time: i64| {
        let inside = table.starts.iter().zip(values).filter(|(start, _)| belongs(time, **start));
        statistic(name, &inside.filter_map(|(_, value)| *value).collect::<Vec<f64>>())
    };
    let row = |(tags, values): &Row| (tags.clone(), times.iter().map(|&time| value(values, time)).collect());
    Table { rows: table.rows.iter().map(row).collect(), starts: times.to_vec(), ..table.clone() }
}

fn timeshift(data: &Data, inner: &Expression, window: Window, seconds: i64, step: i64) -> Table {
    let early = Window { from: window.from - seconds - step, to: window.to - seconds + step, ..window };
    let source = plain(data, inner, early);
    let step = source.step;
    let wanted = starts(window, step);
    replace_each(&source, &wanted, |time, start| (start..start + step).contains(&(time - seconds)), "last")
}

fn regroup(table: Table, name: &str, keys: &[&'static str]) -> Table {
    let part = |tags: &Vec<Option<String>>| -> Vec<Option<String>> {
        keys.iter().map(|key| tags[table.keys.iter().position(|other| other == key).unwrap()].clone()).collect()
    };
    let mut groups: Vec<Vec<Option<String>>> = table.rows.iter().map(|(tags, _)| part(tags)).collect();
    groups.sort();
    groups.dedup();
    let combined = |group: &Vec<Option<String>>| {
        let members: Vec<&Row> = table.rows.iter().filter(|(tags, _)| part(tags) == *group).collect();
        let at = |at: usize| members.iter().filter_map(|(_, values)| values[at]).collect::<Vec<f64>>();
        (0..table.starts.len()).map(|bucket| statistic(name, &at(bucket))).collect()
    };
    let rows = groups.iter().map(|group| (group.clone(), combined(group))).collect();
    Table { keys: keys.to_vec(), rows, ..table.clone() }
}

fn nested(data: &Data, inner: &Expression, window: Window, name: &str, seconds: i64) -> Table {
    let wanted = starts(window, seconds);
    let whole = Window { from: wanted[0], to: wanted[wanted.len() - 1] + seconds, ..window };
    let source = plain(data, inner, whole);
    let result = replace_each(&source, &wanted, |time, start| (time..time + seconds).contains(&start), name);
    Table { step: seconds, ..result }
}

fn first_layer(expression: &Expression) -> Option<Query> {
    match expression {
        Expression::Leaf(query) if query.rollup.is_none() && query.diff.is_none() => Some(query.clone()),
        _ => None,
    }
}

/// Computes each value from those before it in its series: `(time, past, value)`.
fn along(mut table: Table, compute: impl Fn(i64, &[(i64, f64)], f64) -> Option<f64>) -> Table {
    for (_, values) in &mut table.rows {
        let mut past = Vec::new();
        for (at, value) in values.iter_mut().enumerate() {
            if let Some(now) = *value {
                *value = compute(table.starts[at], &past, now);
                past.push((table.starts[at], now));
            }
        }
    }
    table
}
