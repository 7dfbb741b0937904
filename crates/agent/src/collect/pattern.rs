//! Regular expressions in the options of an instance, in the dialect of Datadog's checks (Python's, look-around
//! included).

use fancy_regex::Regex;

use super::options::Options;
use crate::check::CheckError;

/// Where in the text an expression must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// From the beginning, to any length: Python's `re.match`.
    Start,
    /// The whole text.
    Whole,
    /// Anywhere: Python's `re.search`.
    Anywhere,
}

/// One compiled expression.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles an expression that stands under `key`.
    pub(super) fn new(
        options: &Options<'_>,
        key: &str,
        text: &str,
        at: At,
        any_case: bool,
    ) -> Result<Self, CheckError> {
        let flags = if any_case { "(?i)" } else { "" };
        let anchored = match at {
            At::Start => format!("{flags}^(?:{text})"),
            At::Whole => format!("{flags}^(?:{text})$"),
            At::Anywhere => format!("{flags}{text}"),
        };
        Regex::new(&anchored)
            .map(Self)
            .map_err(|_| options.refuse(key, "a regular expression", &serde_json::Value::from(text)))
    }

    /// Whether a text matches. An expression that gives up (too much backtracking) does not.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }
}

/// The expressions under several keys, older names of the same option among them.
pub(super) fn patterns(
    options: &Options<'_>,
    keys: &[&str],
    at: At,
    any_case: bool,
) -> Result<Vec<Pattern>, CheckError> {
    let mut patterns = Vec::new();
    for key in keys {
        for text in options.texts(key)? {
            patterns.push(Pattern::new(options, key, &text, at, any_case)?);
        }
    }
    Ok(patterns)
}

/// What is wanted and what is not.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// When not empty, one of them must match.
    pub(super) include: Vec<Pattern>,
    /// None of them may match.
    pub(super) exclude: Vec<Pattern>,
}

impl Filter {
    /// Whether a text passes.
    pub(super) fn passes(&self, text: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(text));
        !any(&self.exclude) && (self.include.is_empty() || any(&self.include))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Instance, Source};
    use serde_json::{Value, json};

    #[test]
    fn where_an_expression_must_match() {
        let instance = Instance::new("x", json!({}), Value::Null, Source::default()).unwrap();
        let options = Options::of(&instance);
        let cases = [
            ("tmpfs", At::Start, "tmpfs2", true),
            ("tmpfs$", At::Start, "tmpfs2", false),
            ("fs", At::Start, "tmpfs", false),
            ("fs", At::Anywhere, "tmpfs", true),
            ("a|b", At::Whole, "ab", false),
            ("(?!eth)", At::Start, "eth0", false),
            ("(?!eth)", At::Start, "wlan0", true),
        ];
        for (text, at, subject, expected) in cases {
            let pattern = Pattern::new(&options, "key", text, at, false).unwrap();
            assert_eq!(pattern.matches(subject), expected, "{text} {at:?} {subject}");
        }
        let refused = Pattern::new(&options, "key", "(", At::Start, false).unwrap_err();
        assert_eq!(refused.message, r#"x (built in): key must be a regular expression, not "(""#);
    }
}
