//! What processes use together.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::Processes;
use super::table::{ProcessTable, Start, Stat};
use crate::check::{CheckContext, Samples};
use crate::collect::cpu_times::read_times;
use crate::collect::kernel::{CollectError, Roots};

/// Figures of `/proc/PID/io` by the metric that their sum is.
const IO: [(&str, &str); 4] = [
    ("system.processes.ioread_count", "syscr"),
    ("system.processes.iowrite_count", "syscw"),
    ("system.processes.ioread_bytes", "read_bytes"),
    ("system.processes.iowrite_bytes", "write_bytes"),
];

/// Figures of `/proc/PID/status`.
const SWITCHES: [(&str, &str); 2] = [
    ("system.processes.voluntary_ctx_switches", "voluntary_ctxt_switches"),
    ("system.processes.involuntary_ctx_switches", "nonvoluntary_ctxt_switches"),
];

/// Sums that also come as a count of their growth.
const COUNTED: [(&str, &str); 2] = [
    ("system.processes.ioread_bytes", "system.processes.ioread_bytes_count"),
    ("system.processes.iowrite_bytes", "system.processes.iowrite_bytes_count"),
];

/// What is kept of each process for its processor time.
#[derive(Debug)]
struct Ran {
    start: Start,
    ticks: f64,
    at: Duration,
}

/// Figures of processes from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Figures {
    ran: HashMap<u32, Ran>,
}

/// What holds for the whole machine.
struct Machine {
    page_bytes: f64,
    ticks_per_second: f64,
    memory_bytes: Option<f64>,
    processors: usize,
    /// Seconds since boot.
    uptime: Option<f64>,
}

impl Machine {
    fn read(roots: &Roots) -> Result<Self, CollectError> {
        let (_, processors) = read_times(&roots.read_proc("stat")?)?;
        let meminfo = roots.read_proc("meminfo").ok();
        let kib = meminfo.and_then(|file| file.numbers_by_key().get("MemTotal").copied());
        let uptime = roots.read_proc("uptime").ok();
        Ok(Self {
            page_bytes: rustix::param::page_size() as f64,
            ticks_per_second: rustix::param::clock_ticks_per_second() as f64,
            memory_bytes: kib.map(|kib| kib * 1024.0),
            processors: processors.len(),
            uptime: uptime.and_then(|file| file.text.split_ascii_whitespace().next()?.parse().ok()),
        })
    }
}

/// Sums over processes; a figure that no process gives does not appear.
#[derive(Default)]
struct Sums {
    gauges: BTreeMap<&'static str, f64>,
    rates: BTreeMap<&'static str, f64>,
    ages: Vec<f64>,
    unreadable: usize,
}

impl Sums {
    fn add(&mut self, metric: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            *self.gauges.entry(metric).or_default() += value;
        }
    }
}

impl Figures {
    /// Submits what the processes use. Returns how many of them keep some of their files from being read.
    pub(super) fn submit(
        &mut self,
        table: &ProcessTable<'_>,
        context: &CheckContext,
        processes: &Processes,
        tags: &[String],
        out: &mut Samples,
    ) -> Result<usize, CollectError> {
        let machine = Machine::read(&context.roots)?;
        self.ran.retain(|pid, ran| processes.get(pid).is_some_and(|start| *start == ran.start));
        let mut sums = Sums::default();
        for &pid in processes.keys() {
            // One that ended meanwhile has nothing to say.
            if let Ok(stat) = table.stat(pid) {
                self.add(table, pid, &stat, &machine, context.clock.monotonic(), &mut sums);
            }
        }
        out.gauge("system.processes.number", processes.len() as f64, tags);
        submit_sums(&sums, tags, out);
        Ok(sums.unreadable)
    }

