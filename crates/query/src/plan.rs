//! From a metric query and a window to the leaf that a store answers.

use galgo_core::tags::{normalise_metric, normalise_tag};

use crate::ast::{Call, MetricQuery, Span};
use crate::error::QueryError;
use crate::request::Context;
use crate::rollup::{Every, Rollup, fill_of};
use crate::source::{Fill, Grid, Leaf, SpaceAgg, TypeModifier};
use crate::variables::scope_of;
use crate::window::Window;

/// Modifiers that a store applies; everything else is computed from its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Modifiers {
    pub(crate) rollup: Rollup,
    pub(crate) fill: Fill,
    pub(crate) kind: TypeModifier,
    pub(crate) weighted: bool,
}

/// Whether a modifier belongs to a metric query rather than to any expression.
pub(crate) fn is_query_modifier(name: &str) -> bool {
    matches!(name, "as_count" | "as_rate" | "weighted" | "fill" | "rollup")
}

impl Modifiers {
    pub(crate) fn of(calls: &[Call]) -> Result<Self, QueryError> {
        let mut modifiers =
            Self { rollup: Rollup::default(), fill: Fill::ByKind, kind: TypeModifier::None, weighted: false };
        for call in calls {
            match call.name.as_str() {
                "as_count" => modifiers.kind = TypeModifier::AsCount,
                "as_rate" => modifiers.kind = TypeModifier::AsRate,
                "weighted" => modifiers.weighted = true,
                "fill" => modifiers.fill = fill_of(&call.args, call)?,
                "rollup" => modifiers.rollup = Rollup::of(call)?,
                _ => return Err(crate::functions::unknown_modifier(call)),
            }
            if matches!(call.name.as_str(), "as_count" | "as_rate" | "weighted")
                && let Some(arg) = call.args.first()
            {
                return Err(QueryError::at(arg.span, format!(".{}() takes no arguments", call.name)));
            }
        }
        Ok(modifiers)
    }
}

/// How many of a query's modifiers the store applies: up to a second rollup, or one that only later layers compute.
pub(crate) fn stored_modifiers(calls: &[Call]) -> usize {
    let mut seen_rollup = false;
    let ends = |call: &Call| {
        let is_rollup = call.name == "rollup";
        let later_layer = is_rollup && (seen_rollup || Rollup::of(call).is_ok_and(|rollup| rollup.time().is_err()));
        seen_rollup |= is_rollup;
        later_layer
    };
    calls.iter().position(ends).unwrap_or(calls.len())
}

/// The buckets of a rollup in a window.
pub(crate) fn grid_of(rollup: &Rollup, window: &Window, span: Span) -> Result<Grid, QueryError> {
    match &rollup.every {
        None => Ok(window.grid(window.step)),
        Some(Every::Seconds(seconds)) => Ok(window.grid(window.allowed(*seconds))),
        Some(Every::Calendar(calendar)) => {
            let edges = calendar.edges(window.from, window.to).map_err(|message| QueryError::at(span, message))?;
            Ok(Grid::Edges(edges))
        }
    }
}

/// Length of the buckets of a rollup in a window, in seconds.
pub(crate) fn interval_of(rollup: &Rollup, window: &Window) -> i64 {
    match &rollup.every {
        None => window.step,
        Some(Every::Seconds(seconds)) => window.allowed(*seconds),
        Some(every) => every.seconds(),
    }
}

/// The leaf of a query. Its modifiers must be those that a store applies.
pub(crate) fn plan(query: &MetricQuery, window: &Window, context: Context, span: Span) -> Result<Leaf, QueryError> {
    let modifiers = Modifiers::of(&query.modifiers)?;
    let metric = normalise_metric(&query.metric)
        .ok_or_else(|| QueryError::at(span, format!("metric name without a letter: {}", query.metric)))?;
    let time = modifiers.rollup.time().map_err(|()| {
        QueryError::at(
            span,
            "this rollup aggregator works on rolled up values only: roll up by avg, sum, min or max first",
        )
    })?;
    Ok(Leaf {
        metric: metric.into_owned(),
        scope: scope_of(&query.filter),
        group_by: group_keys(query),
        space: query.space.unwrap_or(SpaceAgg::Avg),
        time,
        modifier: modifiers.kind,
        fill: modifiers.fill,
        weighted: modifiers.weighted,
        diff: None,
        grid: grid_of(&modifiers.rollup, window, span)?,
        skip_ungrouped: context == Context::Monitor,
    })
}

/// The normalised group-by keys of a query, without repetitions.
pub(crate) fn group_keys(query: &MetricQuery) -> Vec<String> {
    let mut keys: Vec<String> = Vec::with_capacity(query.group_by.len());
    for key in &query.group_by {
        let key = normalise_tag(key).into_owned();
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
