//! The kernel's table of tracked connections: its size and limits, and with `conntrack_path` what happened to it.

use crate::check::{CheckError, Samples};
use crate::collect::kernel::{Roots, read_line};
use crate::collect::options::Options;
use crate::collect::pattern::{At, Filter, patterns};

const FILE_PREFIX: &str = "nf_conntrack_";

/// Columns of the kernel's statistics under the names that the tool `conntrack -S` gives them.
const STATISTICS: [(&str, &str); 11] = [
    ("found", "found"),
    ("invalid", "invalid"),
    ("ignore", "ignore"),
    ("insert", "insert"),
    ("insert_failed", "insert_failed"),
    ("drop", "drop"),
    ("early_drop", "early_drop"),
    ("icmp_error", "error"),
    ("search_restart", "search_restart"),
    ("clashres", "clash_resolve"),
    ("chaintoolong", "chaintoolong"),
];

#[derive(Debug)]
pub(super) struct Conntrack {
    /// Which files of `net.netfilter.nf_conntrack_*` are read.
    files: Filter,
    /// Whether statistics of each processor are wanted. `conntrack_path` switches them on; the tool is not run, as
    /// the kernel's own file says the same.
    statistics: bool,
}

impl Conntrack {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, CheckError> {
        let listed = |key| patterns(options, &[key], At::Anywhere, false);
        let (mut include, exclude) = (listed("whitelist_conntrack_metrics")?, listed("blacklist_conntrack_metrics")?);
        if include.is_empty() && exclude.is_empty() {
            for name in ["max", "count"] {
                include.push(crate::collect::pattern::Pattern::new(options, "", name, At::Whole, false)?);
            }
        }
        Ok(Self { files: Filter { include, exclude }, statistics: options.text("conntrack_path")?.is_some() })
    }

    pub(super) fn submit(&self, roots: &Roots, out: &mut Samples) {
        // A kernel that tracks no connections has no such folder.
        if let Ok(files) = std::fs::read_dir(roots.proc.join("sys/net/netfilter")) {
            for file in files.flatten() {
                let file_name = file.file_name();
                let name = file_name.to_str().and_then(|name| name.strip_prefix(FILE_PREFIX));
                let Some(name) = name.filter(|name| self.files.passes(name)) else { continue };
                if let Some(value) = read_line(&file.path()).and_then(|text| text.parse().ok()) {
                    out.gauge(format!("system.net.conntrack.{name}"), value, &[]);
                }
            }
        }
        if self.statistics {
            submit_statistics(roots, out);
        }
    }
}

/// One line of hexadecimal numbers for each processor, below a line of names.
fn submit_statistics(roots: &Roots, out: &mut Samples) {
    let Ok(file) = roots.read_host_proc("net/stat/nf_conntrack") else { return };
    let mut lines = file.text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split_ascii_whitespace().collect();
    for (processor, line) in lines.enumerate() {
        let tags = [format!("cpu:{processor}")];
        for (name, value) in names.iter().zip(line.split_ascii_whitespace()) {
            let metric = STATISTICS.iter().find(|(column, _)| column == name);
            if let (Some((_, metric)), Ok(value)) = (metric, u64::from_str_radix(value, 16)) {
                out.monotonic_count(format!("system.net.conntrack.{metric}"), value as f64, &tags);
            }
        }
    }
}
