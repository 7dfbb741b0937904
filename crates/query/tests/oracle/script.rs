//! A small language for tests that read like the specification. Lines that start with `#` are comments.
//!
//! ```text
//! load gauge system.load.1{host:a,env:prod} from 0 every 10 interval 10: 1 2 _ 4x3
//! host a: region:eu                    tags of a host
//! clear                                forgets all data
//! window 0 60 [every 20]               seconds, the end belongs to no bucket; and the length of buckets
//! variable env = environment: dev, test
//! query a avg: sum:m{*} by {host}      a named query with its scalar aggregator
//!
//! eval avg:system.load.1{*} by {host}  a text of queries; or: series FORMULA, scalar FORMULA, monitor TEXT
//!   host:a: 1.5 4 4                    one line for each series, `*` for no tags, `_` for no value
//! ```
//!
//! Other expectations: `nothing`; `fails: part of the message`; `times: 0 20 40` before the series;
//! `named: expression` after a series.

use std::fmt::Write;
use std::path::Path;

use galgo_core::MetricKind;
use galgo_query::reduce::Aggregator;
use galgo_query::request::{Answer, Context, Formula, FormulaRequest, NamedQuery, TextRequest};
use galgo_query::variables::{Variable, Variables};
use galgo_query::{QueryError, evaluate_scalar, evaluate_series, evaluate_text};

use super::data::{Data, RawSeries};
use super::source::BUDGET;

#[test]
fn scripts_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut failures = String::new();
    let mut checked = 0;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "galgo")) {
        let text = std::fs::read_to_string(path).unwrap();
        let mut script = Script::default();
        checked += script.run(&text, &path.file_name().unwrap().to_string_lossy(), &mut failures);
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(checked > 100, "{checked} expectations");
}

#[derive(Default)]
struct Script {
    data: Data,
    window: (i64, i64),
    interval: Option<i64>,
    variables: Vec<Variable>,
    queries: Vec<NamedQuery>,
}

impl Script {
    fn run(&mut self, text: &str, file: &str, failures: &mut String) -> usize {
        let lines: Vec<&str> = text.lines().collect();
        let mut checked = 0;
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].trim_end();
            let number = at + 1;
            at += 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            if !matches!(verb, "eval" | "series" | "scalar" | "monitor") {
                self.prepare(verb, rest).unwrap_or_else(|| panic!("{file}:{number}: cannot read {line}"));
                continue;
            }
            let expected_from = at;
            while at < lines.len() && lines[at].starts_with("  ") {
                at += 1;
            }
            let expected: Vec<&str> = lines[expected_from..at].iter().map(|line| line.trim()).collect();
            let actual = self.answer(verb, rest.trim(), expected.iter().any(|line| line.starts_with("times:")));
            checked += 1;
            if !agree(&expected, &actual) {
                let (expected, actual) = (expected.join("\n  "), actual.join("\n  "));
                let _ = write!(failures, "{file}:{number}: {line}\n expected\n  {expected}\n got\n  {actual}\n\n");
            }
        }
        checked
    }

    fn prepare(&mut self, verb: &str, rest: &str) -> Option<()> {
        match verb {
            "load" => self.data.series.push(load(rest)?),
            "clear" => *self = Self { window: self.window, interval: self.interval, ..Self::default() },
            "host" => {
                let (host, tags) = rest.split_once(':')?;
                self.data.host_tags.push((host.into(), tags.split(',').map(|tag| tag.trim().into()).collect()));
            }
            "window" => {
                let words: Vec<i64> = rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                self.window = (*words.first()?, *words.get(1)?);
                self.interval = words.get(2).copied();
            }
            "variable" => {
                let (name, rest) = rest.split_once('=')?;
                let (prefix, values) = rest.split_once(':')?;
                let prefix = Some(prefix.trim().to_owned()).filter(|prefix| !prefix.is_empty());
                let values = values.split(',').map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
                self.variables.push(Variable { name: name.trim().into(), prefix, values: values.collect() });
            }
            "query" => {
                let (head, text) = rest.split_once(": ")?;
                let (name, aggregator) = head.split_once(' ')?;
                self.queries.retain(|query| query.name != name);
                let aggregator = Aggregator::parse(aggregator)?;
                self.queries.push(NamedQuery { name: name.into(), text: text.trim().into(), aggregator });
            }
            _ => return None,
        }
        Some(())
    }

    fn answer(&self, verb: &str, text: &str, with_times: bool) -> Vec<String> {
        let variables = Variables::new(self.variables.clone());
        let (from, to) = self.window;
        let formulas = [Formula { text: text.into(), limit: None }];
        let request = FormulaRequest {
            queries: &self.queries,
            formulas: &formulas,
            from,
            to,
            interval: self.interval,
            variables: &variables,
            context: Context::Graph,
        };
        let result = match verb {
            "scalar" => return scalar(&self.data, &request),
            "series" => evaluate_series(&self.data, &request, &BUDGET),
            _ => {
                let context = if verb == "monitor" { Context::Monitor } else { Context::Graph };
                let text =
                    TextRequest { text, from, to: to - 1, interval: self.interval, variables: &variables, context };
                evaluate_text(&self.data, &text, &BUDGET)
            }
        };
        match result {
            Ok(answer) => shown(&answer, with_times),
            Err(error) => vec![failure(&error)],
        }
    }
}

