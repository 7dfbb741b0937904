//! How many processes of a kind run, and what they use together (check `process`).

mod figures;
mod search;
mod table;
mod thresholds;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::collector::{Collector, collected};
use super::kernel::{CollectError, read_line};
use super::options::Options;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};
use figures::Figures;
use search::Search;
use table::{ProcessTable, Start};
use thresholds::Thresholds;

/// Process numbers with the start of each, which tells a process from a later one of the same number.
type Processes = BTreeMap<u32, Start>;

#[derive(Debug)]
struct Process {
    name: String,
    target: Target,
    /// Whether all descendants count too.
    children: bool,
    /// Only processes of this user, a name or a number.
    user: Option<String>,
    /// Whether files that may not be read go unmentioned.
    ignore_denied: bool,
    thresholds: Option<Thresholds>,
    figures: Figures,
}

/// How the processes are found.
#[derive(Debug)]
enum Target {
    Search(Search),
    Pid(u32),
    PidFile(PathBuf),
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let own = Options::of(instance);
    let missing = |what: &str| CheckError::new(instance.refuse(format!("{what} is missing")).to_string());
    let process = Process {
        name: own.text("name")?.ok_or_else(|| missing("name"))?,
        target: target(instance)?.ok_or_else(|| missing("one of search_string, pid and pid_file"))?,
        children: own.flag("collect_children", false)?,
        user: own.text("user")?,
        ignore_denied: own.flag("ignore_denied_access", true)?,
        thresholds: Thresholds::new(&own)?,
        figures: Figures::default(),
    };
    let mut context = context.clone();
    if let Some(path) = Options::init(instance).text("procfs_path")? {
        context.roots.proc = path.into();
    }
    Ok(collected(instance, &context, process))
}

fn target(instance: &Instance) -> Result<Option<Target>, CheckError> {
    let own = Options::of(instance);
    if let Some(search) = Search::new(instance)? {
        return Ok(Some(Target::Search(search)));
    }
    if let Some(value) = own.get("pid") {
        let pid = own.text("pid")?.and_then(|text| text.trim().parse().ok());
        return pid
            .map(|pid| Some(Target::Pid(pid)))
            .ok_or_else(|| own.refuse("pid", "the number of a process", value));
    }
    Ok(own.text("pid_file")?.map(|path| Target::PidFile(path.into())))
}

impl Collector for Process {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let table = ProcessTable::new(&context.roots);
        let mut processes = self.find(&table, context)?;
        if self.children {
            table.add_descendants(&mut processes)?;
        }
        if let Some(user) = &self.user {
            table.keep_those_of(user, &mut processes);
        }
        let tags = [format!("process_name:{}", self.name), self.name.clone()];
        let unreadable = self.figures.submit(&table, context, &processes, &tags, out)?;
        if unreadable > 0 && !self.ignore_denied {
            out.warn(format!("{unreadable} of {} processes do not let their files be read", processes.len()));
        }
        thresholds::submit(self.thresholds.as_ref(), &self.name, processes.len(), &tags, out);
        Ok(())
    }
}

impl Process {
    fn find(&mut self, table: &ProcessTable<'_>, context: &CheckContext) -> Result<Processes, CollectError> {
        let pid = match &mut self.target {
            Target::Search(search) => {
                return search.processes(table, context.clock.monotonic(), self.ignore_denied);
            }
            Target::Pid(pid) => Some(*pid),
            // Without the file the process does not run.
            Target::PidFile(path) => match read_line(path) {
                None => None,
                Some(text) => {
                    let first = text.lines().next().unwrap_or_default().trim();
                    let reason = format!("a process number was expected, not {first:?}");
                    let broken = |_| CollectError::Parse { path: path.clone(), reason };
                    Some(first.parse().map_err(broken)?)
                }
            },
        };
        Ok(pid.and_then(|pid| Some((pid, table.stat(pid).ok()?.start))).into_iter().collect())
    }
}
