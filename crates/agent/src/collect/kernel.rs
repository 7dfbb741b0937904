//! Reads the kernel's text files (`/proc`, `/sys`) and asks file systems how full they are. The roots are injectable:
//! tests run on fixture trees, and a containerised agent reads the host's `/host/proc`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::CheckError;

/// Most bytes read of one kernel file; `/proc` files have no size of their own.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Why a collector could not measure.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A kernel file could not be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A kernel file does not look as expected.
    #[error("cannot understand {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
}

/// How full a mounted file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeUsage {
    /// Size in bytes.
    pub total: u64,
    /// Bytes that nobody uses, the part reserved for root included.
    pub free: u64,
    /// Bytes that an unprivileged user may still write.
    pub available: u64,
    /// Number of inodes, 0 when the file system has no such limit.
    pub inodes: u64,
    /// Inodes that nobody uses.
    pub inodes_free: u64,
}

/// Asks a mounted file system for its usage. May block for long when a network file system is gone.
pub trait Volumes: Send + Sync + std::fmt::Debug {
    /// Usage of the file system mounted at `mount_point`.
    fn usage(&self, mount_point: &Path) -> io::Result<VolumeUsage>;
}

/// `statvfs(2)` of this machine.
#[derive(Debug)]
pub struct MachineVolumes;

impl Volumes for MachineVolumes {
    fn usage(&self, mount_point: &Path) -> io::Result<VolumeUsage> {
        let stat = rustix::fs::statvfs(mount_point)?;
        let block = if stat.f_frsize > 0 { stat.f_frsize } else { stat.f_bsize };
        Ok(VolumeUsage {
            total: stat.f_blocks.saturating_mul(block),
            free: stat.f_bfree.saturating_mul(block),
            available: stat.f_bavail.saturating_mul(block),
            inodes: stat.f_files,
            inodes_free: stat.f_ffree,
        })
    }
}

/// Where the kernel's files of the observed machine are found.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Normally `/proc`.
    pub proc: PathBuf,
    /// Normally `/sys`.
    pub sys: PathBuf,
    /// Normally `/dev`.
    pub dev: PathBuf,
    /// Normally `/etc`.
    pub etc: PathBuf,
    /// Usage of mounted file systems.
    pub volumes: Arc<dyn Volumes>,
}

impl Roots {
    /// This machine.
    pub fn machine() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
            dev: "/dev".into(),
            etc: "/etc".into(),
            volumes: Arc::new(MachineVolumes),
        }
    }

    /// A tree with `proc`, `sys`, `dev` and `etc` below one folder.
    pub fn below(folder: &Path, volumes: Arc<dyn Volumes>) -> Self {
        Self {
            proc: folder.join("proc"),
            sys: folder.join("sys"),
            dev: folder.join("dev"),
            etc: folder.join("etc"),
            volumes,
        }
    }

    /// A file below `/proc` as text.
    pub fn read_proc(&self, file: &str) -> Result<KernelFile, CollectError> {
        KernelFile::read(self.proc.join(file))
    }

    /// A file of the whole host that the kernel shows for each process, such as `mounts` and `net/dev`.
    pub(super) fn read_host_proc(&self, file: &str) -> Result<KernelFile, CollectError> {
        KernelFile::read(host_process_file(self, file))
    }

    /// Calls `each` with every line of such a file, however long the file is.
    pub(super) fn host_proc_lines(&self, file: &str, mut each: impl FnMut(&str)) -> Result<(), CollectError> {
        let path = host_process_file(self, file);
        let unreadable = |reason| CollectError::Read { path: path.clone(), reason };
        let mut reader = BufReader::new(File::open(&path).map_err(unreadable)?);
        let mut line = String::new();
        // The kernel's own lines are short and end; nothing here grows with the file.
        while reader.read_line(&mut line).map_err(unreadable)? > 0 {
            each(&line);
            line.clear();
        }
        Ok(())
    }
}

