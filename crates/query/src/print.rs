//! Tree → canonical text. `parse(print(tree)) == tree` for every tree that the parser makes.

use std::fmt::Write;

use crate::ast::{Arg, ArgValue, Call, Expr, ExprKind, Filter, MetricQuery, Operator};
use crate::source::SpaceAgg;

/// How queries inside an expression are written.
pub(crate) type QueryPrinter<'a> = dyn Fn(&MetricQuery, &mut String) + 'a;

/// The canonical text of an expression.
pub fn print(expr: &Expr) -> String {
    let mut text = String::new();
    print_with(expr, &mut text, &|query, out| print_query(query, out));
    text
}

/// The canonical text of a scope, without braces.
pub fn print_filter(filter: &Filter) -> String {
    let mut text = String::new();
    write_filter(filter, 0, &mut text);
    text
}

/// How a space aggregator is written before the colon.
pub fn space_name(space: SpaceAgg) -> String {
    match space {
        SpaceAgg::Avg => "avg".into(),
        SpaceAgg::Sum => "sum".into(),
        SpaceAgg::Min => "min".into(),
        SpaceAgg::Max => "max".into(),
        SpaceAgg::Count => "count".into(),
        SpaceAgg::Stddev => "stddev".into(),
        SpaceAgg::Percentile(percentile) => format!("p{percentile}"),
        SpaceAgg::CountBetween { low, low_inclusive, high, high_inclusive } => {
            let above = if low_inclusive { ">=" } else { ">" };
            let below = if high_inclusive { "<=" } else { "<" };
            match (low.is_finite(), high.is_finite()) {
                (true, true) => format!("count(v: v{above}{low} && v{below}{high})"),
                (true, false) => format!("count(v: v{above}{low})"),
                _ => format!("count(v: v{below}{high})"),
            }
        }
    }
}

/// Writes an expression, its queries by `query`.
pub(crate) fn print_with(expr: &Expr, out: &mut String, query: &QueryPrinter<'_>) {
    match &expr.kind {
        ExprKind::Number(value) => push(out, format_args!("{value}")),
        ExprKind::Name(name) => out.push_str(name),
        ExprKind::Query(inner) => query(inner, out),
        ExprKind::Negate(inner) => {
            out.push('-');
            let parenthesise = matches!(inner.kind, ExprKind::Binary { .. });
            in_parentheses(inner, parenthesise, out, query);
        }
        ExprKind::Binary { operator, left, right } => {
            in_parentheses(left, binds_looser(left, *operator, false), out, query);
            push(out, format_args!(" {} ", operator.symbol()));
            in_parentheses(right, binds_looser(right, *operator, true), out, query);
        }
        ExprKind::Call(call) => write_call(call, out, query),
        ExprKind::Modified { inner, modifier } => {
            let bare = matches!(inner.kind, ExprKind::Name(_) | ExprKind::Call(_) | ExprKind::Modified { .. });
            in_parentheses(inner, !bare, out, query);
            out.push('.');
            write_call(modifier, out, query);
        }
    }
}

fn in_parentheses(expr: &Expr, parenthesise: bool, out: &mut String, query: &QueryPrinter<'_>) {
    if parenthesise {
        out.push('(');
    }
    print_with(expr, out, query);
    if parenthesise {
        out.push(')');
    }
}

/// Whether an operand needs parentheses. Operators of one rank are read from left to right.
fn binds_looser(operand: &Expr, parent: Operator, is_right: bool) -> bool {
    let ExprKind::Binary { operator, .. } = &operand.kind else { return false };
    let (inner, outer) = (operator.precedence(), parent.precedence());
    inner < outer || (is_right && inner == outer)
}

fn write_call(call: &Call, out: &mut String, query: &QueryPrinter<'_>) {
    out.push_str(&call.name);
    out.push('(');
    for (index, arg) in call.args.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_arg(arg, out, query);
    }
    out.push(')');
}

fn write_arg(arg: &Arg, out: &mut String, query: &QueryPrinter<'_>) {
    if let Some(name) = &arg.name {
        push(out, format_args!("{name}="));
    }
    match &arg.value {
        ArgValue::Expr(expr) => print_with(expr, out, query),
        ArgValue::Text(text) => {
            let quote = if text.contains('\'') { '"' } else { '\'' };
            push(out, format_args!("{quote}{text}{quote}"));
        }
        ArgValue::Word(word) => out.push_str(word),
        ArgValue::Keys(keys) if keys.is_empty() => out.push_str("{*}"),
        ArgValue::Keys(keys) => push(out, format_args!("{{{}}}", keys.join(","))),
    }
}

fn print_query(query: &MetricQuery, out: &mut String) {
    write_query(query, &print_filter(&query.filter), &query.group_by, out);
}

/// Writes a query with another scope and other keys.
pub(crate) fn write_query(query: &MetricQuery, scope: &str, group_by: &[String], out: &mut String) {
    if let Some(space) = query.space {
        push(out, format_args!("{}:", space_name(space)));
    }
    push(out, format_args!("{}{{{scope}}}", query.metric));
    if !group_by.is_empty() {
        push(out, format_args!(" by {{{}}}", group_by.join(",")));
    }
    for modifier in &query.modifiers {
        out.push('.');
        write_call(modifier, out, &|query, out| print_query(query, out));
    }
}

/// Writes a filter inside a parent of rank 0 (none), 1 (`OR`), 2 (`AND`) or 3 (`NOT`).
fn write_filter(filter: &Filter, parent: u8, out: &mut String) {
    match filter {
        Filter::All => out.push('*'),
        Filter::Term(term) => out.push_str(term),
        Filter::And(parts) => write_joined(parts, " AND ", 2, parent, out),
        Filter::Or(parts) => write_joined(parts, " OR ", 1, parent, out),
        Filter::Not(inner) => match &**inner {
            Filter::In { key, values } => push(out, format_args!("{key} NOT IN ({})", values.join(","))),
            other => {
                out.push_str("NOT ");
                write_filter(other, 3, out);
            }
        },
        Filter::In { key, values } => push(out, format_args!("{key} IN ({})", values.join(","))),
    }
}

fn write_joined(parts: &[Filter], joint: &str, rank: u8, parent: u8, out: &mut String) {
    let parenthesise = rank < parent;
    if parenthesise {
        out.push('(');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(joint);
        }
        write_filter(part, rank, out);
    }
    if parenthesise {
        out.push(')');
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
