//! Expressions: arithmetic, calls, metric queries and their modifiers.

use crate::ast::{Arg, ArgValue, Call, Expr, ExprKind, Filter, MetricQuery, Operator};
use crate::error::Fault;
use crate::source::SpaceAgg;

use super::cursor::Cursor;
use super::{MAX_GROUP_KEYS, scope};

/// Most arguments of one call.
const MAX_ARGS: usize = 64;

pub(super) fn expression(cursor: &mut Cursor<'_>) -> Result<Expr, Fault> {
    binary(cursor, 1)
}

/// Operators that bind at least as tight as `precedence`.
fn binary(cursor: &mut Cursor<'_>, precedence: u8) -> Result<Expr, Fault> {
    if precedence > 2 {
        return factor(cursor);
    }
    cursor.skip_blanks();
    let start = cursor.position();
    let mut left = binary(cursor, precedence + 1)?;
    while let Some(operator) = operator_ahead(cursor).filter(|operator| operator.precedence() == precedence) {
        cursor.expect(operator.symbol().encode_utf8(&mut [0; 4]))?;
        cursor.count_node()?;
        let right = binary(cursor, precedence + 1)?;
        let kind = ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
        left = Expr { kind, span: cursor.span_from(start) };
    }
    Ok(left)
}

fn operator_ahead(cursor: &mut Cursor<'_>) -> Option<Operator> {
    Some(match cursor.peek()? {
        '+' => Operator::Add,
        '-' => Operator::Subtract,
        '*' => Operator::Multiply,
        '/' => Operator::Divide,
        _ => return None,
    })
}

fn factor(cursor: &mut Cursor<'_>) -> Result<Expr, Fault> {
    cursor.count_node()?;
    let next = cursor.peek();
    let start = cursor.position();
    match next {
        Some('-') => {
            cursor.expect("-")?;
            let inner = cursor.nested(factor)?;
            Ok(Expr { kind: ExprKind::Negate(Box::new(inner)), span: cursor.span_from(start) })
        }
        Some('(') => {
            cursor.expect("(")?;
            let inner = cursor.nested(expression)?;
            cursor.expect(")")?;
            modified(cursor, inner, start)
        }
        Some(digit) if digit.is_ascii_digit() || digit == '.' => number(cursor),
        Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => named(cursor),
        Some('{') => Err(cursor.fault("expected a metric before its scope")),
        _ => Err(cursor.fault("expected a query, a number, a function or `(`")),
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Expr, Fault> {
    let start = cursor.position();
    digits(cursor);
    let text = cursor.slice(start);
    let span = cursor.span_from(start);
    let ends_in_word = cursor.rest().starts_with(is_name_char);
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && !ends_in_word => Ok(Expr { kind: ExprKind::Number(value), span }),
        Ok(value) if !value.is_finite() => Err(cursor.fault_at(span, format!("number too large: {text}"))),
        _ => {
            let rest = cursor.take_while(is_name_char);
            Err(cursor.fault_at(cursor.span_from(start), format!("not a number: {text}{rest}")))
        }
    }
}

/// Takes `12`, `1.5`, `.5`, `1e3`, `1.5E-3`.
fn digits(cursor: &mut Cursor<'_>) {
    cursor.take_while(|character| character.is_ascii_digit());
    if cursor.rest().starts_with('.') {
        let mut seen_point = false;
        cursor.take_while(|character| {
            character.is_ascii_digit() || (character == '.' && !std::mem::replace(&mut seen_point, true))
        });
    }
    let rest = cursor.rest().as_bytes();
    let exponent_sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
    let has_exponent =
        matches!(rest.first(), Some(b'e' | b'E')) && rest.get(1 + exponent_sign).is_some_and(u8::is_ascii_digit);
    if has_exponent {
        cursor.reset(cursor.position() + 1 + exponent_sign);
        cursor.take_while(|character| character.is_ascii_digit());
    }
}

fn is_name_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '.'
}

