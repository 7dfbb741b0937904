//! Load averages, plain and divided by the number of processors (check `load`).

use super::collector::{Collector, collected};
use super::cpu_times::read_times;
use super::kernel::CollectError;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};

#[derive(Debug)]
struct Load;

const METRICS: [(&str, &str); 3] = [
    ("system.load.1", "system.load.norm.1"),
    ("system.load.5", "system.load.norm.5"),
    ("system.load.15", "system.load.norm.15"),
];

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    Ok(collected(instance, context, Load))
}

impl Collector for Load {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let loadavg = context.roots.read_proc("loadavg")?;
        let times = context.roots.read_proc("stat").and_then(|stat| read_times(&stat));
        let processors = times.map_or(0, |(_, each)| each.len());
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