    fn add(
        &mut self,
        table: &ProcessTable<'_>,
        pid: u32,
        stat: &Stat,
        machine: &Machine,
        now: Duration,
        sums: &mut Sums,
    ) {
        sums.add("system.processes.threads", Some(stat.threads));
        let used = self.processor_percent(pid, stat, machine, now);
        sums.add("system.processes.cpu.pct", used);
        if machine.processors > 0 {
            sums.add("system.processes.cpu.normalized_pct", used.map(|percent| percent / machine.processors as f64));
        }
        for (metric, faults) in [
            ("system.processes.mem.page_faults.minor_faults", stat.minor_faults),
            ("system.processes.mem.page_faults.children_minor_faults", stat.children_minor_faults),
            ("system.processes.mem.page_faults.major_faults", stat.major_faults),
            ("system.processes.mem.page_faults.children_major_faults", stat.children_major_faults),
        ] {
            *sums.rates.entry(metric).or_default() += faults;
        }
        sums.ages.extend(machine.uptime.map(|uptime| (uptime - stat.start as f64 / machine.ticks_per_second).max(0.0)));
        add_memory(table, pid, machine, sums);
        add_files(table, pid, sums);
    }

    /// Processor time since the last run in percent of one processor; nothing for a process that is new.
    fn processor_percent(&mut self, pid: u32, stat: &Stat, machine: &Machine, now: Duration) -> Option<f64> {
        let ran = Ran { start: stat.start, ticks: stat.ticks, at: now };
        let before = self.ran.insert(pid, ran).filter(|before| before.start == stat.start)?;
        let elapsed = now.saturating_sub(before.at).as_secs_f64();
        let seconds = (stat.ticks - before.ticks).max(0.0) / machine.ticks_per_second;
        (elapsed > 0.0).then(|| seconds / elapsed * 100.0)
    }
}

/// `/proc/PID/statm`: pages of all memory, in memory, shared.
fn add_memory(table: &ProcessTable<'_>, pid: u32, machine: &Machine, sums: &mut Sums) {
    let Ok(statm) = table.file(pid, "statm") else { return };
    let pages: Vec<f64> = statm.text.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    let &[all, resident, shared, ..] = pages.as_slice() else { return };
    sums.add("system.processes.mem.vms", Some(all * machine.page_bytes));
    sums.add("system.processes.mem.rss", Some(resident * machine.page_bytes));
    sums.add("system.processes.mem.real", Some((resident - shared) * machine.page_bytes));
    let percent = machine.memory_bytes.map(|bytes| resident * machine.page_bytes / bytes * 100.0);
    sums.add("system.processes.mem.pct", percent);
}

/// What only the process's own user and root may see is left out.
fn add_files(table: &ProcessTable<'_>, pid: u32, sums: &mut Sums) {
    if let Ok(status) = table.file(pid, "status") {
        let numbers = status.numbers_by_key();
        SWITCHES.iter().for_each(|(metric, key)| sums.add(metric, numbers.get(key).copied()));
    }
    let open_files = table.open_files(pid);
    let io = table.file(pid, "io");
    sums.unreadable += usize::from(open_files.is_none() || io.is_err());
    sums.add("system.processes.open_file_descriptors", open_files);
    if let Ok(io) = io {
        let numbers = io.numbers_by_key();
        IO.iter().for_each(|(metric, key)| sums.add(metric, numbers.get(key).copied()));
    }
}

fn submit_sums(sums: &Sums, tags: &[String], out: &mut Samples) {
    for (metric, &value) in &sums.gauges {
        out.gauge(*metric, value, tags);
    }
    for (gauge, count) in COUNTED {
        if let Some(&bytes) = sums.gauges.get(gauge) {
            out.monotonic_count(count, bytes, tags);
        }
    }
    for (metric, &value) in &sums.rates {
        out.rate(*metric, value, tags);
    }
    if !sums.ages.is_empty() {
        let extreme = |pick: fn(f64, f64) -> f64| sums.ages.iter().copied().reduce(pick).unwrap_or_default();
        out.gauge("system.processes.run_time.avg", sums.ages.iter().sum::<f64>() / sums.ages.len() as f64, tags);
        out.gauge("system.processes.run_time.max", extreme(f64::max), tags);
        out.gauge("system.processes.run_time.min", extreme(f64::min), tags);
    }
}