/// Something that starts with a name: a call, a query, or the name alone.
fn named(cursor: &mut Cursor<'_>) -> Result<Expr, Fault> {
    let start = cursor.position();
    if let Some(space) = threshold_aggregator(cursor)? {
        return query(cursor, start, Some(space));
    }
    let name = cursor.take_while(is_name_char);
    let span = cursor.span_from(start);
    match cursor.peek() {
        Some('(') => match name.rsplit_once('.') {
            // `query1.rollup(…)`: a modifier of a named query.
            Some((query, _)) if !query.is_empty() => {
                cursor.reset(start + query.len());
                let inner = Expr { kind: ExprKind::Name(query.to_owned()), span: cursor.span_from(start) };
                modified(cursor, inner, start)
            }
            _ => {
                let call = Call { name: name.to_owned(), args: cursor.nested(arguments)?, span };
                let inner = Expr { kind: ExprKind::Call(call), span: cursor.span_from(start) };
                modified(cursor, inner, start)
            }
        },
        Some(':') => {
            let Some(space) = space_aggregator(name) else {
                let message = format!("no space aggregator: {name} (avg, sum, min, max, count, stddev, p50 …)");
                return Err(cursor.fault_at(span, message));
            };
            query(cursor, start, Some(space))
        }
        Some('{') => {
            cursor.reset(start);
            query(cursor, start, None)
        }
        _ => {
            cursor.reset(start + name.len());
            Ok(Expr { kind: ExprKind::Name(name.to_owned()), span })
        }
    }
}

fn space_aggregator(name: &str) -> Option<SpaceAgg> {
    Some(match name {
        "avg" | "mean" => SpaceAgg::Avg,
        "sum" => SpaceAgg::Sum,
        "min" => SpaceAgg::Min,
        "max" => SpaceAgg::Max,
        "count" => SpaceAgg::Count,
        "stddev" => SpaceAgg::Stddev,
        _ => SpaceAgg::Percentile(percentile(name)?),
    })
}

/// `p99.9` → 99.9.
pub(crate) fn percentile(name: &str) -> Option<f64> {
    let digits = name.strip_prefix('p')?;
    let plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|character| character.is_ascii_digit() || character == '.');
    let value = if plain { digits.parse::<f64>().ok()? } else { return None };
    (0.0..=100.0).contains(&value).then_some(value)
}

/// `count(v: v<=X)` before a metric; takes nothing when something else stands there.
fn threshold_aggregator(cursor: &mut Cursor<'_>) -> Result<Option<SpaceAgg>, Fault> {
    let start = cursor.position();
    let rest = cursor.rest();
    let Some(inside) = rest.strip_prefix("count").and_then(|rest| rest.trim_start().strip_prefix('(')) else {
        return Ok(None);
    };
    let head = inside.split(')').next().unwrap_or_default();
    if !head.contains(['<', '>', '=']) || head.contains('{') {
        return Ok(None);
    }
    cursor.reset(start + "count".len());
    cursor.expect("(")?;
    cursor.skip_blanks();
    let variable = cursor.take_while(|character| character.is_ascii_alphanumeric() || character == '_');
    if variable.is_empty() {
        return Err(cursor.fault("expected a name for the counted value"));
    }
    cursor.expect(":")?;
    let mut bounds = Bounds::default();
    loop {
        comparison(cursor, variable, &mut bounds)?;
        if !(cursor.eat("&&") || cursor.eat_keyword("AND")) {
            break;
        }
    }
    cursor.expect(")")?;
    Ok(Some(bounds.space()))
}

/// The range that a threshold count leaves.
struct Bounds {
    low: (f64, bool),
    high: (f64, bool),
}

impl Default for Bounds {
    fn default() -> Self {
        Self { low: (f64::NEG_INFINITY, true), high: (f64::INFINITY, true) }
    }
}

