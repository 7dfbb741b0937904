//! Tree → series. Expressions are evaluated over a window; functions that need points before or after it ask for a
//! wider one and cut their result back.

mod arithmetic;
mod call;
mod naming;
mod nested;
mod scalar;
mod series;

use std::sync::Arc;

use galgo_core::MetricKind;

use crate::ast::{Call, Expr, ExprKind, MetricQuery, Operator, Span};
use crate::error::QueryError;
use crate::frame::{Axis, Frame, Value};
use crate::functions;
use crate::plan;
use crate::reduce::Aggregator;
use crate::request::Context;
use crate::source::{Budget, Grid, Leaf, Matrix, MetricSource, SeriesDiff, SpaceAgg};
use crate::window::{MAX_INNER_POINTS, Window};

pub(crate) use arithmetic::apply;
pub(crate) use call::{Bound, BoundArg};
pub use scalar::evaluate_scalar;
pub use series::{evaluate_series, evaluate_text};

/// All leaves of a request together may have so many times the cells that one leaf may have.
const LEAF_BUDGETS: usize = 4;

/// A named query, parsed.
#[derive(Debug)]
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) expr: Expr,
    pub(crate) aggregator: Aggregator,
}

/// One evaluation: its leaves are fetched once each.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn MetricSource,
    budget: &'a Budget,
    named: &'a [Named<'a>],
    context: Context,
    leaves: Vec<(Leaf, Arc<Matrix>)>,
    cells: usize,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        source: &'a dyn MetricSource,
        budget: &'a Budget,
        named: &'a [Named<'a>],
        context: Context,
    ) -> Self {
        Self { source, budget, named, context, leaves: Vec::new(), cells: 0 }
    }

    pub(crate) fn context(&self) -> Context {
        self.context
    }

    pub(crate) fn max_cells(&self) -> usize {
        self.budget.max_cells
    }

    pub(crate) fn kind_of(&self, metric: &str) -> Option<MetricKind> {
        self.source.describe(metric).map(|info| info.kind)
    }

    /// The value of an expression over a window. It only decides: each kind has its own function, so that deep
    /// expressions need little stack.
    pub(crate) fn value(&mut self, expr: &Expr, window: &Window) -> Result<Value, QueryError> {
        match &expr.kind {
            ExprKind::Number(value) => Ok(Value::Number(*value)),
            ExprKind::Name(name) => self.named_value(name, expr.span, window),
            ExprKind::Query(query) => self.query_value(query, expr.span, window),
            ExprKind::Negate(inner) => Ok(negated(self.value(inner, window)?)),
            ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right, expr.span, window),
            ExprKind::Call(call) => self.leaf_value(expr, window).unwrap_or_else(|| self.call(call, window)),
            ExprKind::Modified { inner, modifier } => {
                self.leaf_value(expr, window).unwrap_or_else(|| self.modified(inner, modifier, window))
            }
        }
    }

    fn named_value(&mut self, name: &str, span: Span, window: &Window) -> Result<Value, QueryError> {
        let named = self.named(name, span)?;
        self.value(&named.expr, window).map_err(|error| error.in_text(named.text))
    }

    fn query_value(&mut self, query: &MetricQuery, span: Span, window: &Window) -> Result<Value, QueryError> {
        match layered(query) {
            None => self.query(query, span, window, None).map(Value::Frame),
            Some(layers) => self.value(&layers, window),
        }
    }

    /// The answer to an expression that is nothing but a metric query with modifiers around it; `None` for others.
    fn leaf_value(&mut self, expr: &Expr, window: &Window) -> Option<Result<Value, QueryError>> {
        let (query, span) = match self.leaf_query(expr) {
            Ok(leaf) => leaf?,
            Err(error) => return Some(Err(error)),
        };
        Some(self.query(&query, span, window, None).map(Value::Frame))
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        span: Span,
        window: &Window,
    ) -> Result<Value, QueryError> {
        let left = self.value(left, window)?;
        let right = self.value(right, window)?;
        apply(left, right, arithmetic::operation(operator), self.max_cells())
            .map_err(|message| QueryError::at(span, message))
    }

    /// The same as series: a number becomes a series that is the same everywhere.
    pub(crate) fn frame(&mut self, expr: &Expr, window: &Window) -> Result<Frame, QueryError> {
        Ok(match self.value(expr, window)? {
            Value::Frame(frame) => frame,
            Value::Number(value) => Frame::constant(value, Arc::new(Axis::of(&window.grid(window.step)))),
        })
    }

    pub(crate) fn named(&self, name: &str, span: Span) -> Result<&'a Named<'a>, QueryError> {
        self.named.iter().find(|named| named.name == name).ok_or_else(|| {
            let message = if self.named.is_empty() {
                format!("{name} needs a scope such as {name}{{*}}")
            } else {
                format!("no query is named {name}")
            };
            QueryError::at(span, message)
        })
    }

    /// The metric query that an expression is nothing but, with modifiers around it pulled in.
    pub(crate) fn leaf_query(&self, expr: &Expr) -> Result<Option<(MetricQuery, Span)>, QueryError> {
        let (inner, modifier) = match &expr.kind {
            ExprKind::Query(query) => return Ok(layered(query).is_none().then(|| (query.clone(), expr.span))),
            ExprKind::Name(name) => {
                let named = self.named(name, expr.span)?;
                return self.leaf_query(&named.expr).map_err(|error| error.in_text(named.text));
            }
            ExprKind::Modified { inner, modifier } if plan::is_query_modifier(&modifier.name) => {
                (&**inner, modifier.clone())
            }
            ExprKind::Call(call) if plan::is_query_modifier(&call.name) => match call.args.split_first() {
                Some((first, rest)) => match &first.value {
                    crate::ast::ArgValue::Expr(inner) => {
                        (inner, Call { name: call.name.clone(), args: rest.to_vec(), span: call.span })
                    }
                    _ => return Ok(None),
                },
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let Some((mut query, span)) = self.leaf_query(inner)? else { return Ok(None) };
        query.modifiers.push(modifier);
        Ok((plan::stored_modifiers(&query.modifiers) == query.modifiers.len()).then_some((query, span)))
    }

    /// The answer of a metric query.
    pub(crate) fn query(
        &mut self,
        query: &MetricQuery,
        span: Span,
        window: &Window,
        diff: Option<SeriesDiff>,
    ) -> Result<Frame, QueryError> {
        let mut leaf = plan::plan(query, window, self.context, span)?;
        leaf.diff = diff;
        self.leaf(leaf, span)
    }

    /// The answer of a leaf.
    pub(crate) fn leaf(&mut self, leaf: Leaf, span: Span) -> Result<Frame, QueryError> {
        let needs_distribution = matches!(
            leaf.space,
            SpaceAgg::Percentile(_) | SpaceAgg::Stddev | SpaceAgg::Count | SpaceAgg::CountBetween { .. }
        );
        if needs_distribution
            && let Some(kind) = self.kind_of(&leaf.metric)
            && kind != MetricKind::Distribution
        {
            let space = crate::print::space_name(leaf.space);
            let message = format!("{space} needs a distribution, but {} is a {}", leaf.metric, kind.as_str());
            return Err(QueryError::at(span, message));
        }
        let keys = leaf.group_by.clone();
        let grid = leaf.grid.clone();
        let matrix = self.fetch(leaf)?;
        Ok(Frame::of_matrix(&matrix, &grid, keys))
    }

    fn fetch(&mut self, leaf: Leaf) -> Result<Arc<Matrix>, QueryError> {
        if let Some((_, matrix)) = self.leaves.iter().find(|(known, _)| *known == leaf) {
            return Ok(matrix.clone());
        }
        let matrix = Arc::new(self.source.leaf(&leaf, self.budget)?);
        self.cells += matrix.rows.len() * leaf.grid.len();
        let limit = self.max_cells().saturating_mul(LEAF_BUDGETS);
        if self.cells > limit {
            return Err(QueryError::Limit(format!(
                "the query has {} groups × buckets, more than {limit}: narrow its scope, its groups or its window",
                self.cells
            )));
        }
        self.leaves.push((leaf, matrix.clone()));
        Ok(matrix)
    }

    /// An expression with names replaced by their queries.
    pub(crate) fn inlined(&self, expr: &Expr) -> Expr {
        naming::inlined(expr, self.named)
    }

    /// Length of the longest buckets among the queries of an expression, in seconds.
    pub(crate) fn interval_of(&self, expr: &Expr, window: &Window) -> Result<i64, QueryError> {
        if let Some((query, _)) = self.leaf_query(expr)? {
            return Ok(plan::interval_of(&plan::Modifiers::of(&query.modifiers)?.rollup, window));
        }
        match &expr.kind {
            ExprKind::Number(_) => Ok(1),
            ExprKind::Name(name) => {
                let named = self.named(name, expr.span)?;
                self.interval_of(&named.expr, window).map_err(|error| error.in_text(named.text))
            }
            ExprKind::Query(query) => match layered(query) {
                Some(layers) => self.interval_of(&layers, window),
                None => Ok(window.step),
            },
            ExprKind::Negate(inner) => self.interval_of(inner, window),
            ExprKind::Binary { left, right, .. } => {
                Ok(self.interval_of(left, window)?.max(self.interval_of(right, window)?))
            }
            ExprKind::Modified { modifier, .. } if modifier.name == "rollup" => {
                Ok(plan::interval_of(&crate::rollup::Rollup::of(modifier)?, window))
            }
            ExprKind::Modified { inner, .. } => self.interval_of(inner, window),
            ExprKind::Call(call) if call.name == "rollup" && !call.args.is_empty() => {
                Ok(plan::interval_of(&crate::rollup::Rollup::of_args(&call.args[1..], call)?, window))
            }
            ExprKind::Call(call) => {
                let own = functions::own_interval(call).filter(|interval| *interval >= 1);
                let mut longest = own.map_or(1, |interval| window.allowed(interval));
                for arg in &call.args {
                    if let crate::ast::ArgValue::Expr(inner) = &arg.value
                        && !matches!(inner.kind, ExprKind::Name(_) if self.is_word(inner))
                    {
                        longest = longest.max(self.interval_of(inner, window)?);
                    }
                }
                Ok(longest)
            }
        }
    }

    /// Whether a lone name is a plain word such as `mean`.
    fn is_word(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if !self.named.iter().any(|named| named.name == *name))
    }

    /// Evaluates over a wider window and cuts back to the buckets of `window`.
    pub(crate) fn with_margin(
        &mut self,
        expr: &Expr,
        window: &Window,
        margin: functions::Margin,
        change: impl FnOnce(Frame) -> Result<Frame, QueryError>,
    ) -> Result<Frame, QueryError> {
        if margin.is_none() {
            return change(self.frame(expr, window)?);
        }
        let interval = self.interval_of(expr, window)?;
        let back = margin.back_seconds.max(margin.back_buckets * interval);
        let ahead = margin.ahead_buckets * interval;
        // A long look back at fine buckets: the default bucket becomes longer, one that was asked for stays.
        let wide = window.extended(back, ahead).bounded();
        let buckets = (wide.to - wide.from) / self.interval_of(expr, &wide)?;
        if buckets > MAX_INNER_POINTS {
            let message = format!("looking {back} s back gives more than {MAX_INNER_POINTS} buckets: use longer ones");
            return Err(QueryError::Limit(message));
        }
        let wide = self.frame(expr, &wide)?;
        Ok(cut(change(wide)?, window))
    }

    fn modified(&mut self, inner: &Expr, modifier: &Call, window: &Window) -> Result<Value, QueryError> {
        match modifier.name.as_str() {
            "rollup" => self.nested_rollup(inner, &crate::rollup::Rollup::of(modifier)?, window, modifier.span),
            "fill" => {
                let fill = crate::rollup::fill_of(&modifier.args, modifier)?;
                functions::fill_expression(self, inner, fill, window).map(Value::Frame)
            }
            "as_count" | "as_rate" | "weighted" => {
                // A modifier around an expression is meant for each query in it.
                let mut inlined = self.inlined(inner);
                naming::push_modifier(&mut inlined, modifier);
                self.value(&inlined, window)
            }
            _ => Err(functions::unknown_modifier(modifier)),
        }
    }
}

