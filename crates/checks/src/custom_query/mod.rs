//! Queries that users write themselves (`custom_queries`), for every database alike: what they say, when they are due
//! and how the rows that come back become samples. Which server is asked, and how, is the affair of the check.
//!
//! A mistake in one query is told in the status and leaves the others alone.

use std::time::Duration;

use galgo_agent::check::{Instance, Samples, is_affirmative};
use serde_json::Value;

use crate::options::scalar_text;

mod column;

use column::Column;

/// Rows of one query as text; a database's own types do not matter here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Table {
    /// Names of the columns as the server gave them.
    pub(crate) columns: Vec<String>,
    /// The rows, one cell for each column; `None` is NULL.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Whether rows are missing because there were more than [`MAX_ROWS`] or [`MAX_BYTES`].
    pub(crate) cut: bool,
}

/// Most rows of one query that are kept.
pub(crate) const MAX_ROWS: usize = 20_000;

/// Most bytes of one result that are kept, so that a thoughtless query cannot fill the host's memory.
pub(crate) const MAX_BYTES: usize = 8 << 20;

impl Table {
    /// Adds a row unless the bounds are reached; `bytes` counts what is kept.
    pub(crate) fn push(&mut self, row: Vec<Option<String>>, bytes: &mut usize) {
        let size: usize =
            row.iter().flatten().map(String::len).sum::<usize>() + row.len() * size_of::<Option<String>>();
        if self.rows.len() >= MAX_ROWS || *bytes + size > MAX_BYTES {
            self.cut = true;
            return;
        }
        *bytes += size;
        self.rows.push(row);
    }

    /// Position of a column, whatever its case.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))
    }

    /// The text at a position; `None` for NULL and for a cell that is not there.
    pub(crate) fn text(row: &[Option<String>], at: usize) -> Option<&str> {
        row.get(at).and_then(Option::as_deref)
    }
}

/// A number from a cell: also truth values as PostgreSQL writes them.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    match text {
        "t" | "true" => Some(1.0),
        "f" | "false" => Some(0.0),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// One query with the meaning of its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomQuery {
    /// How messages call it.
    pub(crate) name: String,
    /// What is asked.
    pub(crate) sql: String,
    columns: Vec<Option<Column>>,
    tags: Vec<String>,
    interval: Option<Duration>,
    last_run: Option<Duration>,
}

/// The queries of an instance, and what is wrong with those that are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CustomQueries {
    /// Queries that can be run.
    pub(crate) queries: Vec<CustomQuery>,
    /// One sentence for each query that cannot.
    pub(crate) problems: Vec<String>,
}

impl CustomQueries {
    /// Reads `custom_queries` of an instance and `global_custom_queries` of its `init_config`, which count when the
    /// instance has none of its own, or in addition with `use_global_custom_queries: extend`. Metric names are put
    /// behind `default_prefix` and a dot unless the query has its own `metric_prefix`; an empty prefix adds nothing.
    pub(crate) fn of(instance: &Instance, default_prefix: &str) -> Self {
        let mut found = Self::default();
        let list = |map: &Value, key: &str| match map.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list.clone()),
            Some(other) => Err(format!("{key} must be a list, not {other}")),
        };
        let mut read = |map: &Value, key: &str| {
            list(map, key).unwrap_or_else(|problem| {
                found.problems.push(problem);
                Vec::new()
            })
        };
        let mut wanted = read(&instance.options, "custom_queries");
        let globals = read(&instance.init_config, "global_custom_queries");
        let choice = instance.options.get("use_global_custom_queries");
        let extends = choice.and_then(Value::as_str) == Some("extend");
        if extends || (wanted.is_empty() && choice.is_none_or(is_affirmative)) {
            wanted.extend(globals);
        }
        for (index, query) in wanted.iter().enumerate() {
            match CustomQuery::parse(query, index + 1, default_prefix) {
                Ok(query) => found.queries.push(query),
                Err(problem) => found.problems.push(problem),
            }
        }
        found
    }
}

impl CustomQuery {
    /// Reads one query; the error names it and the key that is wrong.
    pub(crate) fn parse(query: &Value, number: usize, default_prefix: &str) -> Result<Self, String> {
        let text = |key: &str| query.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = text("name").map_or_else(|| format!("custom query #{number}"), str::to_owned);
        let sql = text("query").ok_or_else(|| format!("{name}: query is missing or not a text"))?.to_owned();
        let prefix = query.get("metric_prefix").and_then(Value::as_str).unwrap_or(default_prefix);
        let prefix = prefix.trim_end_matches('.');
        let Some(Value::Array(columns)) = query.get("columns") else {
            return Err(format!("{name}: columns must be a list with one entry for each column of the result"));
        };
        let mut parsed = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let problem = |problem: String| format!("{name}: column {}: {problem}", index + 1);
            parsed.push(Column::parse(column, prefix).map_err(problem)?);
        }
        if query.get("extras").is_some_and(|extras| !extras.is_null()) {
            return Err(format!("{name}: extras are not known; compute the value in the query itself"));
        }
        let tags = match query.get("tags") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(tags)) => tags.iter().filter_map(scalar_text).collect(),
            Some(other) => return Err(format!("{name}: tags must be a list, not {other}")),
        };
        let interval = match query.get("collection_interval") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let seconds = scalar_text(value).and_then(|text| text.parse().ok());
                let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let expected = || format!("{name}: collection_interval must be a number of seconds, not {value}");
                Some(interval.filter(|interval| !interval.is_zero()).ok_or_else(expected)?)
            }
        };
        Ok(Self { name, sql, columns: parsed, tags, interval, last_run: None })
    }

    /// Whether it should run in the check's run at `now`; a query that is due counts as run.
    pub(crate) fn due(&mut self, now: Duration) -> bool {
        let due = match (self.interval, self.last_run) {
            (Some(interval), Some(last)) => now.saturating_sub(last) >= interval,
            _ => true,
        };
        if due {
            self.last_run = Some(now);
        }
        due
    }

    /// Submits what the rows say, with the check's tags.
    pub(crate) fn submit(&self, table: &Table, tags: &[String], out: &mut Samples) {
        if table.cut {
            out.warn(format!("{}: only the first {} rows are read", self.name, table.rows.len()));
        }
        if !table.rows.is_empty() && table.columns.len() != self.columns.len() {
            let (expected, got) = (self.columns.len(), table.columns.len());
            out.warn(format!("{}: the result has {got} columns, but the configuration lists {expected}", self.name));
            return;
        }
        let mut odd = None;
        for row in &table.rows {
            if let Err(problem) = self.submit_row(row, tags, out) {
                odd.get_or_insert(problem);
            }
        }
        if let Some(problem) = odd {
            out.warn(format!("{}: {problem}", self.name));
        }
    }

    fn submit_row(&self, row: &[Option<String>], tags: &[String], out: &mut Samples) -> Result<(), String> {
        let mut row_tags = tags.to_vec();
        row_tags.extend(self.tags.iter().cloned());
        for (column, cell) in self.columns.iter().zip(row) {
            if let Some(column) = column {
                column.tag(cell.as_deref(), &mut row_tags);
            }
        }
        let source = |name: &str| {
            let position = self.columns.iter().position(|column| column.as_ref().is_some_and(|c| c.name == name));
            position.and_then(|at| Table::text(row, at))
        };
        let mut result = Ok(());
        for (column, cell) in self.columns.iter().zip(row) {
            if let (Some(column), Some(cell)) = (column, cell) {
                let submitted = column.submit(cell, &source, &row_tags, out);
                result = result.and(submitted);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests;