impl Bounds {
    fn space(&self) -> SpaceAgg {
        SpaceAgg::CountBetween {
            low: self.low.0,
            low_inclusive: self.low.1,
            high: self.high.0,
            high_inclusive: self.high.1,
        }
    }
}

/// `v <= 5`, `5 > v`, `1 < v <= 5`.
fn comparison(cursor: &mut Cursor<'_>, variable: &str, bounds: &mut Bounds) -> Result<(), Fault> {
    let leading = if cursor.eat(variable) { None } else { Some((limit(cursor)?, comparator(cursor)?)) };
    if let Some((value, (mark, inclusive))) = leading {
        cursor.expect(variable)?;
        match mark {
            '<' => bounds.low = (value, inclusive),
            _ => bounds.high = (value, inclusive),
        }
    }
    if leading.is_none() || matches!(cursor.peek(), Some('<' | '>')) {
        let (mark, inclusive) = comparator(cursor)?;
        let value = limit(cursor)?;
        match mark {
            '<' => bounds.high = (value, inclusive),
            _ => bounds.low = (value, inclusive),
        }
    }
    Ok(())
}

fn comparator(cursor: &mut Cursor<'_>) -> Result<(char, bool), Fault> {
    for (text, mark, inclusive) in [("<=", '<', true), (">=", '>', true), ("<", '<', false), (">", '>', false)] {
        if cursor.eat(text) {
            return Ok((mark, inclusive));
        }
    }
    Err(cursor.fault("expected `<`, `<=`, `>` or `>=`"))
}

fn limit(cursor: &mut Cursor<'_>) -> Result<f64, Fault> {
    let negative = cursor.eat("-");
    cursor.skip_blanks();
    let start = cursor.position();
    digits(cursor);
    match cursor.slice(start).parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(if negative { -value } else { value }),
        _ => Err(cursor.fault_at(cursor.span_from(start), "expected a number")),
    }
}

/// The rest of a metric query from its colon (with a space aggregator) or its metric on.
fn query(cursor: &mut Cursor<'_>, start: usize, space: Option<SpaceAgg>) -> Result<Expr, Fault> {
    if space.is_some() {
        cursor.expect(":")?;
    }
    cursor.skip_blanks();
    if !cursor.rest().starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return Err(cursor.fault("expected a metric name"));
    }
    let metric = cursor.take_while(is_name_char).to_owned();
    if !cursor.eat("{") {
        return Err(cursor.fault("expected a scope such as `{*}` after the metric"));
    }
    let filter = if cursor.peek() == Some('}') { Filter::All } else { scope::scope(cursor)? };
    if !cursor.eat("}") {
        return Err(cursor.fault("expected `,`, `AND`, `OR` or `}`"));
    }
    let group_by = if cursor.eat_keyword("by") { group_keys(cursor)? } else { Vec::new() };
    let mut modifiers = Vec::new();
    while let Some(modifier) = modifier(cursor)? {
        modifiers.push(modifier);
    }
    let query = MetricQuery { space, metric, filter, group_by, modifiers };
    Ok(Expr { kind: ExprKind::Query(query), span: cursor.span_from(start) })
}

/// `{a, b}` after `by`; `{*}` groups by nothing.
fn group_keys(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Fault> {
    cursor.expect("{")?;
    keys_until_brace(cursor)
}

/// Comma-separated tag keys and the closing brace; stars count for nothing.
fn keys_until_brace(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Fault> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        cursor.skip_blanks();
        let key = cursor.take_while(scope::is_term_char);
        if !key.is_empty() && key != "*" && !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
        if keys.len() > MAX_GROUP_KEYS {
            return Err(cursor.fault(format!("more than {MAX_GROUP_KEYS} tag keys")));
        }
        if cursor.eat("}") {
            return Ok(keys);
        }
        if key.is_empty() || !cursor.eat(",") {
            return Err(cursor.fault("expected `,` or `}` between tag keys"));
        }
    }
}

