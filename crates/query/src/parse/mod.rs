//! Text → tree, by recursive descent. Every loop and every recursion is bounded, so any bytes may come in.
//!
//! ```
//! use galgo_query::{parse::parse_request, print::print};
//!
//! let tree = parse_request("100*(1 - avg:system.cpu.idle{env:prod,!host:a} by {host}.rollup( max,60 )/100)").unwrap();
//! assert_eq!(
//!     print(&tree[0]),
//!     "100 * (1 - avg:system.cpu.idle{env:prod AND NOT host:a} by {host}.rollup(max, 60) / 100)"
//! );
//! ```

mod cursor;
mod expression;
mod scope;
#[cfg(test)]
mod tests;

use crate::ast::{Expr, Filter};
use crate::error::Fault;
use cursor::Cursor;
pub(crate) use expression::percentile;
pub(crate) use scope::all_of;

/// Longest text in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Deepest nesting of parentheses, calls and negations.
pub const MAX_NESTING: usize = 48;
/// Most operators, calls and queries in one expression; it bounds the height of the tree as well.
pub const MAX_NODES: usize = 512;
/// Most comma-separated queries in one text.
pub const MAX_QUERIES: usize = 64;
/// Most conditions in one scope.
pub const MAX_TERMS: usize = 4096;
/// Most keys in one `by {…}`.
pub const MAX_GROUP_KEYS: usize = 32;

/// Parses comma-separated queries, as a v1 request has them.
pub fn parse_request(text: &str) -> Result<Vec<Expr>, Fault> {
    let mut cursor = Cursor::new(text)?;
    let mut queries = Vec::new();
    loop {
        queries.push(expression::expression(&mut cursor)?);
        if !cursor.eat(",") {
            break;
        }
        if queries.len() == MAX_QUERIES {
            return Err(cursor.fault(format!("more than {MAX_QUERIES} queries")));
        }
        cursor.forget_nodes();
    }
    if cursor.at_end() { Ok(queries) } else { Err(cursor.fault("expected an operator, `,` or the end")) }
}

/// Parses one query or formula.
pub fn parse_expression(text: &str) -> Result<Expr, Fault> {
    let mut cursor = Cursor::new(text)?;
    let expr = expression::expression(&mut cursor)?;
    if cursor.at_end() { Ok(expr) } else { Err(cursor.fault("expected an operator or the end")) }
}

/// Parses the expression at the start of a text and says how many bytes it took; for languages that embed queries.
pub fn parse_prefix(text: &str) -> Result<(Expr, usize), Fault> {
    let mut cursor = Cursor::new(text)?;
    let expr = expression::expression(&mut cursor)?;
    Ok((expr, cursor.position()))
}

/// Parses a scope without its braces: `env:prod AND NOT host:a`.
pub fn parse_scope(text: &str) -> Result<Filter, Fault> {
    let mut cursor = Cursor::new(text)?;
    let filter = scope::scope(&mut cursor)?;
    if cursor.at_end() { Ok(filter) } else { Err(cursor.fault("expected `,`, `AND`, `OR` or the end")) }
}
