//! Load averages, plain and divided by the number of processors (check `load`).

use super::cpu::count_processors;
use super::{CollectError, Collector, Readings, Roots};

/// The collector.
#[derive(Debug, Default)]
pub struct Load;

const METRICS: [(&str, &str); 3] = [
    ("system.load.1", "system.load.norm.1"),
    ("system.load.5", "system.load.norm.5"),
    ("system.load.15", "system.load.norm.15"),
];

impl Collector for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn collect(&mut self, roots: &Roots, out: &mut Readings<'_>) -> Result<(), CollectError> {
        let loadavg = roots.read_proc("loadavg")?;
        let processors = roots.read_proc("stat").map_or(0, |stat| count_processors(&stat.text));
        let mut averages = loadavg.text.split_ascii_whitespace().map(str::parse::<f64>);
        for (plain, normalised) in METRICS {
            let average =
                averages.next().and_then(Result::ok).ok_or_else(|| loadavg.broken("fewer than three averages"))?;
            out.gauge(plain, average, &[]);
            if processors > 0 {
                out.gauge(normalised, average / processors as f64, &[]);
            }
        }
        Ok(())
    }
}
