//! Arithmetic between series: they are joined by their tags, then computed bucket by bucket.
//!
//! - A series without tags, or a number, is combined with every series of the other side.
//! - Equal sets of keys: series with equal values are combined; a series without partner is left out, unless the other
//!   side has a default for absent groups (`default_zero`).
//! - Different sets of keys that share some: series that agree on the shared keys are combined, each with each; the
//!   result has all keys.
//! - Sets that share nothing are refused.
//! - Different buckets: only those times count at which both have one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::Operator;
use crate::frame::{Axis, Frame, Group, Lengths, Value};

/// Division in which a divisor of 0 gives nothing.
fn divide(left: f64, right: f64) -> f64 {
    if right == 0.0 { f64::NAN } else { left / right }
}

pub(super) fn operation(operator: Operator) -> fn(f64, f64) -> f64 {
    match operator {
        Operator::Add => |left, right| left + right,
        Operator::Subtract => |left, right| left - right,
        Operator::Multiply => |left, right| left * right,
        Operator::Divide => divide,
    }
}

/// Combines two values. At most `max_cells` groups × buckets may come out.
pub(crate) fn apply(left: Value, right: Value, op: fn(f64, f64) -> f64, max_cells: usize) -> Result<Value, String> {
    Ok(match (left, right) {
        (Value::Number(left), Value::Number(right)) => Value::Number(op(left, right)),
        (Value::Frame(frame), Value::Number(right)) => Value::Frame(frame.map(|left| op(left, right))),
        (Value::Number(left), Value::Frame(frame)) => Value::Frame(frame.map(|right| op(left, right))),
        (Value::Frame(left), Value::Frame(right)) => {
            let (left, right) = on_common_buckets(left, right);
            Value::Frame(join(left, right, op, max_cells)?)
        }
    })
}

/// Cuts both to the times at which both have a bucket. What was reduced to one number fits any buckets.
fn on_common_buckets(left: Frame, right: Frame) -> (Frame, Frame) {
    if Arc::ptr_eq(&left.axis, &right.axis) || left.axis == right.axis {
        return (left, right);
    }
    if left.collapsed != right.collapsed {
        if left.collapsed {
            let spread = spread(left, &right.axis);
            return (spread, right);
        }
        let spread = spread(right, &left.axis);
        return (left, spread);
    }
    let (mut in_left, mut in_right) = (Vec::new(), Vec::new());
    let (mut l, mut r) = (0, 0);
    while l < left.axis.len() && r < right.axis.len() {
        let (a, b) = (left.axis.starts[l], right.axis.starts[r]);
        if a == b {
            in_left.push(l);
            in_right.push(r);
        }
        l += usize::from(a <= b);
        r += usize::from(b <= a);
    }
    let (mut left, mut right) = (left.select(&in_left), right.select(&in_right));
    let longer = (0..left.axis.len()).map(|at| left.axis.length(at).max(right.axis.length(at))).collect::<Vec<i64>>();
    let lengths = match (&left.axis.lengths, &right.axis.lengths) {
        (Lengths::Same(a), Lengths::Same(b)) => Lengths::Same(*a.max(b)),
        _ => Lengths::Each(longer),
    };
    let axis = Arc::new(Axis { starts: left.axis.starts.clone(), lengths });
    left.axis = axis.clone();
    right.axis = axis;
    (left, right)
}

fn spread(collapsed: Frame, axis: &Arc<Axis>) -> Frame {
    let repeat = |values: &[f64]| {
        let value = values.iter().copied().find(|value| !value.is_nan()).unwrap_or(f64::NAN);
        vec![value; axis.len()]
    };
    let rows = collapsed.rows.into_iter().map(|row| Group::new(row.tags, repeat(&row.values))).collect();
    Frame { axis: axis.clone(), rows, ..collapsed }
}

fn join(left: Frame, right: Frame, op: fn(f64, f64) -> f64, max_cells: usize) -> Result<Frame, String> {
    let missing = match (left.missing, right.missing) {
        (Some(left), Some(right)) => Some(op(left, right)).filter(|value| !value.is_nan()),
        _ => None,
    };
    let collapsed = left.collapsed && right.collapsed;
    let axis = left.axis.clone();
    let (keys, rows) = if right.keys.is_empty() {
        (left.keys.clone(), broadcast(left, right, op))
    } else if left.keys.is_empty() {
        (right.keys.clone(), broadcast(right, left, |right, left| op(left, right)))
    } else if let Some(order) = same_keys(&left, &right) {
        (left.keys.clone(), join_equal(left, right, &order, op))
    } else {
        join_shared(&left, &right, op, max_cells)?
    };
    Ok(Frame { axis, keys, rows, missing, collapsed })
}

