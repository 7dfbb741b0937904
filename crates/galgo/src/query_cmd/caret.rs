//! Points at the character of a query that an error names.

/// Words after which an error gives a position, counted from 1.
const MARKERS: [&str; 3] = ["character ", "column ", "position "];

/// The query's line and a caret under the character that `error` names; `None` when it names none.
pub(super) fn point(query: &str, error: &str) -> Option<String> {
    let position = position(error)?;
    let before = query.chars().take(position - 1).collect::<String>();
    if query.chars().count() + 1 < position {
        return None;
    }
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|&character| character != '\n').count();
    let text: String = query.lines().nth(line).unwrap_or_default().replace('\t', " ");
    Some(format!("  {text}\n  {}^", " ".repeat(column)))
}

/// The number after the last marker, at least 1.
fn position(error: &str) -> Option<usize> {
    let after = |marker: &&str| error.rfind(*marker).map(|at| at + marker.len());
    let digits_at = MARKERS.iter().filter_map(after).max()?;
    let digits: String = error[digits_at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|&position| position >= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_named_character() {
        for (query, error, expected) in [
            ("avg:m{", "expected a tag at character 7", Some("  avg:m{\n        ^")),
            ("xyz:m{*}", "unknown aggregator at character 1: xyz", Some("  xyz:m{*}\n  ^")),
            ("é:m{*}", "unexpected `m` at character 3", Some("  é:m{*}\n    ^")),
            ("a\nbc", "unexpected `c` at character 4", Some("  bc\n   ^")),
            ("a", "at character 9", None),
            ("a", "no position", None),
            ("a", "at character 0", None),
        ] {
            assert_eq!(point(query, error).as_deref(), expected, "{error}");
        }
    }
}
