//! A position in a text, with the bounds of a parse.

use crate::ast::Span;
use crate::error::Fault;

use super::{MAX_NESTING, MAX_NODES, MAX_TEXT_BYTES};

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
    nodes: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Fault> {
        let cursor = Self { text, at: 0, nesting: 0, nodes: 0 };
        if text.len() > MAX_TEXT_BYTES {
            return Err(Fault {
                message: format!("query of {} bytes is longer than {MAX_TEXT_BYTES}", text.len()),
                text: text.chars().take(64).collect(),
                offset: 0,
                len: 0,
            });
        }
        Ok(cursor)
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn slice(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::between(start, self.at)
    }

    pub(super) fn reset(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Skips blanks; whether nothing is left.
    pub(super) fn at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    /// The next character after blanks.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest().chars().next()
    }

    /// Takes `token` after blanks if it is there.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    /// Takes a keyword in any case if it stands there as a whole word.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.skip_blanks();
        let rest = self.rest();
        let matches = rest.get(..keyword.len()).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        let ends_word = |next: char| next.is_whitespace() || "(){},!\"'".contains(next);
        let whole = matches && rest[keyword.len()..].chars().next().is_none_or(ends_word);
        if whole {
            self.at += keyword.len();
        }
        whole
    }

    /// Takes the longest run of characters that `accept` takes; not after blanks.
    pub(super) fn take_while(&mut self, mut accept: impl FnMut(char) -> bool) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|character| !accept(character)).unwrap_or(rest.len());
        self.slice(start)
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { Err(self.fault(format!("expected `{token}`"))) }
    }

    /// A fault at the next character.
    pub(super) fn fault(&mut self, message: impl Into<String>) -> Fault {
        self.skip_blanks();
        let len = self.rest().chars().next().map_or(0, char::len_utf8);
        self.fault_at(Span { start: self.at, len }, message)
    }

    pub(super) fn fault_at(&self, span: Span, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), text: self.text.to_owned(), offset: span.start, len: span.len }
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting == MAX_NESTING {
            return Err(self.fault(format!("nested deeper than {MAX_NESTING} levels")));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Counts a node of the tree.
    pub(super) fn count_node(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.fault(format!("more than {MAX_NODES} operators, functions and queries")));
        }
        Ok(())
    }

    /// Starts counting anew.
    pub(super) fn forget_nodes(&mut self) {
        self.nodes = 0;
    }
}