fn negated(value: Value) -> Value {
    match value {
        Value::Number(value) => Value::Number(-value),
        Value::Frame(frame) => Value::Frame(frame.map(|value| -value)),
    }
}

/// A query whose later modifiers work on the answer of the earlier ones, as an expression that says so.
fn layered(query: &MetricQuery) -> Option<Expr> {
    let stored = plan::stored_modifiers(&query.modifiers);
    let mut inner = query.clone();
    let later = inner.modifiers.split_off(stored);
    if later.is_empty() {
        return None;
    }
    let mut expr = Expr::new(ExprKind::Query(inner));
    for modifier in later {
        expr.span = modifier.span;
        let kind = ExprKind::Modified { inner: Box::new(expr), modifier };
        expr = Expr::new(kind);
    }
    Some(expr)
}

/// Leaves out the buckets that a window would not have.
pub(crate) fn cut(frame: Frame, window: &Window) -> Frame {
    let axis = &frame.axis;
    let (first, after) = match window.grid(axis.interval()) {
        Grid::Uniform { start, step, len } if matches!(axis.lengths, crate::frame::Lengths::Same(_)) => {
            (start, start + step * len as i64)
        }
        // Uneven buckets: those that start in the window, or the one that holds its end.
        _ => {
            let last = axis.starts.iter().rev().find(|&&start| start < window.to).copied().unwrap_or(window.from);
            (window.from.min(last), window.to)
        }
    };
    let low = axis.starts.partition_point(|&start| start < first);
    let high = axis.starts.partition_point(|&start| start < after);
    if low == 0 && high == axis.len() {
        return frame;
    }
    let buckets: Vec<usize> = (low..high).collect();
    frame.select(&buckets)
}
