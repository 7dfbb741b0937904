//! Traffic of network interfaces, counters of the IP, TCP and UDP stacks, states of connections and the kernel's table
//! of tracked connections (check `network`).

mod conntrack;
mod interfaces;
mod protocols;
mod sockets;

use super::collector::{Collector, collected};
use super::kernel::CollectError;
use super::options::Options;
use super::pattern::{At, Pattern, patterns};
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};
use conntrack::Conntrack;
use protocols::Counts;
use sockets::Sockets;

/// Interfaces that carry no traffic of the outside; left out unless a file says which ones are.
const LOOPBACK: [&str; 2] = ["lo", "lo0"];

/// Options that this agent does not know how to serve.
const UNSERVED: [&str; 2] = ["collect_ethtool_metrics", "collect_aws_ena_metrics"];

#[derive(Debug)]
struct Network {
    excluded: Vec<String>,
    excluded_re: Vec<Pattern>,
    rates: bool,
    counts: Counts,
    /// `None` unless states of connections are wanted.
    sockets: Option<Sockets>,
    conntrack: Conntrack,
    warnings: Vec<String>,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let own = Options::of(instance);
    let built_in = instance.source.path.as_os_str().is_empty();
    let excluded = match own.get("excluded_interfaces") {
        None if built_in => LOOPBACK.map(str::to_owned).to_vec(),
        _ => own.texts("excluded_interfaces")?,
    };
    let mut warnings = Vec::new();
    for key in UNSERVED {
        if own.flag(key, false)? {
            warnings.push(format!("{key} has no effect: this agent does not read the statistics of drivers"));
        }
    }
    let network = Network {
        excluded,
        excluded_re: patterns(&own, &["excluded_interface_re"], At::Start, false)?,
        rates: own.flag("collect_rate_metrics", true)?,
        counts: Counts::new(&own)?,
        sockets: Sockets::new(&own)?,
        conntrack: Conntrack::new(&own)?,
        warnings,
    };
    Ok(collected(instance, context, network))
}

impl Network {
    fn wants(&self, interface: &str) -> bool {
        let excluded = self.excluded.iter().any(|name| name == interface)
            || self.excluded_re.iter().any(|pattern| pattern.matches(interface));
        !excluded
    }
}

impl Collector for Network {
    fn collect(&mut self, context: &CheckContext, out: &mut Samples) -> Result<(), CollectError> {
        let roots = &context.roots;
        out.warnings.extend_from_slice(&self.warnings);
        interfaces::submit_traffic(roots, |name| self.wants(name), out)?;
        interfaces::submit_attributes(roots, out);
        protocols::submit(roots, self.rates, self.counts, out);
        self.conntrack.submit(roots, out);
        match &self.sockets {
            Some(sockets) => sockets.submit(roots, out),
            None => Ok(()),
        }
    }
}
