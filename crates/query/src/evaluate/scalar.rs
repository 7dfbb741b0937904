//! Requests for scalars. Each query is reduced by its own aggregator, then formulas are computed on the numbers:
//! `errors / hits` of sums is the ratio of sums. Functions around a single query see its series before it is reduced, so
//! that `default_zero` and `cumsum` mean what they mean in a graph (reference: metric-queries.md §12).

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Call, Expr, ExprKind};
use crate::error::QueryError;
use crate::frame::{Axis, Frame, Group, Lengths, Value};
use crate::functions::{self, Body, rank};
use crate::reduce::Aggregator;
use crate::request::{FormulaRequest, ScalarAnswer, ScalarColumn, ScalarRow};
use crate::source::{Budget, Grid, MetricSource, SpaceAgg};
use crate::window::Window;

use super::call::bind;
use super::naming::Subject;
use super::series::{parse_formulas, parse_named};
use super::{Evaluator, apply, arithmetic, negated};

/// Answers formulas over named queries as one number for each group.
pub fn evaluate_scalar(
    source: &dyn MetricSource,
    request: &FormulaRequest<'_>,
    budget: &Budget,
) -> Result<ScalarAnswer, QueryError> {
    let window = Window::new(request.from, request.to, request.interval)?;
    let named = parse_named(request)?;
    let formulas = parse_formulas(request)?;
    let mut evaluator = Evaluator::new(source, budget, &named, request.context);
    let mut columns = Vec::with_capacity(formulas.len());
    let mut frames = Vec::with_capacity(formulas.len());
    for formula in &formulas {
        let value = evaluator.scalar(&formula.expr, &window).map_err(|error| error.in_text(formula.text))?;
        let mut frame = match value {
            Value::Frame(frame) => frame,
            Value::Number(value) => Frame::constant(value, whole(&window)),
        };
        frame.rows.retain(|row| !row.values[0].is_nan());
        if let Some(limit) = formula.limit {
            frame = rank::best(frame, limit.count, Aggregator::Last, limit.descending, 0);
        }
        let unit = Subject::of(&formula.expr, &evaluator).unit();
        columns.push(ScalarColumn { name: formula.text.to_owned(), unit });
        frames.push(frame);
    }
    Ok(table(columns, frames))
}

/// The window as a single bucket.
fn whole(window: &Window) -> Arc<Axis> {
    Arc::new(Axis { starts: vec![window.from], lengths: Lengths::Same(window.to - window.from) })
}

/// Puts the groups of all columns side by side.
fn table(columns: Vec<ScalarColumn>, frames: Vec<Frame>) -> ScalarAnswer {
    let mut keys: Vec<String> = Vec::new();
    for key in frames.iter().flat_map(|frame| &frame.keys) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    let mut rows: Vec<ScalarRow> = Vec::new();
    let mut places: HashMap<Vec<Option<String>>, usize> = HashMap::new();
    let width = columns.len();
    for (column, frame) in frames.into_iter().enumerate() {
        let positions: Vec<Option<usize>> =
            keys.iter().map(|key| frame.keys.iter().position(|own| own == key)).collect();
        for row in frame.rows {
            let tags: Vec<Option<String>> = positions.iter().map(|at| at.and_then(|at| row.tags[at].clone())).collect();
            let place = *places.entry(tags).or_insert_with_key(|tags| {
                rows.push(ScalarRow { tags: tags.clone(), values: vec![None; width] });
                rows.len() - 1
            });
            rows[place].values[column] = Some(row.values[0]);
        }
    }
    ScalarAnswer { keys, columns, rows }
}

