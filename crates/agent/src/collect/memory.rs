//! Memory and swap in MiB (check `memory`).

use std::collections::HashMap;

use super::{CollectError, Collector, Readings, Roots};

const KIB_PER_MIB: f64 = 1024.0;

/// Metrics that are one line of `/proc/meminfo`.
const PLAIN: [(&str, &str); 12] = [
    ("system.mem.total", "MemTotal"),
    ("system.mem.free", "MemFree"),
    ("system.mem.cached", "Cached"),
    ("system.mem.buffered", "Buffers"),
    ("system.mem.shared", "Shmem"),
    ("system.mem.slab", "Slab"),
    ("system.mem.slab_reclaimable", "SReclaimable"),
    ("system.mem.page_tables", "PageTables"),
    ("system.mem.commit_limit", "CommitLimit"),
    ("system.mem.committed_as", "Committed_AS"),
    ("system.swap.total", "SwapTotal"),
    ("system.swap.free", "SwapFree"),
];

/// The collector.
#[derive(Debug)]
pub struct Memory {
    /// Bytes of a page, the unit of `/proc/vmstat`.
    page_bytes: f64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { page_bytes: rustix::param::page_size() as f64 }
    }
}

impl Memory {
    /// A collector for a machine with pages of `page_bytes`.
    #[cfg(test)]
    pub(super) fn with_page_bytes(page_bytes: f64) -> Self {
        Self { page_bytes }
    }
}

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let meminfo = roots.read_proc("meminfo")?;
        let kib = meminfo.numbers_by_key();
        if !kib.contains_key("MemTotal") {
            return Err(meminfo.broken("no line `MemTotal`"));
        }
        for (metric, key) in PLAIN {
            if let Some(value) = kib.get(key) {
                out.gauge(metric, value / KIB_PER_MIB, &[]);
            }
        }
        emit_derived(&kib, out);
        // Without swap counters (some containers) the memory metrics stand.
        let Ok(vmstat) = roots.read_proc("vmstat") else { return Ok(()) };
        let pages = vmstat.numbers_by_key();
        for (metric, key) in [("system.swap.swap_in", "pswpin"), ("system.swap.swap_out", "pswpout")] {
            if let Some(moved) = pages.get(key) {
                out.rate(metric, moved * self.page_bytes / (1024.0 * 1024.0), &[]);
            }
        }
        Ok(())
    }
}

fn emit_derived(kib: &HashMap<&str, f64>, out: &mut Readings<'_>) {
    let get = |key: &str| kib.get(key).copied();
    let (total, free) = (get("MemTotal").unwrap_or(0.0), get("MemFree").unwrap_or(0.0));
    out.gauge("system.mem.used", (total - free) / KIB_PER_MIB, &[]);
    // Kernels before 3.14 do not estimate what is usable; this sum is what people used then.
    let reclaimable = || free + get("Buffers").unwrap_or(0.0) + get("Cached").unwrap_or(0.0);
    let usable = get("MemAvailable").unwrap_or_else(reclaimable);
    out.gauge("system.mem.usable", usable / KIB_PER_MIB, &[]);
    if total > 0.0 {
        out.gauge("system.mem.pct_usable", usable / total, &[]);
    }
    if let (Some(total), Some(free)) = (get("SwapTotal"), get("SwapFree")) {
        out.gauge("system.swap.used", (total - free) / KIB_PER_MIB, &[]);
        // A machine without swap has all of it free.
        out.gauge("system.swap.pct_free", if total > 0.0 { free / total } else { 1.0 }, &[]);
    }
    if let Some(cached) = get("SwapCached") {
        out.gauge("system.swap.cached", cached / KIB_PER_MIB, &[]);
    }
}