/// Every row of `many` with the only row of `one`; nothing when that has none.
fn broadcast(mut many: Frame, one: Frame, op: impl Fn(f64, f64) -> f64) -> Vec<Group> {
    let Some(single) = one.rows.first() else { return Vec::new() };
    for row in &mut many.rows {
        combine(&mut row.values, &single.values, &op);
        row.finding = None;
    }
    many.rows
}

fn combine(left: &mut [f64], right: &[f64], op: impl Fn(f64, f64) -> f64) {
    left.iter_mut().zip(right).for_each(|(left, &right)| *left = op(*left, right));
}

/// Where the keys of `left` stand in `right`, when both have the same ones.
fn same_keys(left: &Frame, right: &Frame) -> Option<Vec<usize>> {
    if left.keys.len() == right.keys.len() { right.positions(&left.keys) } else { None }
}

fn join_equal(left: Frame, right: Frame, order: &[usize], op: fn(f64, f64) -> f64) -> Vec<Group> {
    let reordered = |row: &Group| order.iter().map(|&at| row.tags[at].clone()).collect::<Vec<_>>();
    let mut partners: HashMap<Vec<Option<String>>, Vec<f64>> =
        right.rows.into_iter().map(|row| (reordered(&row), row.values)).collect();
    let buckets = left.axis.len();
    let mut rows = Vec::with_capacity(left.rows.len());
    for mut row in left.rows {
        let partner = partners.remove(&row.tags).or_else(|| right.missing.map(|value| vec![value; buckets]));
        if let Some(partner) = partner {
            combine(&mut row.values, &partner, op);
            row.finding = None;
            rows.push(row);
        }
    }
    if let Some(value) = left.missing {
        let mut alone: Vec<(Vec<Option<String>>, Vec<f64>)> = partners.into_iter().collect();
        alone.sort_by(|a, b| a.0.cmp(&b.0));
        for (tags, mut values) in alone {
            values.iter_mut().for_each(|right| *right = op(value, *right));
            rows.push(Group::new(tags, values));
        }
    }
    rows
}

fn join_shared(
    left: &Frame,
    right: &Frame,
    op: fn(f64, f64) -> f64,
    max_cells: usize,
) -> Result<(Vec<String>, Vec<Group>), String> {
    let shared: Vec<String> = left.keys.iter().filter(|key| right.keys.contains(key)).cloned().collect();
    let (Some(in_left), Some(in_right), false) = (left.positions(&shared), right.positions(&shared), shared.is_empty())
    else {
        return Err(format!(
            "series by {{{}}} and by {{{}}} have no tag key in common",
            left.keys.join(","),
            right.keys.join(",")
        ));
    };
    let extra: Vec<usize> = (0..right.keys.len()).filter(|at| !shared.contains(&right.keys[*at])).collect();
    let part = |row: &Group, positions: &[usize]| positions.iter().map(|&at| row.tags[at].clone()).collect::<Vec<_>>();
    let mut partners: HashMap<Vec<Option<String>>, Vec<&Group>> = HashMap::new();
    for row in &right.rows {
        partners.entry(part(row, &in_right)).or_default().push(row);
    }
    let mut rows = Vec::new();
    for row in &left.rows {
        for partner in partners.get(&part(row, &in_left)).map_or(&[][..], Vec::as_slice) {
            let mut values = row.values.clone();
            combine(&mut values, &partner.values, op);
            let tags = row.tags.iter().cloned().chain(extra.iter().map(|&at| partner.tags[at].clone())).collect();
            rows.push(Group::new(tags, values));
            if rows.len().saturating_mul(left.axis.len()) > max_cells {
                return Err(format!("joining gives more than {max_cells} groups × buckets"));
            }
        }
    }
    let keys = left.keys.iter().cloned().chain(extra.iter().map(|&at| right.keys[at].clone())).collect();
    Ok((keys, rows))
}
