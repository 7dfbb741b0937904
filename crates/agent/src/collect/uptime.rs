//! Seconds since boot (check `uptime`).

use super::collector::{Collector, collected};
use super::kernel::CollectError;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct Uptime;

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    Ok(collected(instance, context, Uptime))
}

impl Collector for Uptime {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let uptime = context.roots.read_proc("uptime")?;
        let seconds = uptime.text.split_ascii_whitespace().next().and_then(|first| first.parse::<f64>().ok());
        // Whole seconds, as the kernel's own interface gives them.
        out.gauge("system.uptime", seconds.ok_or_else(|| uptime.broken("no number"))?.floor(), &[]);
        Ok(())
    }
}
