//! Reads what the kernel says of single processes (`/proc/PID`).

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::Processes;
use crate::collect::kernel::{CollectError, KernelFile, Roots};

/// When a process started, in the kernel's ticks since boot.
pub(super) type Start = u64;

/// The kernel shows this many bytes of a process's name.
const SHORT_NAME_BYTES: usize = 15;

/// The processes of a machine.
#[derive(Debug)]
pub(super) struct ProcessTable<'a> {
    roots: &'a Roots,
}

/// `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stat {
    pub(super) parent: u32,
    pub(super) start: Start,
    pub(super) threads: f64,
    /// Ticks that it ran, in user and in kernel mode.
    pub(super) ticks: f64,
    pub(super) minor_faults: f64,
    pub(super) children_minor_faults: f64,
    pub(super) major_faults: f64,
    pub(super) children_major_faults: f64,
    short_name: String,
}

impl Stat {
    /// `1234 (name) S PARENT …`; the name may hold anything, blanks and parentheses too.
    fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse::<f64>().ok();
        Some(Self {
            short_name: head.split_once('(')?.1.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            minor_faults: number(7)?,
            children_minor_faults: number(8)?,
            major_faults: number(9)?,
            children_major_faults: number(10)?,
            ticks: number(11)? + number(12)?,
            threads: number(17)?,
            start: fields.get(19)?.parse().ok()?,
        })
    }
}

impl<'a> ProcessTable<'a> {
    pub(super) fn new(roots: &'a Roots) -> Self {
        Self { roots }
    }

    /// Numbers of all processes, in no order.
    pub(super) fn pids(&self) -> Result<Vec<u32>, CollectError> {
        let unreadable = |reason| CollectError::Read { path: self.roots.proc.clone(), reason };
        let entries = std::fs::read_dir(&self.roots.proc).map_err(unreadable)?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }

    pub(super) fn stat(&self, pid: u32) -> Result<Stat, CollectError> {
        let file = self.file(pid, "stat")?;
        Stat::parse(&file.text).ok_or_else(|| file.broken("fewer fields than every kernel writes"))
    }

    /// A file of a process.
    pub(super) fn file(&self, pid: u32, name: &str) -> Result<KernelFile, CollectError> {
        KernelFile::read(self.path(pid, name))
    }

    /// Name of the program; the kernel cuts it short, the command line has all of it.
    pub(super) fn name(&self, pid: u32, stat: &Stat) -> Result<String, CollectError> {
        if stat.short_name.len() >= SHORT_NAME_BYTES {
            let command = self.file(pid, "cmdline")?.text;
            let program = command.split('\0').next().unwrap_or_default();
            let base = program.rsplit('/').next().unwrap_or_default();
            if base.starts_with(&stat.short_name) {
                return Ok(base.to_owned());
            }
        }
        Ok(stat.short_name.clone())
    }

    /// The command line with blanks between the arguments; empty for threads of the kernel.
    pub(super) fn command_line(&self, pid: u32) -> Result<String, CollectError> {
        let text = self.file(pid, "cmdline")?.text;
        Ok(text.trim_end_matches('\0').replace('\0', " "))
    }

    /// Number of open files, `None` when they may not be seen.
    pub(super) fn open_files(&self, pid: u32) -> Option<f64> {
        Some(std::fs::read_dir(self.path(pid, "fd")).ok()?.count() as f64)
    }

    /// Adds the descendants of the processes.
    pub(super) fn add_descendants(&self, processes: &mut Processes) -> Result<(), CollectError> {
        let mut children: HashMap<u32, Vec<(u32, Start)>> = HashMap::new();
        for pid in self.pids()? {
            if let Ok(stat) = self.stat(pid) {
                children.entry(stat.parent).or_default().push((pid, stat.start));
            }
        }
        let mut parents: Vec<u32> = processes.keys().copied().collect();
        while let Some(parent) = parents.pop() {
            for (pid, start) in children.remove(&parent).unwrap_or_default() {
                if processes.insert(pid, start).is_none() {
                    parents.push(pid);
                }
            }
        }
        Ok(())
    }

    /// Drops the processes of other users. Names are looked up in `/etc/passwd`; a number is taken as it is.
    pub(super) fn keep_those_of(&self, user: &str, processes: &mut Processes) {
        let passwd = KernelFile::read(self.roots.etc.join("passwd")).map(|file| file.text).unwrap_or_default();
        let entry = |line: &str| {
            let mut fields = line.split(':');
            (fields.next()? == user).then(|| fields.nth(1).map(str::to_owned)).flatten()
        };
        let wanted = passwd.lines().find_map(entry).unwrap_or_else(|| user.to_owned());
        processes.retain(|&pid, _| self.user_of(pid).is_some_and(|number| number == wanted));
    }

    fn user_of(&self, pid: u32) -> Option<String> {
        let status = self.file(pid, "status").ok()?;
        let line = status.text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_ascii_whitespace().next().map(str::to_owned)
    }

    fn path(&self, pid: u32, name: &str) -> PathBuf {
        self.roots.proc.join(pid.to_string()).join(name)
    }
}

/// Whether a file may not be read; a process that is gone is no such case.
pub(super) fn is_denied(error: &CollectError) -> bool {
    matches!(error, CollectError::Read { reason, .. } if reason.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 0 10 11 12 13 14 15 16 17 20 0 3 0 500 1000 10";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.short_name.as_str(), stat.parent, stat.start, stat.threads), ("a) b (c)", 1, 500, 3.0));
        assert_eq!((stat.ticks, stat.minor_faults, stat.children_major_faults), (29.0, 10.0, 13.0));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_back(name in "[ -~]{1,15}") {
            let text = format!("7 ({name}) S 1 7 7 0 -1 0 10 11 12 13 14 15 16 17 20 0 3 0 500 1000 10");
            assert_eq!(Stat::parse(&text).map(|stat| stat.short_name), Some(name));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = Stat::parse(&text);
        }
    }
}
