//! Puts lines together to logs: each line one log, or several lines by a `multi_line` rule or by known openings.

use regex::Regex;

use crate::framer::Frame;
use crate::openings::{Label, Openings};
use crate::rules::TRUNCATED;

/// How lines become logs.
#[derive(Debug, Clone)]
pub(crate) enum Grouping {
    /// Every line is a log.
    Lines,
    /// A line that one of the patterns matches begins a log; others follow.
    Rule(Vec<Regex>),
    /// A line that is a known opening begins a log; those that follow none are logs of their own.
    Openings(Openings),
}

/// A log and the position right after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// Its text, trimmed; empty when there is nothing to send.
    pub text: String,
    /// Position after its last line.
    pub end: u64,
}

/// Puts lines together.
#[derive(Debug)]
pub(crate) struct Assembler {
    grouping: Grouping,
    limit: usize,
    held: String,
    held_end: u64,
    holds: bool,
    /// Whether what is held is the remainder of a log that was cut.
    remainder: bool,
}

impl Assembler {
    /// An assembler whose logs have at most `limit` bytes and the marks of a cut.
    pub fn new(grouping: Grouping, limit: usize) -> Self {
        Self { grouping, limit, held: String::new(), held_end: 0, holds: false, remainder: false }
    }

    /// Takes the next line.
    pub fn push(&mut self, frame: Frame, out: &mut Vec<Log>) {
        let label = match &self.grouping {
            _ if frame.continues => Label::Follows,
            Grouping::Lines => Label::Alone,
            Grouping::Rule(starts) if starts.iter().any(|start| start.is_match(&frame.text)) => Label::Begins,
            Grouping::Rule(_) => Label::Follows,
            Grouping::Openings(openings) => match openings.label(&frame.text, &self.held) {
                Label::Follows if !self.holds && !self.remainder => Label::Alone,
                label => label,
            },
        };
        if label != Label::Follows {
            self.flush(out);
            self.remainder = false;
        } else if self.holds && self.held.len() + 1 + frame.text.len() > self.limit {
            self.cut(out);
        }
        self.hold(&frame);
        if frame.goes_on {
            self.cut(out);
        } else if label == Label::Alone || matches!(self.grouping, Grouping::Lines) {
            self.flush(out);
            self.remainder = false;
        }
    }

    /// Hands over what is held, because no more lines have come for a while or none will.
    pub fn flush(&mut self, out: &mut Vec<Log>) {
        if self.holds {
            let text = std::mem::take(&mut self.held);
            self.emit(text, out);
        }
    }

    /// Whether lines wait for more.
    pub fn holds(&self) -> bool {
        self.holds
    }

    fn hold(&mut self, frame: &Frame) {
        if self.holds {
            self.held.push('\n');
        }
        self.held.push_str(&frame.text);
        self.held_end = frame.end;
        self.holds = true;
    }

    fn cut(&mut self, out: &mut Vec<Log>) {
        let mut text = std::mem::take(&mut self.held);
        text.truncate(text.trim_end().len());
        text.push_str(TRUNCATED);
        self.emit(text, out);
        self.remainder = true;
    }

