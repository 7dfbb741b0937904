//! The table of groups, and CSV.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::answer::{Answer, Series};
use super::{Style, times};

/// Most groups that are listed; the rest is counted.
const MAX_ROWS: usize = 40;
/// ANSI colours of the first series, in order, in table and graph.
pub(super) const COLOURS: [u8; 6] = [34, 35, 32, 33, 36, 31];

/// Writes one line a series: group, last, average, smallest, largest.
pub(super) fn write_table(out: &mut impl Write, answer: &Answer, style: &Style) -> io::Result<()> {
    let header = ["GROUP", "LAST", "AVG", "MIN", "MAX"].map(str::to_owned);
    let shown = &answer.series[..answer.series.len().min(MAX_ROWS)];
    let several = shown.iter().any(|series| differ_in_query(series, &shown[0]));
    let rows: Vec<[String; 5]> =
        std::iter::once(header).chain(shown.iter().map(|series| row(series, several))).collect();
    let widths: Vec<usize> =
        (0..5).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    // The group gives way so that a line fits.
    let numbers: usize = widths[1..].iter().map(|width| width + 2).sum();
    let group_width = widths[0].min(style.width.saturating_sub(numbers + 2).max(12));
    for (index, [group, numbers @ ..]) in rows.iter().enumerate() {
        let mark = match index.checked_sub(1) {
            Some(series) => coloured("●", series, style),
            None => " ".into(),
        };
        write!(out, "{mark} {:<group_width$}", shortened(group, group_width))?;
        for (number, width) in numbers.iter().zip(&widths[1..]) {
            write!(out, "  {number:>width$}")?;
        }
        writeln!(out)?;
    }
    let hidden = answer.series.len() - shown.len();
    if hidden > 0 {
        writeln!(out, "  … and {hidden} more; --csv lists all")?;
    }
    Ok(())
}

/// Whether two series come from different queries (`a, b`) and not just from different groups of one.
fn differ_in_query(series: &Series, other: &Series) -> bool {
    let query = |series: &Series| series.expression.replace(&series.group, "");
    query(series) != query(other)
}

fn row(series: &Series, with_query: bool) -> [String; 5] {
    let group = if with_query { series.expression.clone() } else { series.group.clone() };
    let values: Vec<f64> = series.points.iter().map(|&(_, value)| value).collect();
    let Some(&last) = values.last() else {
        return [group, "–".into(), "–".into(), "–".into(), "–".into()];
    };
    let avg = values.iter().sum::<f64>() / values.len() as f64;
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let write = |value| series.unit.write(value);
    [group, write(last), write(avg), write(min), write(max)]
}

/// Text in the colour of the series of this index.
pub(super) fn coloured(text: &str, series: usize, style: &Style) -> String {
    if !style.colours {
        return text.to_owned();
    }
    format!("\u{1b}[{}m{text}\u{1b}[0m", COLOURS[series % COLOURS.len()])
}

fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Writes one line a moment and one column a series, named by its expression.
pub(super) fn write_csv(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let mut rows: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
    let columns = answer.series.len();
    for (column, series) in answer.series.iter().enumerate() {
        for &(time, value) in &series.points {
            rows.entry((time * 1000.0) as i64).or_insert_with(|| vec![None; columns])[column] = Some(value);
        }
    }
    write!(out, "time")?;
    for series in &answer.series {
        write!(out, ",{}", quoted(&series.expression))?;
    }
    writeln!(out)?;
    for (time, values) in rows {
        write!(out, "{}", times::render_utc(time as f64 / 1000.0))?;
        for value in values {
            match value {
                Some(value) => write!(out, ",{value}")?,
                None => write!(out, ",")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn quoted(field: &str) -> String {
    let plain = !field.contains([',', '"', '\n', '\r']);
    if plain { field.to_owned() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn series(query: &str, group: &str, points: &[(f64, f64)]) -> Series {
        Series {
            expression: query.replace('$', group),
            group: group.into(),
            unit: super::super::quantity::Unit::read(None),
            interval: 20.0,
            points: points.to_vec(),
        }
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("memory takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_table_has_one_line_a_group() {
        let answer = Answer {
            series: vec![
                series("avg:m{$}", "host:a", &[(0.0, 1.0), (20.0, 2.0), (40.0, 1.5)]),
                series(
                    "avg:m{$}",
                    "host:with-a-name-that-is-far-too-long-for-one-line-of-a-terminal",
                    &[(0.0, 1000.0)],
                ),
                series("avg:m{$}", "host:c", &[]),
            ],
        };
        expect![[r#"
              GROUP                                  LAST  AVG  MIN  MAX
            ● host:a                                  1.5  1.5    1    2
            ● host:with-a-name-that-is-far-too-lon…   1 k  1 k  1 k  1 k
            ● host:c                                    –    –    –    –
        "#]]
        .assert_eq(&written(|out| write_table(out, &answer, &Style { colours: false, width: 60 })));
        let two_queries =
            Answer { series: vec![series("avg:m{$}", "*", &[(0.0, 1.0)]), series("max:n{$}", "*", &[(0.0, 2.0)])] };
        let coloured = written(|out| write_table(out, &two_queries, &Style { colours: true, width: 60 }));
        expect![[r#"
              GROUP     LAST  AVG  MIN  MAX
            ESC[34m●ESC[0m avg:m{*}     1    1    1    1
            ESC[35m●ESC[0m max:n{*}     2    2    2    2
        "#]]
        .assert_eq(&coloured.replace('\u{1b}', "ESC"));
    }

    #[test]
    fn csv_joins_series_by_time_and_quotes_names() {
        let answer = Answer {
            series: vec![
                series("avg:m{$}", "host:a,env:b", &[(0.0, 1.0), (20.0, 2.0)]),
                series("avg:m{$}", "host:c", &[(20.0, 0.1), (40.5, 4.0)]),
            ],
        };
        expect![[r#"
            time,"avg:m{host:a,env:b}",avg:m{host:c}
            1970-01-01T00:00:00Z,1,
            1970-01-01T00:00:20Z,2,0.1
            1970-01-01T00:00:40.5Z,,4
        "#]]
        .assert_eq(&written(|out| write_csv(out, &answer)));
    }
}
