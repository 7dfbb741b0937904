//! Requests, throughput and latency of block devices (check `io`, the figures of `iostat -x`).

use std::collections::HashMap;
use std::time::Duration;

use super::disk::labels_by_device;
use super::diskstats::DeviceCounters;
use super::kernel::{CollectError, Roots};
use super::readings::growth_with_wrap;
use super::{Collector, Readings};

const SECTOR_BYTES: f64 = 512.0;

/// What differences are taken of, kept from one run to the next.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    reads: u64,
    writes: u64,
    sectors_read: u64,
    sectors_written: u64,
    read_ms: u64,
    write_ms: u64,
    busy_ms: u64,
    weighted_ms: u64,
}

impl Work {
    fn of(device: &DeviceCounters<'_>) -> Self {
        Self {
            reads: device.reads,
            writes: device.writes,
            sectors_read: device.sectors_read,
            sectors_written: device.sectors_written,
            read_ms: device.read_ms,
            write_ms: device.write_ms,
            busy_ms: device.busy_ms,
            weighted_ms: device.weighted_ms,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            reads: growth_with_wrap(self.reads, before.reads),
            writes: growth_with_wrap(self.writes, before.writes),
            sectors_read: growth_with_wrap(self.sectors_read, before.sectors_read),
            sectors_written: growth_with_wrap(self.sectors_written, before.sectors_written),
            read_ms: growth_with_wrap(self.read_ms, before.read_ms),
            write_ms: growth_with_wrap(self.write_ms, before.write_ms),
            busy_ms: growth_with_wrap(self.busy_ms, before.busy_ms),
            weighted_ms: growth_with_wrap(self.weighted_ms, before.weighted_ms),
        }
    }
}

/// The collector.
#[derive(Debug, Default)]
pub struct Io {
    last: Option<(Duration, HashMap<String, Work>)>,
}

impl Collector for Io {
    fn name(&self) -> &'static str {
        "io"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let diskstats = roots.read_proc("diskstats")?;
        let labels = labels_by_device(roots);
        let now = out.moment().monotonic;
        let mut current = HashMap::new();
        for device in DeviceCounters::parse_all(&diskstats.text) {
            let tags = device_tags(device.name, &labels);
            out.rate("system.io.r_s", device.reads as f64, &tags);
            out.rate("system.io.w_s", device.writes as f64, &tags);
            out.rate("system.io.rrqm_s", device.reads_merged as f64, &tags);
            out.rate("system.io.wrqm_s", device.writes_merged as f64, &tags);
            let work = Work::of(&device);
            if let Some((then, before)) = &self.last
                && let Some(before) = before.get(device.name)
            {
                emit_work(&work.since(before), now.saturating_sub(*then).as_secs_f64(), &tags, out);
            }
            current.insert(device.name.to_owned(), work);
        }
        self.last = Some((now, current));
        emit_paging(roots, out);
        Ok(())
    }
}

fn device_tags(name: &str, labels: &HashMap<String, String>) -> Vec<String> {
    let mut tags = vec![format!("device:{name}"), format!("device_name:{name}")];
    if let Some(label) = labels.get(name) {
        tags.push(format!("device_label:{label}"));
    }
    tags
}

/// Emits what a device did in `seconds`; figures are rounded to two decimals, as Datadog's are.
fn emit_work(work: &Work, seconds: f64, tags: &[String], out: &mut Readings<'_>) {
    if seconds <= 0.0 {
        return;
    }
    let per = |amount: u64, requests: u64| if requests > 0 { amount as f64 / requests as f64 } else { 0.0 };
    let requests = work.reads + work.writes;
    let kib = |sectors: u64| sectors as f64 * SECTOR_BYTES / 1024.0;
    for (metric, value) in [
        ("system.io.rkb_s", kib(work.sectors_read) / seconds),
        ("system.io.wkb_s", kib(work.sectors_written) / seconds),
        ("system.io.avg_rq_sz", per(work.sectors_read + work.sectors_written, requests)),
        // The division of milliseconds by 1024 is Datadog's; dashboards are built on it.
        ("system.io.avg_q_sz", work.weighted_ms as f64 / 1024.0 / seconds),
        ("system.io.await", per(work.read_ms + work.write_ms, requests)),
        ("system.io.r_await", per(work.read_ms, work.reads)),
        ("system.io.w_await", per(work.write_ms, work.writes)),
        ("system.io.svctm", per(work.busy_ms, requests)),
        ("system.io.util", work.busy_ms as f64 / 10.0 / seconds),
    ] {
        out.gauge(metric, (value * 100.0).round() / 100.0, tags);
    }
}

/// KiB paged in and out, of the whole machine.
fn emit_paging(roots: &Roots, out: &mut Readings<'_>) {
    let Ok(vmstat) = roots.read_proc("vmstat") else { return };
    let numbers = vmstat.numbers_by_key();
    for (metric, key) in [("system.io.block_in", "pgpgin"), ("system.io.block_out", "pgpgout")] {
        if let Some(&kib) = numbers.get(key) {
            out.rate(metric, kib, &[]);
        }
    }
}
