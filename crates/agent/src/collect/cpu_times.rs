//! Processor times of `/proc/stat`.

use super::kernel::{CollectError, KernelFile};

/// Seconds since boot by what a processor did, in the kernel's order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct CpuTimes {
    pub(super) user: f64,
    pub(super) nice: f64,
    pub(super) system: f64,
    pub(super) idle: f64,
    pub(super) iowait: f64,
    pub(super) irq: f64,
    pub(super) softirq: f64,
    pub(super) steal: f64,
    pub(super) guest: f64,
    pub(super) guest_nice: f64,
}

impl CpuTimes {
    /// The fields behind `cpu` or `cpu3`. Old kernels lack the last ones; the first four were always there.
    fn parse(fields: &str, ticks_per_second: f64) -> Option<Self> {
        let mut fields = fields.split_ascii_whitespace().map(|field| field.parse::<f64>());
        let mut required = || Some(fields.next()?.ok()? / ticks_per_second);
        let (user, nice, system, idle) = (required()?, required()?, required()?, required()?);
        let mut optional = || required().unwrap_or(0.0);
        Some(Self {
            user,
            nice,
            system,
            idle,
            iowait: optional(),
            irq: optional(),
            softirq: optional(),
            steal: optional(),
            guest: optional(),
            guest_nice: optional(),
        })
    }

    /// Everything a processor did; guests are part of `user` and `nice`.
    pub(super) fn total(&self) -> f64 {
        self.user + self.nice + self.system + self.idle + self.iowait + self.irq + self.softirq + self.steal
    }

    /// What was spent since an earlier moment. The kernel lets `iowait` fall now and then, which counts as nothing.
    pub(super) fn since(&self, before: &Self) -> Self {
        let spent = |now: f64, before: f64| (now - before).max(0.0);
        Self {
            user: spent(self.user, before.user),
            nice: spent(self.nice, before.nice),
            system: spent(self.system, before.system),
            idle: spent(self.idle, before.idle),
            iowait: spent(self.iowait, before.iowait),
            irq: spent(self.irq, before.irq),
            softirq: spent(self.softirq, before.softirq),
            steal: spent(self.steal, before.steal),
            guest: spent(self.guest, before.guest),
            guest_nice: spent(self.guest_nice, before.guest_nice),
        }
    }
}

/// Times of all processors together and of each one that is on line, in the order of their numbers.
pub(super) fn read_times(stat: &KernelFile) -> Result<(CpuTimes, Vec<(usize, CpuTimes)>), CollectError> {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut all = None;
    let mut each = Vec::new();
    // The processors' lines are the first of the file.
    for line in stat.text.lines().map_while(|line| line.strip_prefix("cpu")) {
        let Some((number, fields)) = line.split_once(' ') else { continue };
        match (number.parse(), CpuTimes::parse(fields, ticks)) {
            (Err(_), times) if number.is_empty() => all = times,
            (Ok(number), Some(times)) => each.push((number, times)),
            _ => {}
        }
    }
    let all = all.ok_or_else(|| stat.broken("no line `cpu` with four numbers"))?;
    Ok((all, each))
}
