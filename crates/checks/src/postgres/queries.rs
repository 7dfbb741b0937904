//! How a server is asked, and what the columns of its answers become.

use galgo_agent::check::{SampleKind, Samples};

use super::config::Config;
use super::session::{QueryError, Session};
use crate::custom_query::{Table, number};

use super::statements::QUERIES;

use Column::{Metric, Tag};
use On::Any;

/// What a column of a result becomes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// A tag; NULL is left out.
    Tag(&'static str),
    /// A metric behind `postgresql.`.
    Metric(SampleKind, &'static str),
}

/// Servers of which a query is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// Every one.
    Any,
    /// Those that follow another one.
    Standby,
}

/// One query.
#[derive(Debug)]
pub(super) struct Query {
    /// How messages call it.
    pub(super) what: &'static str,
    /// First and last major release that knows it.
    pub(super) releases: (u32, u32),
    pub(super) on: On,
    pub(super) sql: &'static str,
    pub(super) columns: &'static [Column],
}

/// What one run works with.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) session: &'a mut Session,
    pub(super) out: &'a mut Samples,
    /// Tags of metrics of the whole server.
    pub(super) server_tags: Vec<String>,
    /// Major release, such as 15.
    pub(super) release: u32,
    pub(super) standby: bool,
}

impl Run<'_> {
    /// Asks; what is refused becomes a warning, and the run goes on.
    pub(super) async fn ask(&mut self, what: &str, sql: &str) -> Option<Table> {
        match self.session.query(sql).await {
            Ok(table) => {
                if table.cut {
                    self.out.warn(format!("{what}: only the first {} rows are read", table.rows.len()));
                }
                Some(table)
            }
            // The end of the run says so.
            Err(QueryError::Lost(_)) => None,
            Err(error @ QueryError::Denied(_)) => {
                self.out.warn(format!("{what}: {error}; grant pg_monitor to the user of this check"));
                None
            }
            Err(error) => {
                self.out.warn(format!("{what}: {error}"));
                None
            }
        }
    }

    /// Asks and submits, with the tag of the check's database where the rows are about it.
    pub(super) async fn submit(&mut self, what: &str, sql: &str, columns: &[Column], of_database: bool) {
        let Some(table) = self.ask(what, sql).await else { return };
        let mut tags = self.server_tags.clone();
        if of_database {
            tags.push(format!("db:{}", self.config.database));
        }
        submit(&table, columns, &tags, self.out);
    }
}

/// Submits rows.
pub(super) fn submit(table: &Table, columns: &[Column], tags: &[String], out: &mut Samples) {
    for row in &table.rows {
        let mut row_tags = tags.to_vec();
        for (at, column) in columns.iter().enumerate() {
            if let (Tag(key), Some(text)) = (column, Table::text(row, at)) {
                let text = match *key {
                    // Truth values are one letter in the server's text form.
                    "granted" | "fastpath" => {
                        if text == "t" {
                            "true"
                        } else {
                            "false"
                        }
                    }
                    _ => text,
                };
                row_tags.push(format!("{key}:{text}"));
            }
        }
        for (at, column) in columns.iter().enumerate() {
            if let (Metric(kind, metric), Some(value)) = (column, Table::text(row, at).and_then(number)) {
                out.submit(*kind, format!("postgresql.{metric}"), value, &row_tags);
            }
        }
    }
}

/// Asks everything that the server's release and role allow.
pub(super) async fn collect(run: &mut Run<'_>) {
    for query in QUERIES {
        let (first, last) = query.releases;
        let here = query.on == Any || run.standby;
        if here && (first..=last).contains(&run.release) {
            run.submit(query.what, query.sql, query.columns, false).await;
        }
    }
}
