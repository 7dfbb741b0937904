//! Seconds since boot (check `uptime`).

use super::{CollectError, Collector, Readings, Roots};

/// The collector.
#[derive(Debug, Default)]
pub struct Uptime;

impl Collector for Uptime {
    fn name(&self) -> &'static str {
        "uptime"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let uptime = roots.read_proc("uptime")?;
        let seconds = uptime.text.split_ascii_whitespace().next().and_then(|first| first.parse::<f64>().ok());
        // Whole seconds, as the kernel's own interface gives them.
        out.gauge("system.uptime", seconds.ok_or_else(|| uptime.broken("no number"))?.floor(), &[]);
        Ok(())
    }
}
