//! Memory and swap in MiB (check `memory`).

use std::collections::HashMap;

use super::collector::{Collector, collected};
use super::kernel::CollectError;
use super::options::Options;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

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

/// Counters of `/proc/vmstat` that grow when memory runs short.
const PRESSURE: [(&str, &str); 4] = [
    ("system.mem.pgscan_direct", "pgscan_direct"),
    ("system.mem.pgsteal_direct", "pgsteal_direct"),
    ("system.mem.pgscan_kswapd", "pgscan_kswapd"),
    ("system.mem.pgsteal_kswapd", "pgsteal_kswapd"),
];

#[derive(Debug)]
struct Memory {
    /// Bytes of a page, the unit of `/proc/vmstat`.
    page_bytes: f64,
    /// Whether counters of memory pressure are wanted (`collect_memory_pressure`).
    pressure: bool,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let pressure = Options::of(instance).flag("collect_memory_pressure", false)?;
    Ok(collected(instance, context, Memory { page_bytes: rustix::param::page_size() as f64, pressure }))
}

impl Collector for Memory {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let meminfo = context.roots.read_proc("meminfo")?;
        let kib = meminfo.numbers_by_key();
        if !kib.contains_key("MemTotal") {
            return Err(meminfo.broken("no line `MemTotal`"));
        }
        for (metric, key) in PLAIN {
            if let Some(value) = kib.get(key) {
                out.gauge(metric, value / KIB_PER_MIB, &[]);
            }
        }
        submit_derived(&kib, out);
        // Without swap counters (some containers) the memory metrics stand.
        let Ok(vmstat) = context.roots.read_proc("vmstat") else { return Ok(()) };
        let counters = vmstat.numbers_by_key();
        for (metric, key) in [("system.swap.swap_in", "pswpin"), ("system.swap.swap_out", "pswpout")] {
            if let Some(pages) = counters.get(key) {
                out.rate(metric, pages * self.page_bytes / (1024.0 * 1024.0), &[]);
            }
        }
        if self.pressure {
            submit_pressure(&counters, out);
        }
        Ok(())
    }
}

fn submit_derived(kib: &HashMap<&str, f64>, out: &mut Samples) {
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

fn submit_pressure(counters: &HashMap<&str, f64>, out: &mut Samples) {
    for (key, &stalls) in counters {
        if let Some(zone) = key.strip_prefix("allocstall_") {
            out.monotonic_count("system.mem.allocstall", stalls, &[format!("zone:{zone}")]);
        }
    }
    for (metric, key) in PRESSURE {
        if let Some(&pages) = counters.get(key) {
            out.monotonic_count(metric, pages, &[]);
        }
    }
}