fn failure(error: &QueryError) -> String {
    format!("fails: {error}")
}

fn scalar(data: &Data, request: &FormulaRequest<'_>) -> Vec<String> {
    match evaluate_scalar(data, request, &BUDGET) {
        Err(error) => vec![failure(&error)],
        Ok(answer) if answer.rows.is_empty() => vec!["nothing".into()],
        Ok(answer) => answer
            .rows
            .iter()
            .map(|row| {
                let tags: Vec<String> = answer
                    .keys
                    .iter()
                    .zip(&row.tags)
                    .map(|(key, tag)| format!("{key}:{}", tag.as_deref().unwrap_or("N/A")))
                    .collect();
                let tags = if tags.is_empty() { "*".into() } else { tags.join(",") };
                let values: Vec<String> = row.values.iter().map(|value| number(value.unwrap_or(f64::NAN))).collect();
                format!("{tags}: {}", values.join(" "))
            })
            .collect(),
    }
}

fn shown(answer: &Answer, with_times: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for series in &answer.series {
        if with_times {
            let times: Vec<String> = series.axis.starts.iter().map(ToString::to_string).collect();
            lines.push(format!("times: {}", times.join(" ")));
        }
        let tags = if series.tags.is_empty() { "*".into() } else { series.tag_set().join(",") };
        let values: Vec<String> = series.values.iter().copied().map(number).collect();
        lines.push(format!("{tags}: {}", values.join(" ")));
        lines.push(format!("named: {}", series.about.expression));
    }
    if lines.is_empty() { vec!["nothing".into()] } else { lines }
}

fn number(value: f64) -> String {
    if value.is_nan() { "_".into() } else { format!("{value}") }
}

/// Whether the lines agree; names and times count only where they are expected.
fn agree(expected: &[&str], actual: &[String]) -> bool {
    if let [only] = expected
        && let Some(part) = only.strip_prefix("fails:")
    {
        return actual.len() == 1 && actual[0].starts_with("fails:") && actual[0].contains(part.trim());
    }
    let wants_names = expected.iter().any(|line| line.starts_with("named:"));
    let actual: Vec<&String> = actual.iter().filter(|line| wants_names || !line.starts_with("named:")).collect();
    expected.len() == actual.len() && expected.iter().zip(actual).all(|(expected, actual)| same_line(expected, actual))
}

fn same_line(expected: &str, actual: &str) -> bool {
    if expected.starts_with("named:") || actual.starts_with("named:") {
        return expected == actual;
    }
    let (Some((tags, values)), Some((actual_tags, actual_values))) =
        (expected.rsplit_once(": "), actual.rsplit_once(": "))
    else {
        return expected == actual;
    };
    let (values, actual_values) = (expand(values), expand(actual_values));
    tags == actual_tags
        && values.len() == actual_values.len()
        && values.iter().zip(&actual_values).all(|(a, b)| match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(1.0),
            _ => false,
        })
}

/// `1 2x3 _` → 1, 2, 2, 2, nothing.
fn expand(text: &str) -> Vec<Option<f64>> {
    let mut values = Vec::new();
    for word in text.split_whitespace() {
        let (word, times) = word.split_once('x').map_or((word, 1), |(word, times)| (word, times.parse().unwrap()));
        let value = if word == "_" { None } else { Some(word.parse().unwrap_or_else(|_| panic!("no number: {word}"))) };
        values.extend(std::iter::repeat_n(value, times));
    }
    values
}

/// `gauge m{host:a,env:x} from 0 every 10 [interval 10]: 1 2 _`
fn load(text: &str) -> Option<RawSeries> {
    let (head, values) = text.rsplit_once(": ")?;
    let (kind, rest) = head.split_once(' ')?;
    let kind = match kind {
        "gauge" => MetricKind::Gauge,
        "count" => MetricKind::Count,
        "rate" => MetricKind::Rate,
        "distribution" => MetricKind::Distribution,
        _ => return None,
    };
    let (metric, rest) = rest.split_once('{')?;
    let (tags, rest) = rest.split_once('}')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1)?.parse::<i64>().ok()
    };
    let (from, every) = (option("from")?, option("every")?);
    let interval = option("interval").unwrap_or(0) as u32;
    let mut host = String::new();
    let mut own = Vec::new();
    for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
        match tag.strip_prefix("host:") {
            Some(name) if host.is_empty() => host = name.to_owned(),
            _ => own.push(tag.to_owned()),
        }
    }
    let points = expand(values).into_iter().enumerate();
    let points = points.filter_map(|(index, value)| Some((from + every * index as i64, value?))).collect();
    Some(RawSeries { metric: metric.into(), host, tags: own, kind, interval, points })
}