impl Evaluator<'_> {
    /// The value of an expression with every series reduced to one bucket.
    fn scalar(&mut self, expr: &Expr, window: &Window) -> Result<Value, QueryError> {
        match &expr.kind {
            ExprKind::Number(value) => Ok(Value::Number(*value)),
            ExprKind::Negate(inner) => Ok(negated(self.scalar(inner, window)?)),
            ExprKind::Binary { operator, left, right } => {
                let (left, right) = (self.scalar(left, window)?, self.scalar(right, window)?);
                apply(left, right, arithmetic::operation(*operator), self.max_cells())
                    .map_err(|message| QueryError::at(expr.span, message))
            }
            ExprKind::Call(call) if self.is_over_several(expr) => self.scalar_call(expr, call, window),
            ExprKind::Name(_) | ExprKind::Query(_) | ExprKind::Call(_) | ExprKind::Modified { .. } => {
                self.reduced(expr, window)
            }
        }
    }

    /// Whether an expression computes with more than one query.
    fn is_over_several(&self, expr: &Expr) -> bool {
        let mut count = 0;
        self.inlined(expr).for_each_query(&mut |_| count += 1);
        count > 1
    }

    /// A function around several queries: on the numbers if it looks at one bucket at a time.
    fn scalar_call(&mut self, expr: &Expr, call: &Call, window: &Window) -> Result<Value, QueryError> {
        let definition = functions::find(&call.name).ok_or_else(|| functions::unknown_function(call))?;
        if !definition.pointwise {
            return self.reduced(expr, window);
        }
        let bound = bind(definition, call)?;
        match &definition.body {
            Body::Frame { apply, .. } => {
                let frame = match self.scalar(bound.query(0)?, window)? {
                    Value::Frame(frame) => frame,
                    Value::Number(value) => Frame::constant(value, whole(window)),
                };
                apply(frame, &bound).map(Value::Frame)
            }
            Body::Own(_) => match functions::elementwise(&call.name) {
                Some(op) => {
                    let left = self.scalar(bound.query(0)?, window)?;
                    let right = match bound.arg(1) {
                        Some(super::BoundArg::Query(right)) => self.scalar(right, window)?,
                        _ => return self.reduced(expr, window),
                    };
                    apply(left, right, op, self.max_cells()).map_err(|message| bound.fault(1, message))
                }
                None => self.reduced(expr, window),
            },
        }
    }

    /// Evaluates as series and reduces them by the aggregator of the first query in the expression.
    fn reduced(&mut self, expr: &Expr, window: &Window) -> Result<Value, QueryError> {
        let aggregator = self.aggregator_of(expr);
        if aggregator == Aggregator::Percentile
            && let Some(frame) = self.whole_percentile(expr, window)?
        {
            return Ok(Value::Frame(frame));
        }
        Ok(match self.value(expr, window)? {
            Value::Number(value) => Value::Number(value),
            Value::Frame(frame) => Value::Frame(reduce(frame, aggregator, window)),
        })
    }

    /// A percentile is read from the distribution of the whole window, not computed from those of its buckets.
    fn whole_percentile(&mut self, expr: &Expr, window: &Window) -> Result<Option<Frame>, QueryError> {
        let Some((query, span)) = self.leaf_query(expr)? else { return Ok(None) };
        if !matches!(query.space, Some(SpaceAgg::Percentile(_))) {
            return Ok(None);
        }
        let mut leaf = crate::plan::plan(&query, window, self.context(), span)?;
        leaf.grid = Grid::Edges(vec![window.from, window.to]);
        let frame = self.leaf(leaf, span)?;
        Ok(Some(Frame { axis: whole(window), ..frame }))
    }

    fn aggregator_of(&self, expr: &Expr) -> Aggregator {
        let names = expr.names();
        let named = names.iter().find_map(|name| self.named.iter().find(|named| named.name == *name));
        named.map_or(Aggregator::Avg, |named| named.aggregator)
    }
}

fn reduce(frame: Frame, aggregator: Aggregator, window: &Window) -> Frame {
    // What `reduce` made one number already stays as it is, whatever the aggregator.
    let aggregator = if frame.collapsed { Aggregator::Last } else { aggregator };
    let number = |values: &[f64]| vec![aggregator.reduce(values, &frame.axis)];
    let rows = frame.rows.iter().map(|row| Group::new(row.tags.clone(), number(&row.continued()))).collect();
    Frame { axis: whole(window), keys: frame.keys.clone(), rows, missing: frame.missing, collapsed: false }
}
