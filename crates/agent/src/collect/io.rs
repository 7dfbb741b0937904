//! Requests, throughput and latency of block devices (check `io`, the figures of `iostat -x`).

use std::collections::HashMap;
use std::time::Duration;

use super::collector::{Collector, collected};
use super::diskstats::DeviceCounters;
use super::kernel::{CollectError, Roots, read_line};
use super::labels::Labels;
use super::options::Options;
use super::pattern::{At, Pattern, patterns};
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

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

#[derive(Debug)]
struct Io {
    last: Option<(Duration, HashMap<String, Work>)>,
    /// Devices that are left out (`device_exclude_re`).
    excluded: Vec<Pattern>,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let keys = ["device_exclude_re", "device_blacklist_re"];
    let mut excluded = patterns(&Options::of(instance), &keys, At::Anywhere, false)?;
    excluded.extend(patterns(&Options::init(instance), &keys, At::Anywhere, false)?);
    Ok(collected(instance, context, Io { last: None, excluded }))
}

impl Collector for Io {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let roots = &context.roots;
        let diskstats = roots.read_proc("diskstats")?;
        let now = context.clock.monotonic();
        let labels = Labels::read(roots);
        let mut current = HashMap::new();
        for device in DeviceCounters::parse_all(&diskstats.text) {
            if self.excluded.iter().any(|pattern| pattern.matches(device.name)) {
                continue;
            }
            let tags = device_tags(device.name, &labels, roots);
            out.rate("system.io.r_s", device.reads as f64, &tags);
            out.rate("system.io.w_s", device.writes as f64, &tags);
            out.rate("system.io.rrqm_s", device.reads_merged as f64, &tags);
            out.rate("system.io.wrqm_s", device.writes_merged as f64, &tags);
            let work = Work::of(&device);
            if let Some((then, before)) = &self.last
                && let Some(before) = before.get(device.name)
            {
                submit_work(&work.since(before), now.saturating_sub(*then).as_secs_f64(), &tags, out);
            }
            current.insert(device.name.to_owned(), work);
        }
        self.last = Some((now, current));
        submit_paging(roots, out);
        Ok(())
    }
}

/// The label is the device mapper's name or else that of the file system.
fn device_tags(name: &str, labels: &Labels, roots: &Roots) -> Vec<String> {
    let mut tags = vec![format!("device:{name}"), format!("device_name:{name}")];
    let mapped = read_line(&roots.sys.join("block").join(name).join("dm/name"));
    if let Some(label) = mapped.as_deref().or_else(|| labels.of(name, roots)) {
        tags.push(format!("device_label:{label}"));
    }
    tags
}

/// Submits what a device did in `seconds`; figures are rounded to two decimals, as Datadog's are.
fn submit_work(work: &Work, seconds: f64, tags: &[String], out: &mut Samples) {
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
fn submit_paging(roots: &Roots, out: &mut Samples) {
    let Ok(vmstat) = roots.read_proc("vmstat") else { return };
    let numbers = vmstat.numbers_by_key();
    for (metric, key) in [("system.io.block_in", "pgpgin"), ("system.io.block_out", "pgpgout")] {
        if let Some(&kib) = numbers.get(key) {
            out.rate(metric, kib, &[]);
        }
    }
}

/// Growth of a kernel counter that is 32 or 64 bits wide and may have started again from 0.
fn growth_with_wrap(now: u64, before: u64) -> u64 {
    if now >= before {
        return now - before;
    }
    // A 32-bit counter cannot have stood above 2^32; one that did must be 64 bits wide.
    if before <= u64::from(u32::MAX) { now + (u64::from(u32::MAX) - before) + 1 } else { now.wrapping_sub(before) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_counters_wrap() {
        assert_eq!(growth_with_wrap(10, 4), 6);
        assert_eq!(growth_with_wrap(5, u64::from(u32::MAX) - 4), 10);
        assert_eq!(growth_with_wrap(5, u64::MAX - 4), 10);
    }
}
