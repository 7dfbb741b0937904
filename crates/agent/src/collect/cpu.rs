//! Where the processors' time goes, as shares of one averaged processor (check `cpu`).

use super::{CollectError, Collector, Readings, Roots};

/// Jiffies since boot, summed over all processors, in the order of `/proc/stat`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CpuTimes {
    user: f64,
    nice: f64,
    system: f64,
    idle: f64,
    iowait: f64,
    irq: f64,
    softirq: f64,
    steal: f64,
    guest: f64,
}

impl CpuTimes {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(1).map(|field| field.parse::<f64>());
        // Old kernels lack the last fields; the first four were always there.
        let mut required = || fields.next()?.ok();
        let (user, nice, system, idle) = (required()?, required()?, required()?, required()?);
        let mut optional = || fields.next().and_then(Result::ok).unwrap_or(0.0);
        let (iowait, irq, softirq, steal, guest) = (optional(), optional(), optional(), optional(), optional());
        Some(Self { user, nice, system, idle, iowait, irq, softirq, steal, guest })
    }

    /// Growth since `before`; a field that went back (idle does on some virtual machines) counts as unmoved.
    fn since(&self, before: &Self) -> Self {
        let growth = |now: f64, then: f64| (now - then).max(0.0);
        Self {
            user: growth(self.user, before.user),
            nice: growth(self.nice, before.nice),
            system: growth(self.system, before.system),
            idle: growth(self.idle, before.idle),
            iowait: growth(self.iowait, before.iowait),
            irq: growth(self.irq, before.irq),
            softirq: growth(self.softirq, before.softirq),
            steal: growth(self.steal, before.steal),
            guest: growth(self.guest, before.guest),
        }
    }

    /// All time; guest time is already part of user time.
    fn total(&self) -> f64 {
        self.user + self.nice + self.system + self.idle + self.iowait + self.irq + self.softirq + self.steal
    }
}

/// The collector.
#[derive(Debug, Default)]
pub struct Cpu {
    last: Option<CpuTimes>,
}

impl Collector for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let stat = roots.read_proc("stat")?;
        let all = stat.text.lines().find(|line| line.starts_with("cpu "));
        let times = all.and_then(CpuTimes::parse).ok_or_else(|| stat.broken("no line `cpu` with four numbers"))?;
        out.gauge("system.cpu.num_cores", count_processors(&stat.text) as f64, &[]);
        let switches = stat.text.lines().find_map(|line| line.strip_prefix("ctxt "));
        if let Some(switches) = switches.and_then(|count| count.trim().parse().ok()) {
            out.monotonic_count("system.cpu.context_switches", switches, &[]);
        }
        if let Some(before) = self.last.replace(times) {
            emit_shares(&times.since(&before), out);
        }
        Ok(())
    }
}

fn emit_shares(spent: &CpuTimes, out: &mut Readings<'_>) {
    let total = spent.total();
    if total <= 0.0 {
        return;
    }
    let interrupts = spent.irq + spent.softirq;
    for (metric, jiffies) in [
        ("system.cpu.user", spent.user + spent.nice),
        ("system.cpu.system", spent.system + interrupts),
        ("system.cpu.interrupt", interrupts),
        ("system.cpu.iowait", spent.iowait),
        ("system.cpu.idle", spent.idle),
        ("system.cpu.stolen", spent.steal),
        ("system.cpu.guest", spent.guest),
    ] {
        out.gauge(metric, jiffies / total * 100.0, &[]);
    }
}

/// Number of processors that are on line, from the `cpuN` lines of `/proc/stat`.
pub(super) fn count_processors(stat: &str) -> usize {
    stat.lines()
        .filter(|line| line.strip_prefix("cpu").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit())))
        .count()
}
