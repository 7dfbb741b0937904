//! Scopes: what stands between the braces of a query (reference: metric-queries.md §2). Symbols and words may be mixed.
//! From loose to tight: `,` — `OR` — `AND` — `NOT`.

use crate::ast::Filter;
use crate::error::Fault;

use super::MAX_TERMS;
use super::cursor::Cursor;

/// Characters of a tag in a scope; wider than a normalised tag, since scopes are normalised afterwards.
pub(super) fn is_term_char(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && !",{}()!&|\"'".contains(character)
}

pub(super) fn scope(cursor: &mut Cursor<'_>) -> Result<Filter, Fault> {
    let mut terms = 0;
    comma_list(cursor, &mut terms)
}

fn comma_list(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<Filter, Fault> {
    let mut parts = vec![any_of(cursor, terms)?];
    while cursor.eat(",") {
        // A comma at the end is what an emptied variable leaves behind.
        if matches!(cursor.peek(), Some('}' | ')' | ',') | None) {
            continue;
        }
        parts.push(any_of(cursor, terms)?);
    }
    Ok(all_of(parts))
}

/// Joins conditions that must all hold; stars add nothing.
pub(crate) fn all_of(parts: Vec<Filter>) -> Filter {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Filter::All => {}
            Filter::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() > 1 { Filter::And(flat) } else { flat.pop().unwrap_or(Filter::All) }
}

fn any_of(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<Filter, Fault> {
    let mut parts = vec![both(cursor, terms)?];
    while cursor.eat("||") || cursor.eat_keyword("OR") {
        match both(cursor, terms)? {
            Filter::Or(inner) => parts.extend(inner),
            other => parts.push(other),
        }
    }
    if parts.len() == 1 {
        return Ok(parts.pop().unwrap_or(Filter::All));
    }
    if let Filter::Or(first) = &mut parts[0] {
        let mut flat = std::mem::take(first);
        flat.extend(parts.drain(1..));
        parts = flat;
    }
    Ok(Filter::Or(parts))
}

fn both(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<Filter, Fault> {
    let mut parts = vec![negation(cursor, terms)?];
    while cursor.eat("&&") || cursor.eat_keyword("AND") {
        parts.push(negation(cursor, terms)?);
    }
    Ok(all_of(parts))
}

fn negation(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<Filter, Fault> {
    if cursor.eat("!") || cursor.eat_keyword("NOT") {
        return cursor.nested(|cursor| Ok(Filter::Not(Box::new(negation(cursor, terms)?))));
    }
    if cursor.eat("(") {
        let inner = cursor.nested(|cursor| comma_list(cursor, terms))?;
        if !cursor.eat(")") {
            return Err(cursor.fault("expected `,`, `AND`, `OR` or `)`"));
        }
        return Ok(inner);
    }
    let term = term(cursor, terms)?;
    if cursor.eat_keyword("IN") {
        return Ok(Filter::In { key: term, values: values(cursor, terms)? });
    }
    let before_not = cursor.position();
    if cursor.eat_keyword("NOT") {
        if cursor.eat_keyword("IN") {
            return Ok(Filter::Not(Box::new(Filter::In { key: term, values: values(cursor, terms)? })));
        }
        cursor.reset(before_not);
    }
    let only_stars = term.chars().all(|character| character == '*');
    Ok(if only_stars { Filter::All } else { Filter::Term(term) })
}

fn values(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<Vec<String>, Fault> {
    cursor.expect("(")?;
    let mut values = vec![term(cursor, terms)?];
    while cursor.eat(",") {
        values.push(term(cursor, terms)?);
    }
    if cursor.eat(")") { Ok(values) } else { Err(cursor.fault("expected `,` or `)` in a list of values")) }
}

/// One tag or value. Parts in quotes may hold anything; what a tag cannot hold becomes `_` there, as at intake.
fn term(cursor: &mut Cursor<'_>, terms: &mut usize) -> Result<String, Fault> {
    *terms += 1;
    if *terms > MAX_TERMS {
        return Err(cursor.fault(format!("more than {MAX_TERMS} conditions in one scope")));
    }
    cursor.skip_blanks();
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(is_term_char));
        match cursor.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => text.push_str(&quoted(cursor, quote)?),
            _ => break,
        }
    }
    if text.is_empty() { Err(cursor.fault("expected a tag such as `env:prod`, or `*`")) } else { Ok(text) }
}

fn quoted(cursor: &mut Cursor<'_>, quote: char) -> Result<String, Fault> {
    let start = cursor.position();
    cursor.reset(start + 1);
    let text = cursor.take_while(|character| character != quote);
    let clean = text.chars().map(|kept| if is_term_char(kept) { kept } else { '_' }).collect();
    if !cursor.rest().starts_with(quote) {
        return Err(cursor.fault_at(cursor.span_from(start), format!("value without closing {quote}")));
    }
    cursor.reset(cursor.position() + 1);
    Ok(clean)
}
