//! What each processor did, in percent of its time (check `system_core`).

use super::collector::{Collector, collected};
use super::cpu_times::{CpuTimes, read_times};
use super::kernel::{CollectError, Roots, read_line};
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct SystemCore;

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    Ok(collected(instance, context, SystemCore))
}

impl Collector for SystemCore {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let (all, each) = read_times(&context.roots.read_proc("stat")?)?;
        out.gauge("system.core.count", each.len() as f64, &[]);
        for (number, times) in &each {
            let tags = [format!("core:{number}")];
            for (name, seconds) in named(times) {
                // The growth of seconds in a second, in percent.
                out.rate(format!("system.core.{name}"), seconds * 100.0, &tags);
            }
            if let Some(megahertz) = frequency(&context.roots, *number) {
                out.gauge("system.core.frequency", megahertz, &tags);
            }
        }
        for (name, seconds) in named(&all) {
            out.rate(format!("system.core.{name}.total"), seconds * 100.0 / each.len().max(1) as f64, &[]);
        }
        Ok(())
    }
}

fn named(times: &CpuTimes) -> [(&'static str, f64); 10] {
    [
        ("user", times.user),
        ("nice", times.nice),
        ("system", times.system),
        ("idle", times.idle),
        ("iowait", times.iowait),
        ("irq", times.irq),
        ("softirq", times.softirq),
        ("steal", times.steal),
        ("guest", times.guest),
        ("guest_nice", times.guest_nice),
    ]
}

/// Clock of a processor in MHz, where the kernel scales it.
fn frequency(roots: &Roots, number: usize) -> Option<f64> {
    let file = format!("devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq");
    let kilohertz: f64 = read_line(&roots.sys.join(file))?.parse().ok()?;
    Some(kilohertz / 1000.0)
}
