//! Patterns of processing rules. Users write them for Go's regular expressions, which differ from ours in a few places
//! that occur in real configurations: a lone `{` or `[` is itself, `\d`, `\w`, `\s` and `\b` mean ASCII, `\<` is a
//! plain sign and `\Q…\E` quotes. Such a pattern is rewritten before it is compiled.

use regex::{Regex, RegexBuilder};

/// Largest compiled pattern, in bytes: counted repetitions of large classes are refused rather than swallowed.
const COMPILED_LIMIT: usize = 1 << 20;
/// Largest cache of a pattern's automaton, in bytes.
const CACHE_LIMIT: usize = 512 << 10;

/// Compiles a pattern in Go's dialect; the error is one line without the pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    build(&translate(pattern))
}

/// Compiles a pattern that must match from the beginning of a line.
pub(crate) fn compile_at_start(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first, so that unbalanced brackets are not hidden by ours.
    let translated = translate(pattern);
    build(&translated)?;
    build(&format!("^(?:{translated})"))
}

fn build(translated: &str) -> Result<Regex, String> {
    RegexBuilder::new(translated)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(CACHE_LIMIT)
        .build()
        .map_err(|error| reason(&error.to_string()))
}

/// The last line of a syntax error says what is wrong; the lines before draw the pattern.
fn reason(error: &str) -> String {
    let last = error.trim().lines().last().unwrap_or_default();
    let last = last.trim().trim_start_matches("error: ").trim_end_matches('.');
    if last.contains("look-around") {
        return "look-ahead and look-behind are not supported".to_owned();
    }
    last.to_lowercase()
}

/// A replacement in Go's dialect, with `\1` taken for `${1}` as well.
pub(crate) fn replacement(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = chars.peek().filter(|next| next.is_ascii_digit() && digits.len() < 2) {
            digits.push(*digit);
            chars.next();
        }
        if digits.is_empty() {
            out.push('\\');
        } else {
            out.push_str(&format!("${{{digits}}}"));
        }
    }
    out
}

/// Rewrites a pattern from Go's dialect into ours.
fn translate(pattern: &str) -> String {
    let mut translator = Translator { rest: pattern, out: String::with_capacity(pattern.len() + 16) };
    while let Some(c) = translator.next() {
        match c {
            '\\' => translator.escape(false),
            '[' => translator.class(),
            '{' if !is_repetition(translator.rest) => translator.out.push_str(r"\{"),
            other => translator.out.push(other),
        }
    }
    translator.out
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take(&mut self, prefix: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(prefix) else { return false };
        self.rest = rest;
        self.out.push_str(prefix);
        true
    }

    /// After a backslash.
    fn escape(&mut self, in_class: bool) {
        let Some(c) = self.next() else {
            self.out.push('\\');
            return;
        };
        let text = match (c, in_class) {
            ('d', false) => "[0-9]",
            ('w', false) => "[0-9A-Za-z_]",
            ('s', false) => r"[\t\n\f\r ]",
            ('d', true) => "0-9",
            ('w', true) => "0-9A-Za-z_",
            ('s', true) => r"\t\n\f\r ",
            ('D', _) => "[^0-9]",
            ('W', _) => "[^0-9A-Za-z_]",
            ('S', _) => r"[^\t\n\f\r ]",
            ('b', false) => r"(?-u:\b)",
            ('<' | '>', _) => {
                self.out.push(c);
                return;
            }
            ('Q', false) => return self.quoted(),
            _ => {
                self.out.push('\\');
                self.out.push(c);
                return;
            }
        };
        self.out.push_str(text);
    }

    /// After `\Q`: everything up to `\E` is itself.
    fn quoted(&mut self) {
        let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        self.out.push_str(&regex::escape(quoted));
        self.rest = rest;
    }

    /// After `[`: the rest of a class. Ours knows nested classes and set operations, Go's does not.
    fn class(&mut self) {
        self.out.push('[');
        self.take("^");
        if self.rest.starts_with(']') {
            self.next();
            self.out.push_str(r"\]");
        }
        while let Some(c) = self.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return;
                }
                '\\' => self.escape(true),
                '[' => match self.rest.find(":]").filter(|_| self.rest.starts_with(':')) {
                    Some(end) => {
                        self.out.push('[');
                        self.out.push_str(&self.rest[..end + 2]);
                        self.rest = &self.rest[end + 2..];
                    }
                    None => self.out.push_str(r"\["),
                },
                '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.rest.starts_with('-') => self.out.push_str(r"\-"),
                other => self.out.push(other),
            }
        }
    }
}

/// Whether what follows a `{` makes it a counted repetition: `2}`, `2,}` or `2,3}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !from.is_empty() && digits(from) && digits(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_written_for_go_work() {
        for (pattern, text, matches) in [
            (r#"{"level":"debug""#, r#"{"level":"debug","x":1}"#, true),
            (r"a{2}", "aa", true),
            (r"a{2}", "a{2}", false),
            (r"a{,3}", "a{,3}", true),
            (r"[[]x", "[x", true),
            (r"[]x]+$", "]x]", true),
            (r"[^]]", "]", false),
            (r"[[:alpha:]]\d", "a1", true),
            (r"[a&&b]", "&", true),
            (r"^\d$", "٣", false),
            (r"\bname\b", "a name b", true),
            (r"\<b\>", "<b>", true),
            (r"\Qa.b\E+", "a.bb", true),
            (r"\Qa.b\E", "axb", false),
            (r"[\w.]+@[\w-]+\.com", "Jo.e@ex-a.com", true),
            (r"(?i)error", "ERROR", true),
            (r"\S+\s\W", "ab  ", true),
            (r"user=\w+@datadoghq.com", "user=x@datadoghq.com", true),
            (r"\d{4}\-\d{2}", "2026-11", true),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(compiled.is_match(text), matches, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_bad_pattern_says_why_in_one_line() {
        for (pattern, why) in [
            ("(a", "unclosed group"),
            ("*a", "repetition operator missing expression"),
            ("(?!a)b", "look-ahead and look-behind are not supported"),
            ("a)", "unopened group"),
        ] {
            assert_eq!(compile(pattern).unwrap_err(), why, "{pattern}");
            assert_eq!(compile_at_start(pattern).unwrap_err(), why, "{pattern}");
        }
        assert!(compile(r"(\w{1000}){1000}").unwrap_err().contains("size limit"));
    }

    #[test]
    fn a_pattern_for_the_start_holds_for_every_alternative() {
        let start = compile_at_start(r"\d{4}|ERROR").unwrap();
        assert!(start.is_match("2026") && start.is_match("ERROR") && !start.is_match("an ERROR"));
    }

    #[test]
    fn replacements_know_both_spellings_of_a_group() {
        for (template, out) in
            [(r"\1[x]", "${1}[x]"), ("${1}y", "${1}y"), ("$1", "$1"), (r"a\b", r"a\b"), (r"\12", "${12}")]
        {
            assert_eq!(replacement(template), out);
        }
    }
}
