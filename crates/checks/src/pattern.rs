//! Patterns of configurations. They are written for Python's `re` and `fnmatch`, look-around included, so a plain
//! regular expression engine is not enough; one that backtracks is given a bound.

use fancy_regex::{Regex, RegexBuilder};

/// Steps that one search may backtrack: a hostile pattern gives up instead of holding a core.
const BACKTRACK_LIMIT: usize = 100_000;

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression: {pattern}: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// A regular expression as Python's `re` reads it.
    pub fn regex(pattern: &str) -> Result<Self, PatternError> {
        let built = RegexBuilder::new(pattern).backtrack_limit(BACKTRACK_LIMIT).build();
        let refuse =
            |error: fancy_regex::Error| PatternError { pattern: pattern.to_owned(), reason: error.to_string() };
        built.map(Self).map_err(refuse)
    }

    /// Any of several regular expressions; none for an empty list.
    pub fn any_of(patterns: &[String]) -> Result<Option<Self>, PatternError> {
        match patterns {
            [] => Ok(None),
            [one] => Self::regex(one).map(Some),
            many => {
                // Each on its own first, so that an error names the one that is wrong.
                many.iter().try_for_each(|pattern| Self::regex(pattern).map(drop))?;
                let joined: Vec<String> = many.iter().map(|pattern| format!("(?:{pattern})")).collect();
                Self::regex(&joined.join("|")).map(Some)
            }
        }
    }

    /// A shell pattern that the whole text must match, as Python's `fnmatch` reads it: `*` also matches `/`.
    pub fn glob(pattern: &str) -> Result<Self, PatternError> {
        Self::regex(&format!(r"(?s)\A{}\z", glob_to_regex(pattern)))
    }

    /// Whether the pattern occurs anywhere; a search that gives up counts as no.
    pub fn search(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }

    /// Whether the text begins with a match (`re.match`).
    pub fn matches_start(&self, text: &str) -> bool {
        self.0.find(text).ok().flatten().is_some_and(|found| found.start() == 0)
    }

    /// The text of the first group of the first match, or the whole match without groups.
    pub fn capture<'t>(&self, text: &'t str) -> Option<&'t str> {
        let captures = self.0.captures(text).ok().flatten()?;
        captures.get(1).or_else(|| captures.get(0)).map(|found| found.as_str())
    }
}

/// Whether a name has nothing that Python's `re.escape` would escape: it then names one metric, not a pattern.
pub fn is_literal(name: &str) -> bool {
    !name.contains(|letter: char| r"()[]{}?*+-|^$\.&~#".contains(letter) || letter.is_ascii_whitespace())
}

fn glob_to_regex(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class_end(rest) {
                Some(end) => {
                    out.push_str(&class_to_regex(&rest[..end]));
                    rest = &rest[end + 1..];
                }
                None => out.push_str(r"\["),
            },
            other => push_escaped(&mut out, other),
        }
    }
    out
}

/// Where the `]` of a class is, which may hold one as its first member.
fn class_end(rest: &str) -> Option<usize> {
    let negated = usize::from(rest.starts_with('!'));
    let first = usize::from(rest[negated..].starts_with(']'));
    rest[negated + first..].find(']').map(|at| at + negated + first)
}

fn class_to_regex(members: &str) -> String {
    let (negated, members) = members.strip_prefix('!').map_or((false, members), |rest| (true, rest));
    let mut out = String::from(if negated { "[^" } else { "[" });
    for letter in members.chars() {
        if letter == '-' {
            out.push('-');
        } else {
            push_escaped(&mut out, letter);
        }
    }
    out.push(']');
    out
}

fn push_escaped(out: &mut String, letter: char) {
    if letter.is_ascii_punctuation() && letter != '_' {
        out.push('\\');
    }
    out.push(letter);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions_are_pythons() {
        let pattern = Pattern::regex(r"^(?!go_).+_total$").unwrap();
        assert!(pattern.search("http_total"));
        assert!(!pattern.search("go_gc_total"));
        assert!(Pattern::regex("(1|2|3)\\d\\d").unwrap().matches_start("200"));
        assert!(!Pattern::regex("4").unwrap().matches_start("200 4"));
        let refused = Pattern::any_of(&["a".into(), "(".into()]).unwrap_err().to_string();
        assert!(refused.starts_with("not a regular expression: (: "), "{refused}");
        assert!(Pattern::any_of(&["a|b".into(), "^c".into()]).unwrap().unwrap().search("xb"));
    }

    #[test]
    fn a_hostile_pattern_gives_up() {
        let text = "a".repeat(40) + "!";
        assert!(!Pattern::regex(r"^(?=(a+)+$)\1").unwrap().search(&text));
    }

    #[test]
    fn shell_patterns_match_the_whole_text() {
        let cases = [
            ("*.log", "a/b.log", true),
            ("*.log", "b.log.1", false),
            ("a?c", "abc", true),
            ("[!ab]x", "cx", true),
            ("[!ab]x", "ax", false),
            ("[a-c]x", "bx", true),
            ("[]]x", "]x", true),
            ("a[b", "a[b", true),
            ("a.b", "axb", false),
            ("*", "", true),
        ];
        for (glob, text, wanted) in cases {
            assert_eq!(Pattern::glob(glob).unwrap().search(text), wanted, "{glob} on {text}");
        }
    }

    #[test]
    fn literals_are_told_from_patterns() {
        assert!(is_literal("http_requests_total"));
        assert!(is_literal("ns:rule"));
        assert!(!is_literal("go_.*"));
        assert!(!is_literal("a.b"));
    }
}
