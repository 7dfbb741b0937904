//! Lists of hosts as `/api/v1/hosts` and the infrastructure list want them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::hosts::Host;
use crate::{Catalog, Result};

/// What a host list is sorted by.
#[derive(Clone, Default)]
pub enum HostSort {
    /// Name.
    #[default]
    Name,
    /// Up before down.
    Status,
    /// Names of the apps.
    Apps,
    /// Last report.
    LastSeen,
    /// A number per host (cpu, iowait, load) that the caller takes from the metric store; hosts without one come last.
    Value(Arc<dyn Fn(&str) -> Option<f64> + Send + Sync>),
}

impl fmt::Debug for HostSort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "Name",
            Self::Status => "Status",
            Self::Apps => "Apps",
            Self::LastSeen => "LastSeen",
            Self::Value(_) => "Value",
        })
    }
}

/// Which hosts, in which order.
#[derive(Debug, Clone, Default)]
pub struct HostQuery {
    /// Terms separated by blanks or commas, all of which must hold. A term with a colon is a tag (`env:prod`,
    /// `host:web-*`), any other is looked for within name, aliases, apps and tags. `-term` or `!term` must not hold.
    pub filter: String,
    /// Seconds since the UNIX epoch: only hosts that reported since. `None`: within [`super::ACTIVE_SECONDS`].
    pub from: Option<i64>,
    /// Order.
    pub sort: HostSort,
    /// Largest first.
    pub descending: bool,
    /// How many to skip.
    pub start: usize,
    /// At most so many.
    pub count: usize,
}

/// One page of hosts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostPage {
    /// The hosts of this page.
    pub hosts: Vec<Host>,
    /// How many match in all.
    pub total_matching: usize,
}

/// Numbers of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostTotals {
    /// Reported since `from` (default: within [`super::ACTIVE_SECONDS`]).
    pub active: usize,
    /// Of those, up now.
    pub up: usize,
}

impl Catalog {
    /// One page of hosts. No SQL.
    pub fn hosts(&self, query: &HostQuery) -> HostPage {
        let _ = query;
        todo!()
    }
    /// One host by name or alias. No SQL.
    pub fn host(&self, name: &str) -> Option<Host> {
        let _ = name;
        todo!()
    }
    /// Numbers of hosts. No SQL.
    pub fn host_totals(&self, from: Option<i64>) -> HostTotals {
        let _ = from;
        todo!()
    }
    /// Names of hosts that contain `part` (any case), sorted, at most `limit`. No SQL.
    pub fn host_names(&self, part: &str, limit: usize) -> Vec<String> {
        let _ = (part, limit);
        todo!()
    }
    /// Metadata documents of some hosts: host -> kind -> document (kinds: [`super::report::kind`]).
    pub async fn host_metadata(&self, hosts: &[String]) -> Result<BTreeMap<String, BTreeMap<String, Value>>> {
        let _ = hosts;
        todo!()
    }
}
