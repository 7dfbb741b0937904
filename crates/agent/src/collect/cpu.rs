//! Where the processors' time goes, as shares of one averaged processor (check `cpu`).

use super::collector::{Collector, collected};
use super::cpu_times::{CpuTimes, read_times};
use super::kernel::CollectError;
use super::options::Options;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct Cpu {
    last: Option<CpuTimes>,
    /// Whether the seconds of each processor are wanted (`report_total_percpu`).
    each: bool,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let each = Options::of(instance).flag("report_total_percpu", false)?;
    Ok(collected(instance, context, Cpu { last: None, each }))
}

impl Collector for Cpu {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let stat = context.roots.read_proc("stat")?;
        let (times, each) = read_times(&stat)?;
        out.gauge("system.cpu.num_cores", each.len() as f64, &[]);
        let switches = stat.text.lines().find_map(|line| line.strip_prefix("ctxt "));
        if let Some(switches) = switches.and_then(|count| count.trim().parse().ok()) {
            out.monotonic_count("system.cpu.context_switches", switches, &[]);
        }
        if let Some(before) = self.last.replace(times) {
            submit_shares(&times.since(&before), out);
        }
        if self.each {
            each.iter().for_each(|(number, times)| submit_seconds(*number, times, out));
        }
        Ok(())
    }
}

fn submit_shares(spent: &CpuTimes, out: &mut Samples) {
    let total = spent.total();
    if total <= 0.0 {
        return;
    }
    let interrupts = spent.irq + spent.softirq;
    for (metric, seconds) in [
        ("system.cpu.user", spent.user + spent.nice),
        ("system.cpu.system", spent.system + interrupts),
        ("system.cpu.interrupt", interrupts),
        ("system.cpu.iowait", spent.iowait),
        ("system.cpu.idle", spent.idle),
        ("system.cpu.stolen", spent.steal),
        ("system.cpu.guest", spent.guest),
    ] {
        out.gauge(metric, seconds / total * 100.0, &[]);
    }
}

fn submit_seconds(number: usize, times: &CpuTimes, out: &mut Samples) {
    let tags = [format!("core:cpu{number}")];
    for (metric, seconds) in [
        ("system.cpu.user.total", times.user),
        ("system.cpu.nice.total", times.nice),
        ("system.cpu.system.total", times.system),
        ("system.cpu.idle.total", times.idle),
        ("system.cpu.iowait.total", times.iowait),
        ("system.cpu.irq.total", times.irq),
        ("system.cpu.softirq.total", times.softirq),
        ("system.cpu.steal.total", times.steal),
        ("system.cpu.guest.total", times.guest),
        ("system.cpu.guestnice.total", times.guest_nice),
    ] {
        out.gauge(metric, seconds, &tags);
    }
}
