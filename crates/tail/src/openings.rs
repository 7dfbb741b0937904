//! Where a log of several lines begins when no rule says so: at a timestamp (automatic multi-line), and for sources
//! whose files are known, at their own opening lines. MySQL's slow log is of the second kind: its entries have five
//! lines and more, and an integration's usual configuration has no rule for them.

use std::sync::LazyLock;

use regex::Regex;

/// How far into a line a timestamp is looked for, in bytes.
const SEARCHED: usize = 72;

/// What a line is in the log it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Begins a log.
    Begins,
    /// Belongs to the log before it, if there is one.
    Follows,
    /// A log of its own; nothing follows it.
    Alone,
}

/// Recognises openings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Openings {
    /// Whether timestamps begin a log.
    pub timestamps: bool,
    /// Whether the file may be one of MySQL's or MariaDB's.
    pub mysql: bool,
    /// Patterns of the configuration.
    pub extra: Vec<Regex>,
}

impl Openings {
    /// Whether the files of a `source` have known openings.
    pub fn knows(source: &str) -> bool {
        matches!(source.to_ascii_lowercase().as_str(), "mysql" | "mariadb")
    }

    /// What a line is, given the lines that are held so far.
    pub fn label(&self, line: &str, held: &str) -> Label {
        if self.mysql
            && let Some(label) = mysql_label(line, held)
        {
            return label;
        }
        if self.extra.iter().any(|pattern| pattern.is_match(line)) {
            return Label::Begins;
        }
        if !self.timestamps || begins_json(line) {
            return Label::Alone;
        }
        if begins_with_timestamp(line) { Label::Begins } else { Label::Follows }
    }
}

/// General log: `2026-11-24T15:38:52.1Z⇥ 10 Query⇥SELECT 1`, `261124 15:38:52⇥ 3 Quit`, and without a time when the
/// second is the same as before: `⇥⇥ 3 Query⇥SELECT 2`.
static GENERAL_LOG: LazyLock<Regex> = LazyLock::new(|| {
    known(
        r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)|[0-9]{6} {1,2}[0-9]{1,2}:[0-9]{2}:[0-9]{2}|\t)\t *[0-9]+ [A-Z][A-Za-z]+(?: [A-Za-z]+)?(?:\t| *$)",
    )
});

/// What the server writes at the head of its slow and general logs when it opens them.
fn is_mysql_header(line: &str) -> bool {
    line.starts_with('/') && line.contains(", Version: ") && line.trim_end().ends_with("started with:")
}

fn mysql_label(line: &str, held: &str) -> Option<Label> {
    if line.starts_with("# Time:") {
        return Some(Label::Begins);
    }
    if line.starts_with("# User@Host:") {
        // The time is left out when it is the same as that of the entry before.
        let time_alone = held.starts_with("# Time:") && !held.contains('\n');
        return Some(if time_alone { Label::Follows } else { Label::Begins });
    }
    if GENERAL_LOG.is_match(line) {
        return Some(Label::Begins);
    }
    if is_mysql_header(line) {
        return Some(Label::Alone);
    }
    let in_entry = held.starts_with("# Time:") || held.starts_with("# User@Host:") || GENERAL_LOG.is_match(held);
    in_entry.then_some(Label::Follows)
}

fn begins_json(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix('{') else { return false };
    matches!(rest.trim_start().bytes().next(), Some(b'"' | b'}'))
}

static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    // Something short may stand before it (a level, a thread, an address), but no quote, equals sign or opening
    // bracket of a call: a date in there is a value.
    let before = r#"^(?:[^\s'"=({][^'"=({]{0,40}?)??[(]?"#;
    let time = "[0-9]{1,2}:[0-9]{2}";
    let month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";
    let shapes = [
        // 2026-11-24T15:38, 2026/11/24 15:38, 20261124 15:38, 20261124T153852
        format!(r"\b[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}[T _:,-] ?{time}"),
        format!(r"\b[12][0-9]{{3}}[01][0-9][0-3][0-9][T _-](?:{time}|[0-9]{{6}})"),
        // 24/Nov/2026:15:38, 24 Nov 2026 15:38, 24-11-2026 15:38, 11/24/26 15:38
        format!(r"\b[0-9]{{1,2}}[-/. ](?:{month}|[0-9]{{1,2}})[-/. ][0-9]{{2,4}}[: T,] ?{time}"),
        // Nov 24 15:38:52, Nov 24, 2026 3:38:52
        format!(r"\b{month} {{1,2}}[0-9]{{1,2}},? (?:[0-9]{{4}},? )?{time}:"),
        // 261124 15:38:52
        format!(r"\b[0-9]{{6}} {{1,2}}{time}:[0-9]{{2}}"),
        // I1124 15:38:52.1
        format!(r"\b[IWEF][01][0-9][0-3][0-9] {time}:[0-9]{{2}}"),
    ];
    let at_once = [
        // 15:38:52.123, 15:38:52
        r"^\[?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{3,9})?\b",
        // 1795534732, 1795534732.123
        r"^\[?1[0-9]{9}(?:[.,]?[0-9]{3,9})?[\]: |]",
    ];
    known(&format!("{before}(?:{})|{}", shapes.join("|"), at_once.join("|")))
});