/// Any modifiers after something in parentheses, a call or a named query.
fn modified(cursor: &mut Cursor<'_>, mut inner: Expr, start: usize) -> Result<Expr, Fault> {
    while let Some(modifier) = modifier(cursor)? {
        let kind = ExprKind::Modified { inner: Box::new(inner), modifier };
        inner = Expr { kind, span: cursor.span_from(start) };
    }
    Ok(inner)
}

/// `.name(arguments)`, if it is there.
fn modifier(cursor: &mut Cursor<'_>) -> Result<Option<Call>, Fault> {
    if !cursor.eat(".") {
        return Ok(None);
    }
    cursor.count_node()?;
    cursor.skip_blanks();
    let start = cursor.position();
    let name = cursor.take_while(|character| character.is_ascii_alphanumeric() || character == '_').to_owned();
    if name.is_empty() {
        return Err(cursor.fault("expected a modifier such as `rollup`"));
    }
    let span = cursor.span_from(start);
    if cursor.peek() != Some('(') {
        return Err(cursor.fault(format!("expected `(` after .{name}")));
    }
    Ok(Some(Call { name, args: arguments(cursor)?, span }))
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<Arg>, Fault> {
    cursor.expect("(")?;
    let mut args = Vec::new();
    if cursor.eat(")") {
        return Ok(args);
    }
    loop {
        args.push(argument(cursor)?);
        if cursor.eat(")") {
            return Ok(args);
        }
        if !cursor.eat(",") {
            return Err(cursor.fault("expected `,` or `)` after an argument"));
        }
        if args.len() == MAX_ARGS {
            return Err(cursor.fault(format!("more than {MAX_ARGS} arguments")));
        }
    }
}

fn argument(cursor: &mut Cursor<'_>) -> Result<Arg, Fault> {
    let name = argument_name(cursor);
    let next = cursor.peek();
    let start = cursor.position();
    let value = match next {
        Some(quote @ ('\'' | '"')) => ArgValue::Text(quoted(cursor, quote)?),
        Some('{') => {
            cursor.expect("{")?;
            ArgValue::Keys(keys_until_brace(cursor)?)
        }
        Some(digit) if digit.is_ascii_digit() => match digit_word(cursor) {
            Some(word) => ArgValue::Word(word),
            None => ArgValue::Expr(expression(cursor)?),
        },
        _ => ArgValue::Expr(expression(cursor)?),
    };
    Ok(Arg { name, value, span: cursor.span_from(start) })
}

/// `name=` before an argument.
fn argument_name(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.skip_blanks();
    let start = cursor.position();
    let name = cursor.take_while(|character| character.is_ascii_alphanumeric() || character == '_').to_owned();
    if !name.is_empty() && cursor.eat("=") {
        return Some(name);
    }
    cursor.reset(start);
    None
}

/// `12am`, `1st`: digits and letters that are no number.
fn digit_word(cursor: &mut Cursor<'_>) -> Option<String> {
    let start = cursor.position();
    let word = cursor.take_while(|character| character.is_ascii_alphanumeric() || character == '_' || character == ':');
    let is_word = word.parse::<f64>().is_err() && !word.to_ascii_lowercase().ends_with('e');
    if is_word {
        return Some(word.to_owned());
    }
    cursor.reset(start);
    None
}

fn quoted(cursor: &mut Cursor<'_>, quote: char) -> Result<String, Fault> {
    let start = cursor.position();
    cursor.expect(quote.encode_utf8(&mut [0; 4]))?;
    let text = cursor.take_while(|character| character != quote).to_owned();
    if !cursor.rest().starts_with(quote) {
        return Err(cursor.fault_at(cursor.span_from(start), format!("string without closing {quote}")));
    }
    cursor.reset(cursor.position() + 1);
    Ok(text)
}
