//! What a series is called: its expression with the group's tags in the scope, its metric, whose unit it has.

use crate::ast::{ArgValue, Call, Expr, ExprKind, Filter, MetricQuery, Operator};
use crate::functions::{self, Family, UnitEffect};
use crate::plan::{Modifiers, group_keys};
use crate::print::{print_filter, print_with, space_name, write_query};
use crate::reduce::Statistic;
use crate::request::{About, NOT_AVAILABLE, UnitSource};
use crate::source::{SpaceAgg, TypeModifier};

use super::{Evaluator, Named};

type Tags = [(String, Option<String>)];

/// What a whole expression says of each of its series.
#[derive(Debug)]
pub(crate) struct Subject {
    expr: Expr,
    about: About,
}

impl Subject {
    pub(crate) fn of(expr: &Expr, evaluator: &Evaluator<'_>) -> Self {
        let inlined = evaluator.inlined(expr);
        let mut queries = Vec::new();
        inlined.for_each_query(&mut |query| queries.push(query));
        let kind = queries.first().and_then(|query| evaluator.kind_of(&query.metric));
        let aggr = match queries.as_slice() {
            [only] => only.space.map(space_name),
            _ => None,
        };
        let mut metric = String::new();
        print_with(stripped(&inlined), &mut metric, &|query, out| out.push_str(&query.metric));
        let unit = unit_of(&inlined);
        let about = About { metric, aggr, kind, unit, ..About::default() };
        Self { expr: inlined, about }
    }

    pub(crate) fn unit(&self) -> Option<UnitSource> {
        self.about.unit.clone()
    }

    /// What the series with these tags is.
    pub(crate) fn series(&self, tags: &Tags) -> About {
        let mut expression = String::new();
        print_with(stripped(&self.expr), &mut expression, &|query, out| write_resolved(query, tags, out));
        let mut first = None;
        self.expr.for_each_query(&mut |query| {
            first.get_or_insert(query);
        });
        let filter = first.map_or(&Filter::All, |query| &query.filter);
        About { expression, scope: scope_text(filter, tags), ..self.about.clone() }
    }
}

/// Ranks and exclusions choose series but do not change them: they are no part of a series' name.
fn stripped(expr: &Expr) -> &Expr {
    if let ExprKind::Call(call) = &expr.kind
        && let Some(definition) = functions::find(&call.name)
        && (definition.family == Family::Rank || definition.name == "exclude_null")
        && let Some(ArgValue::Expr(inner)) = call.args.first().map(|arg| &arg.value)
    {
        return stripped(inner);
    }
    expr
}

/// A query with the tags of a group in its scope, when the group has a value for all of its keys.
fn write_resolved(query: &MetricQuery, tags: &Tags, out: &mut String) {
    let keys = group_keys(query);
    let own: Option<Vec<(String, Option<String>)>> =
        keys.iter().map(|key| tags.iter().find(|(name, _)| name == key).cloned()).collect();
    match own {
        Some(own) => write_query(query, &scope_text(&query.filter, &own), &[], out),
        None => write_query(query, &print_filter(&query.filter), &query.group_by, out),
    }
}

/// `*`, `env:prod,host:a`, or a longer condition joined with the tags by `AND`.
fn scope_text(filter: &Filter, tags: &Tags) -> String {
    let mut parts: Vec<String> = Vec::new();
    match filter {
        Filter::All => {}
        Filter::Term(term) => parts.push(term.clone()),
        Filter::And(terms) if terms.iter().all(|term| simple(term).is_some()) => {
            parts.extend(terms.iter().filter_map(simple));
        }
        Filter::Not(_) if simple(filter).is_some() => parts.extend(simple(filter)),
        Filter::And(_) | Filter::Not(_) | Filter::In { .. } | Filter::Or(_) => {
            let condition = print_filter(filter);
            if tags.is_empty() {
                return condition;
            }
            let condition = if matches!(filter, Filter::Or(_)) { format!("({condition})") } else { condition };
            let tags: Vec<String> = tags.iter().map(tag_text).collect();
            return format!("{condition} AND {}", tags.join(" AND "));
        }
    }
    for tag in tags.iter().map(tag_text) {
        if !parts.contains(&tag) {
            parts.push(tag);
        }
    }
    if parts.is_empty() { "*".into() } else { parts.join(",") }
}

