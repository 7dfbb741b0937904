//! Finds processes by name or command line. What was found is kept for a while: a search reads files of every process.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::Processes;
use super::table::{ProcessTable, Stat, is_denied};
use crate::check::{CheckError, Instance};
use crate::collect::kernel::CollectError;
use crate::collect::options::Options;
use crate::collect::pattern::{At, Pattern, patterns};

/// Stands for every process.
const ALL: &str = "All";

/// Seconds that what was found is kept (`pid_cache_duration`), and processes that may not be looked at
/// (`access_denied_cache_duration`).
const KEEP_S: f64 = 120.0;

#[derive(Debug)]
pub(super) struct Search {
    wanted: Wanted,
    keep: Duration,
    keep_denied: Duration,
    /// What was found, and when.
    found: Option<(Duration, Processes)>,
    /// Processes that may not be looked at, and since when.
    denied: (Duration, HashSet<u32>),
}

#[derive(Debug)]
enum Wanted {
    All,
    /// The name is one of these (`exact_match`).
    Names(Vec<String>),
    /// The command line matches one of these.
    Commands(Vec<Pattern>),
}

impl Search {
    /// `None` when the instance does not search.
    pub(super) fn new(instance: &Instance) -> Result<Option<Self>, CheckError> {
        let (own, init) = (Options::of(instance), Options::init(instance));
        let texts = own.texts("search_string")?;
        if texts.is_empty() {
            return Ok(None);
        }
        let wanted = if texts.iter().any(|text| text == ALL) {
            Wanted::All
        } else if own.flag("exact_match", true)? {
            Wanted::Names(texts)
        } else {
            Wanted::Commands(patterns(&own, &["search_string"], At::Anywhere, false)?)
        };
        let keep = own.number("pid_cache_duration", init.number("pid_cache_duration", KEEP_S)?)?;
        let keep_denied = init.number("access_denied_cache_duration", KEEP_S)?;
        let seconds = |number: f64| Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX);
        Ok(Some(Self {
            wanted,
            keep: seconds(keep),
            keep_denied: seconds(keep_denied),
            found: None,
            denied: (Duration::ZERO, HashSet::new()),
        }))
    }

    /// The processes, searched for anew when it is time to, when one of them is gone, and when there were none.
    pub(super) fn processes(
        &mut self,
        table: &ProcessTable<'_>,
        now: Duration,
        ignore_denied: bool,
    ) -> Result<Processes, CollectError> {
        if let Some((at, found)) = &self.found
            && now.saturating_sub(*at) < self.keep
            && !found.is_empty()
            && found.iter().all(|(&pid, start)| table.stat(pid).is_ok_and(|stat| stat.start == *start))
        {
            return Ok(found.clone());
        }
        self.found = None;
        let found = self.search(table, now, ignore_denied)?;
        self.found = Some((now, found.clone()));
        Ok(found)
    }

    fn search(
        &mut self,
        table: &ProcessTable<'_>,
        now: Duration,
        ignore_denied: bool,
    ) -> Result<Processes, CollectError> {
        if now.saturating_sub(self.denied.0) >= self.keep_denied {
            self.denied = (now, HashSet::new());
        }
        let mut found = BTreeMap::new();
        for pid in table.pids()? {
            if self.denied.1.contains(&pid) {
                continue;
            }
            let looked_at = table.stat(pid).and_then(|stat| Ok((self.wanted.includes(table, pid, &stat)?, stat.start)));
            match looked_at {
                Ok((true, start)) => drop(found.insert(pid, start)),
                Ok((false, _)) => {}
                Err(error) if is_denied(&error) => {
                    if !ignore_denied {
                        return Err(error);
                    }
                    self.denied.1.insert(pid);
                }
                // It ended while it was looked at.
                Err(_) => {}
            }
        }
        Ok(found)
    }
}

impl Wanted {
    fn includes(&self, table: &ProcessTable<'_>, pid: u32, stat: &Stat) -> Result<bool, CollectError> {
        match self {
            Self::All => Ok(true),
            Self::Names(names) => Ok(names.contains(&table.name(pid, stat)?)),
            Self::Commands(patterns) => {
                let command = table.command_line(pid)?;
                Ok(patterns.iter().any(|pattern| pattern.matches(&command)))
            }
        }
    }
}
