//! The best groups (reference: functions.md §7).

use crate::error::QueryError;
use crate::evaluate::Bound;
use crate::frame::Frame;
use crate::reduce::Aggregator;

use super::{ArgDef, ArgKind, Definition, Family, QUERY, frame, optional, query, required};

const REDUCERS: &[&str] = &["mean", "avg", "max", "min", "sum", "last", "l2norm", "area"];
const ORDERS: &[&str] = &["desc", "asc"];

const TOP: &[ArgDef] = &[
    query("query"),
    required("count", ArgKind::Number),
    optional("by", ArgKind::Choice(REDUCERS)),
    optional("order", ArgKind::Choice(ORDERS)),
];
const TOP_OFFSET: &[ArgDef] = &[
    query("query"),
    required("count", ArgKind::Number),
    required("by", ArgKind::Choice(REDUCERS)),
    required("order", ArgKind::Choice(ORDERS)),
    required("offset", ArgKind::Number),
];

/// Most groups that a rank keeps or skips.
const MAX_COUNT: f64 = 10_000.0;

pub(super) fn definitions() -> Vec<Definition> {
    let mut definitions = vec![
        Definition::new(
            "top",
            Family::Rank,
            TOP,
            "the `count` groups that are largest (`desc`) or smallest (`asc`)",
            frame(top),
        ),
        Definition::new(
            "top_offset",
            Family::Rank,
            TOP_OFFSET,
            "the same without the first `offset` groups",
            frame(top),
        ),
    ];
    let kinds = [
        ("mean", Aggregator::Avg),
        ("max", Aggregator::Max),
        ("min", Aggregator::Min),
        ("last", Aggregator::Last),
        ("area", Aggregator::Area),
        ("l2norm", Aggregator::L2norm),
    ];
    for (side, descending) in [("top", true), ("bottom", false)] {
        for count in [5, 10, 15, 20] {
            for (name, aggregator) in kinds {
                let size = if descending { "largest" } else { "smallest" };
                let definition = Definition::new(
                    format!("{side}{count}_{name}"),
                    Family::Rank,
                    QUERY,
                    format!("the {count} groups that are {size} by {name}"),
                    frame(move |input, _| Ok(best(input, count, aggregator, descending, 0))),
                );
                definitions.push(if name == "mean" { definition.alias(format!("{side}{count}")) } else { definition });
            }
        }
    }
    definitions
}

fn top(input: Frame, bound: &Bound<'_>) -> Result<Frame, QueryError> {
    let whole = |at: usize| match bound.number(at) {
        None => Ok(0),
        Some(count) if (0.0..=MAX_COUNT).contains(&count) && count.fract() == 0.0 => Ok(count as usize),
        Some(count) => Err(bound.fault(at, format!("must be a whole number up to {MAX_COUNT}: {count}"))),
    };
    let by = bound.text(2).and_then(Aggregator::parse).unwrap_or_default();
    Ok(best(input, whole(1)?, by, bound.text(3) != Some("asc"), whole(4)?))
}

/// The groups that are largest or smallest, best first; groups without a value are never among them.
pub(crate) fn best(mut input: Frame, count: usize, by: Aggregator, descending: bool, offset: usize) -> Frame {
    let mut ranked: Vec<(f64, crate::frame::Group)> = std::mem::take(&mut input.rows)
        .into_iter()
        .map(|row| (by.reduce(&row.continued(), &input.axis), row))
        .filter(|(value, _)| !value.is_nan())
        .collect();
    // Stable: equal groups keep the order of their tags.
    ranked.sort_by(|(left, _), (right, _)| if descending { right.total_cmp(left) } else { left.total_cmp(right) });
    input.rows = ranked.into_iter().skip(offset).take(count).map(|(_, row)| row).collect();
    input.missing = None;
    input
}