fn simple(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Term(term) => Some(term.clone()),
        Filter::Not(inner) => match &**inner {
            Filter::Term(term) => Some(format!("!{term}")),
            _ => None,
        },
        _ => None,
    }
}

fn tag_text((key, value): &(String, Option<String>)) -> String {
    format!("{key}:{}", value.as_deref().unwrap_or(NOT_AVAILABLE))
}

/// Whose unit the values of an expression have.
fn unit_of(expr: &Expr) -> Option<UnitSource> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) => None,
        ExprKind::Query(query) => unit_of_query(query),
        ExprKind::Negate(inner) | ExprKind::Modified { inner, .. } => unit_of(inner),
        ExprKind::Binary { operator, left, right } => {
            let (is_left_number, is_right_number) = (is_number(left), is_number(right));
            match operator {
                _ if is_right_number => unit_of(left),
                Operator::Divide => None,
                _ if is_left_number => unit_of(right),
                Operator::Multiply => None,
                Operator::Add | Operator::Subtract => {
                    unit_of(left).filter(|unit| unit_of(right).as_ref() == Some(unit))
                }
            }
        }
        ExprKind::Call(call) => {
            let inner = match &call.args.first()?.value {
                ArgValue::Expr(inner) => unit_of(inner),
                _ => None,
            };
            match functions::find(&call.name)?.unit {
                UnitEffect::Keeps => inner,
                UnitEffect::PerSecond => {
                    inner.filter(|unit| !unit.per_second).map(|unit| UnitSource { per_second: true, ..unit })
                }
                UnitEffect::Loses => None,
            }
        }
    }
}

fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => true,
        ExprKind::Negate(inner) => is_number(inner),
        ExprKind::Binary { left, right, .. } => is_number(left) && is_number(right),
        _ => false,
    }
}

fn unit_of_query(query: &MetricQuery) -> Option<UnitSource> {
    let counts = matches!(query.space, Some(SpaceAgg::Count | SpaceAgg::CountBetween { .. }));
    let stored = crate::plan::stored_modifiers(&query.modifiers);
    let modifiers = Modifiers::of(&query.modifiers[..stored]).ok()?;
    if counts || modifiers.rollup.statistic == Some(Statistic::Count) {
        return None;
    }
    let metric = galgo_core::tags::normalise_metric(&query.metric)?.into_owned();
    Some(UnitSource { metric, per_second: modifiers.kind == TypeModifier::AsRate })
}

/// An expression with names replaced by their queries.
pub(super) fn inlined(expr: &Expr, named: &[Named<'_>]) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Name(name) => match named.iter().find(|named| named.name == name) {
            Some(named) => return named.expr.clone(),
            None => expr.kind.clone(),
        },
        ExprKind::Number(_) | ExprKind::Query(_) => expr.kind.clone(),
        ExprKind::Negate(inner) => ExprKind::Negate(Box::new(inlined(inner, named))),
        ExprKind::Binary { operator, left, right } => ExprKind::Binary {
            operator: *operator,
            left: Box::new(inlined(left, named)),
            right: Box::new(inlined(right, named)),
        },
        ExprKind::Call(call) => {
            let mut call = call.clone();
            for arg in &mut call.args {
                if let ArgValue::Expr(inner) = &mut arg.value {
                    *inner = inlined(inner, named);
                }
            }
            ExprKind::Call(call)
        }
        ExprKind::Modified { inner, modifier } => {
            ExprKind::Modified { inner: Box::new(inlined(inner, named)), modifier: modifier.clone() }
        }
    };
    Expr { kind, span: expr.span }
}

/// Adds a modifier to every query of an expression.
pub(super) fn push_modifier(expr: &mut Expr, modifier: &Call) {
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) => {}
        ExprKind::Query(query) => query.modifiers.push(modifier.clone()),
        ExprKind::Negate(inner) | ExprKind::Modified { inner, .. } => push_modifier(inner, modifier),
        ExprKind::Binary { left, right, .. } => {
            push_modifier(left, modifier);
            push_modifier(right, modifier);
        }
        ExprKind::Call(call) => {
            for arg in &mut call.args {
                if let ArgValue::Expr(inner) = &mut arg.value {
                    push_modifier(inner, modifier);
                }
            }
        }
    }
}
