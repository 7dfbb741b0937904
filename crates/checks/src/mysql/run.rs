//! One run over a connection that answers: what its parts share.

use std::collections::HashMap;

use galgo_agent::check::Samples;

use super::config::Config;
use super::metrics::Metric;
use super::session::{QueryError, Session};
use super::version::Version;
use crate::custom_query::{Table, number};

/// Status and system variables by name, with those that were worked out.
#[derive(Debug, Default)]
pub(super) struct Variables(HashMap<String, String>);

impl Variables {
    /// Takes the rows of a SHOW statement; later ones replace earlier ones.
    pub(super) fn extend(&mut self, table: Table) {
        for row in table.rows {
            let mut cells = row.into_iter();
            if let (Some(Some(name)), Some(Some(value))) = (cells.next(), cells.next()) {
                self.0.insert(name, value);
            }
        }
    }

    /// The text of a variable.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A variable as a number; `None` for a text.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        number(self.text(name)?)
    }

    /// Whether a variable is `ON`.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("on") || value.trim() == "1")
    }

    /// Adds a number that the server does not have as a variable.
    pub(super) fn add_missing(&mut self, name: &str, value: f64) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), value.to_string());
        }
    }
}

/// What one run works with.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) session: &'a mut Session,
    pub(super) out: &'a mut Samples,
    /// Tags of every metric.
    pub(super) tags: Vec<String>,
    /// Tags of service checks.
    pub(super) check_tags: Vec<String>,
    pub(super) version: Version,
    pub(super) variables: Variables,
}

impl Run<'_> {
    /// Asks; what is refused becomes a warning with a hint what to grant, and the run goes on.
    pub(super) async fn ask(&mut self, what: &str, sql: &str, grant: &str) -> Option<Table> {
        match self.session.query(sql).await {
            Ok(table) => {
                if table.cut {
                    self.out.warn(format!("{what}: only the first {} rows are read", table.rows.len()));
                }
                Some(table)
            }
            // The end of the run says so.
            Err(QueryError::Lost(_)) => None,
            Err(error) if error.is_denied() && !grant.is_empty() => {
                self.out.warn(format!("{what}: {error}; grant {grant} to the user of this check"));
                None
            }
            Err(error) => {
                self.out.warn(format!("{what}: {error}"));
                None
            }
        }
    }

    /// Submits the metrics of a list whose variables are there.
    pub(super) fn submit(&mut self, metrics: &[Metric]) {
        for Metric(kind, metric, variable) in metrics {
            if let Some(value) = self.variables.number(variable) {
                self.out.submit(*kind, *metric, value, &self.tags);
            }
        }
    }

    /// Tags of a metric with some of its own.
    pub(super) fn tags_with<'t>(&self, own: impl IntoIterator<Item = (&'t str, &'t str)>) -> Vec<String> {
        let mut tags = self.tags.clone();
        tags.extend(own.into_iter().map(|(key, value)| format!("{key}:{value}")));
        tags
    }
}