    fn emit(&mut self, text: String, out: &mut Vec<Log>) {
        let trimmed = text.trim();
        let text = if std::mem::take(&mut self.remainder) {
            format!("{TRUNCATED}{trimmed}")
        } else if trimmed.len() == text.len() {
            text
        } else {
            trimmed.to_owned()
        };
        self.holds = false;
        out.push(Log { text, end: self.held_end });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Encoding;
    use crate::framer::Framer;
    use crate::pattern::compile_at_start;
    use expect_test::{Expect, expect};

    fn check(grouping: Grouping, limit: usize, text: &str, expected: Expect) {
        let mut framer = Framer::new(Encoding::Utf8, limit, 0);
        let mut assembler = Assembler::new(grouping, limit);
        let (mut frames, mut logs) = (Vec::new(), Vec::new());
        framer.push(text.as_bytes(), &mut frames);
        frames.into_iter().for_each(|frame| assembler.push(frame, &mut logs));
        assembler.flush(&mut logs);
        assert_eq!(logs.last().map_or(0, |log| log.end), text.len() as u64);
        let shown: String = logs.iter().map(|log| format!("{:?}\n", log.text)).collect();
        expected.assert_eq(&shown);
    }

    fn rule(pattern: &str) -> Grouping {
        Grouping::Rule(vec![compile_at_start(pattern).unwrap()])
    }

    const SLOW_LOG: &str = "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1 (Debian 12). started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time\t\t    Id Command\tArgument
# Time: 261124 15:38:52
# User@Host: shop[shop] @ localhost []
# Thread_id: 3  Schema: shop  QC_hit: No
# Query_time: 3.000361  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
SET timestamp=1795534732;
SELECT SLEEP(3),
  '2026-11-24 15:38:52';
# User@Host: shop[shop] @ localhost []
# Query_time: 2.5  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
SET timestamp=1795534732;
SELECT 2;
# Time: 261124 15:38:59
# User@Host: shop[shop] @ localhost []
# Query_time: 2.1  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
SET timestamp=1795534739;
INSERT INTO t VALUES ('2026-11-24 15:38:52');
";

    #[test]
    fn the_slow_log_by_its_rule() {
        check(
            rule("^# Time"),
            900_000,
            SLOW_LOG,
            expect![[r##"
            "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1 (Debian 12). started with:\nTcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument"
            "# Time: 261124 15:38:52\n# User@Host: shop[shop] @ localhost []\n# Thread_id: 3  Schema: shop  QC_hit: No\n# Query_time: 3.000361  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT SLEEP(3),\n  '2026-11-24 15:38:52';\n# User@Host: shop[shop] @ localhost []\n# Query_time: 2.5  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT 2;"
            "# Time: 261124 15:38:59\n# User@Host: shop[shop] @ localhost []\n# Query_time: 2.1  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534739;\nINSERT INTO t VALUES ('2026-11-24 15:38:52');"
        "##]],
        );
    }

    #[test]
    fn the_slow_log_without_a_rule() {
        check(
            Grouping::Openings(Openings { mysql: true, ..Openings::default() }),
            900_000,
            SLOW_LOG,
            expect![[r##"
            "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1 (Debian 12). started with:"
            "Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock"
            "Time\t\t    Id Command\tArgument"
            "# Time: 261124 15:38:52\n# User@Host: shop[shop] @ localhost []\n# Thread_id: 3  Schema: shop  QC_hit: No\n# Query_time: 3.000361  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT SLEEP(3),\n  '2026-11-24 15:38:52';"
            "# User@Host: shop[shop] @ localhost []\n# Query_time: 2.5  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT 2;"
            "# Time: 261124 15:38:59\n# User@Host: shop[shop] @ localhost []\n# Query_time: 2.1  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534739;\nINSERT INTO t VALUES ('2026-11-24 15:38:52');"
        "##]],
        );
    }

    #[test]
    fn the_slow_log_by_timestamps_alone() {
        let openings = Openings { timestamps: true, ..Openings::default() };
        check(
            Grouping::Openings(openings),
            900_000,
            SLOW_LOG,
            expect![[r##"
            "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1 (Debian 12). started with:"
            "Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock"
            "Time\t\t    Id Command\tArgument"
            "# Time: 261124 15:38:52\n# User@Host: shop[shop] @ localhost []\n# Thread_id: 3  Schema: shop  QC_hit: No\n# Query_time: 3.000361  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT SLEEP(3),\n  '2026-11-24 15:38:52';\n# User@Host: shop[shop] @ localhost []\n# Query_time: 2.5  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534732;\nSELECT 2;"
            "# Time: 261124 15:38:59\n# User@Host: shop[shop] @ localhost []\n# Query_time: 2.1  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\nSET timestamp=1795534739;\nINSERT INTO t VALUES ('2026-11-24 15:38:52');"
        "##]],
        );
    }

    #[test]
    fn stack_traces_follow_their_timestamp() {
        let openings = Openings { timestamps: true, ..Openings::default() };
        let text = "loose\n2026-11-24 15:38:52 ERROR boom\njava.lang.X: y\n\tat a.B(C.java:1)\n\nCaused by: z\n\
                    2026-11-24 15:38:53 INFO ok\n{\"a\":1}\nafter\n";
        check(
            Grouping::Openings(openings),
            900_000,
            text,
            expect![[r#"
            "loose"
            "2026-11-24 15:38:52 ERROR boom\njava.lang.X: y\n\tat a.B(C.java:1)\n\nCaused by: z"
            "2026-11-24 15:38:53 INFO ok"
            "{\"a\":1}"
            "after"
        "#]],
        );
    }

    #[test]
    fn each_line_is_a_log_and_trimmed() {
        check(
            Grouping::Lines,
            900_000,
            " a \n\nb\r\n",
            expect![[r#"
            "a"
            ""
            "b"
        "#]],
        );
    }

    #[test]
    fn long_lines_are_cut_and_marked() {
        check(
            Grouping::Lines,
            10,
            "0123456789abcdefghijXYZ\nnext\n",
            expect![[r#"
            "0123456789...TRUNCATED..."
            "...TRUNCATED...abcdefghij...TRUNCATED..."
            "...TRUNCATED...XYZ"
            "next"
        "#]],
        );
        check(
            rule("^n"),
            10,
            "0123456789abcdefghijXYZ\nw\nnext\n",
            expect![[r#"
            "0123456789...TRUNCATED..."
            "...TRUNCATED...abcdefghij...TRUNCATED..."
            "...TRUNCATED...XYZ\nw"
            "next"
        "#]],
        );
    }

    #[test]
    fn long_logs_are_cut_between_lines() {
        check(
            rule("^#"),
            10,
            "#1\n234\n567\n89\n#2\n",
            expect![[r##"
            "#1\n234\n567...TRUNCATED..."
            "...TRUNCATED...89"
            "#2"
        "##]],
        );
    }
}
