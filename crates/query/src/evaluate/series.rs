//! Requests for series: v1 texts, and named queries with formulas.

use std::sync::Arc;

use crate::ast::Expr;
use crate::error::QueryError;
use crate::frame::{Axis, Frame, Group, Value};
use crate::functions::rank;
use crate::parse::{MAX_QUERIES, parse_expression, parse_request};
use crate::reduce::Aggregator;
use crate::request::{Answer, FormulaRequest, Limit, Series, TextRequest};
use crate::source::{Budget, MetricSource};
use crate::window::Window;

use super::naming::Subject;
use super::{Evaluator, Named};

/// Answers a text of comma-separated queries.
pub fn evaluate_text(
    source: &dyn MetricSource,
    request: &TextRequest<'_>,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let window = Window::new(request.from, request.to.saturating_add(1), request.interval)?;
    let mut queries = parse_request(request.text)?;
    let mut evaluator = Evaluator::new(source, budget, &[], request.context);
    let mut answer = Answer::default();
    for (index, expr) in queries.iter_mut().enumerate() {
        request.variables.expand(expr);
        evaluator
            .answer(expr, &window, index, None, &mut answer.series)
            .map_err(|error| error.in_text(request.text))?;
    }
    Ok(answer)
}

/// Answers formulas over named queries as series.
pub fn evaluate_series(
    source: &dyn MetricSource,
    request: &FormulaRequest<'_>,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let window = Window::new(request.from, request.to, request.interval)?;
    let named = parse_named(request)?;
    let formulas = parse_formulas(request)?;
    let mut evaluator = Evaluator::new(source, budget, &named, request.context);
    let mut answer = Answer::default();
    for (index, formula) in formulas.iter().enumerate() {
        evaluator
            .answer(&formula.expr, &window, index, formula.limit, &mut answer.series)
            .map_err(|error| error.in_text(formula.text))?;
    }
    Ok(answer)
}

/// A formula, parsed.
#[derive(Debug)]
pub(super) struct ParsedFormula<'a> {
    pub(super) text: &'a str,
    pub(super) expr: Expr,
    pub(super) limit: Option<Limit>,
}

pub(super) fn parse_named<'a>(request: &FormulaRequest<'a>) -> Result<Vec<Named<'a>>, QueryError> {
    if request.queries.is_empty() || request.queries.len() > MAX_QUERIES {
        let count = request.queries.len();
        return Err(QueryError::Request(format!("a request has 1 to {MAX_QUERIES} queries, not {count}")));
    }
    let mut named: Vec<Named<'a>> = Vec::with_capacity(request.queries.len());
    for query in request.queries {
        if named.iter().any(|known| known.name == query.name) {
            return Err(QueryError::Request(format!("two queries are named {}", query.name)));
        }
        let mut expr = parse_expression(&query.text)?;
        request.variables.expand(&mut expr);
        named.push(Named { name: &query.name, text: &query.text, expr, aggregator: query.aggregator });
    }
    Ok(named)
}

pub(super) fn parse_formulas<'a>(request: &FormulaRequest<'a>) -> Result<Vec<ParsedFormula<'a>>, QueryError> {
    if request.formulas.len() > MAX_QUERIES {
        let count = request.formulas.len();
        return Err(QueryError::Request(format!("a request has at most {MAX_QUERIES} formulas, not {count}")));
    }
    if request.formulas.is_empty() {
        let whole = |name: &'a str| ParsedFormula {
            text: name,
            expr: Expr::new(crate::ast::ExprKind::Name(name.to_owned())),
            limit: None,
        };
        return Ok(request.queries.iter().map(|query| whole(&query.name)).collect());
    }
    let parsed = |formula: &'a crate::request::Formula| {
        let mut expr = parse_expression(&formula.text)?;
        request.variables.expand(&mut expr);
        Ok(ParsedFormula { text: &formula.text, expr, limit: formula.limit })
    };
    request.formulas.iter().map(parsed).collect()
}

impl Evaluator<'_> {
    /// Evaluates a whole expression and adds its series to the answer.
    fn answer(
        &mut self,
        expr: &Expr,
        window: &Window,
        query_index: usize,
        limit: Option<Limit>,
        out: &mut Vec<Series>,
    ) -> Result<(), QueryError> {
        let mut frame = match self.value(expr, window)? {
            Value::Frame(frame) => frame,
            Value::Number(value) => Frame::constant(value, Arc::new(Axis::of(&window.grid(window.step)))),
        };
        frame.rows.retain(Group::has_value);
        if let Some(limit) = limit {
            frame = rank::best(frame, limit.count, Aggregator::Avg, limit.descending, 0);
        }
        let subject = Subject::of(expr, self);
        let Frame { axis, keys, rows, .. } = frame;
        let mut lines = Vec::new();
        for row in rows {
            let tags: Vec<(String, Option<String>)> = keys.iter().cloned().zip(row.tags).collect();
            let about = subject.series(&tags);
            let finding = row.finding.map(|finding| *finding).unwrap_or_default();
            for (role, values) in finding.lines {
                let (tags, about, outside) = (tags.clone(), about.of_line(role), Vec::new());
                lines.push(Series { query_index, tags, axis: axis.clone(), values, about, role, outside });
            }
            let outside = (0..finding.outside.len()).filter(|&bucket| finding.outside[bucket]).collect();
            let role = finding.role;
            out.push(Series { query_index, tags, axis: axis.clone(), values: row.values, about, role, outside });
        }
        // Lines of algorithms follow the values of all groups: who knows nothing of them finds the values first.
        out.extend(lines);
        out.retain(|series| series.values.iter().any(|value| !value.is_nan()));
        Ok(())
    }
}