impl From<CollectError> for CheckError {
    fn from(error: CollectError) -> Self {
        Self::new(error.to_string())
    }
}

/// The file of a process that stands for the whole host: in a container that sees the host's `/proc` elsewhere, the
/// agent's own process (`self`) lives in other mount and network namespaces than the host's first one.
fn host_process_file(roots: &Roots, file: &str) -> PathBuf {
    let first = roots.proc.join("1").join(file);
    if roots.proc != Path::new("/proc") && File::open(&first).is_ok() {
        return first;
    }
    roots.proc.join(file)
}

/// The text of a kernel file with its path, for error messages.
#[derive(Debug)]
pub struct KernelFile {
    path: PathBuf,
    /// Content; bytes that are no UTF-8 are replaced.
    pub text: String,
}

impl KernelFile {
    /// Reads a file, at most 8 MiB of it.
    pub fn read(path: PathBuf) -> Result<Self, CollectError> {
        match read_bounded(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(reason) => Err(CollectError::Read { path, reason }),
        }
    }

    /// An error about this file.
    pub fn broken(&self, reason: impl Into<String>) -> CollectError {
        CollectError::Parse { path: self.path.clone(), reason: reason.into() }
    }

    /// The numbers of a file of `key value` or `key: value kB` lines, such as `meminfo` and `vmstat`.
    pub fn numbers_by_key(&self) -> HashMap<&str, f64> {
        let pair = |line| {
            let mut words = str::split_ascii_whitespace(line);
            let key = words.next()?.trim_end_matches(':');
            Some((key, words.next()?.parse().ok()?))
        };
        self.text.lines().filter_map(pair).collect()
    }

    /// The numbers of a file of paired lines `Tcp: name name…` and `Tcp: value value…`, by `(protocol, name)`.
    pub fn numbers_by_header(&self) -> HashMap<(&str, &str), f64> {
        let mut numbers = HashMap::new();
        let mut lines = self.text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let (Some((protocol, names)), Some((_, values))) = (names.split_once(':'), values.split_once(':')) else {
                continue;
            };
            for (name, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
                if let Ok(value) = value.parse() {
                    numbers.insert((protocol, name), value);
                }
            }
        }
        numbers
    }
}

/// A small file as text, without trailing white space; `None` when it cannot be read.
pub fn read_line(path: &Path) -> Option<String> {
    let text = read_bounded(path).ok()?;
    Some(text.trim().to_owned())
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> KernelFile {
        KernelFile { path: "file".into(), text: text.into() }
    }

    #[test]
    fn key_value_files_are_read() {
        let meminfo = file("MemTotal:       16384 kB\nHugePages_Total:   0\nbroken\nAlso: no number\n");
        let numbers = meminfo.numbers_by_key();
        assert_eq!(numbers.len(), 2);
        assert_eq!(numbers["MemTotal"], 16384.0);
    }

    #[test]
    fn paired_lines_are_read() {
        let snmp = file("Tcp: MaxConn InSegs\nTcp: -1 12\nUdp: InDatagrams\nUdp: 5\nTail: x\n");
        let numbers = snmp.numbers_by_header();
        assert_eq!(numbers[&("Tcp", "MaxConn")], -1.0);
        assert_eq!(numbers[&("Udp", "InDatagrams")], 5.0);
        assert_eq!(numbers.len(), 3);
    }

    #[test]
    fn a_missing_file_is_named() {
        let roots = Roots::below(Path::new("/nonexistent"), Arc::new(MachineVolumes));
        let error = roots.read_proc("stat").unwrap_err().to_string();
        assert!(error.starts_with("cannot read /nonexistent/proc/stat: "), "{error}");
    }

    #[test]
    fn this_machine_has_a_root_file_system() {
        let usage = MachineVolumes.usage(Path::new("/")).unwrap();
        assert!(usage.total >= usage.free && usage.free >= usage.available);
    }
}