fn begins_with_timestamp(line: &str) -> bool {
    let mut end = SEARCHED.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    TIMESTAMP.is_match(&line[..end])
}

fn known(pattern: &str) -> Regex {
    // ASCII classes keep the automaton small; a fixed pattern that the tests compile cannot fail.
    Regex::new(pattern).expect("a fixed pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_at_the_start_are_recognised() {
        for line in [
            "2026-11-24 15:38:52,123 INFO started",
            "2026-11-24T15:38:52.123Z",
            "[2026-11-24T15:38:52+00:00] local.ERROR",
            "2026/11/24 15:38:52 [error] 7#7: *1",
            "20261124 15:38:52 x",
            "Nov 24 15:38:52 web sshd[1]: x",
            "Nov  4 15:38:52 web x",
            "Tue Nov 24 15:38:52 2026 x",
            "Nov 24, 2026 3:38:52 PM com.example.Main run",
            "127.0.0.1 - - [24/Nov/2026:15:38:52 +0000] \"GET / HTTP/1.1\" 200",
            "<34>Nov 24 15:38:52 host app: x",
            "<34>1 2026-11-24T15:38:52Z host app",
            "INFO 2026-11-24 15:38:52 x",
            "[main] WARN  24 Nov 2026 15:38:52,123 x",
            "E1124 15:38:52.123456       1 main.go:1] x",
            "261124 15:38:52 [Note] x",
            "261124  5:38:52 InnoDB: x",
            "15:38:52.123 [main] INFO x",
            "1795534732.123 [0 ::1] x",
            "# Time: 2026-11-24T15:38:52.123456Z",
            "7:M 24 Nov 2026 15:38:52.123 * Ready",
            "(2026-11-24 15:38:52) x",
        ] {
            assert!(begins_with_timestamp(line), "{line}");
        }
    }

    #[test]
    fn other_lines_are_not_taken_for_timestamps() {
        for line in [
            "",
            "    at com.example.Main.run(Main.java:12)",
            "\tat x 2026-11-24 15:38:52",
            "Caused by: java.lang.RuntimeException",
            "Traceback (most recent call last):",
            "  File \"x.py\", line 3",
            "SELECT '2026-11-24 15:38:52'",
            "INSERT INTO t VALUES ('2026-11-24 15:38:52')",
            "SET timestamp=1795534732;",
            "x = 2026-11-24 15:38:52",
            "version 1.2.3 of 10.11.6",
            "ValueError: time 12:30",
            "192.168.100.200:8080",
        ] {
            assert!(!begins_with_timestamp(line), "{line}");
        }
    }

    #[test]
    fn json_stands_alone() {
        let openings = Openings { timestamps: true, ..Openings::default() };
        assert_eq!(openings.label(r#"{"a":1}"#, "2026-11-24 15:38:52 x"), Label::Alone);
        assert_eq!(openings.label("{", "2026-11-24 15:38:52 x"), Label::Follows);
    }

    #[test]
    fn lines_of_mysql_are_known() {
        let openings = Openings { mysql: true, ..Openings::default() };
        for (line, held, label) in [
            ("# Time: 261124 15:38:52", "", Label::Begins),
            ("# User@Host: a[a] @ localhost []", "# Time: 261124 15:38:52", Label::Follows),
            ("# User@Host: a[a] @ localhost []", "# Time: 261124 15:38:52\n# User@Host: b", Label::Begins),
            ("SELECT 1;", "# User@Host: b", Label::Follows),
            ("2026-11-24 15:38:52 0 [Note] x", "", Label::Alone),
            ("Tcp port: 3306  Unix socket: /run/x.sock", "", Label::Alone),
            ("/usr/sbin/mariadbd, Version: 10.11.6 (Debian 12). started with:", "# User@Host: b", Label::Alone),
            ("261124 15:38:52\t     3 Query\tSELECT 1", "", Label::Begins),
            ("\t\t     3 Query\tSELECT", "261124 15:38:52\t     3 Quit\t", Label::Begins),
            ("  FROM t", "\t\t     3 Query\tSELECT", Label::Follows),
            ("2026-11-24T15:38:52.123456Z\t   10 Connect\troot@localhost", "", Label::Begins),
            ("2026-11-24T15:38:52.123456Z 0 [System] [MY-010116] [Server] x", "", Label::Alone),
        ] {
            assert_eq!(openings.label(line, held), label, "{line}");
        }
    }
}
